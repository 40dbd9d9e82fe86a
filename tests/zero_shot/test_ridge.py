"""Ridge regression in both directions, against scikit-learn."""

import numpy as np
from sklearn.linear_model import Ridge

from anyshot.zero_shot.ridge import PrototypeRidge, SemanticRidge


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
