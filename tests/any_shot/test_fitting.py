"""Fitting the any-shot model: held-out labels set the average of heads and the temperature."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from anyshot.any_shot.defaults import DEFAULTS, Strength
from anyshot.any_shot.fitting import (
    cross_validate,
    default_factors,
    divided,
    factors_by_likelihood,
    fit_method,
    fit_model,
    fit_with_pool,
    heads,
    held_out_scores,
    result_from_scores,
)
from anyshot.any_shot.head import AnyShotHead, PrototypeClassifier
from anyshot.any_shot.model import METHODS, FoldHead
from anyshot.any_shot.prior import Prior, corrected_class_vectors, fit_prior, initial_class_vectors
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import class_means, generator, unit
from anyshot.errors import NotEnoughClassesError
from anyshot.evaluation.metrics import expected_calibration_error, wilson_interval
from anyshot.training import softmax_regression
from anyshot.training.softmax_regression import fit_temperature
from four_classes import VECTORS, C, D, biased_names, four_classes

COSINE_SCALE = DEFAULTS.cosine_scale
WEAK, STRONG = Strength(DEFAULTS.weak_c, 1), Strength(DEFAULTS.strong_c, 1)
LOGISTIC = Strength(DEFAULTS.logistic_c, 0)
WEAK_AND_STRONG, ALL_HEADS = [WEAK, STRONG], [WEAK, STRONG, LOGISTIC]


def fitted(data, **options):
    return fit_model(VECTORS, data, **options)


def names_of(data):
    return Prior(data.class_embeddings, "names", data.class_embeddings)


def heads_of(model):
    """Return the strengths of the heads that are averaged."""
    return {head for head in model.starts if isinstance(head, Strength)}


def without_labels(data):
    return replace(data, vectors=data.vectors[:0], index=data.index[:0])


def without_names(data):
    return replace(data, class_embeddings=np.zeros_like(data.class_embeddings))


def with_permuted_names(data):
    return replace(data, class_embeddings=data.class_embeddings[[1, 2, 3, 0]])


def some_labels(data, rows):
    return replace(data, vectors=data.vectors[rows], index=data.index[rows])


def accuracy(model, X, y):
    return float((model.scores(X).argmax(axis=1) == y).mean())


# --- few or no labels ---


@pytest.mark.parametrize("method", ["auto", "any-shot", "zero-shot"])
def test_without_labels_and_pool_the_scores_are_cosines(method):
    data, X, _ = four_classes()
    model = fitted(without_labels(data), method=method)
    assert (model.prior, model.leaderboard) == ("names", ())
    assert model.method == ("zero-shot" if method == "auto" else method)
    np.testing.assert_array_equal(model.coef, np.float32(COSINE_SCALE * data.class_embeddings))
    np.testing.assert_array_equal(model.intercept, 0)
    np.testing.assert_allclose(model.scores(X), COSINE_SCALE * X @ data.class_embeddings.T, atol=1e-4)


def test_labels_alone_give_logistic_regression():
    data, X, y = four_classes(n_each=20)
    model = fitted(without_names(data))
    assert (model.method, model.prior) == ("logistic-regression", "none")
    oracle = LogisticRegression(C=10.0).fit(data.vectors, data.index)
    assert accuracy(model, X, y) >= oracle.score(X, y) - 0.03


@pytest.mark.parametrize(("n", "start"), [(1, "1 label is too few"), (3, "3 labels are too few")])
def test_with_few_labels_no_methods_are_compared(n, start):
    data, _, _ = four_classes()
    model = fitted(some_labels(data, np.arange(n)))
    assert (model.method, model.leaderboard) == ("any-shot", ())
    assert model.reasons == (f"Any-shot is used; {start} to compare methods.",)


def test_names_and_labels_together_are_no_worse_than_either():
    total = np.zeros(3)
    for seed in range(3):
        data, X, y = four_classes(n_each=2, noise=2.0, name_noise=2.0, seed=seed)
        total += [accuracy(fitted(part), X, y) for part in (data, without_labels(data), without_names(data))]
    both, names, labels = total / 3
    assert both > max(names, labels) - 0.01
    assert both > (names + labels) / 2 + 0.02


# --- methods ---


@pytest.mark.parametrize("method", METHODS)
def test_the_requested_method_is_used(method):
    data, X, y = four_classes()
    model = fitted(data, method=method)
    assert model.method == method
    assert model.prior == ("none" if method == "logistic-regression" else "names")
    assert {result.method for result in model.leaderboard} == {method, "zero-shot"}
    assert accuracy(model, X, y) > 0.6


def test_logistic_regression_does_not_use_the_names():
    data, X, _ = four_classes()
    first, second = (fitted(one, method="logistic-regression").scores(X) for one in (data, with_permuted_names(data)))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_zero_shot_without_class_vectors_is_refused():
    data, _, _ = four_classes()
    with pytest.raises(NotEnoughClassesError, match="method='zero-shot' compares items with class vectors"):
        fitted(without_names(data), method="zero-shot")


@pytest.mark.parametrize(
    ("n_each", "compared"), [(4, {"any-shot", "zero-shot"}), (5, set(METHODS))], ids=["few", "enough"]
)
def test_zero_shot_is_always_compared_and_methods_without_names_from_five_labels_on(n_each, compared):
    data, _, _ = four_classes(n_each=n_each)
    board = fitted(data).leaderboard
    assert {result.method for result in board} == compared
    assert [result.accuracy for result in board] == sorted((result.accuracy for result in board), reverse=True)
    found = {result.method for result in fitted(without_names(data)).leaderboard}
    assert found <= {"prototype", "logistic-regression"}


def test_accuracy_on_the_leaderboard_is_the_mean_over_classes():
    data, _, _ = four_classes(n_each=6, noise=2.0)
    data = some_labels(data, np.flatnonzero((data.index > 0) | (np.arange(24) < 2)))  # 2, 6, 6 and 6 labels
    correct = (data.vectors @ data.class_embeddings.T).argmax(axis=1) == data.index  # zero-shot ignores labels
    found = next(result for result in fitted(data).leaderboard if result.method == "zero-shot")
    assert found.accuracy == pytest.approx(np.mean([correct[data.index == k].mean() for k in range(C)]))
    assert found.accuracy != pytest.approx(correct.mean())


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_are_calibrated_on_new_items(method):
    data, X, y = four_classes(n_each=30, noise=2.0)
    assert 0.6 < fit_temperature(fitted(data, method=method).scores(X), y) < 1.5
    assert fit_temperature(COSINE_SCALE * X @ data.class_embeddings.T, y) > 2  # without labels to fit a temperature


@pytest.mark.parametrize("n_each", [10, 30])
def test_probabilities_are_calibrated_on_new_items_with_a_pool(n_each):
    draws = []
    for seed in range(3):
        data, X, y = four_classes(n_each=n_each, noise=1.5, name_noise=1.5, seed=seed)
        _, U, _ = four_classes(n_each=7, noise=1.5, name_noise=1.5, seed=seed)
        draws.append((fitted(replace(data, unlabeled=U)).probabilities(X), y))
    probabilities, y = (np.concatenate(part) for part in zip(*draws, strict=True))
    assert expected_calibration_error(probabilities, y) < 0.06


def test_twenty_labels_per_class_overcome_wrong_names():
    data, X, y = four_classes(n_each=20)
    wrong = with_permuted_names(data)
    assert accuracy(fitted(without_labels(wrong)), X, y) < 0.1
    assert accuracy(fitted(wrong), X, y) >= accuracy(fitted(without_names(data)), X, y) - 0.03


def test_labels_of_atypical_items_do_not_harm_zero_shot():
    data, X, y = four_classes(n_each=3, noise=0.2, name_noise=0.1)
    random = generator(5)
    aside = np.where(np.arange(C * 3) % 3 < 2, 2.5, 0.0)[:, None] * unit(random.normal(size=(C * 3, D)))
    noisy = replace(data, vectors=unit(data.vectors + aside))
    assert accuracy(fitted(noisy), X, y) >= accuracy(fitted(without_labels(data)), X, y) - 0.05


# --- heads ---


def test_a_head_that_does_not_predict_labels_is_left_out():
    data, _, _ = four_classes(n_each=20)
    assert WEAK not in heads_of(fitted(with_permuted_names(data), method="any-shot"))  # it cannot undo these names
    assert WEAK in heads_of(fitted(four_classes(n_each=2)[0], method="any-shot"))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((0, 0, 0, 0), WEAK_AND_STRONG), ((4, 9, 9, 9), WEAK_AND_STRONG), ((5, 5, 5, 5), ALL_HEADS)],
)
def test_the_head_without_names_needs_five_labels_of_every_class(counts, expected):
    data, _, _ = four_classes(n_each=9)
    found = heads(some_labels(data, np.arange(C * 9) % 9 < np.repeat(counts, 9)))
    assert list(found) == expected
    assert found[WEAK] == DEFAULTS.weak_odds
    assert found[STRONG] == pytest.approx(C * DEFAULTS.strong_odds_per_class)
    assert found.get(LOGISTIC, DEFAULTS.logistic_odds) == DEFAULTS.logistic_odds


@pytest.mark.parametrize(("n_each", "kept"), [(5, True), (6, False)])
def test_the_weak_head_takes_part_up_to_few_labels(n_each, kept):
    data, _, _ = four_classes(n_each=n_each)
    data = data.with_defaults(replace(DEFAULTS, few_labels=20))
    assert (WEAK in heads(data)) == kept
    assert STRONG in heads(data)
    without_strong = replace(data.defaults, strong_odds_per_class=0, few_labels=10**9)
    assert list(heads(data.with_defaults(without_strong))) == [WEAK, LOGISTIC]


def test_copies_of_a_label_do_not_count_as_more_labels():
    data, _, _ = four_classes(n_each=5)
    copied = data.vectors.copy()
    copied[1] = copied[0]
    assert LOGISTIC not in heads(replace(data, vectors=copied))


@pytest.mark.parametrize(("field", "left_out"), [("weak_odds", WEAK), ("logistic_odds", LOGISTIC)])
def test_a_head_of_odds_zero_is_left_out(field, left_out):
    data, _, _ = four_classes(n_each=5)
    without = replace(DEFAULTS, **{field: 0})
    assert list(heads(data.with_defaults(without))) == [head for head in ALL_HEADS if head != left_out]
    assert left_out not in heads_of(fitted(data, defaults=without))


def test_default_factors_by_hand():
    data, _, _ = four_classes(n_each=1)  # odds 1 and 0.2 for each of four classes, so the shares are 5/9 and 4/9
    assert default_factors("any-shot", data, names_of(data)) == pytest.approx({WEAK: 5 / 3, STRONG: 4 / 3})
    assert default_factors("logistic-regression", data, names_of(data)) == {LOGISTIC: 3.0}
    assert default_factors("any-shot", without_names(data), names_of(without_names(data))) == {LOGISTIC: 3.0}
    for method in ("zero-shot", "prototype"):
        assert default_factors(method, data, names_of(data)) == {}
    assert default_factors("any-shot", without_labels(data), names_of(data)) == {}


def test_heads_with_a_small_share_are_left_out_and_the_others_share_the_rest():
    data, _, _ = four_classes(n_each=5)
    changed = data.with_defaults(replace(DEFAULTS, weak_odds=98, strong_odds_per_class=0.25, logistic_odds=3))
    found = default_factors("any-shot", changed, names_of(data))  # shares 98, 1 and 3, of which 1 is below 2 %
    assert found == pytest.approx({WEAK: 3 * 98 / 101, LOGISTIC: 3 * 3 / 101})


def test_factors_by_hand():
    """Two labels to which one head gives 1/4, and the other 1/2: it is 4 times as likely, and its odds are 0.8."""
    own = replace(DEFAULTS, temperature_items=1e9)  # the temperatures stay at their defaults
    data, index = four_classes(n_each=1)[0].with_defaults(own), np.array([0, 2])
    scores = {WEAK: np.zeros((2, 4)), STRONG: np.log(3) / own.head_scale * np.eye(4)[index]}
    found = factors_by_likelihood(scores, index, data, names_of(data))
    shares = {WEAK: 1 / (1 + 0.8 * 4), STRONG: 0.8 * 4 / (1 + 0.8 * 4)}
    assert found == pytest.approx({head: own.head_scale * share for head, share in shares.items()}, rel=1e-5)


@pytest.mark.parametrize("confidence", [1.0, 0.3])
def test_factors_are_shares_over_temperatures(confidence):
    data, _, _ = four_classes(n_each=5)
    prior = names_of(data)._replace(kind="refined", confidence=confidence)
    random, index = generator(4), np.tile(np.arange(4), 5)
    scores = {head: 0.3 * np.eye(4)[index] + 0.3 * random.normal(size=(20, 4)) for head in ALL_HEADS}
    temperatures, log_odds = {}, {}
    for head, odds in heads(data).items():
        toward = 1 / (DEFAULTS.head_scale * (confidence if head.prior_weight else 1))
        at = fit_temperature(scores[head], index, toward=toward, prior_items=DEFAULTS.temperature_items)
        log_likelihood = log_softmax(scores[head] / at, axis=1)[np.arange(20), index].sum()
        temperatures[head], log_odds[head] = at, np.log(odds) + log_likelihood
    shares = dict(zip(log_odds, softmax(list(log_odds.values())), strict=True))
    kept = {head: share for head, share in shares.items() if share >= DEFAULTS.min_share}
    expected = {head: share / sum(kept.values()) / temperatures[head] for head, share in kept.items()}
    assert factors_by_likelihood(scores, index, data, prior) == pytest.approx(expected)


# --- laws ---


@pytest.mark.parametrize("pool", [False, True])
def test_a_start_from_an_earlier_model_does_not_change_the_predictions(pool):
    data, X, _ = four_classes(n_each=6)
    data = replace(data, unlabeled=X) if pool else data
    cold, warm = fitted(data), fitted(data, start=fitted(some_labels(data, slice(None, None, 2))).starts)
    assert (warm.method, warm.reasons) == (cold.method, cold.reasons)
    np.testing.assert_array_equal(warm.scores(X).argmax(axis=1), cold.scores(X).argmax(axis=1))
    np.testing.assert_allclose(warm.probabilities(X), cold.probabilities(X), atol=0.01)


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("n_each", [0, 1, 6])
def test_permuting_classes_permutes_the_scores(n_each, pool):
    data, X, _ = four_classes(n_each=n_each)
    data = replace(data, unlabeled=X) if pool else data
    # With as many folds as classes, exchanging classes in a circle leaves the same labels in each fold.
    exact, order = replace(DEFAULTS, folds=((50, C),), held_out_tol=1e-6), np.roll(np.arange(C), 1)
    mixed = replace(data, class_embeddings=data.class_embeddings[order], index=np.argsort(order)[data.index])
    straight, other = (fitted(one, defaults=exact).probabilities(X) for one in (data, mixed))
    np.testing.assert_allclose(other, straight[:, order], atol=0.01)


def test_fitting_twice_gives_the_same_model():
    data, X, _ = four_classes(n_each=6)
    data = replace(data, unlabeled=X)
    np.testing.assert_array_equal(fitted(data).coef, fitted(data).coef)


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
    before = fitted(some_labels(data, slice(239)))
    of_folds = {head.strength for head in before.starts if isinstance(head, FoldHead)}
    assert of_folds == {*heads(data)}
    steps = []
    step = softmax_regression._newton_direction
    monkeypatch.setattr(softmax_regression, "_newton_direction", lambda *args: steps.append(0) or step(*args))
    cold = fitted(data)
    n_cold = len(steps)
    warm = fitted(data, start=before.starts)
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
    model = fitted(data)
    assert (model.method, model.leaderboard, len(model.held_out)) == ("any-shot", (), 0)
    enough = sum(counts) >= DEFAULTS.min_labels
    assert (
        "labels include too few different items of some class to compare" if enough else "labels are too few"
    ) in model.reasons[0]


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


def test_of_many_labels_the_first_of_each_class_are_held_out():
    data, _, _ = four_classes(n_each=6)
    early = some_labels(data, np.arange(C * 6) % 6 < 3)
    few = replace(DEFAULTS, max_held_out=C * 3)
    one, other = (
        {result.method: result.correct for result in fitted(part, method="zero-shot", defaults=few).leaderboard}
        for part in (data, early)
    )
    np.testing.assert_array_equal(one["zero-shot"], other["zero-shot"])


# --- unlabeled examples and class priors ---


def pool_of_three(*, n_each=0):
    """Return three classes whose names lie beside the clusters of a pool, with some labels, and the clusters' means."""
    means = np.eye(D, dtype=np.float32)[:3]
    y = np.repeat(np.arange(3), 20)
    U = unit(means[y] + 0.25 * generator(3).normal(size=(60, D)))
    X = unit(means[y] + 0.25 * generator(4).normal(size=(60, D)))
    rows = np.flatnonzero(np.arange(60) % 20 < n_each)
    names = unit(means + 0.5 * np.roll(means, 1, axis=0))
    return TrainingSet(names, X[rows], y[rows], unlabeled=U, from_source=True), means


def test_a_pool_whose_clusters_are_the_classes_moves_the_names():
    data, means = pool_of_three()
    model = fitted(data)
    assert (model.method, model.prior) == ("any-shot", "refined")
    assert model.reasons[0].startswith("The class vectors are moved to the clusters of 60 unlabeled examples (")
    assert model.reasons[1] == "Any-shot is used; 0 labels are too few to compare methods."
    assert model.scores(means).argmax(axis=1).tolist() == [0, 1, 2]
    assert model.probabilities(means).max(axis=1).min() > 0.9


@pytest.mark.parametrize("n_each", [0, 1, 6])
@pytest.mark.parametrize("pool_examples", [20, 5000])
def test_the_pool_does_not_change_the_mean_confidence(n_each, pool_examples):
    data, _ = pool_of_three(n_each=n_each)
    data = data.with_defaults(replace(DEFAULTS, pool_examples=pool_examples))
    prior, factors = fit_prior(data), {WEAK: 2.0, STRONG: 1.0} if n_each else {}
    fit = fit_method("any-shot", data, prior, factors, start={})
    linear, deltas = fit_with_pool(fit, data, data.pool, prior, factors)
    U = data.pool.vectors[np.unique(np.linspace(0, 59, pool_examples).astype(int))]
    before, after = (softmax(one(U).astype(float), axis=1) for one in (fit[0], linear))
    assert np.abs(after - before).max() > 1e-3
    assert after.max(axis=1).mean() == pytest.approx(before.max(axis=1).mean(), abs=1e-4)
    assert set(deltas) == {WEAK, STRONG}


def test_a_pool_that_all_names_predict_with_certainty_does_not_add_confidence():
    names = np.array([[1, 0], [-1, 0]], np.float32)
    U = unit(np.repeat(names, 6, axis=0) + 0.01 * generator(0).normal(size=(12, 2)))
    data = TrainingSet(names, U[:0], np.zeros(0, np.intp))
    one, other = fitted(data), fitted(replace(data, unlabeled=U))
    assert one.probabilities(U).max(axis=1).min() == 1  # 40 apart, rounded to 1
    between = np.array([[0.1, 1.0]], np.float32)
    np.testing.assert_allclose(other.probabilities(between), one.probabilities(between), atol=0.02)


def test_the_pool_alone_moves_the_heads_of_a_model_without_labels():
    data, _ = pool_of_three()
    model = fitted(data)
    assert heads_of(model) == {WEAK, STRONG}
    assert all(model.starts[head].coef.any() for head in heads_of(model))


@pytest.mark.parametrize("field", ["max_pool_weight", "pool_labels"])
def test_a_pool_of_weight_zero_leaves_the_fit_as_it_is(field):
    data, _ = pool_of_three(n_each=2)
    data = data.with_defaults(replace(DEFAULTS, **{field: 0}))
    prior = fit_prior(data)
    linear, deltas = fit_method("any-shot", data, prior, {WEAK: 1.0}, start={})
    assert fit_with_pool((linear, deltas), data, data.pool, prior, {WEAK: 1.0}) == (linear, deltas)


def test_prototypes_are_means_with_the_class_vectors_that_the_pool_moved():
    data, _ = pool_of_three(n_each=6)
    model, prior = fitted(data, method="prototype"), fit_prior(data)
    (temperature,) = (result.temperature for result in model.leaderboard if result.method == "prototype")
    means = class_means(data.vectors, data.index, prior.class_vectors)
    np.testing.assert_allclose(model.coef, COSINE_SCALE * prior.confidence / temperature * means, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["zero-shot", "prototype", "logistic-regression"])
def test_the_pool_is_not_an_example_for_other_methods(method):
    data, _ = pool_of_three(n_each=6)
    without = replace(DEFAULTS, max_pool_weight=0)
    one, other = fitted(data, method=method), fitted(data, method=method, defaults=without)
    np.testing.assert_array_equal(one.coef, other.coef)


@pytest.mark.parametrize("method", METHODS)
def test_class_priors_are_added_as_logarithms(method):
    data, X, _ = four_classes()
    prior = np.array([0.1, 0.2, 0.3, 0.4])
    plain, moved = fitted(data, method=method), fitted(replace(data, class_prior=prior), method=method)
    np.testing.assert_allclose(moved.scores(X) - plain.scores(X), np.tile(np.log(prior), (len(X), 1)), atol=1e-5)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_classes_with_only_a_label_and_with_only_a_name_are_both_predicted(method):
    data, X, y = four_classes(n_each=6)
    S = data.class_embeddings.copy()
    S[0] = 0
    rows = (data.index != 3) & ((data.index != 0) | (np.arange(24) == 0))  # 1, 6, 6 and 0 labels
    model = fitted(TrainingSet(S, data.vectors[rows], data.index[rows]), method=method)
    predicted = model.scores(X).argmax(axis=1)
    unreachable = {"zero-shot": 0, "logistic-regression": 3}.get(method)
    for k in range(C):
        recall = (predicted[y == k] == k).mean()
        assert recall == 0 if k == unreachable else recall > 0.5
    away = model.scores(-X)  # all cosines are negative there, and a zero vector's are not
    assert not np.isnan(away).any()
    assert not (away.argmax(axis=1) == unreachable).any()


# --- reasons ---


def test_a_method_that_is_better_on_held_out_labels_does_not_replace_the_head():
    data, _, _ = four_classes(n_each=4, noise=1.2, name_noise=0.3)
    model = fitted(data)
    found = {result.method: result.accuracy for result in model.leaderboard}
    assert found["zero-shot"] > found["any-shot"]
    assert model.leaderboard[0].method == "zero-shot"
    assert model.method == "any-shot"
    assert fitted(with_permuted_names(four_classes(n_each=20)[0])).method == "any-shot"  # even if all names are wrong


def test_reasons_are_sentences():
    data, X, _ = four_classes(n_each=6)
    cases = [without_labels(data), without_names(data), data, replace(data, unlabeled=X)]
    cases += [replace(without_labels(data), unlabeled=X), some_labels(data, slice(1)), some_labels(data, slice(8))]
    for case in cases:
        reasons = fitted(case).reasons
        assert len(reasons) == 1 + (case.pool is not None)
        for reason in reasons:
            assert reason[0].isupper() or reason[0].isdigit()
            assert reason.endswith(".")
            assert len(reason.split()) > 6
            assert not {"{", "}", "nan"} & set(reason.replace("{", " { ").split())


def test_the_constants_are_those_of_the_training_set_unless_given():
    data, _, _ = four_classes(n_each=0)
    own = replace(DEFAULTS, cosine_scale=7.0)
    np.testing.assert_allclose(fitted(data.with_defaults(own)).coef, 7 * data.class_embeddings, rtol=1e-6)
    np.testing.assert_allclose(fitted(data, defaults=own).coef, 7 * data.class_embeddings, rtol=1e-6)


def test_no_reason_describes_class_vectors_that_are_not_used():
    data, _ = pool_of_three(n_each=6)
    assert fitted(data, method="zero-shot").reasons[0].startswith("The class vectors are moved")
    reason, _ = fitted(data, method="logistic-regression").reasons
    assert reason.startswith("Logistic-regression is used")


@pytest.mark.parametrize("method", ["auto", "logistic-regression"])
def test_logistic_regression_says_that_it_does_not_use_the_pool(method):
    data, X, _ = four_classes(n_each=6)
    case = replace(data if method != "auto" else without_names(data), unlabeled=X)
    model = fitted(case, method=method)
    assert (model.method, len(model.reasons)) == ("logistic-regression", 2)
    assert model.reasons[1] == f"It has no class vectors that {len(X)} unlabeled examples could move."


def test_the_reason_states_the_accuracy_of_every_method():
    data, _, _ = four_classes(n_each=6)
    model = fitted(data)
    for result in model.leaderboard:
        assert str(result) in model.reasons[-1]
    used = "Any-shot is used (accuracy on 24 held-out labels, mean over classes, with 95 % intervals: any-shot "
    assert model.reasons[-1].startswith(used)


def test_ten_labels_that_are_all_predicted_correctly_do_not_promise_certainty():
    own = np.array([0, 1] * 5)
    result = result_from_scores("any-shot", np.eye(2)[own] * 9, own, None)
    assert result.accuracy == 1
    assert result.interval == pytest.approx(wilson_interval(10, 10))
    assert str(result) == "any-shot 100.0% (72.2 to 100.0)"


def test_the_interval_is_wider_where_most_labels_are_of_one_class():
    index = np.repeat([0, 1], [18, 2])
    scores = np.eye(2)[index].astype(float)
    scores[0] = [0, 1]
    result = result_from_scores("any-shot", scores, index, None)
    assert result.accuracy == pytest.approx((17 / 18 + 1) / 2)
    lower, upper = result.interval
    assert upper - lower > np.subtract(*wilson_interval(19.4, 20)[::-1])


# --- classes without labels ---


def test_labeled_classes_correct_the_vectors_of_the_others():
    data, X, y = biased_names()
    model = fitted(data)
    by_name = fitted(data, defaults=replace(DEFAULTS, min_labeled_classes=1000))
    assert (model.prior, by_name.prior) == ("corrected", "names")
    assert "20 labeled classes are used to correct" in model.reasons[-1]
    assert accuracy(model, X, y) > accuracy(by_name, X, y) + 0.1


def test_too_few_labeled_classes_correct_nothing():
    data, _, _ = biased_names()
    assert fitted(some_labels(data, data.index < 9)).prior == "names"
    assert fitted(some_labels(data, data.index < 10)).prior == "corrected"


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
    np.testing.assert_allclose(model(X)[:, [0, 2, 3]], COSINE_SCALE * cosines[:, [0, 2, 3]], rtol=1e-5)
    assert np.isneginf(model(X)[:, 1]).all()
    assert not deltas


def test_prototypes_are_those_of_the_estimator():
    data, X, _ = four_classes(n_each=3)
    model, _ = fit_one(data, "prototype")
    peer = PrototypeClassifier().fit(data.vectors, data.index, class_vectors=data.class_embeddings)
    np.testing.assert_array_equal(model(X).argmax(axis=1), peer.predict(X))


def test_class_vectors_over_the_bridge_have_a_scale_of_their_own_without_items():
    data, X, _ = four_classes(n_each=0)
    bridged = replace(data, centering=True)
    np.testing.assert_allclose(fitted(bridged).coef, DEFAULTS.bridge_scale * bridged.class_embeddings, rtol=1e-6)
    centered = replace(bridged, unlabeled=X[:2])  # fewer than the classes, so they only give a center
    np.testing.assert_allclose(fitted(centered).coef, COSINE_SCALE * initial_class_vectors(centered), rtol=1e-6)


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
