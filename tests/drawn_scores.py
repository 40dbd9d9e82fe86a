"""Scores with classes that are drawn from their softmax."""

import numpy as np
from scipy.special import softmax

from anyshot.base.validation import generator


def drawn(n, *, temperature=1.0, n_classes=6, seed=0):
    """Scores (n, c) and classes (n,) drawn from softmax(scores / temperature)."""
    random = generator(seed)
    scores = 2 * random.normal(size=(n, n_classes))
    chances = softmax(scores / temperature, axis=1).cumsum(axis=1)
    return scores, np.minimum((random.random((n, 1)) > chances).sum(axis=1), n_classes - 1)
