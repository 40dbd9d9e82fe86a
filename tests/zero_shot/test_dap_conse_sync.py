import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.errors import ClassesError
from anyshot.zero_shot.dap_conse_sync import (
    DAP,
    SYNC,
    class_log_posterior,
    convex_combination,
    fit_binary_classifiers,
    phantom_weights,
)


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


def test_the_posterior_is_the_product_in_the_paper():
    random = np.random.default_rng(0)
    p, has, prior = random.uniform(0.1, 0.9, size=(4, 3)), random.uniform(size=(5, 3)) > 0.5, np.array([0.2, 0.5, 0.7])
    by_hand = np.ones((4, 5))
    for i, k, m in np.ndindex(4, 5, 3):
        by_hand[i, k] *= p[i, m] / prior[m] if has[k, m] else (1 - p[i, m]) / (1 - prior[m])
    np.testing.assert_allclose(np.exp(class_log_posterior(np.log(p / (1 - p)), has, prior)), by_hand)


def test_attributes_on_which_the_seen_classes_agree_are_left_out():
    S = np.array([[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [0.1, 0.1, 1.0]])
    model = DAP().fit(np.eye(3), [0, 1, -1], class_vectors=S)
    assert model.learned_attributes_.tolist() == [0, 1]


def test_seen_classes_that_agree_in_every_attribute_raise_an_error():
    S = np.array([[1.0, 0.1, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.9, 0.1]])
    with pytest.raises(ClassesError, match="agree in every attribute"):
        DAP().fit(np.eye(3), [0, 1, -1], class_vectors=S)


def test_only_the_most_probable_classes_are_combined():
    S = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
    np.testing.assert_allclose(convex_combination(np.array([[0.6, 0.3, 0.1]]), S, n_nearest=2), [[2 / 3, 1 / 3]])


def test_the_combination_of_all_classes_is_the_expected_class_vector():
    random = np.random.default_rng(0)
    P, S = random.dirichlet(np.ones(3), size=4), random.normal(size=(3, 5))
    np.testing.assert_allclose(convex_combination(P, S, n_nearest=10), P @ S)


def test_phantom_weights_follow_the_formula():
    random = np.random.default_rng(0)
    A, B = random.normal(size=(4, 3)), random.normal(size=(2, 3))
    by_hand = np.empty((4, 2))
    for c, r in np.ndindex(4, 2):
        by_hand[c, r] = np.exp(-((A[c] - B[r]) ** 2).sum() / 0.7)
    by_hand /= by_hand.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(phantom_weights(A, B, width=0.7), by_hand)


def test_seen_classes_keep_their_one_vs_rest_classifiers():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(30, 4)).astype(np.float32), np.repeat([0, 1, 2], 10)
    model = SYNC().fit(X, y, class_vectors=random.normal(size=(5, 3)))
    targets = np.where(y[:, None] == np.arange(3), 1, -1)
    coef, intercept = fit_binary_classifiers(X, targets, C=1.0, loss="squared-hinge")
    np.testing.assert_allclose(model.coef_[:3], coef, atol=1e-6)
    np.testing.assert_allclose(model.intercept_[:3], intercept, atol=1e-6)
