"""SAE: the Sylvester equation and its scores."""

import numpy as np
from scipy.linalg import solve_sylvester

from anyshot.zero_shot.sae import SAE, solve_symmetric_sylvester


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
