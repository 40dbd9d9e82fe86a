"""Heads of the any-shot model: held-out labels set their average and the temperature; their odds and their sum."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from anyshot.any_shot.cross_validation import (
    cross_validate,
    default_factors,
    default_scale,
    default_temperature,
    divided,
    factors_by_likelihood,
    fit_method,
    heads,
    held_out_scores,
    normalized_shares,
    result_from_scores,
    result_of,
)
from anyshot.any_shot.defaults import DEFAULTS, Strength
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.model import FoldHead
from anyshot.any_shot.prior import Clusters, Prior, corrected_class_vectors, fit_prior
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import class_sums, generator, unit
from anyshot.evaluation.intervals import wilson_interval
from anyshot.tasks.vector_classifiers import AnyShotHead, PrototypeClassifier
from anyshot.training import softmax_regression
from anyshot.training.softmax_regression import fit_temperature
from anyshot.zero_shot.pool_refinement import refine
from four_classes import (
    VECTORS,
    C,
    biased_names,
    four_classes,
    names_of,
    pool_of_three,
    some_labels,
    without_labels,
    without_names,
)

WEAK, STRONG = Strength(DEFAULTS.weak_c, 1), Strength(DEFAULTS.strong_c, 1)
LOGISTICS = [Strength(one, 0) for one in DEFAULTS.logistic_c]
LOGISTIC = LOGISTICS[-1]
BY_NAMES, ALL_HEADS = [WEAK, STRONG], [WEAK, STRONG, *LOGISTICS]


# --- held-out labels ---


def test_held_out_scores_are_those_of_a_model_without_the_label():
    data, _, _ = four_classes(n_each=1)  # with up to 50 labels there are ten folds: here each label is one
    data = data.with_defaults(replace(DEFAULTS, held_out_tol=1e-7))
    factors = {WEAK: 1.0, STRONG: 1.0}
    found, _ = held_out_scores("any-shot", divided(data, names_of(data)), factors, {})
    for row in range(C):
        rest = some_labels(data, np.arange(C) != row)
        model, _ = fit_method("any-shot", rest, names_of(data), factors, start={}, tol=1e-7)
        np.testing.assert_allclose(found[row], model(data.vectors[[row]])[0], atol=0.05)


def test_folds_begin_where_those_of_fewer_labels_ended(monkeypatch):
    data, _, _ = four_classes(n_each=60, noise=1.5)
    before = fit_model(VECTORS, some_labels(data, slice(239)))
    of_folds = {head.strength for head in before.starts if isinstance(head, FoldHead)}
    assert of_folds == {*heads(data)}
    steps = []
    step = softmax_regression._newton_direction
    monkeypatch.setattr(softmax_regression, "_newton_direction", lambda *args: steps.append(0) or step(*args))
    cold = fit_model(VECTORS, data)
    n_cold = len(steps)
    warm = fit_model(VECTORS, data, start=before.starts)
    assert len(steps) - n_cold <= 0.5 * n_cold
    for one, other in zip(warm.leaderboard, cold.leaderboard, strict=True):
        assert one.temperature == pytest.approx(other.temperature, rel=0.01)
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.01)


def test_each_fold_corrects_class_vectors_without_its_own_labels():
    data, _, _ = biased_names(n_each=2)
    data = data.with_defaults(replace(DEFAULTS, folds=((50, 2),), held_out_tol=1e-6))  # 40 labels in two halves
    found, _ = held_out_scores("any-shot", divided(data, names_of(data)), {STRONG: 1.0}, {})
    for part in (np.arange(40) % 2 == data.index % 2, np.arange(40) % 2 != data.index % 2):
        rest = data.subset(~part)
        prior = Prior(corrected_class_vectors(data.class_embeddings, rest)[0], "names", data.class_embeddings)
        linear, _ = fit_method("any-shot", rest, prior, {STRONG: 1.0}, start={}, tol=1e-6)
        np.testing.assert_allclose(found[part], linear(data.vectors[part]), atol=0.05)


def test_each_fold_moves_clusters_by_the_other_labels_in_few_rounds():
    data, _ = pool_of_three(n_each=2)
    prior = fit_prior(data)
    for fold in divided(data.with_class_prior(prior.clusters.shares), prior, in_clusters=True):
        others = np.setdiff1d(np.arange(6), fold.rows)
        sums = DEFAULTS.label_weight * class_sums(data.labeled[others], data.index[others], 3)
        options = {"name_weight": prior.clusters.name_weight, "shares": prior.clusters.shares}
        expected = refine(prior.initial, data.pool, labeled_sums=sums, rounds=DEFAULTS.fold_rounds, **options)
        np.testing.assert_allclose(fold.moved.class_vectors, expected.class_vectors, atol=1e-6)
        assert np.abs(fold.moved.class_vectors - prior.class_vectors).max() > 1e-3


def test_held_out_labels_are_predicted_by_clusters_that_other_labels_have_moved():
    data, _ = pool_of_three(n_each=2)
    prior = fit_prior(data)
    result = cross_validate(data, prior, "any-shot", {})[0][0]
    moved = divided(data.with_class_prior(prior.clusters.shares), prior, in_clusters=True)
    scores = held_out_scores("any-shot", moved, result.factors, {})[0] / result.temperature
    np.testing.assert_allclose(result.predicted, softmax(scores.astype(float), axis=1), atol=0.01)


@pytest.mark.parametrize("method", ["any-shot", "zero-shot"])
def test_each_fold_maps_attributes_without_its_own_labels(method):
    data, _, _ = biased_names(n_each=2)
    data = replace(data, class_embeddings=np.zeros_like(data.class_embeddings), attributes=data.class_embeddings)
    data = data.with_defaults(replace(DEFAULTS, folds=((50, 2),), held_out_tol=1e-6))
    factors = {STRONG: 1.0} if method == "any-shot" else {}
    found, _ = held_out_scores(method, divided(data, fit_prior(data)), factors, {})
    part = np.arange(40) % 2 == data.index % 2
    rest = data.subset(~part)
    linear, _ = fit_method(method, rest, fit_prior(rest), factors, start={}, tol=1e-6)
    np.testing.assert_allclose(found[part], linear(data.vectors[part]), atol=0.05)


def test_the_only_label_of_a_class_is_not_counted():
    data, _, _ = four_classes(n_each=6)
    data = some_labels(data, np.flatnonzero((data.index > 0) | (np.arange(24) < 1)))  # 1, 6, 6 and 6 labels
    for result in cross_validate(data, names_of(data), "auto", {})[0]:
        assert len(result.correct) == len(result.probabilities) == 18
    copies = some_labels(data, np.concatenate([[0, 0], np.arange(1, 19)]))  # a copy of that label changes nothing
    for result in cross_validate(copies, names_of(data), "auto", {})[0]:
        assert len(result.correct) == 18


@pytest.mark.parametrize("counts", [(1, 1, 1, 1), (3, 0, 0, 0), (9, 1, 1, 1), (2, 1, 0, 0)])
def test_labels_of_too_few_classes_tell_nothing(counts):
    data, _, _ = four_classes(n_each=9)
    data = some_labels(data, np.arange(C * 9) % 9 < np.repeat(counts, 9))
    assert cross_validate(data, names_of(data), "auto", {}) == ([], {})
    model = fit_model(VECTORS, data)
    assert (model.method, model.leaderboard, len(model.held_out)) == ("any-shot", (), 0)
    enough = sum(counts) >= DEFAULTS.min_labels
    assert (
        "labels include too few different items of some class to compare" if enough else "labels are too few"
    ) in model.reasons[0]


def test_of_many_labels_the_first_of_each_class_are_held_out():
    data, _, _ = four_classes(n_each=6)
    early = some_labels(data, np.arange(C * 6) % 6 < 3)
    few = replace(DEFAULTS, max_held_out=C * 3)
    one, other = (
        {
            result.method: result.correct
            for result in fit_model(VECTORS, part.with_defaults(few), method="zero-shot").leaderboard
        }
        for part in (data, early)
    )
    np.testing.assert_array_equal(one["zero-shot"], other["zero-shot"])


# --- factors ---


def test_factors_by_hand():
    """Two labels to which one head gives 1/4, and the other 1/2: it is 4 times as likely, at odds of 0.8."""
    own = replace(DEFAULTS, temperature_items=1e9, strong_odds=0.8 / 4**2)  # the temperatures stay at their defaults
    data, index = four_classes(n_each=1)[0].with_defaults(own), np.array([0, 2])
    scale = default_scale(STRONG, own, names_of(data))
    scores = {WEAK: np.zeros((2, 4)), STRONG: np.log(3) / scale * np.eye(4)[index]}
    found = factors_by_likelihood(scores, index, data, names_of(data), weight=np.ones(2))
    shares = {WEAK: 1 / (1 + 0.8 * 4), STRONG: 0.8 * 4 / (1 + 0.8 * 4)}
    assert found == pytest.approx({head: scale * share for head, share in shares.items()}, rel=1e-5)


@pytest.mark.parametrize("confidence", [1.0, 0.3])
def test_factors_are_shares_over_temperatures(confidence):
    data, _, _ = four_classes(n_each=5)
    prior = names_of(data)._replace(kind="refined", confidence=confidence)
    random, index = generator(4), np.tile(np.arange(4), 5)
    scores = {head: 0.3 * np.eye(4)[index] + 0.3 * random.normal(size=(20, 4)) for head in heads(data)}
    temperatures, log_odds = {}, {}
    for head, odds in heads(data).items():
        toward = 1 / default_scale(head, DEFAULTS, prior)
        at = fit_temperature(scores[head], index, toward=toward, prior_items=DEFAULTS.temperature_items)
        log_likelihood = log_softmax(scores[head] / at, axis=1)[np.arange(20), index].sum()
        temperatures[head], log_odds[head] = at, np.log(odds) + log_likelihood
    shares = dict(zip(log_odds, softmax(list(log_odds.values())), strict=True))
    kept = {head: share for head, share in shares.items() if share >= DEFAULTS.min_share}
    expected = {head: share / sum(kept.values()) / temperatures[head] for head, share in kept.items()}
    assert factors_by_likelihood(scores, index, data, prior, weight=np.ones(20)) == pytest.approx(expected)


# --- results ---


def test_the_result_of_scores_by_hand():
    # three labels of class 0, of which two are predicted, and one of class 1, which is
    scores = np.log([[3.0, 1], [3, 1], [1, 3], [1, 3]])
    index, shares = np.array([0, 0, 0, 1]), np.array([0.5, 0.5])
    result = result_from_scores("any-shot", scores, index, shares)
    assert result.correct.tolist() == [True, True, False, True]
    assert result.accuracy == pytest.approx((2 / 3 + 1) / 2)
    np.testing.assert_allclose(result.probabilities, [0.75, 0.75, 0.25, 0.75])
    assert result.log_likelihood == pytest.approx((3 * np.log(0.75) + np.log(0.25)) / 4)
    cool = result_from_scores("any-shot", scores, index, np.array([0.9, 0.1]), temperature=0.5)
    np.testing.assert_allclose(cool.probabilities[[0, 3]], [81 / 82, 9 / 18])  # odds 9 times 9, and 9 over 9
    assert cool.log_likelihood == pytest.approx((3 * np.log(0.9) + np.log(0.1)) / 4)  # with equal shares


def test_ten_labels_that_are_all_predicted_correctly_do_not_promise_certainty():
    own = np.array([0, 1] * 5)
    result = result_from_scores("any-shot", np.eye(2)[own] * 9, own, None)
    assert result.accuracy == 1
    assert result.interval == pytest.approx(wilson_interval(10, 10))
    assert str(result) == "any-shot 100.0 % (72.2 to 100.0)"


def test_the_interval_is_wider_where_most_labels_are_of_one_class():
    index = np.repeat([0, 1], [18, 2])
    scores = np.eye(2)[index].astype(float)
    scores[0] = [0, 1]
    result = result_from_scores("any-shot", scores, index, None)
    assert result.accuracy == pytest.approx((17 / 18 + 1) / 2)
    lower, upper = result.interval
    assert upper - lower > np.subtract(*wilson_interval(19.4, 20)[::-1])


@pytest.mark.parametrize("noise", [0.02, 1.5])
def test_the_only_labels_of_their_classes_set_the_temperature(noise):
    S = np.eye(8, dtype=np.float32)
    X = unit(S + noise * generator(0).normal(size=S.shape).astype(np.float32))
    data = TrainingSet(S, X, np.arange(8))
    prior = fit_prior(data)
    factors = default_factors("any-shot", data, prior)
    found = default_temperature("any-shot", data, prior, factors)
    assert (found < 1) == (noise < 0.1)  # where labels are predicted well, scores count for more
    assert result_of("any-shot", [], data, prior)[0].temperature == found
    logistic = default_factors("logistic-regression", data, prior)
    assert default_temperature("logistic-regression", data, prior, logistic) == 1.0  # it cannot know a held-out class
    few = data.subset(np.arange(8) < 3)
    assert default_temperature("any-shot", few, prior, factors) == 1.0
    assert (
        default_temperature("any-shot", data, prior._replace(clusters=Clusters(1.0, np.full(8, 1 / 8))), factors) == 1.0
    )


def test_no_more_labels_are_held_out_for_the_temperature_than_are_enough():
    data = TrainingSet(np.eye(8, dtype=np.float32), np.eye(8, dtype=np.float32), np.arange(8))
    assert [fold.rows.tolist() for fold in divided(data, fit_prior(data), enough=3)] == [[0], [1], [2]]
    assert len(divided(data, fit_prior(data))) == 8


# --- odds ---


@pytest.mark.parametrize(
    ("counts", "expected"), [((0, 0, 0, 0), BY_NAMES), ((4, 9, 9, 9), BY_NAMES), ((5, 5, 5, 5), ALL_HEADS)]
)
def test_the_head_without_names_needs_five_labels_of_every_class(counts, expected):
    data, _, _ = four_classes(n_each=9)
    found = heads(some_labels(data, np.arange(C * 9) % 9 < np.repeat(counts, 9)))
    assert list(found) == expected


def test_odds_by_hand():
    own = replace(DEFAULTS, weak_odds=2.0, strong_odds=0.01, logistic_odds=0.001)
    found = heads(four_classes(n_each=6)[0].with_defaults(own))  # four classes with six labels each
    expected = {WEAK: 2.0, STRONG: 0.01 * 4**2, **dict.fromkeys(LOGISTICS, 0.001 * 6**2)}
    assert found == pytest.approx(expected)
    fewer = heads(four_classes(n_each=6)[0].with_defaults(replace(own, logistic_labels=5)))
    assert fewer == pytest.approx(expected | dict.fromkeys(LOGISTICS, 0.001 * 5**2))


@pytest.mark.parametrize(("n_each", "kept"), [(5, True), (6, False)])
def test_the_weak_head_takes_part_up_to_few_labels(n_each, kept):
    data, _, _ = four_classes(n_each=n_each)
    data = data.with_defaults(replace(DEFAULTS, few_labels=20))
    assert (WEAK in heads(data)) == kept
    assert STRONG in heads(data)


def test_the_weak_head_needs_a_vector_of_every_class():
    data, _, _ = four_classes(n_each=2)
    S = data.class_embeddings.copy()
    S[1] = 0
    assert list(heads(replace(data, class_embeddings=S))) == [STRONG]


def test_copies_of_a_label_do_not_count_as_more_labels():
    data, _, _ = four_classes(n_each=5)
    copied = data.vectors.copy()
    copied[1] = copied[0]
    assert LOGISTIC not in heads(replace(data, vectors=copied))


@pytest.mark.parametrize(
    ("field", "left_out"),
    [("weak_odds", [WEAK]), ("strong_odds", [STRONG]), ("logistic_odds", LOGISTICS)],
)
def test_a_head_of_odds_zero_is_left_out(field, left_out):
    data = four_classes(n_each=5)[0].with_defaults(replace(DEFAULTS, **{field: 0}))
    assert list(heads(data)) == [head for head in ALL_HEADS if head not in left_out]
    assert not set(left_out) & default_factors("any-shot", data, names_of(data)).keys()


# --- default factors ---


def test_default_factors_by_hand():
    own = replace(DEFAULTS, cosine_scale=20, weak_odds=1, strong_odds=3 / 16)  # odds 1 and 3, the scale is 4
    data = four_classes(n_each=1)[0].with_defaults(own)
    scale = 4 * names_of(data).scale
    expected = {WEAK: scale / 4, STRONG: 3 * scale / 4}
    assert default_factors("any-shot", data, names_of(data)) == pytest.approx(expected)
    assert default_factors("logistic-regression", data, names_of(data)) == dict.fromkeys(LOGISTICS, 2.0)
    assert default_factors("any-shot", without_names(data), names_of(without_names(data))) == dict.fromkeys(
        LOGISTICS, 2.0
    )
    for method in ("zero-shot", "prototype"):
        assert default_factors(method, data, names_of(data)) == {}
    assert default_factors("any-shot", without_labels(data), names_of(data)) == {}


def test_heads_with_a_small_share_are_left_out_and_the_others_share_the_rest():
    found = normalized_shares({WEAK: np.log(98), STRONG: np.log(1), LOGISTIC: np.log(3)}, 0.02)
    assert found == pytest.approx({WEAK: 98 / 101, LOGISTIC: 3 / 101})  # shares 98, 1 and 3 of 102


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
    np.testing.assert_allclose(
        model(X)[:, [0, 2, 3]],
        DEFAULTS.cosine_scale * names_of(data).scale * cosines[:, [0, 2, 3]],
        rtol=1e-5,
        atol=1e-5,
    )
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
