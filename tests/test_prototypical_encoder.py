"""The encoder trained on other classes: it tells new ones by one example, repeats, and refuses what it cannot use."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from anyshot.encoders.encoder import Digested, Encoder
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.prototypical_encoder import PrototypicalEncoder
from contract import assert_init_only_stores

SIDE = 16


def strokes(n_classes, n_each, seed):
    """Return drawings of characters: each two bars of its own, moved by a pixel and thinned from drawing to drawing."""
    random = np.random.default_rng(seed)
    images, labels = [], []
    for label in range(n_classes):
        row, column, long, high = random.integers([3, 3, 5, 5], [13, 13, 12, 12])
        for _ in range(n_each):
            image = np.zeros((SIDE, SIDE), np.uint8)
            down, right = random.integers(-1, 2, 2)
            image[row + down, 2 : 2 + long] = 255
            image[2 : 2 + high, column + right] = 255
            images.append(image)
            labels.append(label)
    return np.stack(images), np.array(labels)


def encoder(**parameters):
    return PrototypicalEncoder(**{"size": SIDE, "n_classes": 5, "epochs": 1, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def fitted():
    X, y = strokes(12, 4, seed=0)
    return encoder().fit(X, y, groups=y % 2)


def test_it_is_an_encoder_with_vectors_of_unit_length(fitted):
    assert isinstance(fitted, Encoder)
    assert isinstance(fitted, Digested)
    vectors = fitted.encode(strokes(3, 2, seed=1)[0])
    assert vectors.shape == (6, fitted.width)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_it_only_stores_at_first_and_a_refit_repeats(fitted):
    assert_init_only_stores(encoder())
    X, y = strokes(12, 4, seed=0)
    assert clone(fitted).fit(X, y, groups=y % 2).digest == fitted.digest


def test_new_classes_are_told_by_one_example(fitted):
    X, y = strokes(10, 2, seed=5)
    vectors = fitted.transform(X)
    told = y[::2][(vectors[1::2] @ vectors[::2].T).argmax(axis=1)]
    assert np.mean(told == y[1::2]) >= 0.6  # by chance 0.1


def test_groups_held_out_keep_the_best_epoch():
    X, y = strokes(12, 4, seed=0)
    model = encoder(held_out=1, turned_classes=False).fit(X, y, groups=np.where(y < 6, "one", "other"))
    assert model.held_out_groups_.tolist() in (["one"], ["other"])
    assert model.history_.best_epoch is not None


def test_what_cannot_be_used_is_refused():
    X, y = strokes(4, 4, seed=0)
    with pytest.raises(InputError, match="held_out=2 of 2 groups leave nothing"):
        encoder(held_out=2).fit(X, y, groups=y % 2)
    with pytest.raises(NotEnoughLabelsError, match="4 items each"):
        encoder().fit(X, np.arange(16))
    with pytest.raises(NotFittedError):
        encoder().encode(X)
