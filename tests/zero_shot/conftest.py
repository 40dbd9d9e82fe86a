"""Data for the estimators of closed form."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def ridge_data():
    """Return items (10, 6), their classes 0, 2, 3 or -1, and class vectors (5, 4) of unit length."""
    random = np.random.default_rng(0)
    S = random.normal(size=(5, 4))
    S /= np.linalg.norm(S, axis=1, keepdims=True)
    y = np.array([0, 0, 0, 2, 2, 3, 3, 3, 3, -1])
    return random.normal(size=(10, 6)), y, S
