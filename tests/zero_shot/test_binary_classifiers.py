"""One-vs-rest classifiers: those of scikit-learn, and the minimum of the loss."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.zero_shot.binary_classifiers import fit_binary_classifiers


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 5)).astype(np.float32)
    return X, np.where(X @ random.normal(size=(5, 3)) + random.normal(size=(80, 3)) > 0.5, 1, -1)


def test_logistic_classifiers_equal_those_of_scikit_learn(data):
    X, targets = data
    coef, intercept = fit_binary_classifiers(X, targets, C=2.0, loss="logistic")
    for m in range(3):
        oracle = LogisticRegression(C=2.0, tol=1e-8).fit(X, targets[:, m])
        np.testing.assert_allclose(coef[m], oracle.coef_[0], atol=5e-3)
        np.testing.assert_allclose(intercept[m], oracle.intercept_[0], atol=5e-3)


def test_a_squared_hinge_classifier_minimizes_the_loss(data):
    X, targets = data
    coef, intercept = fit_binary_classifiers(X, targets, C=0.5, loss="squared-hinge")

    def loss(w, b):
        return w @ w / 2 + 0.5 * sum(max(0.0, 1 - t * (x @ w + b)) ** 2 for x, t in zip(X, targets[:, 0], strict=True))

    best, random = loss(coef[0], intercept[0]), np.random.default_rng(1)
    for _ in range(20):
        assert loss(coef[0] + 0.05 * random.normal(size=5), intercept[0] + 0.05 * random.normal()) > best - 1e-5
