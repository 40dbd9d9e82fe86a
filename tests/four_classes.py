"""Synthetic training sets of classes on a sphere, for the tests of the prior and of cross-validation."""

from dataclasses import replace

import numpy as np

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.prior import Prior
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


def without_labels(data):
    return replace(data, vectors=data.vectors[:0], index=data.index[:0], weights=data.weights[:0])


def without_names(data):
    return replace(data, class_embeddings=np.zeros_like(data.class_embeddings))


def with_permuted_names(data):
    return replace(data, class_embeddings=data.class_embeddings[[1, 2, 3, 0]])


def some_labels(data, rows):
    return replace(data, vectors=data.vectors[rows], index=data.index[rows], weights=data.weights[rows])


def names_of(data):
    """Return the prior that is the names, without a pool."""
    return Prior(data.class_embeddings, "names", data.class_embeddings)


def pool_of_three(*, n_each=0):
    """Return three classes whose names lie beside the clusters of a pool, with some labels, and the clusters' means."""
    means = np.eye(D, dtype=np.float32)[:3]
    y = np.repeat(np.arange(3), 20)
    U = unit(means[y] + 0.25 * generator(3).normal(size=(60, D)))
    X = unit(means[y] + 0.25 * generator(4).normal(size=(60, D)))
    rows = np.flatnonzero(np.arange(60) % 20 < n_each)
    names = unit(means + 0.5 * np.roll(means, 1, axis=0))
    return TrainingSet(names, X[rows], y[rows], unlabeled=U, from_source=True), means


def other_clusters():
    """Return a pool of two clusters with half of each class, its classes, and class vectors hardly near a cluster."""
    y, side = np.tile([0, 1], 60), np.repeat([1.0, -1.0], 60)
    U = 0.2 * np.eye(D)[y] + side[:, None] * np.eye(D)[5] + 0.1 * generator(0).normal(size=(120, D))
    names = unit(np.eye(D)[:2] + np.array([[0.005], [-0.005]]) * np.eye(D)[5])
    return unit(U), y, names
