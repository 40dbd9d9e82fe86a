"""The probe agrees with scikit-learn, and cross-validation chooses its strength."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from anyshot.base.validation import unit
from anyshot.fine_tuning.probe import (
    DEFAULT_STRENGTH,
    PROBE_STRENGTHS,
    logistic_regression,
    probe,
    probe_head,
    simplest,
)


def clusters(spread: float, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    index = np.repeat([0, 1, 2], n)
    return unit(np.eye(3, 5)[index] + generator.normal(scale=spread, size=(3 * n, 5))), index


def test_on_a_balanced_sample_it_is_logistic_regression():
    X, index = clusters(0.4)
    model = logistic_regression(X, index, 3, C=10.0)
    expected = LogisticRegression(C=10.0, max_iter=1000, tol=1e-8).fit(X, index)
    scores = X @ model.coef.T + model.intercept
    assert (scores.argmax(axis=1) == expected.predict(X)).mean() > 0.98
    np.testing.assert_allclose(model.coef, expected.coef_, atol=0.3)


def test_informative_labels_choose_a_larger_strength_than_noisy_ones():
    noisy, informative = (probe(*clusters(spread), 3, generator=np.random.default_rng(0)) for spread in (3.0, 0.05))
    assert noisy.strength == min(PROBE_STRENGTHS)
    assert informative.strength == max(PROBE_STRENGTHS)


def test_the_smallest_strength_within_one_standard_error_of_the_best_is_chosen():
    right, wrong = np.array([[2.0, 0.0]] * 9 + [[0.0, 2.0]]), np.array([[0.0, 2.0]] * 10)
    scores = {1.0: wrong, 3.0: 0.9 * right, 10.0: right, 100.0: 5 * right}
    assert simplest(scores, np.zeros(10, dtype=int)) == 3.0
    assert simplest({1.0: wrong, 10.0: right}, np.zeros(10, dtype=int)) == 10.0


def test_out_of_fold_scores_are_of_probes_that_were_not_trained_on_the_item():
    X, index = clusters(0.4)
    found = probe(X, index, 3, generator=np.random.default_rng(0))
    assert found.scores.shape == (len(X), 3)
    assert np.bincount(found.rows).tolist() == [1] * len(X)
    in_sample = X[found.rows] @ found.model.coef.T + found.model.intercept
    out_of_fold, fitted = (
        log_softmax(table, axis=1)[np.arange(len(X)), index[found.rows]] for table in (found.scores, in_sample)
    )
    assert out_of_fold.mean() < fitted.mean()


def test_the_default_strength_is_used_with_too_few_labels_for_folds():
    X, index = clusters(0.4, n=3)
    found = probe(X, index, 3, generator=np.random.default_rng(0))
    assert found.strength == DEFAULT_STRENGTH
    assert found.model.coef.shape == (3, 5)
    assert found.scores.shape == (0, 3)


def test_a_class_without_labels_is_allowed():
    X, index = clusters(0.4)
    model = probe(X, index, 4, generator=np.random.default_rng(0)).model
    assert (X @ model.coef.T + model.intercept).argmax(axis=1) == pytest.approx(index, abs=3)


def test_expected_class_frequencies_are_added_to_the_scores_of_the_head():
    X, index = clusters(0.4)
    shares = np.array([0.7, 0.2, 0.1])
    (equal, reason), (unequal, _) = (
        probe_head(X, index, 3, shares=given, generator=np.random.default_rng(0)) for given in (None, shares)
    )
    assert reason.startswith("Logistic regression, C=")
    difference = unequal(torch.from_numpy(X)) - equal(torch.from_numpy(X))
    np.testing.assert_allclose(difference.detach(), np.tile(np.log(shares), (len(X), 1)), atol=1e-4)
