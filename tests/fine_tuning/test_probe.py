"""The probe against scikit-learn, and its penalty chosen on labels held out."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from anyshot.base.validation import unit
from anyshot.fine_tuning.probe import STRENGTHS, USUAL, fitted, probe, simplest


def clouds(spread: float, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    index = np.repeat([0, 1, 2], n)
    return unit(np.eye(3, 5)[index] + generator.normal(scale=spread, size=(3 * n, 5))), index


def test_on_a_balanced_sample_it_is_logistic_regression():
    X, index = clouds(0.4)
    model = fitted(X, index, 3, C=10.0)
    expected = LogisticRegression(C=10.0, max_iter=1000, tol=1e-8).fit(X, index)
    scores = X @ model.V.T + model.b
    assert (scores.argmax(axis=1) == expected.predict(X)).mean() > 0.98
    np.testing.assert_allclose(model.V, expected.coef_, atol=0.3)


def test_labels_that_say_little_move_it_less_far_than_labels_that_say_all():
    weak, strong = (probe(*clouds(spread), 3, generator=np.random.default_rng(0)) for spread in (3.0, 0.05))
    assert weak.strength == min(STRENGTHS)
    assert strong.strength == max(STRENGTHS)


def test_the_simplest_strength_that_the_labels_cannot_tell_from_the_best_is_taken():
    right, wrong = np.array([[2.0, 0.0]] * 9 + [[0.0, 2.0]]), np.array([[0.0, 2.0]] * 10)
    scores = {1.0: wrong, 3.0: 0.9 * right, 10.0: right, 100.0: 5 * right}
    assert simplest(scores, np.zeros(10, dtype=int)) == 3.0
    assert simplest({1.0: wrong, 10.0: right}, np.zeros(10, dtype=int)) == 10.0


def test_the_scores_held_out_are_of_probes_that_have_not_seen_the_label():
    X, index = clouds(0.4)
    found = probe(X, index, 3, generator=np.random.default_rng(0))
    assert found.scores.shape == (len(X), 3)
    assert np.bincount(found.rows).tolist() == [1] * len(X)
    seen = X[found.rows] @ found.model.V.T + found.model.b
    told, known = (log_softmax(table, axis=1)[np.arange(len(X)), index[found.rows]] for table in (found.scores, seen))
    assert told.mean() < known.mean()


def test_too_few_labels_for_folds_take_the_usual_strength():
    X, index = clouds(0.4, n=3)
    found = probe(X, index, 3, generator=np.random.default_rng(0))
    assert found.strength == USUAL
    assert found.model.V.shape == (3, 5)
    assert found.scores.shape == (0, 3)


def test_a_class_without_labels_does_not_hinder_it():
    X, index = clouds(0.4)
    model = probe(X, index, 4, generator=np.random.default_rng(0)).model
    assert (X @ model.V.T + model.b).argmax(axis=1) == pytest.approx(index, abs=3)
