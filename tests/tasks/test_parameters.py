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
    assert expected_shares("balanced", classes) is None
    with pytest.raises(ClassesError, match="class_prior names 'z', which is not a class"):
        expected_shares({"a": 1.0, "b": 1.0, "z": 1.0}, classes)
    with pytest.raises(ClassesError, match="class_prior does not name the class 'b'"):
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
    with pytest.raises(ClassesError, match=rf"class_prior gives 'a' {share!r}\. Give every class a number above 0\.$"):
        AnyShotClassifier(["a", "b"], class_prior={"a": share, "b": 0.5}).fit()


def test_shares_that_do_not_add_up_to_one_are_said():
    classes = without_items(describe(["a", "b"]), np.zeros((2, 0), np.float32))
    with pytest.warns(UserWarning, match="The shares of class_prior add up to 1.8, not to 1. They are divided by it"):
        np.testing.assert_array_equal(expected_shares({"a": 0.9, "b": 0.9}, classes), [0.5, 0.5])
    for given in ({"a": 2.5, "b": 1}, {"a": 0.33, "b": 0.66}, {"a": 1, "b": 1}):
        expected_shares(given, classes)  # a warning would be an error
