"""SYNC: phantom classes."""

import numpy as np

from anyshot.zero_shot.binary_classifiers import fit_binary_classifiers
from anyshot.zero_shot.sync import SYNC, phantom_weights


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
