import numpy as np
import pytest
from scipy.linalg import solve_sylvester
from sklearn.linear_model import Ridge

from anyshot.zero_shot.eszsl_sae import ESZSL, SAE, PrototypeRidge, SemanticRidge, solve_symmetric_sylvester


@pytest.mark.parametrize(("coding", "other"), [("zero-one", 0.0), ("plus-minus", -1.0)])
def test_eszsl_follows_the_formula_in_the_paper(coding, other, ridge_data):
    X, y, S = ridge_data
    seen, rows = [0, 2, 3], y >= 0
    Y = np.full((rows.sum(), 3), other)
    for i, label in enumerate(y[rows]):
        Y[i, seen.index(label)] = 1
    A = X[rows].T @ X[rows] + 2.0 * np.eye(6)
    B = S[seen].T @ S[seen] + 0.5 * np.eye(4)
    V = np.linalg.inv(A) @ X[rows].T @ Y @ S[seen] @ np.linalg.inv(B)
    model = ESZSL(feature_penalty=2.0, semantic_penalty=0.5, target_coding=coding).fit(X, y, class_vectors=S)
    np.testing.assert_allclose(model.bilinear_, V, atol=1e-6)
    np.testing.assert_allclose(model.decision_function(X), X @ V @ S.T, atol=1e-5)


def test_sae_solves_the_sylvester_equation_as_scipy_does(ridge_data):
    X, y, S = ridge_data
    rows = y >= 0
    of_item = S[y[rows]]  # (n, a)
    W = solve_sylvester(of_item.T @ of_item, 0.3 * X[rows].T @ X[rows], 1.3 * of_item.T @ X[rows])
    model = SAE(penalty=0.3).fit(X, y, class_vectors=S)
    np.testing.assert_allclose(model.encoder_, W, atol=1e-5)


def test_sae_scores_are_cosines_in_either_space(ridge_data):
    X, y, S = ridge_data
    model = SAE().fit(X, y, class_vectors=S)
    W = model.encoder_
    for scoring, items, classes in (("to-features", X, S @ W), ("to-semantics", X @ W.T, S)):
        by_hand = np.empty((10, 5))
        for i, k in np.ndindex(10, 5):
            by_hand[i, k] = items[i] @ classes[k] / np.linalg.norm(items[i]) / np.linalg.norm(classes[k])
        scores = SAE(scoring=scoring).fit(X, y, class_vectors=S).decision_function(X)
        np.testing.assert_allclose(scores, by_hand, atol=1e-5)


def test_a_singular_sylvester_equation_gets_the_solution_of_least_norm():
    A, B = np.diag([1.0, 0.0]), np.diag([2.0, 0.0, 0.0])
    C = np.array([[3.0, 5.0, 0.0], [4.0, 0.0, 0.0]])
    np.testing.assert_allclose(solve_symmetric_sylvester(A, B, C), [[1.0, 5.0, 0.0], [2.0, 0.0, 0.0]])


def test_ridge_to_attributes_equals_that_of_scikit_learn(ridge_data):
    X, y, S = ridge_data
    rows = y >= 0
    oracle = Ridge(alpha=0.8, fit_intercept=False).fit(X[rows], S[y[rows]])
    model = SemanticRidge(penalty=0.8).fit(X, y, class_vectors=S)
    np.testing.assert_allclose(model.coef_.T, oracle.coef_, atol=1e-6)


def test_ridge_to_class_means_equals_that_of_scikit_learn(ridge_data):
    X, y, S = ridge_data
    seen = [0, 2, 3]
    means = np.stack([X[y == k].mean(axis=0) for k in seen])
    predicted = Ridge(alpha=0.8, fit_intercept=False).fit(S[seen], means).predict(S)
    predicted /= np.linalg.norm(predicted, axis=1, keepdims=True)
    model = PrototypeRidge(kernel="linear", penalty=0.8).fit(X, y, class_vectors=S)
    np.testing.assert_allclose(model.prototypes_, predicted, atol=1e-5)
