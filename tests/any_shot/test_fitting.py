"""Fitting the any-shot model: the prior, the labels, and the pool of unlabeled examples."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.any_shot.cross_validation import result_from_scores, result_of
from anyshot.any_shot.defaults import DEFAULTS, Strength
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.model import METHODS
from anyshot.any_shot.prior import fit_prior, initial_class_vectors
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import generator, unit
from anyshot.errors import NotEnoughClassesError
from anyshot.training.softmax_regression import fit_temperature
from anyshot.zero_shot import GUESSES
from anyshot.zero_shot.class_embeddings import scale_by_spread
from four_classes import (
    VECTORS,
    C,
    D,
    biased_names,
    four_classes,
    some_labels,
    with_permuted_names,
    without_labels,
    without_names,
)

COSINE_SCALE = DEFAULTS.cosine_scale
WEAK, STRONG = Strength(DEFAULTS.weak_c, 1), Strength(DEFAULTS.strong_c, 1)


def fitted(data, **options):
    return fit_model(VECTORS, data, **options)


def heads_of(model):
    """Return the strengths of the heads that are averaged."""
    return {head for head in model.starts if isinstance(head, Strength)}


def accuracy(model, X, y):
    return float((model.scores(X).argmax(axis=1) == y).mean())


# --- few or no labels ---


@pytest.mark.parametrize("method", ["auto", "any-shot", "zero-shot"])
def test_without_labels_and_pool_the_scores_are_cosines(method):
    data, X, _ = four_classes()
    model = fitted(without_labels(data), method=method)
    assert (model.prior, model.leaderboard) == ("names", ())
    assert model.method == ("zero-shot" if method == "auto" else method)
    scale = COSINE_SCALE * scale_by_spread(data.class_embeddings)
    np.testing.assert_allclose(model.coef, scale * data.class_embeddings, rtol=1e-6)
    np.testing.assert_array_equal(model.intercept, 0)
    np.testing.assert_allclose(model.scores(X), scale * X @ data.class_embeddings.T, atol=1e-4)


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


def test_class_vectors_over_the_bridge_have_a_scale_of_their_own_without_items():
    data, X, _ = four_classes(n_each=0)
    bridged = replace(data, centering=True)
    scale = DEFAULTS.bridge_scale * scale_by_spread(bridged.class_embeddings)
    np.testing.assert_allclose(fitted(bridged).coef, scale * bridged.class_embeddings, rtol=1e-6)
    centered = replace(bridged, unlabeled=X[:2])  # fewer than the classes, so they only give a center
    S = initial_class_vectors(centered)
    np.testing.assert_allclose(fitted(centered).coef, COSINE_SCALE * scale_by_spread(S) * S, rtol=1e-6)


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


def test_a_head_that_does_not_predict_labels_is_left_out():
    data, _, _ = four_classes(n_each=20)
    assert WEAK not in heads_of(fitted(with_permuted_names(data), method="any-shot"))  # it cannot undo these names
    assert WEAK in heads_of(fitted(four_classes(n_each=2)[0], method="any-shot"))


# --- laws ---


@pytest.mark.parametrize("pool", [False, True])
def test_a_start_from_an_earlier_model_does_not_change_the_predictions(pool):
    data, X, _ = four_classes(n_each=6)
    data = replace(data, unlabeled=X) if pool else data
    cold, warm = fitted(data), fitted(data, start=fitted(some_labels(data, slice(None, None, 2))).starts)
    assert (warm.method, warm.reasons) == (cold.method, cold.reasons)
    one, other = warm.probabilities(X), cold.probabilities(X)
    np.testing.assert_allclose(one, other, atol=0.01)
    clear = np.diff(np.partition(other, -2, axis=1)[:, -2:])[:, 0] > 0.01
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(one.argmax(axis=1)[clear], other.argmax(axis=1)[clear])


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("n_each", [0, 1, 6])
def test_permuting_classes_permutes_the_scores(n_each, pool):
    data, X, _ = four_classes(n_each=n_each)
    data = replace(data, unlabeled=X) if pool else data
    # With as many folds as classes, exchanging classes in a circle leaves the same labels in each fold.
    exact, order = replace(DEFAULTS, folds=((50, C),), held_out_tol=1e-6), np.roll(np.arange(C), 1)
    mixed = replace(data, class_embeddings=data.class_embeddings[order], index=np.argsort(order)[data.index])
    straight, other = (fitted(one.with_defaults(exact)).probabilities(X) for one in (data, mixed))
    np.testing.assert_allclose(other, straight[:, order], atol=0.01)


def test_fitting_twice_gives_the_same_model():
    data, X, _ = four_classes(n_each=6)
    data = replace(data, unlabeled=X)
    np.testing.assert_array_equal(fitted(data).coef, fitted(data).coef)


# --- class priors ---


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
    data, _, _ = four_classes(n_each=3, noise=1.5, name_noise=0.3, seed=2)
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
    expected = 7 * scale_by_spread(data.class_embeddings) * data.class_embeddings
    np.testing.assert_allclose(fitted(data.with_defaults(own)).coef, expected, rtol=1e-6)


@pytest.mark.parametrize("method", ["auto", "logistic-regression"])
def test_logistic_regression_says_that_it_does_not_use_the_pool(method):
    data, X, _ = four_classes(n_each=6)
    case = replace(data if method != "auto" else without_names(data), unlabeled=X)
    model = fitted(case, method=method)
    assert (model.method, len(model.reasons)) == ("logistic-regression", 2)
    expected = f"The model learns from labels alone, so it does not use the {len(X)} unlabeled examples."
    assert model.reasons[1] == expected


def test_the_reason_states_the_accuracy_of_every_method():
    data, _, _ = four_classes(n_each=6)
    model = fitted(data)
    for result in model.leaderboard:
        assert str(result) in model.reasons[-1]
    used = "Any-shot is used (accuracy on 24 held-out labels, mean over classes, with 95 % intervals: any-shot "
    assert model.reasons[-1].startswith(used)


def test_what_held_out_labels_say_against_the_method_and_the_names_is_said():
    data = four_classes(n_each=6)[0]
    scores = np.eye(4)[data.index]
    results = [
        result_from_scores(one, sign * scores, data.index, None) for one, sign in (("any-shot", -1), ("zero-shot", 1))
    ]
    why = {one: result_of(one, results, data, fit_prior(data))[1] for one in ("any-shot", "zero-shot")}
    assert why["any-shot"].endswith("These figures do not choose the method.")
    assert why["zero-shot"].endswith(").")
    exchanged = result_of(
        "zero-shot", [result_from_scores("zero-shot", -scores, data.index, None)], data, fit_prior(data)
    )
    assert exchanged[1].endswith("less often than by chance: check whether labels and classes were exchanged.")


# --- classes without labels ---


def test_labeled_classes_correct_the_vectors_of_the_others():
    data, X, y = biased_names()
    model = fitted(data)
    by_name = fitted(data.with_defaults(replace(DEFAULTS, min_labeled_classes=1000)))
    assert (model.prior, by_name.prior) == ("corrected", "names")
    assert "The labels of 20 classes also correct" in model.reasons[-1]
    assert accuracy(model, X, y) > accuracy(by_name, X, y) + 0.1


def test_too_few_labeled_classes_correct_nothing():
    data, _, _ = biased_names()
    assert fitted(some_labels(data, data.index < 9)).prior == "names"
    assert fitted(some_labels(data, data.index < 10)).prior == "corrected"


def test_names_that_are_guesses_are_left_out_once_every_class_has_a_label():
    data, _, _ = four_classes(n_each=6)
    data = replace(data, centering=True, class_embeddings=0.01 * data.class_embeddings)
    model = fit_model(VECTORS, data)
    assert (model.method, model.prior, model.reasons[0]) == ("logistic-regression", "none", GUESSES)
    assert "zero-shot" in [result.method for result in model.leaderboard]
    without_one = fit_model(VECTORS, data.subset(data.index > 0))
    assert (without_one.method, without_one.reasons[0]) == ("any-shot", GUESSES)
