"""Pools of unlabeled items in three clusters, for the tests of the prior."""

import numpy as np

from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import generator, unit
from anyshot.zero_shot.pool_refinement import SharesFromPool
from four_classes import D

NO_VECTORS, NO_LABELS = np.zeros((0, D), np.float32), np.zeros(0, np.intp)
MEANS = np.eye(D, dtype=np.float32)[:3]


def with_pool(names, U):
    """Return a training set of class vectors and a pool, without labels and without the Wiener filter."""
    return TrainingSet(np.asarray(names, np.float32), NO_VECTORS, NO_LABELS, unlabeled=U, from_source=True)


def clusters(*, names_off=0.5, noise=0.15):
    """Return a pool of three clusters, the classes of its items, and class vectors beside the clusters."""
    y = np.repeat(np.arange(3), 20)
    U = unit(MEANS[y] + noise * generator(3).normal(size=(60, D)))
    return U, y, unit(MEANS + names_off * np.roll(MEANS, 1, axis=0))


def accuracy(vectors, U, y):
    return ((U @ vectors.T).argmax(axis=1) == y).mean()


def pool_options(data):
    """Return the options of `refine` that the defaults give."""
    own = data.defaults
    found = SharesFromPool(own.cosine_scale, own.shares_prior)
    return {
        "temperature": own.pool_temperature,
        "balance": own.pool_balance,
        "rounds": own.pool_rounds,
        "shares": found if data.class_prior is None else data.class_prior,
    }
