"""What an early layer says of the words of a text: its mean and its directions."""

import numpy as np

from anyshot.encoders.word_layer import WordLayer, bundled_word_layer


def test_directions_are_the_principal_ones_of_these_numbers():
    random = np.random.default_rng(0)
    vectors = (5 + random.normal(size=(500, 4)) * [0.1, 3, 0.2, 1]).astype(np.float32)
    found = WordLayer.of(vectors, directions=slice(1, 3))
    np.testing.assert_allclose(found.mean, vectors.mean(axis=0))
    assert np.abs(found.directions).argmax(axis=1).tolist() == [3, 2]
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(2), atol=1e-6)


def test_the_bundled_directions_are_orthogonal_and_of_the_networks_width():
    found = bundled_word_layer()
    assert (found.mean.shape, found.directions.shape) == ((384,), (128, 384))
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(128), atol=2e-3)


def test_the_digest_changes_with_the_directions():
    found = bundled_word_layer()
    assert found.digest != found._replace(directions=found.directions[:64]).digest
    assert found.digest == WordLayer(found.mean.copy(), found.directions.copy()).digest
