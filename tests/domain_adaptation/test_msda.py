"""mSDA."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from anyshot.domain_adaptation.msda import MSDA, apply_layer, denoising_layer
from anyshot.errors import InputError
from domain_adaptation.worlds import moved_world


def test_the_layer_is_the_least_squares_map_over_many_corruptions():
    random = np.random.default_rng(0)
    X = random.random(size=(30, 4)) * (random.random(size=(30, 4)) < 0.7)
    times = 4000
    whole = np.tile(X, (times, 1))
    left = np.column_stack([whole * (random.random(whole.shape) >= 0.4), np.ones(len(whole))])
    oracle = np.linalg.lstsq(left, whole, rcond=None)[0]  # (5, 4)
    layer = denoising_layer(X.astype(np.float32), noise=0.4, pivots=np.arange(4))
    np.testing.assert_allclose(layer, oracle, atol=0.02)


def test_pivots_select_columns_and_sparse_equals_dense():
    X = np.maximum(moved_world().X, 0).astype(np.float32)
    whole = denoising_layer(X, noise=0.5, pivots=np.arange(6))
    some = denoising_layer(csr_array(X), noise=0.5, pivots=np.array([1, 4]))
    np.testing.assert_allclose(some, whole[:, [1, 4]], atol=1e-4)
    np.testing.assert_allclose(apply_layer(csr_array(X), whole), apply_layer(X, whole), atol=1e-5)


def test_a_word_that_occurs_only_in_the_target_is_learned_from_its_context():
    # In the target "crisp" (2) occurs with "good" (0) and "dull" (3) with "bad" (1); the source has only good and bad.
    source, y = np.array([[1, 0, 0, 0], [0, 1, 0, 0]] * 10, float), ["plus", "minus"] * 10
    target = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]] * 5, float)
    model = MSDA(n_layers=1).fit(csr_array(source), y, target=csr_array(target))
    new = csr_array(np.array([[0, 0, 1, 0], [0, 0, 0, 1]], float))
    assert list(model.predict(new)) == ["plus", "minus"]


def test_the_layers_have_the_width_of_the_pivots():
    world = moved_world()
    model = MSDA(n_layers=3, n_pivots=2).fit(world.X, world.y, target=world.target)
    assert [layer.shape for layer in model.layers_] == [(7, 2), (3, 2), (3, 2)]
    assert model.model_.n_features_in_ == 6


def test_a_layer_is_needed():
    world = moved_world()
    with pytest.raises(InputError, match="n_layers must be at least 1"):
        MSDA(n_layers=0).fit(world.X, world.y, target=world.target)
