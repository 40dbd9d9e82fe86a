"""Cross-validation chooses the method and how far labels may move the prior."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.any_shot.cross_validation import (
    default_factors,
    fit_method,
    fit_model,
)
from anyshot.any_shot.defaults import DEFAULTS, LOGISTIC, Strength
from anyshot.any_shot.head import AnyShotHead, PrototypeClassifier
from anyshot.any_shot.model import METHODS
from anyshot.any_shot.prior import Prior
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import generator, unit
from anyshot.errors import NotEnoughClassesError
from anyshot.evaluation.calibration import fit_temperature
from four_classes import VECTORS, C, D, biased_names, four_classes

STRENGTHS, COSINE_SCALE = DEFAULTS.strengths, DEFAULTS.cosine_scale
WEAK, STRONG = Strength(0.1, 1), Strength(20.0, 1)


def fitted(data, **options):
    return fit_model(VECTORS, data, **options)


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


def test_names_alone_give_zero_shot():
    data, X, _ = four_classes()
    model = fitted(without_labels(data))
    assert (model.method, model.prior, model.leaderboard) == ("zero-shot", "names", ())
    np.testing.assert_allclose(model.scores(X), COSINE_SCALE * X @ data.class_vectors.T, atol=1e-4)


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
    assert model.reasons == (f"{start} to compare methods, so any-shot is used.",)


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
    data = some_labels(data, np.flatnonzero((data.index > 0) | (np.arange(24) < 1)))  # 1, 6, 6 and 6 labels
    correct = (data.vectors @ data.class_vectors.T).argmax(axis=1) == data.index  # zero-shot ignores labels
    found = next(result for result in fitted(data).leaderboard if result.method == "zero-shot")
    assert found.accuracy == pytest.approx(np.mean([correct[data.index == k].mean() for k in range(C)]))
    assert found.accuracy != pytest.approx(correct.mean())


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_are_calibrated_on_new_items(method):
    data, X, y = four_classes(n_each=30, noise=2.0)
    assert 0.6 < fit_temperature(fitted(data, method=method).scores(X), y) < 1.5
    assert fit_temperature(COSINE_SCALE * X @ data.class_vectors.T, y) > 2  # without labels to fit a temperature


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


# --- strengths ---


def test_heads_with_strengths_that_do_not_predict_labels_are_left_out():
    data, _, _ = four_classes(n_each=20)
    weakest = min(STRENGTHS, key=lambda strength: (-strength.prior_weight, strength.C))
    assert weakest not in fitted(with_permuted_names(data), method="any-shot").deltas  # it cannot undo these names
    assert weakest in fitted(four_classes(n_each=2)[0], method="any-shot").deltas


@pytest.mark.parametrize(
    ("n_each", "tried"),
    [
        (0, [strength for strength in STRENGTHS if strength.prior_weight]),
        (4, [strength for strength in STRENGTHS if strength.prior_weight]),
        (5, list(STRENGTHS)),
        (50, list(STRENGTHS)),
        (51, [Strength(2.0, 1, 0.2, 2.8), Strength(20.0, 1, 1.0, 2.0), LOGISTIC]),
    ],
)
def test_the_strengths_compared_depend_on_the_labels_and_their_shares_sum_to_one(n_each, tried):
    factors = default_factors("any-shot", four_classes(n_each=n_each)[0], refined=False)
    assert list(factors) == tried
    assert sum(factor / strength.scale for strength, factor in factors.items()) == pytest.approx(1)


def test_a_start_from_an_earlier_model_does_not_change_the_predictions():
    data, X, _ = four_classes(n_each=6)
    cold, warm = fitted(data), fitted(data, start=fitted(some_labels(data, slice(None, None, 2))).deltas)
    assert (warm.method, warm.reasons) == (cold.method, cold.reasons)
    np.testing.assert_array_equal(warm.scores(X).argmax(axis=1), cold.scores(X).argmax(axis=1))
    np.testing.assert_allclose(warm.scores(X), cold.scores(X), atol=0.05)


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


def test_a_pool_whose_clusters_are_the_classes_moves_the_names():
    means = np.eye(D)[:3]
    centers = np.repeat(means, 20, axis=0)
    U = unit(centers + 0.15 * generator(3).normal(size=centers.shape))
    names = unit(means + 0.5 * np.roll(means, 1, axis=0))
    none = np.zeros((0, D), np.float32)
    model = fitted(TrainingSet(names, none, np.zeros(0, np.intp), unlabeled=U, from_source=True))
    assert (model.method, model.prior) == ("any-shot", "refined")
    assert model.reasons[0].startswith("The class names are moved to the clusters of 60 unlabeled examples (")
    assert model.reasons[0].endswith("); no label checks this yet.")
    assert model.scores(means.astype(np.float32)).argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("method", METHODS)
def test_class_priors_are_added_as_logarithms(method):
    data, X, _ = four_classes()
    prior = np.array([0.1, 0.2, 0.3, 0.4])
    plain, moved = fitted(data, method=method), fitted(replace(data, class_prior=prior), method=method)
    np.testing.assert_allclose(moved.scores(X) - plain.scores(X), np.tile(np.log(prior), (len(X), 1)), atol=1e-5)


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_classes_with_only_a_label_and_with_only_a_name_are_both_predicted(method):
    data, X, y = four_classes(n_each=6)
    S = data.class_vectors.copy()
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


def test_a_lead_within_chance_is_reported_and_not_followed():
    data, _, _ = four_classes(n_each=4, noise=1.2, name_noise=0.3)
    model = fitted(data)
    ahead = {result.method: result.accuracy for result in model.leaderboard}
    assert ahead["zero-shot"] > ahead["any-shot"]
    assert model.method == "any-shot"
    assert model.reasons[-1].endswith("; the lead of zero-shot may be chance).")


def test_reasons_are_sentences():
    data, X, _ = four_classes(n_each=6)
    cases = [without_labels(data), without_names(data), data, replace(data, unlabeled=X)]
    cases += [replace(without_labels(data), unlabeled=X), some_labels(data, slice(1))]
    for case in cases:
        reasons = fitted(case).reasons
        assert len(reasons) == 1 + (case.pool is not None)
        for reason in reasons:
            assert reason[0].isupper() or reason[0].isdigit()
            assert reason.endswith(".")
            assert len(reason.split()) > 6
            assert not {"{", "}", "nan"} & set(reason.replace("{", " { ").split())


def test_the_reason_states_the_accuracy_of_every_method():
    data, _, _ = four_classes(n_each=6)
    model = fitted(data)
    for result in model.leaderboard:
        assert f"{result.method} {result.accuracy:.1%}" in model.reasons[-1]
    used = f"{model.method[0].upper()}{model.method[1:]} is used (accuracy on 24 labels in cross-validation"
    assert model.reasons[-1].startswith(used)


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


def fit_one(data, method, factors, start=(), **options):
    return fit_method(method, data, Prior(data.class_vectors, "names"), factors, start=dict(start), **options)


def test_zero_shot_scores_are_cosines_and_a_class_without_vector_is_never_predicted():
    data, X, _ = four_classes(n_each=2)
    embeddings = data.class_embeddings.copy()
    embeddings[1] = 0
    data = replace(data, class_embeddings=embeddings)
    model, deltas = fit_one(data, "zero-shot", {})
    cosines = X @ data.class_vectors.T
    np.testing.assert_allclose(model(X)[:, [0, 2, 3]], COSINE_SCALE * cosines[:, [0, 2, 3]], rtol=1e-5)
    assert np.isneginf(model(X)[:, 1]).all()
    assert not deltas


def test_prototypes_are_those_of_the_estimator():
    data, X, _ = four_classes(n_each=3)
    model, _ = fit_one(data, "prototype", {})
    peer = PrototypeClassifier().fit(data.vectors, data.index, class_vectors=data.class_vectors)
    np.testing.assert_array_equal(model(X).argmax(axis=1), peer.predict(X))


def test_heads_of_several_strengths_are_summed_with_their_factors():
    data, X, _ = four_classes(n_each=3)
    model, deltas = fit_one(data, "any-shot", {WEAK: 2.0, STRONG: 0.5})
    heads = {strength: AnyShotHead(C=strength.C, tol=1e-8) for strength in (WEAK, STRONG)}
    for head in heads.values():
        head.fit(data.vectors, data.index, class_vectors=data.class_vectors)
    total = 2.0 * heads[WEAK].decision_function(X) + 0.5 * heads[STRONG].decision_function(X)
    np.testing.assert_allclose(model(X), total, atol=0.02)
    assert set(deltas) == {WEAK, STRONG}


def test_where_the_solver_starts_does_not_change_the_solution():
    data, X, _ = four_classes(n_each=3)
    cold, deltas = fit_one(data, "any-shot", {STRONG: 2.0}, tol=1e-8)
    warm, _ = fit_one(data, "any-shot", {STRONG: 2.0}, deltas, tol=1e-8)
    np.testing.assert_allclose(cold(X), warm(X), atol=1e-3)


def test_a_strength_without_prior_is_logistic_regression():
    data, X, _ = four_classes(n_each=3)
    plain = AnyShotHead(C=10.0, tol=1e-8)
    plain.fit(data.vectors, data.index, class_vectors=np.zeros_like(data.class_embeddings))
    model, _ = fit_one(data, "any-shot", {Strength(10.0, 0): 1.0}, tol=1e-8)
    np.testing.assert_allclose(model(X), plain.decision_function(X), atol=0.01)
