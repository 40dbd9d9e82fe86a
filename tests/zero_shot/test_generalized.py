import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.zero_shot.eszsl import ESZSL
from anyshot.zero_shot.generalized import (
    GeneralizedZeroShotClassifier,
    best_threshold,
    generalized_weights,
    harmonic_curve,
    penalize_seen,
)
from anyshot.zero_shot.semantic_map import SemanticMapClassifier


class BiasedToSeen(ESZSL):
    """Scores seen classes higher by 1."""

    def _scores(self, X):
        return super()._scores(X) + np.isin(self.classes_, self.seen_classes_)


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    S = random.uniform(size=(24, 8))
    turn = random.normal(size=(8, 12))
    truth = np.repeat(np.arange(24), 20)
    X = (S[truth] - 0.5) @ turn + 0.3 * random.normal(size=(480, 12))
    learn = (truth < 18) & (np.arange(480) % 2 == 0)
    return X, truth, np.where(learn, truth, -1), S


def harmonic(truth, predicted, test):
    u, s = (
        np.mean([(predicted[test & (truth == k)] == k).mean() for k in side]) for side in (range(18, 24), range(18))
    )
    return 2 * u * s / max(u + s, 1e-9)


def test_the_penalty_is_subtracted_from_seen_classes_only():
    scores = penalize_seen(np.array([[3.0, 1.0, 2.0]]), np.array([True, False, True]), 1.5)
    np.testing.assert_array_equal(scores, [[1.5, 1.0, 0.5]])


@pytest.mark.parametrize(("penalty", "side"), [(np.inf, [1]), (-np.inf, [0, 2])])
def test_an_infinite_penalty_excludes_one_side(penalty, side):
    scores = penalize_seen(np.zeros((1, 3)), np.array([True, False, True]), penalty)
    assert np.flatnonzero(np.isfinite(scores[0])).tolist() == side


def test_the_harmonic_curve_equals_counting_at_every_threshold():
    random = np.random.default_rng(0)
    y, margin = random.integers(0, 5, size=60), random.normal(size=60)
    correct, of_seen = (random.random(60) < 0.7, random.random(60) < 0.6), y < 3
    at, height = harmonic_curve(margin, correct, y, of_seen)
    for threshold, found in zip(at, height, strict=True):
        hit = np.where(of_seen, correct[0] & (margin > threshold), correct[1] & (margin <= threshold))
        s, u = (np.mean([hit[y == k].mean() for k in side]) for side in (range(3), range(3, 5)))
        assert found == pytest.approx(2 * u * s / (u + s) if u + s else 0.0)


def test_the_best_threshold_is_on_a_plateau():
    at = np.linspace(0, 1, 2001)
    threshold, height = best_threshold([(at, np.where((at > 0.4) & (at < 0.6), 0.8, 0.1))])
    assert 0.4 < threshold < 0.6
    assert height == pytest.approx(0.8)


@pytest.mark.parametrize("correction", ["penalty", "gate"])
def test_the_correction_raises_the_harmonic_mean(correction, data):
    X, truth, y, S = data
    test = y < 0
    model = GeneralizedZeroShotClassifier(BiasedToSeen(), correction=correction).fit(X, y, class_vectors=S)
    raw = harmonic(truth, model.uncorrected_scores(X).argmax(axis=1), test)
    assert harmonic(truth, model.predict(X), test) > raw + 0.1
    assert 0 < model.held_out_harmonic_mean_ <= 1


def test_items_of_unseen_classes_do_not_affect_the_penalty(data):
    X, _, y, S = data
    first = GeneralizedZeroShotClassifier(SemanticMapClassifier()).fit(X, y, class_vectors=S)
    only_labeled = GeneralizedZeroShotClassifier(SemanticMapClassifier())
    only_labeled.fit(np.where(y[:, None] < 0, 7.0, X), y, class_vectors=S)
    assert only_labeled.seen_penalty_ == first.seen_penalty_


def test_generalized_weights_are_those_of_the_corrected_estimator(data):
    X, _, y, S = data
    labeled = X[y >= 0], y[y >= 0]
    coef, intercept, penalty = generalized_weights(*labeled, S)
    oracle = GeneralizedZeroShotClassifier(SemanticMapClassifier()).fit(*labeled, class_vectors=S)
    assert penalty == pytest.approx(oracle.seen_penalty_)
    scale = 1 / SemanticMapClassifier().temperature
    np.testing.assert_allclose(X @ coef.T + intercept, scale * oracle.decision_function(X), atol=1e-3)


def test_two_seen_classes_are_too_few_for_a_penalty(data):
    X, _, y, S = data
    rows = (y >= 0) & (y < 2)
    assert generalized_weights(X[rows], y[rows], S)[2] is None


def test_a_penalty_may_be_set(data):
    X, _, y, S = data
    model = GeneralizedZeroShotClassifier(SemanticMapClassifier(), seen_penalty=0.5).fit(X, y, class_vectors=S)
    shift = model.uncorrected_scores(X) - model.decision_function(X)
    np.testing.assert_allclose(shift, np.tile(np.where(np.arange(24) < 18, 0.5, 0.0), (480, 1)), atol=1e-12)
    assert np.isnan(model.held_out_harmonic_mean_)


def test_a_gate_with_candidates_on_one_side_predicts_among_them(data):
    X, _, y, S = data
    model = GeneralizedZeroShotClassifier(SemanticMapClassifier(), correction="gate", seen_penalty=-2.0)
    assert set(model.fit(X, y, class_vectors=S).predict(X)) <= set(range(18))
    assert set(model.predict(X, candidates=[20, 21])) <= {20, 21}


@pytest.mark.parametrize(("y", "text"), [(np.arange(5), "5 of 5 classes"), (np.full(5, -1), "0 of 5 classes")])
def test_seen_and_unseen_classes_are_required(y, text):
    with pytest.raises(NotEnoughLabelsError, match=text):
        GeneralizedZeroShotClassifier(SemanticMapClassifier()).fit(np.eye(5), y, class_vectors=np.eye(5))


@pytest.mark.parametrize(
    ("base", "penalty", "text"),
    [
        (ESZSL(), np.nan, "seen_penalty is nan. Give a number, inf"),
        (
            LogisticRegression(),
            0.5,
            r"base must be an estimator with fit\(X, y, class_vectors=...\).*LogisticRegression",
        ),
        (ESZSL, 0.5, "base must be an estimator .*; it is <class"),
        ("ESZSL", 0.5, "base must be an estimator .*; it is 'ESZSL'"),
    ],
)
def test_a_base_or_a_penalty_that_cannot_be_used_is_refused(base, penalty, text):
    with pytest.raises(InputError, match=text):
        GeneralizedZeroShotClassifier(base, seen_penalty=penalty).fit(np.eye(3), [0, 1, -1], class_vectors=np.eye(3))


def test_an_unknown_correction_raises_an_error():
    with pytest.raises(InputError, match=r"Unknown correction 'shift'\. Choose one of: penalty, gate"):
        GeneralizedZeroShotClassifier(SemanticMapClassifier(), correction="shift").fit(
            np.eye(3), [0, 1, -1], class_vectors=np.eye(3)
        )
