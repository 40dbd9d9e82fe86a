"""The prior: class vectors before labels are fitted, and how unlabeled examples move them."""

from dataclasses import replace

import numpy as np
import pytest

from anyshot import zero_shot
from anyshot.any_shot.cross_validation import default_factors
from anyshot.any_shot.defaults import DEFAULTS
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.prior import (
    agreement_outside,
    can_correct,
    confidence_of,
    corrected_class_vectors,
    fit_prior,
    initial_class_vectors,
    moved_by_labels,
    refine_with_shares,
)
from anyshot.base.messages import in_percent
from anyshot.base.validation import generator, unit
from anyshot.zero_shot.class_shares import cluster_evidence, shares_by_clusters, whiten
from anyshot.zero_shot.pool_refinement import agreement, most_confident, refine, wiener_filter
from anyshot.zero_shot.semantic_map import CorrectedVectorClassifier
from four_classes import VECTORS, C, D, biased_names, four_classes, other_clusters
from pooled_clusters import MEANS, accuracy, clusters, pool_options, with_pool

# --- without a pool ---


def test_without_a_pool_the_class_vectors_stay_as_given():
    data, _, _ = four_classes()
    assert fit_prior(data)[1:2] + fit_prior(data)[3:] == ("names", None, 1.0, (), False)
    np.testing.assert_array_equal(fit_prior(data).class_vectors, data.class_embeddings)


def test_a_pool_smaller_than_the_number_of_classes_is_not_used():
    data, X, _ = four_classes()
    few, enough = (fit_prior(replace(data, unlabeled=X[:n], from_source=True)) for n in (C - 1, C))
    assert (few.clusters, few.confidence) == (None, 1.0)
    assert "since 3 different unlabeled examples for 4 classes would be too few." in few.reasons[0]
    np.testing.assert_array_equal(few.class_vectors, data.class_embeddings)
    assert enough.clusters is not None


def test_a_pool_of_another_domain_than_the_labels_is_not_used():
    data, X, _ = four_classes(noise=1.5)
    other = unit(X + 1)
    prior = fit_prior(replace(data, unlabeled=other))
    assert fit_prior(replace(data, unlabeled=X)).clusters is not None
    np.testing.assert_array_equal(prior.class_vectors, data.class_embeddings)
    assert (prior.clusters, prior.confidence) == (None, 1.0)
    assert prior.reasons == (
        "The 120 unlabeled examples are not used, since they seem to be of another domain than the labeled ones: they "
        "differ more than chance and other shares of the classes explain. If the items to predict are like the "
        "unlabeled ones, give the labeled ones as source=(items, labels) in Python.",
    )
    model = fit_model(VECTORS, replace(data, unlabeled=other))
    np.testing.assert_array_equal(model.coef, fit_model(VECTORS, data).coef)


def test_the_domain_of_a_pool_is_unknown_while_a_class_has_no_label():
    data, X, _ = four_classes(noise=1.5)
    other = replace(data, unlabeled=unit(X + 1))
    assert other.is_other_domain
    for fewer in (other.subset(other.index < 3), replace(other, weights=(other.index < 3).astype(np.float32))):
        assert not replace(fewer).is_other_domain
    assert other.subset(other.index < 3).is_other_domain  # a fold keeps what all labels tell
    assert not data.is_other_domain
    twice = {"vectors": np.tile(other.vectors, (2, 1)), "index": np.tile(other.index, 2)}
    assert replace(other, **twice, weights=np.repeat([0, 1], len(other.index))).is_other_domain  # a copy counts


def test_copies_say_no_more_about_the_domain_than_one_item():
    data, X, _ = four_classes(noise=1.5)
    data = data.subset(np.unique(data.index, return_index=True)[1])  # one of each class
    moved, far = replace(data, unlabeled=unit(X + 0.2)), replace(data, unlabeled=unit(X[:2] + 1))
    distances = [zero_shot.distance_from_mixtures(one.unlabeled, one.vectors, one.index) for one in (moved, far)]
    assert all(DEFAULTS.domain_distance < distance < chance for distance, chance in distances)
    assert not moved.is_other_domain
    assert not replace(far, unlabeled=np.repeat(far.unlabeled, 60, axis=0)).is_other_domain
    labels = np.repeat(data.vectors, 60, axis=0), np.repeat(data.index, 60)
    assert not replace(moved, vectors=labels[0], index=labels[1], weights=np.ones(240, np.float32)).is_other_domain


def test_a_pool_of_copies_moves_nothing():
    data, X, _ = four_classes()
    copies = replace(data, unlabeled=np.repeat(X[:1], 40, axis=0), vectors=data.vectors[:0], index=data.index[:0])
    prior = fit_prior(copies)
    assert "since 1 different unlabeled example for 4 classes would be too few. Items without" in prior.reasons[0]
    np.testing.assert_array_equal(prior.class_vectors, data.class_embeddings)
    assert prior.confidence == 1


def test_a_pool_of_one_cluster_is_not_used_and_predictions_are_unsure():
    U = unit(MEANS[0] + 0.01 * generator(0).normal(size=(60, D)))  # all of one class
    prior = fit_prior(with_pool(MEANS, U))
    assert (prior.kind, prior.clusters) == ("names", None)
    assert prior.confidence == pytest.approx(DEFAULTS.smallest_confidence**DEFAULTS.confidence_power)
    assert prior.reasons == (
        "The 60 unlabeled examples are not used, since they fall into other groups than the classes: only 33 % or "
        "less of the confident predictions by the names would stay the same. Predictions are unsure until labels show "
        "more.",
    )


def test_without_class_vectors_a_pool_is_not_used():
    data, X, _ = four_classes()
    prior = fit_prior(replace(data, class_embeddings=np.zeros((C, D), np.float32), unlabeled=X))
    assert (prior.kind, prior.clusters) == ("none", None)
    assert not prior.class_vectors.any()


def test_the_kind_of_class_vectors():
    data, _, _ = four_classes()
    described = replace(data, class_embeddings=np.zeros((C, D), np.float32), attributes=np.eye(C, dtype=np.float32))
    assert fit_prior(data).kind == "names"
    biased = biased_names()[0]
    assert moved_by_labels(fit_prior(biased), biased).kind == "corrected"
    assert fit_prior(described).kind == "attributes"
    assert fit_prior(replace(data, class_embeddings=np.zeros((C, D), np.float32))).kind == "none"


# --- with a pool ---


def test_class_vectors_move_to_the_clusters_that_confirm_them():
    U, y, names = clusters()
    data = with_pool(names, U)
    prior = fit_prior(data)
    least = DEFAULTS.name_weights[0] + DEFAULTS.name_items * 3 / 60
    assert prior.kind == "refined"
    assert (prior.clusters.name_weight, prior.confidence) == pytest.approx((least, 1.0))
    expected = refine(names, data.pool, name_weight=least, **pool_options(data))
    np.testing.assert_allclose(prior.class_vectors, expected.class_vectors, atol=1e-5)
    assert (prior.class_vectors * MEANS).sum(axis=1).min() > (names * MEANS).sum(axis=1).min() + 0.05
    assert accuracy(prior.class_vectors, U, y) == 1
    assert prior.reasons == (
        "Each class is known by its name and by a group of similar items among 60 unlabeled examples; the name counts "
        f"{least:.2f} times as much as the group. Of the confident predictions by names, 100 % stay the same.",
    )


def test_the_reason_says_how_many_of_the_unlabeled_examples_are_different():
    U, _, names = clusters()
    assert "among 120 unlabeled examples (60 different);" in fit_prior(with_pool(names, np.tile(U, (2, 1)))).reasons[0]


def test_clusters_that_are_not_the_classes_are_not_used():
    U, y, names = other_clusters()
    data = with_pool(names, U)
    moved = refine(names, data.pool, name_weight=1.0, **pool_options(data))
    assert accuracy(moved.class_vectors, U, y) < 0.6  # they would follow the clusters
    prior = fit_prior(data)
    np.testing.assert_array_equal(prior.class_vectors, data.class_embeddings)
    assert (prior.kind, prior.clusters) == ("names", None)
    agreed = agreement(names, moved.class_vectors, data.pool)
    assert prior.confidence == pytest.approx(agreed**DEFAULTS.confidence_power)
    scores = data.pool @ names.T - (data.pool @ names.T).mean(axis=0)
    rows = most_confident(scores, top=0.5)
    same = (scores[rows].argmax(axis=1) == (data.pool[rows] @ moved.class_vectors.T).argmax(axis=1)).mean()
    assert f"only {in_percent(same)} of the confident predictions" in prior.reasons[0]
    used = fit_prior(data.with_defaults(replace(DEFAULTS, least_agreement=0)))
    assert used.kind == "refined"
    assert accuracy(prior.class_vectors, U, y) > accuracy(used.class_vectors, U, y) + 0.3


def test_a_class_without_vector_and_label_takes_no_cluster_of_the_pool():
    U, _, names = other_clusters()
    data = with_pool(np.vstack([names, np.zeros_like(names[:1])]), U)
    prior = fit_prior(data)
    assert (prior.clusters, prior.reasons) == (
        None,
        ("The unlabeled items are not used, since some may belong to the classes without a label.",),
    )
    assert not prior.class_vectors[-1].any()


def test_a_pool_that_is_not_used_does_not_filter_the_names_either():
    U, _, names = other_clusters()
    data = replace(with_pool(names, U), from_source=False)
    assert np.abs(initial_class_vectors(data) - data.class_embeddings).max() > 1e-3
    prior = fit_prior(data)
    assert prior.kind == "names"
    np.testing.assert_allclose(prior.initial, data.class_embeddings, atol=1e-6)


def test_the_weight_of_the_names_falls_with_the_evidence_for_the_clusters():
    U, _, names = clusters(noise=0.35)
    data = with_pool(names, U)
    first = refine(names, data.pool, name_weight=1.0, **pool_options(data))
    evidence, _ = cluster_evidence(whiten(data.pool), first.probabilities)
    for at, weight in ((evidence / 2, 1.0), (1e-9, 0.5), (1e9, 2.0)):  # two directions separate three classes
        own = replace(DEFAULTS, name_evidence=at, name_weights=(0.5, 2.0), name_items=0.0)
        assert fit_prior(data.with_defaults(own)).clusters.name_weight == pytest.approx(weight)
    assert evidence > 0.1


def test_names_and_clusters_agree_less_on_items_that_the_clusters_do_not_contain():
    random = np.random.default_rng(0)
    U, names = (unit(random.normal(size=(n, 40)).astype(np.float32)) for n in (24, 3))  # no clusters at all
    data = with_pool(names, U)
    inside = agreement(names, refine_with_shares(names, data, U, 0.05).class_vectors, U)
    outside = agreement_outside(names, names, data, U, 0.05)
    assert outside < inside - 0.1
    twice = np.repeat(U, 2, axis=0)  # a copy in each half would tell nothing
    assert agreement_outside(names, names, with_pool(names, twice), twice, 0.05) == pytest.approx(outside)


def test_clusters_must_be_the_classes_on_items_too_that_they_do_not_contain():
    U = unit(generator(2).normal(size=(60, 40)).astype(np.float32))  # no clusters at all
    names = unit(generator(3).normal(size=(3, 40)).astype(np.float32))
    own = replace(DEFAULTS, name_weights=(0.05, 0.05), name_items=0.0, least_agreement=0.5)
    few, many = (fit_prior(with_pool(names, U).with_defaults(replace(own, least_outside_items=n))) for n in (21, 20))
    outside = agreement_outside(names, names, with_pool(names, U), U, 0.05)
    inside = agreement(names, few.class_vectors, U)
    assert outside < own.least_agreement < inside
    assert few.confidence == many.confidence == confidence_of(outside, with_pool(names, U))
    assert few.clusters is not None
    assert (many.kind, many.clusters) == ("names", None)
    np.testing.assert_allclose(many.class_vectors, names, atol=1e-6)
    assert f"only {in_percent(outside + (1 - outside) / 3)} of the confident predictions" in many.reasons[0]


def test_names_weigh_more_where_classes_have_few_unlabeled_items():
    U, _, names = clusters(noise=0.35)
    none = replace(DEFAULTS, name_evidence=1e-9, name_items=0.0)
    for pool in (U, U[::5]):
        least, weight = (
            fit_prior(with_pool(names, pool).with_defaults(own)).clusters.name_weight
            for own in (none, replace(none, name_items=4.0))
        )
        assert weight - least == pytest.approx(4.0 * len(names) / len(pool))


@pytest.mark.parametrize(("agreed", "expected"), [(1, 1), (0.5, 0.25), (0.1, 0.01), (0, 0.01)])
def test_the_confidence_is_the_square_of_the_agreement(agreed, expected):
    data, _, _ = four_classes()
    own = replace(DEFAULTS, confidence_power=2, smallest_confidence=0.1)
    assert confidence_of(agreed, data.with_defaults(own)) == pytest.approx(expected)


def test_the_class_prior_is_expected_in_the_pool():
    U, _, names = clusters(noise=0.5)
    shares = np.array([0.8, 0.1, 0.1])
    data = with_pool(names, U).with_class_prior(shares)
    prior = fit_prior(data)
    expected = refine(names, data.pool, name_weight=prior.clusters.name_weight, **pool_options(data))
    np.testing.assert_allclose(prior.class_vectors, expected.class_vectors, atol=1e-6)
    np.testing.assert_array_equal(prior.clusters.shares, shares)


def skewed_clusters():
    """Return a pool of three clusters with 160, 30 and 10 items, their shares, and class vectors beside them."""
    counts = [160, 30, 10]
    U = unit(MEANS[np.repeat(np.arange(3), counts)] + 0.15 * generator(3).normal(size=(200, D)))
    return U, np.array(counts) / 200, unit(MEANS + 0.5 * np.roll(MEANS, 1, axis=0))


def test_the_shares_of_a_skewed_pool_are_found_and_those_of_a_balanced_one_stay_equal():
    U, shares, names = skewed_clusters()
    np.testing.assert_allclose(fit_prior(with_pool(names, U)).clusters.shares, shares, atol=0.06)
    U, _, names = clusters()
    np.testing.assert_allclose(fit_prior(with_pool(names, U)).clusters.shares, np.full(3, 1 / 3), atol=0.02)


def test_shares_of_a_gaussian_mixture_are_taken_if_they_add_evidence():
    U, shares, names = skewed_clusters()
    data = with_pool(names, U)
    never, always = (
        refine_with_shares(names, data.with_defaults(replace(DEFAULTS, least_gain=gain)), data.pool, 0.5)
        for gain in (np.inf, -np.inf)
    )
    by_cosines = refine(names, data.pool, name_weight=0.5, **pool_options(data))
    np.testing.assert_allclose(never.shares, by_cosines.shares)
    mixture = shares_by_clusters(whiten(data.pool), by_cosines.probabilities)
    np.testing.assert_allclose(always.shares, mixture)
    by_mixture = refine(names, data.pool, name_weight=0.5, **{**pool_options(data), "shares": mixture})
    np.testing.assert_allclose(always.class_vectors, by_mixture.class_vectors, atol=1e-6)
    assert np.abs(mixture - shares).max() < np.abs(by_cosines.shares - shares).max()


def test_a_centered_pool_has_its_own_temperature():
    U, _, names = clusters(noise=0.4)
    centered = replace(with_pool(names, U), centering=True)
    same = replace(DEFAULTS, image_pool_temperature=DEFAULTS.pool_temperature)
    found, other = fit_prior(centered), fit_prior(centered.with_defaults(same))
    assert np.abs(found.class_vectors - other.class_vectors).max() > 1e-4


def test_permuting_classes_permutes_the_prior():
    data, X, _ = four_classes(n_each=2, noise=1.2)
    data, order = replace(data, unlabeled=X, class_prior=np.array([0.1, 0.2, 0.3, 0.4])), np.array([2, 0, 3, 1])
    mixed = replace(
        data,
        class_embeddings=data.class_embeddings[order],
        index=np.argsort(order)[data.index],
        class_prior=data.class_prior[order],
    )
    straight, other = fit_prior(data), fit_prior(mixed)
    np.testing.assert_allclose(other.class_vectors, straight.class_vectors[order], atol=1e-4)
    assert other.confidence == pytest.approx(straight.confidence)


def test_permuting_the_pool_changes_nothing():
    data, X, _ = four_classes(noise=1.2)
    one, other = (fit_prior(replace(data, unlabeled=U)) for U in (X, X[generator(0).permutation(len(X))]))
    np.testing.assert_allclose(one.class_vectors, other.class_vectors, atol=1e-4)


# --- before clusters and labels ---


@pytest.mark.parametrize("centering", [False, True])
def test_only_a_pool_filters_the_class_vectors(centering):
    data, X, _ = four_classes(n_each=2)
    data = replace(data, centering=centering)
    np.testing.assert_allclose(initial_class_vectors(data), data.class_embeddings, atol=1e-6)
    both = replace(data, unlabeled=X)
    items = np.concatenate([both.centered(X), both.centered(data.vectors)])
    np.testing.assert_allclose(
        initial_class_vectors(both), unit(wiener_filter(data.class_embeddings, items)), atol=1e-6
    )
    source = replace(both, from_source=True)
    np.testing.assert_allclose(initial_class_vectors(source), data.class_embeddings, atol=1e-6)
    np.testing.assert_array_equal(fit_prior(both).initial, initial_class_vectors(both))


def test_corrected_class_vectors_are_those_of_the_estimator():
    data, _, _ = biased_names()
    vectors, weights, seen = corrected_class_vectors(data.class_embeddings, data)
    oracle = CorrectedVectorClassifier().fit(data.vectors, data.index, class_vectors=data.class_embeddings)
    np.testing.assert_array_equal(seen, np.arange(20))
    np.testing.assert_allclose(vectors, oracle.coef_, atol=1e-6)
    np.testing.assert_allclose(weights, oracle.kernel_weights_, atol=1e-6)


def test_classes_without_embedding_are_not_corrected_and_correct_nothing():
    data, _, _ = biased_names()
    S = data.class_embeddings.copy()
    S[[0, 25]] = 0
    vectors, _, seen = corrected_class_vectors(S, data)
    assert not vectors[[0, 25]].any()
    assert 0 not in seen


def test_class_vectors_can_be_corrected_with_enough_labeled_classes_that_have_embeddings():
    data, _, _ = biased_names()
    S = data.class_embeddings
    assert can_correct(S, data)
    assert can_correct(S[:20], replace(data, class_embeddings=S[:20]))  # also if every class has labels
    assert not can_correct(S, data.subset(data.index < 9))
    assert not can_correct(np.where(np.arange(30)[:, None] < 9, S, 0), data)


# --- confidence ---


def test_confidence_multiplies_the_scale_of_cosines():
    U, _, _ = clusters(noise=0.3)
    data = with_pool(unit(generator(1).normal(size=(3, D))), U)
    prior = fit_prior(data)
    assert 0.01 <= prior.confidence < 0.9
    model = fit_model(VECTORS, data, method="zero-shot")
    np.testing.assert_allclose(model.coef, DEFAULTS.cosine_scale * prior.scale * prior.class_vectors, rtol=1e-5)


def test_confidence_multiplies_the_scale_of_heads_that_start_from_class_vectors():
    data, _, _ = four_classes(n_each=5)
    sure, unsure = (
        default_factors("any-shot", data, fit_prior(data)._replace(kind="refined", confidence=one)) for one in (1, 0.25)
    )
    assert unsure.keys() == sure.keys()
    for strength in sure:
        ratio = 1 if strength.prior_weight == 0 else 0.25
        assert unsure[strength] == pytest.approx(ratio * sure[strength])
