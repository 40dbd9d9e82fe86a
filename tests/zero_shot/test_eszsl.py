"""ESZSL: the closed form of the paper."""

import numpy as np
import pytest

from anyshot.zero_shot.eszsl import ESZSL


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
