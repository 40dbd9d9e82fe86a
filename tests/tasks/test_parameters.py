"""The parameters of AnyShotClassifier: what is in range, and which of them need items."""

from dataclasses import replace

import numpy as np
import pytest

from anyshot import AnyShotClassifier
from anyshot.any_shot.defaults import DEFAULTS
from anyshot.any_shot.training_set import without_items
from anyshot.errors import ClassesError, InputError, NotEnoughLabelsError
from anyshot.tasks.parameters import (
    check_needs_no_items,
    check_parameters,
    class_shares,
    doubts_about_shares,
    drawn_by_plan,
    expected_shares,
)
from anyshot.zero_shot.class_texts import describe


@pytest.mark.parametrize(
    "given",
    [{}, {"budget": 3.5}, {"class_prior": {"tea": 1}}, {"unknown_rate": 0.1}, {"words": np.bool_(False)}],
    ids=str,
)
def test_parameters_in_range_are_accepted(given):
    assert check_parameters(AnyShotClassifier(["tea", "zoo"], **given)) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"budget": 0}, "budget must be 'fast', 'best' or a number of seconds; got 0"),
        ({"budget": float("inf")}, "got inf"),
        ({"unknown_rate": 1}, "unknown_rate must be None or a number between 0 and 1; got 1"),
        ({"class_prior": "even"}, "'balanced', 'labels' or {name: share}; got 'even'"),
        ({"long_texts": "whole"}, "long_texts must be 'cut' or 'mean'; got 'whole'"),
        ({"random_state": "seed"}, "seed"),
    ],
)
def test_a_parameter_out_of_range_is_refused_with_what_is_needed(given, words):
    with pytest.raises(InputError) as caught:
        check_parameters(AnyShotClassifier(["tea", "zoo"], **given))
    assert words in str(caught.value)


def test_a_random_state_is_not_advanced_by_the_check():
    state = np.random.RandomState(0)
    check_parameters(AnyShotClassifier(["tea", "zoo"], random_state=state))
    assert state.randint(1000) == np.random.RandomState(0).randint(1000)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"unknown_rate": 0.05}, "unknown_rate=0.05 needs labeled or unlabeled items"),
        ({"method": "prototype"}, "method='prototype' needs labels, and there are none"),
    ],
)
def test_a_parameter_that_needs_items_is_refused_without_any(given, words):
    with pytest.raises(NotEnoughLabelsError, match=words):
        check_needs_no_items(AnyShotClassifier(["tea", "zoo"], **given))


def test_class_shares_are_scaled_to_sum_to_one():
    classes = without_items(describe(["a", "b"]), np.zeros((2, 0), np.float32))
    np.testing.assert_allclose(expected_shares({"a": 3.0, "b": 1.0}, classes), [0.75, 0.25])
    np.testing.assert_allclose(expected_shares({"a": 1e308, "b": 1e308}, classes), [0.5, 0.5])
    assert expected_shares("balanced", classes) is None
    with pytest.raises(ClassesError, match=r"class_prior \(--class-prior\) names 'z', which is not a class"):
        expected_shares({"a": 1.0, "b": 1.0, "z": 1.0}, classes)
    with pytest.raises(ClassesError, match="does not name the class 'b'"):
        expected_shares({"a": 1.0}, classes)


def counted(counts, *, pool=False):
    """Return a training set with so many labels of each class, and perhaps with unlabeled items."""
    index, n = np.repeat(np.arange(len(counts)), counts), len(counts)
    data = without_items(describe([f"class {k}" for k in range(n)]), np.eye(n, dtype=np.float32))
    data = data.with_labels(np.eye(n, dtype=np.float32)[index], index, [""] * len(index))
    return data.with_unlabeled(np.ones((1, n), np.float32)) if pool else data


@pytest.mark.parametrize(
    ("counts", "by_plan"),
    [
        ((5, 5, 5), True),
        ((0, 0), True),
        ((70, 10), False),
        ((1, 3, 20, 2), False),
        ((1, 3, 20, 0), True),  # a class without a label, as in generalized zero-shot learning
        ((0, 1, 3, 20) * 4, True),  # four distinct numbers of labels for sixteen classes
        ((5, 5, 5, 5, 5, 5, 5, 4), True),  # an item that somebody passed over
        ((31, 4, 18, 2, 9, 11, 3, 7), False),
    ],
)
def test_labels_with_few_distinct_counts_were_drawn_by_a_plan(counts, by_plan):
    data = counted(counts)
    assert drawn_by_plan(data) == by_plan
    expected = np.add(counts, DEFAULTS.natural_share_items)
    shares = class_shares("auto", data)
    if by_plan:
        assert shares is None  # equal
    else:
        np.testing.assert_allclose(shares, expected / expected.sum())


def test_with_a_pool_automatic_shares_are_found_later_and_balanced_ones_are_given():
    data = counted((70, 10), pool=True)
    assert class_shares("auto", data) is None
    np.testing.assert_array_equal(class_shares("balanced", data), [0.5, 0.5])
    np.testing.assert_allclose(class_shares("labels", data), np.array([70.5, 10.5]) / 81)


def test_a_pool_of_labeled_items_alone_says_nothing_about_class_shares():
    data = counted((70, 10))
    np.testing.assert_array_equal(class_shares("auto", data.with_unlabeled(data.vectors)), class_shares("auto", data))


def test_labels_are_added_to_each_class_for_its_share():
    data = counted((2, 2, 2, 0)).with_defaults(replace(DEFAULTS, label_share_items=3.0))
    np.testing.assert_allclose(class_shares("labels", data), np.array([5, 5, 5, 3]) / 18)


@pytest.mark.parametrize("share", ["20%", float("nan"), 0])
def test_a_share_that_is_no_number_above_zero_is_shown(share):
    with pytest.raises(
        ClassesError, match=rf"\(--class-prior\) gives 'a' {share!r}\. Give every class a number above 0\.$"
    ):
        AnyShotClassifier(["a", "b"], class_prior={"a": share, "b": 0.5}).fit()


@pytest.mark.parametrize(
    ("shares", "fault"),
    [
        ({"a": 1e-30, "b": 0.5}, "'a' 1e-30, less than a billionth of all"),
        ({"a": 1, "b": 1e300}, "'a' 1, less than a billionth of all"),
        ({"a": 0.5, "b": 10**400}, r"'b' 10+ … 0+\. Give every class a number above 0"),
    ],
)
def test_shares_beyond_what_is_calculated_with_are_refused(shares, fault):
    classes = without_items(describe(["a", "b"]), np.zeros((2, 0), np.float32))
    with pytest.raises(ClassesError, match=fault):
        expected_shares(shares, classes)


def test_shares_that_do_not_add_up_to_one_are_said():
    classes = without_items(describe(["a", "b"]), np.zeros((2, 0), np.float32))
    with pytest.warns(UserWarning, match=r"add up to 1\.8, not to 1\. They are divided by it"):
        np.testing.assert_array_equal(expected_shares({"a": 0.9, "b": 0.9}, classes), [0.5, 0.5])
    with pytest.warns(UserWarning, match=r"add up to 70\.3, not to 1"):  # one in percent, the other not
        expected_shares({"a": 0.3, "b": 70}, classes)
    for given in ({"a": 2.5, "b": 1}, {"a": 0.33, "b": 0.66}, {"a": 1, "b": 1}, {"a": 0.3, "b": 99.7}):
        expected_shares(given, classes)  # a warning would be an error


@pytest.mark.parametrize(
    ("counts", "shares", "contradicted"),
    [
        ((87, 13), (0.5, 0.5), "gives 'class 0' 50 %, but 87 % of the labels"),
        ((9, 1), (0.1, 0.9), "gives 'class 1' 90 %, but 10 % of the labels"),
        ((50, 30, 20), (0.2, 0.2, 0.6), "gives 'class 2' 60 %, but 20 % of the labels"),
        ((20, 2, 0), (0.05, 0.9, 0.05), "gives 'class 0' 5 %, but 91 % of the labels"),
        ((20, 2, 0), (0.45, 0.05, 0.5), None),  # as the two classes that have labels
        ((87, 13), (0.8, 0.2), None),
        ((8, 2), (0.5, 0.5), None),  # by chance in 11 %
        ((19, 1), (0.999, 0.001), None),
        ((10_000, 1_000), (0.89, 0.11), None),  # no chance, but hardly another share
        ((5, 5), (0.9, 0.1), None),
        ((5, 5, 4), (0.8, 0.1, 0.1), None),  # an item that somebody passed over
        ((30, 0), (0.1, 0.9), None),
    ],
)
def test_labels_that_look_like_a_natural_sample_contradict_clearly_different_shares(counts, shares, contradicted):
    data = counted(counts).with_class_prior(np.array(shares))
    found = doubts_about_shares(dict(enumerate(shares)), data)
    assert [reason.startswith(f"class_prior (--class-prior) {contradicted}") for reason in found] == [True] * bool(
        contradicted
    )
    assert doubts_about_shares("labels", data) == []
    assert doubts_about_shares("balanced", data) == doubts_about_shares(
        {"a": 1}, data.with_class_prior(np.full(len(counts), 1 / len(counts)))
    )
    assert "no labels from which" in doubts_about_shares("labels", counted((0, 0)))[0]


def test_a_pool_contradicts_shares_that_it_does_not_have():
    names, random = np.eye(2, 8, dtype=np.float32), np.random.default_rng(0)
    pool = np.repeat(names, (540, 60), axis=0) + 0.2 * random.normal(size=(600, 8)).astype(np.float32)
    data = without_items(describe(["ham", "spam"]), names).with_unlabeled(pool)
    for shares, is_contradicted in ((0.9, 0.1), False), ((0.85, 0.15), False), ((0.5, 0.5), True), ((0.1, 0.9), True):
        (*found,) = doubts_about_shares({"ham": 1, "spam": 1}, data.with_class_prior(np.array(shares)))
        assert len(found) == is_contradicted
    assert found[0].startswith("class_prior (--class-prior) gives 'spam' 90 %, but 14 % of the unlabeled examples seem")


def test_contradicted_shares_are_among_the_reasons():
    vectors, X = {"a": [1.0, 0.0], "b": [0.0, 1.0]}, np.repeat([[1.0, 0.1], [0.1, 1.0]], (30, 6), axis=0)
    clf = AnyShotClassifier(vectors, class_prior={"a": 1, "b": 3}, cache=False).fit(X, ["a"] * 30 + ["b"] * 6)
    assert any("gives 'a' 25 %, but 83 % of the labels are" in reason for reason in clf.reasons_)
