"""The constants of the any-shot model, and that each mechanism can be switched off by them."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

from anyshot.any_shot.cross_validation import fit_model
from anyshot.any_shot.defaults import DEFAULTS, Defaults
from anyshot.any_shot.prior import choose_prior
from anyshot.base.validation import generator, unit
from anyshot.zero_shot.pool_refinement import make_pool, probabilities_at_pool_shares, refine, wiener_filter
from four_classes import VECTORS, biased_names, four_classes


def with_pool():
    data, X, _ = four_classes(n_each=4, noise=1.5, name_noise=1.5)
    return replace(data, unlabeled=X)


def scores(data, **changes):
    return fit_model(VECTORS, data, defaults=replace(DEFAULTS, **changes)).scores(data.vectors)


@pytest.mark.parametrize(
    "changes",
    [
        {"neighbor_weight": 0},
        {"own_labels": 0},
        {"blend_slope": 0, "blend_offset": 50},
        {"shares_rounds": 0},
        {"max_pool_weight": 0},
        {"label_weight": 0},
        {"strengths": DEFAULTS.strengths[1:]},
        {"strengths": tuple(strength._replace(cost=1.0) for strength in DEFAULTS.strengths)},
        {"refined_scale": 3.0},
        {"temperature_items": 1e6},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_a_mechanism_that_is_switched_off_changes_the_scores(changes):
    data = with_pool()
    assert np.abs(scores(data, **changes) - scores(data)).max() > 1e-4


@pytest.mark.parametrize("changes", [{"min_labeled_classes": 10**9}, {"max_corrected_classes": 0}], ids=str)
def test_corrections_by_labeled_classes_can_be_switched_off(changes):
    data, _, _ = biased_names()
    assert np.abs(scores(data, **changes) - scores(data)).max() > 1e-2


def test_the_filter_can_be_switched_off():
    data = with_pool()
    assert data.prior_vectors is not data.class_embeddings
    assert data.with_defaults(replace(DEFAULTS, filter_noise=0)).prior_vectors is data.class_embeddings


def test_a_refinement_that_is_trusted_at_no_agreement_is_not_used():
    data = with_pool()
    never = replace(DEFAULTS, trust=-1e9, distrust=-1e9)
    assert choose_prior(data).refinement is not None
    assert choose_prior(data.with_defaults(never)).refinement is None


def test_other_defaults_find_the_neighbors_again():
    data = with_pool()
    assert data.pool.neighbors.shape == (len(data.unlabeled), DEFAULTS.n_neighbors)
    assert data.with_defaults(Defaults()) is data
    assert data.with_defaults(replace(DEFAULTS, n_neighbors=3)).pool.neighbors.shape == (len(data.unlabeled), 3)


def test_without_smoothing_the_neighbors_do_not_count():
    U = unit(generator(0).normal(size=(40, 5)))
    pools = [replace(make_pool(U, n_neighbors=k), neighbor_weight=0.0) for k in (1, 9)]
    one, other = (refine(np.eye(5, dtype=np.float32)[:3], pool).probabilities for pool in pools)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        (make_pool, {"n_neighbors": "n_neighbors", "neighbor_weight": "neighbor_weight"}),
        (make_pool, {"temperature": "pool_temperature"}),
        (refine, {"prior_weight": "prior_weight", "rounds": "rounds", "max_reassignments": "max_reassignments"}),
        (probabilities_at_pool_shares, {"prior_count": "shares_prior", "rounds": "shares_rounds"}),
        (wiener_filter, {"noise": "filter_noise", "prior_items": "filter_items"}),
    ],
)
def test_the_functions_below_have_the_same_defaults(function, fields):
    own = inspect.signature(function).parameters
    assert {name: own[name].default for name in fields} == {
        name: getattr(DEFAULTS, field) for name, field in fields.items()
    }
