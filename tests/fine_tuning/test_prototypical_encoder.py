"""The encoder trained on other classes: it tells new ones by one example, repeats, and refuses what it cannot use."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from anyshot.base.protocols import Digested, Encoder
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.fine_tuning.prototypical_encoder import PrototypicalEncoder
from anyshot.tasks.loading import load
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


def test_a_fit_that_fails_leaves_the_earlier_network_or_none():
    X, y = strokes(6, 4, seed=0)
    fresh = encoder(epochs=0)
    with pytest.raises(InputError, match="epochs must be at least 1"):
        fresh.fit(X, y)
    with pytest.raises(NotFittedError):
        fresh.encode(X)
    model = encoder(turned_classes=False).fit(X, y)
    before, history = model.digest, model.history_
    with pytest.raises(NotEnoughLabelsError):
        model.set_params(n_shots=50).fit(X, y)
    assert (model.digest, model.history_) == (before, history)


def test_a_copy_keeps_what_was_learned_and_learns_for_itself(fitted):
    """Cross-validation of a pipeline trains copies; as another model's encoder, a copy is not to lose its network."""
    before, (X, y) = fitted.digest, strokes(5, 8, seed=3)
    copied = clone(fitted)
    assert copied.digest == before
    copied.set_params(turned_classes=False).fit(X, y)
    assert copied.digest != before
    assert (fitted.digest, fitted.turned_classes) == (before, True)
    cross_val_score(make_pipeline(fitted, LogisticRegression()), X, np.array(y), cv=2, error_score="raise")
    assert fitted.digest == before


def test_the_size_that_was_learned_at_is_the_one_it_encodes_at_and_is_saved(tmp_path):
    X, y = strokes(6, 4, seed=0)
    model = encoder(size=np.int64(32), turned_classes=np.True_).fit(X, y)
    vectors = model.encode(X[:2])
    assert model.width == vectors.shape[1] == 256
    model.save(tmp_path / "numpy")
    assert load(tmp_path / "numpy").get_params() == {**model.get_params(), "size": 32, "turned_classes": True}
    model.set_params(size=16).save(tmp_path / "model")
    for one in (model, load(tmp_path / "model")):
        assert (one.width, one.digest) == (256, model.digest)
        np.testing.assert_allclose(one.encode(X[:2]), vectors, atol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": 0}, "size must be at least 16; it is 0"),
        ({"size": "28"}, "size must be a whole number; it is '28'"),
        ({"n_classes": 1}, "n_classes must be at least 2; it is 1"),
        ({"n_shots": 0}, "n_shots must be at least 1; it is 0"),
        ({"held_out": -1}, "held_out must be at least 0; it is -1"),
        ({"learning_rate": "fast"}, "learning_rate must be a number"),
    ],
)
def test_a_parameter_out_of_range_is_refused(parameters, message):
    X, y = strokes(4, 4, seed=0)
    with pytest.raises(InputError, match=message):
        encoder(**parameters).fit(X, y)


def test_groups_are_one_an_image():
    X, y = strokes(4, 4, seed=0)
    with pytest.raises(InputError, match="There are 16 images and 10 groups"):
        encoder().fit(X, y, groups=(y % 2)[:10])
    with pytest.raises(InputError, match="The labeled image in row 0 has no group"):
        encoder().fit(X, y, groups=[None, *"abababababababa"])


def test_what_cannot_be_used_is_refused():
    X, y = strokes(4, 4, seed=0)
    with pytest.raises(InputError, match="held_out=2 of 2 groups leave nothing"):
        encoder(held_out=2).fit(X, y, groups=y % 2)
    with pytest.raises(NotEnoughLabelsError, match="4 items each"):
        encoder().fit(X, np.arange(16))
    with pytest.raises(NotFittedError):
        encoder().encode(X)
