"""The constants of the any-shot model: each acts where it is documented to, and can be changed without other code."""

import inspect
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import anyshot
from anyshot.any_shot.defaults import DEFAULTS, Defaults
from anyshot.any_shot.fitting import fit_model
from anyshot.any_shot.prior import corrected_class_vectors, initial_class_vectors
from anyshot.base.validation import unit
from anyshot.tasks.vector_classifiers import AnyShotHead
from anyshot.zero_shot.pool_refinement import refine, wiener_filter
from anyshot.zero_shot.semantic_map import corrected_vectors
from four_classes import VECTORS, biased_names, four_classes

SOURCE = "".join(
    path.read_text(encoding="utf-8")
    for path in Path(anyshot.__file__).parent.rglob("*.py")
    if path.name != "defaults.py"
)


def with_labels(n_each=5):
    data, _, _ = four_classes(n_each=n_each, noise=1.5, name_noise=1.5)
    return data


def with_four_labels():
    return with_labels(4)


def with_pool(n_each=5):
    _, X, _ = four_classes(noise=1.5, name_noise=1.5)
    return replace(with_labels(n_each), unlabeled=X)


def with_small_pool():
    return replace(with_pool(), unlabeled=with_pool().unlabeled[:9])


def with_pool_of_another_domain():
    data = with_pool()
    return replace(data, unlabeled=unit(data.unlabeled + 1))


def with_shares():
    return with_pool().with_class_prior(np.array([0.4, 0.3, 0.2, 0.1]))


def with_centering():
    return replace(with_pool(), centering=True)


def probabilities(data, **changes):
    model = fit_model(VECTORS, data.with_defaults(replace(DEFAULTS, **changes)))
    return model.probabilities(model.data.labeled if len(data.index) else model.data.class_embeddings)


@pytest.mark.parametrize("field", [field.name for field in fields(Defaults)])
def test_every_constant_is_used(field):
    assert f".{field}" in SOURCE


# --- where each constant acts ---


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        (with_pool, {"filter_noise": 0}),
        (with_pool, {"filter_items": 10}),
        (with_pool, {"name_evidence": 1.0}),
        (with_pool, {"name_weights": (3.0, 3.0)}),
        (with_pool, {"name_items": 0}),
        (with_pool, {"least_agreement": 1.1}),
        (with_small_pool, {"least_outside_items": 0.0}),
        (with_pool_of_another_domain, {"domain_distance": 100.0}),
        (with_pool, {"pool_temperature": 1 / 15}),
        (with_centering, {"image_pool_temperature": 1 / 15}),
        (with_pool, {"max_pool": 10}),
        (with_pool, {"pool_balance": 0}),
        (with_pool, {"pool_rounds": 0}),
        (with_pool, {"label_weight": 0}),
        (with_pool, {"pool_labels": 0}),
        (with_pool, {"max_pool_weight": 0}),
        (with_pool, {"pool_examples": 10}),
        (with_pool, {"shares_rounds": 0}),
        (with_pool, {"shares_prior": 100}),
        (with_pool, {"shares_noise": 1.0}),
        (with_pool, {"shares_items": 0.0}),
        (with_shares, {"given_shares_items": 0.0}),
        (with_pool, {"shares_labels": 1e6}),
        (with_labels, {"prior_scale": 1.0}),
        (with_labels, {"name_examples": 2.0}),
        (with_labels, {"weak_c": 1.0}),
        (with_labels, {"few_labels": 10}),
        (with_labels, {"strong_c": 100}),
        (with_labels, {"logistic_c": (0.1,), "logistic_odds": 1e3}),
        (with_labels, {"weak_odds": 0}),
        (with_labels, {"strong_odds": 0}),
        (with_labels, {"logistic_odds": 1e3}),
        (with_labels, {"logistic_labels": 2, "logistic_odds": 10}),
        (with_labels, {"min_share": 0.3}),
        (with_labels, {"min_labels": 10**9}),
        (with_four_labels, {"min_labels_per_class": 4, "logistic_odds": 1e3}),
        (with_labels, {"max_held_out": 8}),
        (with_labels, {"folds": ((50, 2),)}),
        (with_labels, {"folds": ((1000, 2),)}),
        (with_labels, {"tol": 1.0}),
        (with_labels, {"held_out_tol": 10.0}),
        (with_labels, {"cosine_scale": 5.0}),
        (with_labels, {"temperature_items": 1e6}),
        (with_pool, {"confidence_power": 0}),
        (with_centering, {"image_confidence_power": 0}),
        (with_pool, {"smallest_confidence": 1.0}),
        (with_centering, {"center_items": 1000}),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else value.__name__,
)
def test_a_constant_changes_the_answers_where_it_acts(case, changes):
    data = case()
    assert np.abs(probabilities(data, **changes) - probabilities(data)).max() > 5e-5


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        (with_labels, {"filter_noise": 0, "pool_rounds": 0, "label_weight": 0}),
        (with_labels, {"max_pool_weight": 0, "shares_rounds": 0, "confidence_power": 0, "bridge_scale": 1.0}),
        (with_labels, {"min_labeled_classes": 10**9, "center_items": 0}),
        (with_pool, {"image_pool_temperature": 1.0, "image_confidence_power": 0, "center_items": 0}),
    ],
)
def test_a_constant_changes_nothing_elsewhere(case, changes):
    data = case()
    np.testing.assert_array_equal(probabilities(data, **changes), probabilities(data))


@pytest.mark.parametrize("pool", [False, True])
def test_without_labels_the_scale_is_that_of_cosines(pool):
    data = (with_pool if pool else with_labels)(n_each=0)
    data = data.with_class_prior(np.full(4, 1 / 4))  # found shares, and so the clusters, depend on the scale too
    without = {"max_pool_weight": 0}
    one, half = (
        fit_model(VECTORS, data.with_defaults(replace(DEFAULTS, cosine_scale=scale, **without))) for scale in (20, 10)
    )
    np.testing.assert_allclose(one.coef, 2 * half.coef, rtol=1e-6)


@pytest.mark.parametrize("changes", [{"min_labeled_classes": 10**9}, {"max_corrected_classes": 0}], ids=str)
def test_corrections_by_labeled_classes_can_be_switched_off(changes):
    data, _, _ = biased_names()
    assert np.abs(probabilities(data, **changes) - probabilities(data)).max() > 1e-2


@pytest.mark.parametrize("changes", [{"correction_penalty": 10.0}, {"correction_noise": 100.0}], ids=str)
def test_corrections_can_be_made_smaller(changes):
    data, _, _ = biased_names()
    S = initial_class_vectors(data)
    usual, smaller = (
        corrected_class_vectors(S, one)[0] for one in (data, data.with_defaults(replace(DEFAULTS, **changes)))
    )
    assert np.linalg.norm(smaller - S) < 0.8 * np.linalg.norm(usual - S)


def test_the_filter_can_be_switched_off():
    data = with_pool()
    given, off = unit(data.class_embeddings), data.with_defaults(replace(DEFAULTS, filter_noise=0))
    assert np.abs(initial_class_vectors(data) - given).max() > 1e-3
    np.testing.assert_array_equal(initial_class_vectors(off), given)


# --- consistency ---


@pytest.mark.parametrize(
    ("function", "of_function"),
    [
        (refine, {"temperature": "pool_temperature", "balance": "pool_balance", "rounds": "pool_rounds"}),
        (wiener_filter, {"noise": "filter_noise", "prior_items": "filter_items"}),
        (corrected_vectors, {"penalty": "correction_penalty", "noise": "correction_noise"}),
        (AnyShotHead, {"prior_scale": "prior_scale", "name_weight": "name_examples", "tol": "tol"}),
    ],
)
def test_the_functions_below_have_the_same_defaults(function, of_function):
    own = inspect.signature(function).parameters
    assert {name: own[name].default for name in of_function} == {
        name: getattr(DEFAULTS, field) for name, field in of_function.items()
    }
