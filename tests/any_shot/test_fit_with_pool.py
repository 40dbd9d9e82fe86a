"""Fitting the any-shot model with a pool of unlabeled examples: the heads once more, and the pool's class shares."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from anyshot.any_shot.cross_validation import fit_method
from anyshot.any_shot.defaults import DEFAULTS, Strength
from anyshot.any_shot.fitting import class_shares_of_pool, fit_model, fit_with_pool, offsets_for
from anyshot.any_shot.prior import fit_prior, moved_by_labels
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import class_means, generator, unit
from anyshot.evaluation.metrics import expected_calibration_error
from four_classes import VECTORS, D, four_classes, other_clusters, pool_of_three

COSINE_SCALE = DEFAULTS.cosine_scale
WEAK, STRONG = Strength(DEFAULTS.weak_c, 1), Strength(DEFAULTS.strong_c, 1)


def heads_of(model):
    """Return the strengths of the heads that are averaged."""
    return {head for head in model.starts if isinstance(head, Strength)}


# --- the pool as examples ---


def test_a_pool_whose_clusters_are_the_classes_moves_the_names():
    data, means = pool_of_three()
    model = fit_model(VECTORS, data)
    assert (model.method, model.prior) == ("any-shot", "refined")
    assert model.reasons[0].startswith("Each class is known by its name and by a group of similar items among 60")
    assert model.reasons[1] == "No labels were given, so methods are not compared; any-shot is used."
    assert model.scores(means).argmax(axis=1).tolist() == [0, 1, 2]
    assert model.probabilities(means).max(axis=1).min() > 0.9


@pytest.mark.parametrize("pool_examples", [60, 5000])
@pytest.mark.parametrize("noise", [0.3, 0.5])
def test_the_pool_does_not_change_the_mean_confidence_on_new_items(noise, pool_examples):
    random = generator(0)
    means = unit(random.normal(size=(3, 256)))

    def draw(n):
        y = np.arange(n) % 3
        return unit(means[y] + noise / 4 * random.normal(size=(n, 256))), y

    (X, y), (U, _), (new, _) = draw(18), draw(120), draw(1500)
    own = replace(DEFAULTS, pool_examples=pool_examples, shares_noise=np.inf)  # without offsets
    data = TrainingSet(means, X, y, unlabeled=U, defaults=own)
    prior, factors = moved_by_labels(fit_prior(data), data), {WEAK: 0.2, STRONG: 0.5}
    fit = fit_method("any-shot", data, prior, factors, start={})
    (linear, deltas), _ = fit_with_pool(fit, data, prior, prior.clusters.shares, factors, 1.0)
    before, after = (softmax(one(new).astype(float), axis=1) for one in (fit[0], linear))
    assert np.abs(after - before).max() > 0.02
    assert after.max(axis=1).mean() == pytest.approx(before.max(axis=1).mean(), abs=0.015)
    assert set(deltas) == set(factors)


@pytest.mark.parametrize("n_each", [0, 1, 5])
def test_the_model_is_no_surer_of_the_pool_than_of_new_items(n_each):
    data, X, _ = four_classes(n_each=n_each, noise=1.5, name_noise=1.5)
    U, new = X[::3], np.delete(X, np.s_[::3], axis=0)
    model = fit_model(VECTORS, replace(data, unlabeled=U, defaults=replace(DEFAULTS, shares_noise=np.inf)))
    alone = replace(model, pool_temperature=1.0)
    surer, of_pool, of_new = (
        one.probabilities(vectors).max(axis=1).mean() for one, vectors in ((alone, U), (model, U), (model, new))
    )
    assert surer > of_new + 0.01
    assert of_pool == pytest.approx(of_new, abs=0.05)
    assert (model.scores(U).argmax(axis=1) == alone.scores(U).argmax(axis=1)).all()
    np.testing.assert_array_equal(model.scores(new), alone.scores(new))


def test_copies_beside_each_other_do_not_make_the_model_surer_of_the_pool():
    data, X, _ = four_classes(noise=1.5, name_noise=1.5)
    once, thrice = X[::3], np.repeat(X[::3], 3, axis=0)
    one, other = (fit_model(VECTORS, replace(data, unlabeled=U)) for U in (once, thrice))
    sure, again = (model.probabilities(once).max(axis=1).mean() for model in (one, other))
    assert again == pytest.approx(sure, abs=0.02)


def test_examples_that_are_copies_of_one_vector_leave_the_others_for_the_test():
    data, _ = pool_of_three()
    model = fit_model(VECTORS, data.with_defaults(replace(DEFAULTS, pool_examples=1)))
    assert np.isfinite(model.scores(data.pool)).all()


def test_one_label_per_class_does_not_make_the_model_surer_than_the_class_vectors():
    data, X, _ = four_classes(n_each=1, noise=1.5, name_noise=1.5)
    U, new = X[::2], X[1::2]
    data = replace(data, unlabeled=U, defaults=replace(DEFAULTS, shares_noise=np.inf))  # without offsets
    model, prior = fit_model(VECTORS, data), moved_by_labels(fit_prior(data), data)
    alone = softmax(COSINE_SCALE * prior.scale * new @ prior.class_vectors.T, axis=1)
    assert not model.leaderboard
    assert model.probabilities(new).max(axis=1).mean() == pytest.approx(alone.max(axis=1).mean(), abs=0.02)


def test_a_pool_that_all_names_predict_with_certainty_does_not_add_confidence():
    names = np.array([[1, 0], [-1, 0]], np.float32)
    sure = replace(DEFAULTS, cosine_scale=50)
    U = unit(np.repeat(names, 6, axis=0) + 0.01 * generator(0).normal(size=(12, 2)))
    data = TrainingSet(names, U[:0], np.zeros(0, np.intp), defaults=sure)
    one, other = fit_model(VECTORS, data), fit_model(VECTORS, replace(data, unlabeled=U))
    assert one.probabilities(U).max(axis=1).min() == 1  # 60 apart, rounded to 1
    between = np.array([[0.1, 1.0]], np.float32)
    np.testing.assert_allclose(other.probabilities(between), one.probabilities(between), atol=0.02)


def test_the_pool_alone_moves_the_heads_of_a_model_without_labels():
    data, _ = pool_of_three()
    model = fit_model(VECTORS, data)
    assert heads_of(model) == {WEAK, STRONG}
    assert all(model.starts[head].coef.any() for head in heads_of(model))


@pytest.mark.parametrize("field", ["max_pool_weight", "pool_labels"])
def test_a_pool_of_weight_zero_moves_the_intercept_only(field):
    data, _ = pool_of_three(n_each=2)
    data = data.with_defaults(replace(DEFAULTS, **{field: 0}))
    prior = fit_prior(data)
    linear, deltas = fit_method("any-shot", data, prior, {WEAK: 1.0}, start={})
    fit, shares = (linear, deltas), prior.clusters.shares
    (moved, same), _ = fit_with_pool(fit, data, prior, shares, {WEAK: 1.0}, 1.0)
    assert same is deltas
    np.testing.assert_array_equal(moved.coef, linear.coef)
    offsets = offsets_for(
        class_shares_of_pool(linear(data.pool), prior.clusters.shares, data, prior.confidence),
        linear(data.pool),
        data,
        prior.confidence,
    )
    np.testing.assert_allclose(moved.intercept - linear.intercept, offsets, atol=1e-6)


def test_prototypes_are_means_with_the_class_vectors_that_the_pool_moved():
    data, _ = pool_of_three(n_each=6)
    model, prior = fit_model(VECTORS, data, method="prototype"), fit_prior(data)
    (temperature,) = (result.temperature for result in model.leaderboard if result.method == "prototype")
    means = class_means(data.vectors, data.index, prior.class_vectors)
    np.testing.assert_allclose(model.coef, COSINE_SCALE * prior.scale / temperature * means, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["zero-shot", "prototype", "logistic-regression"])
def test_the_pool_is_not_an_example_for_other_methods(method):
    data, _ = pool_of_three(n_each=6)
    without = replace(DEFAULTS, max_pool_weight=0)
    one, other = fit_model(VECTORS, data, method=method), fit_model(VECTORS, data.with_defaults(without), method=method)
    np.testing.assert_array_equal(one.coef, other.coef)


@pytest.mark.parametrize("n_each", [10, 30])
def test_probabilities_are_calibrated_on_new_items_with_a_pool(n_each):
    draws = []
    for seed in range(3):
        data, X, y = four_classes(n_each=n_each, noise=1.5, name_noise=1.5, seed=seed)
        _, U, _ = four_classes(n_each=7, noise=1.5, name_noise=1.5, seed=seed)
        draws.append((fit_model(VECTORS, replace(data, unlabeled=U)).probabilities(X), y))
    probabilities, y = (np.concatenate(part) for part in zip(*draws, strict=True))
    assert expected_calibration_error(probabilities, y) < 0.06


def test_no_reason_names_groups_that_are_not_used():
    data, _ = pool_of_three(n_each=6)
    assert fit_model(VECTORS, data, method="zero-shot").reasons[0].startswith("Each class is known by its name")
    reason, _ = fit_model(VECTORS, data, method="logistic-regression").reasons
    assert reason.startswith("Logistic-regression is used")


# --- class shares ---


def skewed(counts, *, noise=0.25, apart=1.0, n_each=0, seed=3):
    """Return a training set whose pool has so many items of each class, the pool's classes, and new items like it."""
    random, means = generator(seed), apart * np.eye(D, dtype=np.float32)[: len(counts)]
    y = np.repeat(np.arange(len(counts)), counts)
    U, X = (unit(means[y] + noise * random.normal(size=(len(y), D))) for _ in range(2))
    names = unit(means + 0.5 * np.roll(means, 1, axis=0))
    rows = np.concatenate([np.flatnonzero(y == k)[:n_each] for k in range(len(counts))]).astype(int)
    return TrainingSet(names, X[rows], y[rows], unlabeled=U, from_source=True), X, y


def mean_prediction(model):
    return model.probabilities(model.data.pool).mean(axis=0)


@pytest.mark.parametrize("n_each", [0, 1, 5])
def test_shares_of_a_skewed_pool_are_found_and_are_worth_more_than_equal_ones(n_each):
    data, X, y = skewed([170, 20, 10], noise=0.6, n_each=n_each)
    auto, balanced = (fit_model(VECTORS, one) for one in (data, data.with_class_prior(np.full(3, 1 / 3))))
    one, other = ((model.scores(X).argmax(axis=1) == y).mean() for model in (auto, balanced))
    assert one > other + 0.02
    assert mean_prediction(auto)[0] > mean_prediction(balanced)[0] + 0.1


@pytest.mark.parametrize("n_each", [0, 1, 5])
def test_a_balanced_pool_stays_balanced(n_each):
    data, _, _ = skewed([60, 60, 60], noise=0.3, n_each=n_each)
    np.testing.assert_allclose(mean_prediction(fit_model(VECTORS, data)), np.full(3, 1 / 3), atol=0.04)


@pytest.mark.parametrize("n_each", [0, 5])
def test_shares_that_are_given_are_the_mean_prediction_for_the_pool(n_each):
    given = np.array([0.2, 0.3, 0.5])
    data, _, _ = skewed([100, 30, 30], n_each=n_each)
    data = data.with_class_prior(given).with_defaults(replace(DEFAULTS, shares_rounds=2000, given_shares_items=0.0))
    np.testing.assert_allclose(mean_prediction(fit_model(VECTORS, data)), given, atol=5e-3)


def test_offsets_are_used_in_part_the_more_the_larger_the_pool():
    data, _, _ = skewed([100, 30, 30])
    shares = np.array([0.6, 0.3, 0.1])
    scores = 5 * generator(0).normal(size=(50, 3))
    certain = replace(DEFAULTS, shares_noise=0.0, given_shares_items=0.0)
    whole = offsets_for(shares, scores, data.with_defaults(certain), 1)
    divergence, doublings = np.log(3) + (shares * np.log(shares)).sum(), np.log2(3)
    noise = DEFAULTS.shares_noise * doublings * (1 + DEFAULTS.shares_items / 160)
    found = offsets_for(shares, scores, data, 1)
    np.testing.assert_allclose(found, divergence / (divergence + noise) * whole)
    given = offsets_for(shares, scores, data.with_class_prior(shares), 1)
    np.testing.assert_allclose(given, 160 / (160 + DEFAULTS.given_shares_items * doublings) * whole)
    copies = replace(data, unlabeled=np.tile(data.unlabeled, (3, 1)))
    np.testing.assert_allclose(offsets_for(shares, scores, copies, 1), found)  # copies say nothing new


def test_the_offsets_move_the_mean_prediction_to_the_shares():
    data, _, _ = skewed([100, 30, 30])
    shares, scores = np.array([0.6, 0.3, 0.1]), 5 * generator(0).normal(size=(50, 3))
    np.testing.assert_allclose(offsets_for(np.full(3, 1 / 3), scores, data, 1), 0, atol=1e-12)
    data = data.with_defaults(replace(DEFAULTS, shares_noise=0.0, shares_rounds=500))
    moved = softmax(scores + offsets_for(shares, scores, data, 1), axis=1)
    np.testing.assert_allclose(moved.mean(axis=0), shares, atol=1e-4)


def test_poor_clusters_make_offsets_smaller_by_the_confidence():
    data, _, _ = skewed([100, 30, 30])
    shares, scores = np.array([0.6, 0.3, 0.1]), generator(0).normal(size=(50, 3))
    np.testing.assert_allclose(offsets_for(shares, 0.2 * scores, data, 0.2), 0.2 * offsets_for(shares, scores, data, 1))


def test_labels_move_the_shares_of_the_prior():
    few, many = (skewed([100, 30, 30], n_each=n)[0] for n in (1, 20))
    scores = np.log([[0.1, 0.1, 0.8]] * 10)
    moved = []
    for data in (few, many):
        equal = np.full(3, 1 / 3)
        moved.append(class_shares_of_pool(scores, equal, data, 1)[2])
        given = data.with_class_prior(equal)
        np.testing.assert_array_equal(class_shares_of_pool(scores, equal, given, 1), equal)
    assert 1 / 3 < moved[0] < moved[1]


def test_a_pool_whose_clusters_are_not_the_classes_is_not_used():
    U, _, names = other_clusters()
    model = fit_model(VECTORS, TrainingSet(names, U[:0], np.zeros(0, np.intp), unlabeled=U, from_source=True))
    assert (model.method, model.prior) == ("zero-shot", "names")
    assert model.reasons[0].startswith("The 120 unlabeled examples are not used, since they fall into other groups")
    np.testing.assert_allclose(unit(model.coef), names, atol=1e-6)
    np.testing.assert_array_equal(model.intercept, 0)


def test_copies_of_all_unlabeled_items_change_nothing_without_labels():
    data, X, _ = four_classes(n_each=0, noise=1.2)
    U = X[::3]
    once, often = (fit_model(VECTORS, replace(data, unlabeled=own)) for own in (U, np.repeat(U, 30, axis=0)))
    assert once.prior == often.prior == "refined"
    np.testing.assert_allclose(often.probabilities(X), once.probabilities(X), atol=2e-3)
