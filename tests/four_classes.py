"""Synthetic training sets of classes on a sphere, for the tests of the prior and of cross-validation."""

import numpy as np

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import generator, unit

C, D = 4, 12
VECTORS = Embedder("vectors", cache=None)


def four_classes(*, n_each=5, noise=0.8, name_noise=1.0, seed=0):
    """Return a training set of four classes, and test vectors with their classes."""
    random = generator(seed)
    means = unit(random.normal(size=(C, D)))

    def sample(n):
        y = np.repeat(np.arange(C), n)
        return unit(means[y] + noise * random.normal(size=(len(y), D)) / np.sqrt(D)), y

    names = unit(means + name_noise * random.normal(size=(C, D)) / np.sqrt(D))
    (X, y), test = sample(n_each), sample(30)
    return TrainingSet(names, X, y), *test


def biased_names(*, n_classes=30, n_each=10, seed=0):
    """Return a training set of 20 of 30 classes whose class vectors share one error, and vectors of the other ten."""
    random = generator(seed)
    means = unit(random.normal(size=(n_classes, D)))
    names = unit(means + 1.2 * unit(random.normal(size=(1, D))) + 0.1 * random.normal(size=means.shape))
    y = np.repeat(np.arange(n_classes), n_each)
    X = unit(means[y] + 0.25 * random.normal(size=(len(y), D)))
    seen = y < 20
    return TrainingSet(names, X[seen], y[seen]), X[~seen], y[~seen]
