"""The probe against scikit-learn, and its penalty chosen on labels held out."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.checks import unit
from anyshot.fine_tune.probe import STRENGTHS, USUAL, chosen_strength, fitted, probe


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
    weak, strong = (chosen_strength(*clouds(spread), 3, generator=np.random.default_rng(0)) for spread in (3.0, 0.05))
    assert weak == min(STRENGTHS)
    assert strong == max(STRENGTHS)


def test_too_few_labels_for_folds_take_the_usual_strength():
    X, index = clouds(0.4, n=3)
    model, strength = probe(X, index, 3, generator=np.random.default_rng(0))
    assert strength == USUAL
    assert model.V.shape == (3, 5)


def test_a_class_without_labels_does_not_hinder_it():
    X, index = clouds(0.4)
    model, _ = probe(X, index, 4, generator=np.random.default_rng(0))
    assert (X @ model.V.T + model.b).argmax(axis=1) == pytest.approx(index, abs=3)
