"""The prior: when unlabeled examples move the class vectors, and how labels decide."""

from dataclasses import replace

import numpy as np

from anyshot.any_shot.defaults import DEFAULTS
from anyshot.any_shot.prior import choose_prior
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import generator, unit
from anyshot.zero_shot.pool_refinement import make_pool, refine
from four_classes import C, D, four_classes

NO_VECTORS, NO_LABELS = np.zeros((0, D), np.float32), np.zeros(0, np.intp)


def with_pool(names, U):
    """Return a training set of class vectors and a pool, without labels and without the Wiener filter."""
    return TrainingSet(names, NO_VECTORS, NO_LABELS, unlabeled=U, from_source=True)


def other_clusters(*, slant):
    """Return a pool of two clusters with half of each class, its classes, and class vectors near the clusters."""
    y, side = np.tile([0, 1], 60), np.repeat([1.0, -1.0], 60)
    U = 0.3 * np.eye(D)[y] + side[:, None] * np.eye(D)[5] + 0.1 * generator(0).normal(size=(120, D))
    names = unit(np.eye(D)[:2] + np.array([[slant], [-slant]]) * np.eye(D)[5])
    return unit(U), y, names


def accuracy(vectors, U, y):
    return ((U @ vectors.T).argmax(axis=1) == y).mean()


def test_clusters_that_disagree_with_the_class_vectors_move_them_little():
    U, y, names = other_clusters(slant=0.005)
    assert accuracy(refine(names, make_pool(U)).class_vectors, U, y) < 0.55  # at the weak weight
    prior = choose_prior(with_pool(names, U))
    assert prior.refinement.prior_weight == DEFAULTS.strong_prior_weight
    assert accuracy(prior.class_vectors, U, y) > 0.95
    assert prior.reasons == (
        "The class names are moved a little to the clusters of 120 unlabeled examples (agreement on the most confident "
        "predictions: 100%); no label checks this yet.",
    )


def test_clusters_that_disagree_even_at_the_strong_weight_are_not_used():
    U, y, names = other_clusters(slant=0.005)
    similar = unit(names.mean(axis=0) + 0.3 * (names - names.mean(axis=0)))  # hardly closer to one cluster
    prior = choose_prior(with_pool(similar, U))
    assert prior.refinement is None
    np.testing.assert_allclose(prior.class_vectors, similar, atol=1e-6)
    assert accuracy(prior.class_vectors, U, y) > 0.95
    assert prior.reasons == (
        "120 unlabeled examples do not improve the class names, so the names are used as given (agreement on the most "
        "confident predictions: 71%).",
    )


def test_labels_can_reject_a_refinement():
    U, y, names = other_clusters(slant=0.05)  # enough for the refinement to agree with the class vectors
    data = with_pool(names, U)
    assert choose_prior(data).refinement is not None
    assert choose_prior(replace(data, vectors=U[::11], index=y[::11])).refinement is None


def test_labels_confirm_a_refinement_that_predicts_them():
    means = np.eye(D)[:3]
    names = unit(means + 0.9 * np.roll(means, 1, axis=0))
    centers = np.repeat(means, 20, axis=0)
    U = unit(centers + 0.15 * generator(3).normal(size=centers.shape))
    data = replace(with_pool(names, U), vectors=U[::10], index=np.repeat(np.arange(3), 2))
    prior = choose_prior(data)
    assert prior.refinement is not None
    assert prior.reasons[0].endswith("; this was checked on 6 labels.")


def test_a_pool_smaller_than_the_number_of_classes_is_not_used():
    data, X, _ = four_classes()
    prior = choose_prior(replace(data, unlabeled=X[: C - 1], from_source=True))
    assert (prior.refinement, prior.reasons) == (None, ())
