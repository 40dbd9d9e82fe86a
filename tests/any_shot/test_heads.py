"""The heads of an any-shot model: their odds and default scales, one method fitted to all labels, and their sum."""

from dataclasses import replace

import numpy as np
import pytest

from anyshot.any_shot.defaults import DEFAULTS, Strength
from anyshot.any_shot.heads import default_factors, fit_method, heads, normalized_shares
from anyshot.tasks.vector_classifiers import AnyShotHead, PrototypeClassifier
from four_classes import C, four_classes, names_of, some_labels, without_labels, without_names

WEAK, MIDDLE, STRONG = (Strength(one, 1) for one in (DEFAULTS.weak_c, DEFAULTS.middle_c, DEFAULTS.strong_c))
LOGISTICS = [Strength(one, 0) for one in DEFAULTS.logistic_c]
LOGISTIC = LOGISTICS[-1]
BY_NAMES, ALL_HEADS = [WEAK, MIDDLE, STRONG], [WEAK, MIDDLE, STRONG, *LOGISTICS]


# --- odds ---


@pytest.mark.parametrize(
    ("counts", "expected"), [((0, 0, 0, 0), BY_NAMES), ((4, 9, 9, 9), BY_NAMES), ((5, 5, 5, 5), ALL_HEADS)]
)
def test_the_head_without_names_needs_five_labels_of_every_class(counts, expected):
    data, _, _ = four_classes(n_each=9)
    found = heads(some_labels(data, np.arange(C * 9) % 9 < np.repeat(counts, 9)))
    assert list(found) == expected


def test_odds_by_hand():
    own = replace(DEFAULTS, weak_odds=2.0, middle_odds=0.1, strong_odds=0.01, logistic_odds=0.001)
    found = heads(four_classes(n_each=6)[0].with_defaults(own))  # four classes with six labels each
    expected = {WEAK: 2.0, MIDDLE: 0.1 * 4, STRONG: 0.01 * 4**3, **dict.fromkeys(LOGISTICS, 0.001 * 6**2)}
    assert found == pytest.approx(expected)
    fewer = heads(four_classes(n_each=6)[0].with_defaults(replace(own, logistic_labels=5)))
    assert fewer == pytest.approx(expected | dict.fromkeys(LOGISTICS, 0.001 * 5**2))


@pytest.mark.parametrize(("n_each", "kept"), [(5, True), (6, False)])
def test_the_weak_head_takes_part_up_to_few_labels(n_each, kept):
    data, _, _ = four_classes(n_each=n_each)
    data = data.with_defaults(replace(DEFAULTS, few_labels=20))
    assert (WEAK in heads(data)) == kept
    assert {MIDDLE, STRONG} <= heads(data).keys()


def test_the_weak_head_needs_a_vector_of_every_class():
    data, _, _ = four_classes(n_each=2)
    S = data.class_embeddings.copy()
    S[1] = 0
    assert list(heads(replace(data, class_embeddings=S))) == [MIDDLE, STRONG]


def test_copies_of_a_label_do_not_count_as_more_labels():
    data, _, _ = four_classes(n_each=5)
    copied = data.vectors.copy()
    copied[1] = copied[0]
    assert LOGISTIC not in heads(replace(data, vectors=copied))


@pytest.mark.parametrize(
    ("field", "left_out"),
    [("weak_odds", [WEAK]), ("middle_odds", [MIDDLE]), ("strong_odds", [STRONG]), ("logistic_odds", LOGISTICS)],
)
def test_a_head_of_odds_zero_is_left_out(field, left_out):
    data = four_classes(n_each=5)[0].with_defaults(replace(DEFAULTS, **{field: 0}))
    assert list(heads(data)) == [head for head in ALL_HEADS if head not in left_out]
    assert not set(left_out) & default_factors("any-shot", data, names_of(data)).keys()


# --- default factors ---


def test_default_factors_by_hand():
    own = replace(DEFAULTS, weak_odds=1, middle_odds=0.25, strong_odds=3 / 64)  # odds 1, 1 and 3, the scale is 3
    data = four_classes(n_each=1)[0].with_defaults(own)
    expected = {WEAK: 3 / 5, MIDDLE: 3 / 5, STRONG: 9 / 5}
    assert default_factors("any-shot", data, names_of(data)) == pytest.approx(expected)
    assert default_factors("logistic-regression", data, names_of(data)) == dict.fromkeys(LOGISTICS, 1.5)
    assert default_factors("any-shot", without_names(data), names_of(without_names(data))) == dict.fromkeys(
        LOGISTICS, 1.5
    )
    for method in ("zero-shot", "prototype"):
        assert default_factors(method, data, names_of(data)) == {}
    assert default_factors("any-shot", without_labels(data), names_of(data)) == {}


def test_heads_with_a_small_share_are_left_out_and_the_others_share_the_rest():
    found = normalized_shares({WEAK: np.log(98), STRONG: np.log(1), LOGISTIC: np.log(3)}, 0.02)
    assert found == pytest.approx({WEAK: 98 / 101, LOGISTIC: 3 / 101})  # shares 98, 1 and 3 of 102
    assert normalized_shares({}, 0.02) == {}


# --- one method ---


def fit_one(data, method):
    return fit_method(method, data, names_of(data), {}, start={})


def test_zero_shot_scores_are_cosines_and_a_class_without_vector_is_never_predicted():
    data, X, _ = four_classes(n_each=2)
    embeddings = data.class_embeddings.copy()
    embeddings[1] = 0
    data = replace(data, class_embeddings=embeddings)
    model, deltas = fit_one(data, "zero-shot")
    cosines = X @ data.class_embeddings.T
    np.testing.assert_allclose(model(X)[:, [0, 2, 3]], DEFAULTS.cosine_scale * cosines[:, [0, 2, 3]], rtol=1e-5)
    assert np.isneginf(model(X)[:, 1]).all()
    assert not deltas


def test_prototypes_are_those_of_the_estimator():
    data, X, _ = four_classes(n_each=3)
    model, _ = fit_one(data, "prototype")
    peer = PrototypeClassifier().fit(data.vectors, data.index, class_vectors=data.class_embeddings)
    np.testing.assert_array_equal(model(X).argmax(axis=1), peer.predict(X))


# --- several heads ---


def average(factors, start=(), **options):
    """Return the average of heads fitted to five labels of each class, what labels added to each, and test vectors."""
    data, X, _ = four_classes(n_each=5)
    return *fit_method("any-shot", data, names_of(data), factors, start=dict(start), **options), X


def head_of(strength, *, prior_weight=1.0):
    data, _, _ = four_classes(n_each=5)
    head = AnyShotHead(C=strength.C, tol=1e-8)
    return head.fit(data.vectors, data.index, class_vectors=prior_weight * data.class_embeddings)


def test_heads_of_several_strengths_are_summed_with_their_factors():
    linear, deltas, X = average({WEAK: 2.0, STRONG: 0.5})
    total = 2.0 * head_of(WEAK).decision_function(X) + 0.5 * head_of(STRONG).decision_function(X)
    np.testing.assert_allclose(linear(X), total, atol=0.05)
    assert list(deltas) == [WEAK, STRONG]


def test_where_the_solver_starts_does_not_change_the_solution():
    cold, deltas, X = average({STRONG: 2.0}, tol=1e-8)
    for start in (deltas, {WEAK: deltas[STRONG].scaled(-3)}):  # also from a head of another strength
        warm, _, _ = average({STRONG: 2.0}, start, tol=1e-8)
        np.testing.assert_allclose(warm(X), cold(X), atol=0.01)


def test_a_strength_without_prior_is_logistic_regression():
    linear, _, X = average({LOGISTIC: 1.0}, tol=1e-8)
    np.testing.assert_allclose(linear(X), head_of(LOGISTIC, prior_weight=0).decision_function(X), atol=0.01)
