"""Small worlds of classes, what is said of them, and labeled vectors, for the tests of belief and selection."""

import numpy as np

from anyshot.any_shot.prior import Known
from anyshot.base.validation import generator, unit

C, D = 4, 12


def world(*, n_each=5, noise=0.8, name_noise=1.0, seed=0):
    """What is known of four classes, items and classes to test by, and which vectors are where."""
    random = generator(seed)
    means = unit(random.normal(size=(C, D)))

    def drawn(n):
        y = np.repeat(np.arange(C), n)
        return unit(means[y] + noise * random.normal(size=(len(y), D)) / np.sqrt(D)), y

    names = unit(means + name_noise * random.normal(size=(C, D)) / np.sqrt(D))
    (X, y), test = drawn(n_each), drawn(30)
    return Known(names, X, y), *test


def skewed(*, n_classes=30, n_each=10, seed=0):
    """Classes whose names are all off by the same way, items of two thirds of them, and items of the others."""
    random = generator(seed)
    means = unit(random.normal(size=(n_classes, D)))
    names = unit(means + 1.2 * unit(random.normal(size=(1, D))) + 0.1 * random.normal(size=means.shape))
    y = np.repeat(np.arange(n_classes), n_each)
    X = unit(means[y] + 0.25 * random.normal(size=(len(y), D)))
    seen = y < 20
    return Known(names, X[seen], y[seen]), X[~seen], y[~seen]
