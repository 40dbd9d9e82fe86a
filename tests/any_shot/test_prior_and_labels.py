"""The prior once some classes have labels, and by attributes."""

from dataclasses import replace

import numpy as np

from anyshot.any_shot.defaults import DEFAULTS
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.prior import (
    corrected_class_vectors,
    fit_prior,
    moved_by_labels,
)
from anyshot.any_shot.training_set import TrainingSet, without_items
from anyshot.base.validation import class_sums, generator, unit
from anyshot.zero_shot.class_texts import describe
from anyshot.zero_shot.pool_refinement import refine
from four_classes import VECTORS, biased_names, four_classes, with_permuted_names
from pooled_clusters import MEANS, accuracy, clusters, pool_options, with_pool


def with_wrong_labels():
    """Return the clusters with two labels each, of the class after the one that the cluster has."""
    U, y, names = clusters()
    return replace(with_pool(names, U), vectors=U[::10], index=(y[::10] + 1) % 3)


def test_labels_are_not_part_of_the_prior():
    data = with_wrong_labels()
    without = replace(data, vectors=data.vectors[:0], index=data.index[:0])
    np.testing.assert_array_equal(fit_prior(data).class_vectors, fit_prior(without).class_vectors)


def test_five_labels_per_class_overrule_names_that_are_exchanged():
    data, X, y = four_classes(n_each=5, noise=0.6, name_noise=0.2)
    model = fit_model(VECTORS, with_permuted_names(data))
    assert np.mean(model.probabilities(X).argmax(axis=1) == y) > 0.95
    factors = next(one.factors for one in model.leaderboard if one.method == "any-shot")
    assert all(head.prior_weight == 0 for head in factors)  # though their odds, 0.02 of 1.2, are the smallest


def test_labeled_examples_are_members_of_their_clusters():
    data = with_wrong_labels()
    prior = fit_prior(data)
    sums = DEFAULTS.label_weight * class_sums(data.labeled, data.index, 3)
    expected = refine(
        data.class_embeddings,
        data.pool,
        name_weight=prior.clusters.name_weight,
        labeled_sums=sums,
        **pool_options(data),
    )
    moved = moved_by_labels(prior, data)
    np.testing.assert_allclose(moved.class_vectors, expected.class_vectors, atol=1e-6)
    pull = ((moved.class_vectors - prior.class_vectors) * np.roll(MEANS, 1, axis=0)).sum(axis=1)
    assert (pull > 0.03).all()  # toward the cluster in which the class is labeled
    assert (moved.kind, moved.clusters.name_weight, moved.confidence) == (
        prior.kind,
        prior.clusters.name_weight,
        prior.confidence,
    )
    assert moved.reasons == prior.reasons


def test_labeled_classes_correct_the_vectors_of_all():
    data, _, _ = biased_names()
    moved = moved_by_labels(fit_prior(data), data)
    np.testing.assert_array_equal(moved.class_vectors, corrected_class_vectors(data.class_embeddings, data)[0])
    assert moved.kind == "corrected"


def test_labels_move_nothing_without_a_pool_and_with_few_classes():
    data, X, _ = four_classes()
    prior = fit_prior(data)
    assert moved_by_labels(prior, data) is prior
    pooled = replace(data, vectors=data.vectors[:0], index=data.index[:0], unlabeled=X)
    prior = fit_prior(pooled)
    assert moved_by_labels(prior, pooled) is prior


def described(*, n_unlabeled=0):
    """Return five classes described by attributes, and the classes of all items."""
    random = generator(2)
    table, turn = random.normal(size=(5, 4)), random.normal(size=(4, 6))
    y = np.repeat(np.arange(5), 12)
    X = unit(table[y] @ turn + 0.5 * random.normal(size=(60, 6)))
    attributes, none = table.astype(np.float32), np.zeros((5, 6), np.float32)
    seen = y < 5 - n_unlabeled
    return TrainingSet(none, X[seen], y[seen], attributes=attributes), X, y


def test_a_pool_refines_mapped_attributes():
    data, X, y = described()
    prior = fit_prior(replace(data.subset(np.arange(0, len(X), 2)), unlabeled=X))
    assert prior.kind == "attributes"
    assert prior.clusters is not None
    assert accuracy(prior.class_vectors, X, y) > 0.8


def test_the_order_of_a_pool_does_not_count_where_two_classes_take_turns():
    center, random = np.eye(2, 8, dtype=np.float32), np.random.default_rng(0)
    pool = unit(np.tile(center, (20, 1)) + 0.2 * random.standard_normal((40, 8))).astype(np.float32)
    data = without_items(describe(["a", "b"]), center)
    turns, sorted_ = (fit_prior(data.with_unlabeled(own)) for own in (pool, np.concatenate([pool[::2], pool[1::2]])))
    assert turns.clusters is not None
    assert turns.confidence == sorted_.confidence > 0.9


def test_a_pool_of_labeled_items_alone_is_not_used():
    data, _, _ = four_classes(n_each=3)
    model, alone = (fit_model(VECTORS, own) for own in (replace(data, unlabeled=data.vectors[::-1]), data))
    np.testing.assert_array_equal(model.coef, alone.coef)
    assert model.reasons[0] == "The unlabeled items are not used, since all of them have labels."


def test_a_pool_is_not_used_once_all_of_it_has_labels():
    data, X, y = four_classes(n_each=3)
    some = np.arange(0, len(X), 2)
    before = replace(data, unlabeled=X[some])
    assert before.pool is not None
    assert before.with_labels(X[some], y[some], [""] * len(some)).pool is None


def test_classes_without_a_label_are_predicted_by_their_attributes():
    data, X, y = described(n_unlabeled=1)
    model = fit_model(VECTORS, data)
    assert (model.method, model.prior) == ("zero-shot", "attributes")
    assert model.reasons[0].startswith("1 class without a label can only be predicted by zero-shot")
    shares = np.array([0.1, 0.1, 0.1, 0.1, 0.6])
    moved = fit_model(VECTORS, data.with_class_prior(shares))
    np.testing.assert_allclose(moved.scores(X) - model.scores(X), np.tile(np.log(shares), (len(X), 1)), atol=1e-4)
    assert (model.scores(X).argmax(axis=1) == y).mean() > 0.5
