"""What an early layer says of the words of a text: its mean and its directions."""

import numpy as np

from anyshot.encoders.word_layer import WordLayer, bundled_word_layer


def test_the_bundled_directions_are_orthogonal_and_of_the_networks_width():
    found = bundled_word_layer()
    assert (found.mean.shape, found.directions.shape) == ((384,), (128, 384))
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(128), atol=2e-3)


def test_the_digest_changes_with_the_directions():
    found = bundled_word_layer()
    assert found.digest != found._replace(directions=found.directions[:64]).digest
    assert found.digest == WordLayer(found.mean.copy(), found.directions.copy()).digest
