"""Which prior deserves belief, and how far labels may move it."""

from dataclasses import replace

import numpy as np
import pytest

from anyshot.any_shot.prior import MANY_STEPS, STEPS, Known, believed_prior, corrections, teaches
from anyshot.base.validation import generator, unit
from anyshot.zero_shot.pool_refinement import STRONG_PRIOR_WEIGHT, make_pool, refine
from anyshot.zero_shot.semantic_map import CorrectedVectorClassifier
from four_classes import D, skewed, world


@pytest.mark.parametrize(
    ("n_each", "tried"),
    [
        (0, [step for step in STEPS if step.trust]),
        (4, [step for step in STEPS if step.trust]),
        (5, list(STEPS)),
        (50, list(STEPS)),
        (51, list(MANY_STEPS)),
    ],
)
def test_the_steps_tried_grow_with_the_labels_and_their_shares_sum_to_one(n_each, tried):
    known, _, _ = world(n_each=n_each)
    factors = believed_prior(known).factors
    assert list(factors) == tried
    assert sum(factor / STEPS[step].sharpness for step, factor in factors.items()) == pytest.approx(1)


def other_clusters(*, slant):
    """A pool of two clusters, each holding as much of the one class as of the other; the names slant toward them."""
    y, side = np.tile([0, 1], 60), np.repeat([1.0, -1.0], 60)
    U = 0.3 * np.eye(D)[y] + side[:, None] * np.eye(D)[5] + 0.1 * generator(0).normal(size=(120, D))
    names = unit(np.eye(D)[:2] + np.array([[slant], [-slant]]) * np.eye(D)[5])
    return unit(U), y, names


def by_pool_alone(U, names):
    return believed_prior(Known(names, np.zeros((0, D), np.float32), np.zeros(0, np.intp), make_pool(U)))


def test_against_a_pool_with_other_clusters_the_names_are_held_firmly():
    U, y, names = other_clusters(slant=0.005)
    assert ((U @ refine(names, make_pool(U)).class_vectors.T).argmax(axis=1) == y).mean() < 0.55  # held loosely
    belief = by_pool_alone(U, names)
    assert belief.refined.prior_weight == STRONG_PRIOR_WEIGHT
    assert ((U @ belief.prior.T).argmax(axis=1) == y).mean() > 0.95
    assert belief.reasons == [
        "120 unlabeled items move the names a little: 100% of their surest answers stand (71% would, were they held "
        "loosely); no label can check that yet."
    ]


def test_a_pool_that_follows_other_clusters_than_firmly_held_names_is_not_followed():
    U, y, names = other_clusters(slant=0.005)
    alike = unit(names.mean(axis=0) + 0.3 * (names - names.mean(axis=0)))  # any cluster is as near as the other name
    belief = by_pool_alone(U, alike)
    assert belief.refined is None
    np.testing.assert_allclose(belief.prior, alike, atol=1e-6)
    assert ((U @ belief.prior.T).argmax(axis=1) == y).mean() > 0.95
    assert belief.reasons[0].startswith("120 unlabeled items do not move the names: 71% of their surest answers stand")


def test_labels_speak_against_a_pool_that_follows_other_clusters():
    U, y, names = other_clusters(slant=0.05)  # so much that the names' surest answers stand
    known = Known(names, U[:0], y[:0], make_pool(U))
    assert believed_prior(known).refined is not None
    assert believed_prior(replace(known, vectors=U[::11], index=y[::11])).refined is None


def test_corrections_are_those_of_corrected_vectors():
    known, _, _ = skewed()
    found = corrections(known)
    learned = CorrectedVectorClassifier().fit(known.vectors, known.index, class_vectors=known.class_vectors)
    np.testing.assert_array_equal(found.seen, np.arange(20))
    np.testing.assert_allclose(found.class_vectors, learned.coef_, atol=1e-6)
    np.testing.assert_allclose(found.shares, learned.kernel_weights_, atol=1e-6)


def test_a_class_of_which_nothing_is_said_is_neither_taught_nor_teaches():
    known, _, _ = skewed()
    said = known.said.copy()
    said[[0, 25]] = 0
    found = corrections(replace(known, said=said))
    assert not found.class_vectors[[0, 25]].any()
    assert 0 not in found.seen


def test_classes_teach_where_enough_have_labels_and_a_description():
    known, _, _ = skewed()
    assert teaches(known)
    assert teaches(replace(known, said=known.said[:20]))  # also where no class is without a label
    assert not teaches(known.without(known.index >= 9))
    assert not teaches(replace(known, said=np.where(np.arange(30)[:, None] < 9, known.said, 0)))
