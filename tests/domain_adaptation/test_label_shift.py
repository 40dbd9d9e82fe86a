"""Estimates of the target's class prior, and predictions corrected for it."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.domains import Domains
from anyshot.domain_adaptation.label_shift import (
    LabelShiftCorrection,
    bbse_prior,
    calibrate,
    compare_predictions,
    cross_validated_probabilities,
    em_prior,
    fit_calibration,
    label_shift_test,
    prior_interval,
)
from anyshot.errors import AnyshotError, DomainError, InputError, NotEnoughLabelsError, TargetLabelsError

MEANS = np.array([[0.0, 0], [2, 0], [0, 2]])


def sample(prior, n, *, seed=0):
    random = np.random.default_rng(seed)
    y = random.choice(3, n, p=prior)
    return MEANS[y] + random.normal(size=(n, 2)), y


def truth(X, prior):
    """Return the true probabilities of the three classes."""
    odds = np.exp(-0.5 * np.square(X[:, None] - MEANS).sum(axis=2)) * prior
    return odds / odds.sum(axis=1, keepdims=True)


EVEN, UNEVEN = np.full(3, 1 / 3), np.array([0.7, 0.25, 0.05])


def test_em_recovers_the_prior_from_true_probabilities():
    X, _ = sample(UNEVEN, 20_000)
    np.testing.assert_allclose(em_prior(truth(X, EVEN), EVEN), UNEVEN, atol=0.015)


def test_em_is_the_maximum_of_the_likelihood():
    X, _ = sample(UNEVEN, 300)
    predicted = truth(X, EVEN)

    def loss(free):
        prior = np.exp(free) / np.exp(free).sum()
        return -np.log((predicted / EVEN) @ prior).mean()

    free = minimize(loss, np.zeros(3), tol=1e-12).x
    np.testing.assert_allclose(em_prior(predicted, EVEN, tol=1e-10), np.exp(free) / np.exp(free).sum(), atol=1e-4)


def test_em_on_one_hot_predictions_is_their_frequency():
    predicted = np.eye(3)[[0, 0, 0, 1]]
    np.testing.assert_allclose(em_prior(predicted, EVEN), [0.75, 0.25, 0])


def test_weights_of_em_are_multiplicities():
    X, _ = sample(UNEVEN, 50)
    predicted, count = truth(X, EVEN), np.arange(50) % 3
    np.testing.assert_allclose(
        em_prior(predicted, EVEN, weights=count), em_prior(np.repeat(predicted, count, axis=0), EVEN), atol=1e-6
    )


def test_bbse_solves_the_confusion_matrix():
    # 80 % of class 0 and 60 % of class 1 are predicted correctly; 44 % predictions of class 0 mean q = (0.1, 0.9).
    index = np.repeat([0, 1], 10)
    predicted = np.r_[np.repeat([0, 1], [8, 2]), np.repeat([0, 1], [4, 6])]
    target = np.repeat([0, 1], [44, 56])
    np.testing.assert_allclose(bbse_prior(np.eye(2)[predicted], index, np.eye(2)[target]), [0.1, 0.9], atol=1e-10)


def test_bbse_is_never_negative():
    predicted, index = np.eye(2)[[0, 0, 1, 1]], np.array([0, 0, 1, 1])
    np.testing.assert_allclose(bbse_prior(predicted, index, np.eye(2)[[0, 0]]), [1, 0])


def test_calibration_corrects_a_temperature_and_a_bias():
    X, y = sample(EVEN, 4000)
    miscalibrated = calibrate(truth(X, EVEN), np.array([2.5, 1.0, -0.5, 0]))
    calibrated = calibrate(miscalibrated, fit_calibration(miscalibrated, y))
    assert np.abs(calibrated - truth(X, EVEN)).mean() < 0.02
    assert np.abs(miscalibrated - truth(X, EVEN)).mean() > 0.08


def test_cross_validated_probabilities_do_not_depend_on_their_own_item():
    X, y = sample(EVEN, 60)
    predicted = cross_validated_probabilities(LogisticRegression(), Domains(X, y, X, 3))
    X[7] += 100
    moved = cross_validated_probabilities(LogisticRegression(), Domains(X, y, X, 3))
    assert np.abs(predicted - moved).max() > 0
    fold = np.sum(y[:7] == y[7]) % 5
    same_fold = np.array([np.sum(y[:row] == y[row]) % 5 == fold for row in range(60)])
    same_fold[7] = False
    np.testing.assert_allclose(moved[same_fold], predicted[same_fold])  # by the model without item 7


def test_a_class_with_one_item_is_refused():
    with pytest.raises(NotEnoughLabelsError, match=r"Class '2' has 1 source item\(s\)"):
        LabelShiftCorrection().fit(np.arange(7.0)[:, None], [0, 0, 0, 1, 1, 1, 2], target=np.arange(7.0)[:, None])


@pytest.mark.parametrize("method", ["em", "bbse"])
def test_intervals_have_about_the_nominal_coverage(method):
    covered = 0
    for seed in range(30):
        target, _ = sample(UNEVEN, 200, seed=100 + seed)
        y = np.arange(300) % 3
        X = MEANS[y] + np.random.default_rng(seed).normal(size=(300, 2))
        found = prior_interval(
            truth(X, EVEN), y, truth(target, EVEN), method=method, n_bootstrap=60, random_state=seed
        )  # fmt: skip
        covered += np.sum((found.low <= UNEVEN) & (found.high >= UNEVEN))
    assert covered >= 0.85 * 90


@pytest.mark.parametrize("method", ["em", "bbse"])
def test_corrected_predictions_are_nearly_optimal(method):
    (X, y), (target, y_target) = sample(EVEN, 600), sample(UNEVEN, 600, seed=1)
    plain = SourceModel(normalize=None).fit(X, y, target=target)
    model = LabelShiftCorrection(method=method, n_bootstrap=5, random_state=0).fit(X, y, target=target)
    best = np.mean(truth(target, UNEVEN).argmax(axis=1) == y_target)
    assert model.score(target, y_target) > plain.score(target, y_target) + 0.03
    assert model.score(target, y_target) > best - 0.03
    np.testing.assert_allclose(model.prior_.prior, UNEVEN, atol=0.08)


def test_the_seed_changes_the_intervals_only():
    (X, y), (target, _) = sample(EVEN, 200), sample(UNEVEN, 200, seed=1)
    one, other = (LabelShiftCorrection(n_bootstrap=10, random_state=seed).fit(X, y, target=target) for seed in (0, 1))
    np.testing.assert_array_equal(one.predict_proba(target), other.predict_proba(target))
    assert (one.prior_.low != other.prior_.low).any()


def test_an_unknown_method_is_refused():
    (X, y), (target, _) = sample(EVEN, 30), sample(EVEN, 30)
    with pytest.raises(InputError, match="Unknown method='rlls'"):
        LabelShiftCorrection(method="rlls").fit(X, y, target=target)


FAR_MEANS = np.array([[0.0, 0], [3, 0], [0, 3]])


def moved_sample(prior, n, *, seed, move=0.0):
    random = np.random.default_rng(seed)
    y = random.choice(3, n, p=prior)
    return FAR_MEANS[y] + random.normal(size=(n, 2)) + move, y


def verdicts(prior, *, move=0.0, seeds=range(25)):
    found = []
    for seed in seeds:
        (X, y), (target, _) = moved_sample(EVEN, 400, seed=seed), moved_sample(prior, 300, seed=1000 + seed, move=move)
        found.append(label_shift_test(X, y, target=target, random_state=seed))
    return found


def test_equal_domains_are_rarely_called_shifted():
    found = [one.verdict for one in verdicts(EVEN)]
    assert found.count("no shift detected") >= 20


def test_label_shift_is_detected_and_its_prior_estimated():
    found = verdicts(UNEVEN)
    assert [one.verdict for one in found].count("label shift") >= 20
    np.testing.assert_allclose(np.mean([one.prior for one in found], axis=0), UNEVEN, atol=0.03)


def test_classes_that_moved_are_another_shift():
    found = [one.verdict for one in verdicts(EVEN, move=np.array([1.5, 1.5]))]
    assert found.count("other shift") >= 20


def test_identical_predictions_are_no_shift():
    random = np.random.default_rng(0)
    index = np.arange(90) % 3
    predicted = np.exp(2 * np.eye(3)[index] + random.normal(size=(90, 3)))
    predicted /= predicted.sum(axis=1, keepdims=True)
    found = compare_predictions(predicted, index, predicted)
    assert found.no_shift_p == 1
    assert found.label_shift_p > 0.5
    np.testing.assert_allclose(found.prior, 1 / 3, atol=0.05)
    assert str(found).startswith("no shift detected (no shift p 1,")


def test_a_class_that_the_target_lacks_has_no_share_below_zero_and_repeating_the_test_changes_nothing():
    X, y = moved_sample(EVEN, 90, seed=0)
    first, again = (label_shift_test(X, y, target=X[np.asarray(y) != np.asarray(y)[0]]) for _ in range(2))
    assert first.prior.min() >= 0
    assert first.prior.sum() == pytest.approx(1)
    assert str(first) == str(again)


def test_a_class_with_too_few_items_is_refused():
    X, y = np.random.default_rng(0).normal(size=(20, 2)), ["ash"] * 13 + ["birch"] * 7
    with pytest.raises(NotEnoughLabelsError, match=r"'birch' has 7 source item\(s\); at least 8 of each"):
        label_shift_test(X, y, target=X)


def test_target_labels_and_single_items_are_refused():
    X, y = moved_sample(EVEN, 60, seed=0)
    with pytest.raises(TargetLabelsError, match="must not see labels"):
        label_shift_test(X, y, target=(X, y))
    with pytest.raises(DomainError, match="target has 1 item"):
        label_shift_test(X, y, target=X[:1])


P = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: em_prior(P * 100, np.ones(3)), "Row 0 does not contain probabilities"),
        (lambda: em_prior(np.where(P == 0.8, np.nan, P), np.ones(3)), "Row 0 does not contain probabilities"),
        (lambda: em_prior(P, np.ones(2)), "a share for each of 3 classes"),
        (lambda: em_prior(P, {"a": 1, "b": 1, "c": 1}), "a share for each of 3 classes; it is {'a'"),
        (lambda: em_prior(P, np.ones(3), weights=np.array([1.0, -1.0, 1.0])), "row 1 has -1"),
        (lambda: em_prior(P, np.ones(3), weights=np.ones(2)), "One weight per item"),
        (lambda: em_prior(P[:0], np.ones(3)), "no rows"),
        (lambda: bbse_prior(P, [0, 1, 5], P), "y contains class 5"),
        (lambda: bbse_prior(P, [0, 1], P), "one label for each of the 3 items"),
        (lambda: bbse_prior(P, [0, 1, 1], P), "Class 2 has no source item"),
        (lambda: bbse_prior(P, [0, 1, 2], P[:, :2] / P[:, :2].sum(axis=1, keepdims=True)), "has 2 classes"),
    ],
)
def test_arguments_of_the_priors_that_do_not_fit_are_named(call, words):
    with pytest.raises(AnyshotError, match=words):
        call()


def test_classes_of_source_items_may_be_a_list_with_missing_ones():
    expected = bbse_prior(P, np.array([0, 1, 2]), P[:2])
    np.testing.assert_allclose(bbse_prior([*P.tolist(), [1 / 3] * 3], [0, 1, 2, None], P[:2].tolist()), expected)
