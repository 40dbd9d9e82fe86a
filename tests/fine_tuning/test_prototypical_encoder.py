"""The prototypical encoder: accuracy on new classes, copies, saved folders, errors, and its image transformations."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from anyshot.base.protocols import Digested, Encoder
from anyshot.errors import BadItemError, InputError, NotEnoughLabelsError
from anyshot.fine_tuning.episodic import train_on_episodes
from anyshot.fine_tuning.prototypical_encoder import (
    PrototypicalEncoder,
    as_floats,
    orientations,
    random_affine,
    small_images,
)
from anyshot.tasks.loading import load
from contract import assert_init_only_stores

SIDE = 16


def strokes(n_classes, n_each, seed):
    """Return drawings of characters: two bars each, shifted by up to a pixel from drawing to drawing."""
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
    return PrototypicalEncoder(**{"size": SIDE, "n_classes": 2, "epochs": 1, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def fitted():
    X, y = strokes(12, 4, seed=0)
    return encoder(n_classes=5).fit(X, y, groups=y % 2)


@pytest.fixture
def few_episodes(monkeypatch):
    """Train on 5 episodes per epoch, which is enough where nothing depends on how much is learned."""
    few = partial(train_on_episodes, per_epoch=5)
    monkeypatch.setattr("anyshot.fine_tuning.prototypical_encoder.train_on_episodes", few)


def test_it_is_an_encoder_and_its_vectors_have_unit_length(fitted):
    assert isinstance(fitted, Encoder)
    assert isinstance(fitted, Digested)
    vectors = fitted.encode(strokes(3, 2, seed=1)[0])
    assert vectors.shape == (6, fitted.width)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_init_only_stores_and_fitting_again_gives_the_same_network(few_episodes):
    assert_init_only_stores(encoder())
    X, y = strokes(12, 4, seed=0)
    model = encoder(n_classes=5).fit(X, y, groups=y % 2)
    first = model.digest
    assert model.fit(X, y, groups=y % 2).digest == first == clone(model).fit(X, y, groups=y % 2).digest


def test_new_classes_are_recognized_by_one_example(fitted):
    X, y = strokes(10, 2, seed=5)
    vectors = fitted.transform(X)
    predicted = y[::2][(vectors[1::2] @ vectors[::2].T).argmax(axis=1)]
    assert np.mean(predicted == y[1::2]) >= 0.6  # 0.1 by chance


def test_with_held_out_groups_the_best_epoch_is_kept(few_episodes):
    X, y = strokes(12, 4, seed=0)
    model = encoder(held_out=1, turned_classes=False).fit(X, y, groups=np.where(y < 6, "one", "other"))
    assert model.held_out_groups_.tolist() in (["one"], ["other"])
    assert model.history_.best_epoch is not None


def test_a_fit_that_fails_does_not_change_the_earlier_network(fitted):
    X, y = strokes(6, 4, seed=0)
    fresh = encoder(epochs=0)
    with pytest.raises(InputError, match="epochs must be at least 1"):
        fresh.fit(X, y)
    with pytest.raises(NotFittedError):
        fresh.encode(X)
    model = clone(fitted)
    before, history = model.digest, model.history_
    with pytest.raises(NotEnoughLabelsError):
        model.set_params(n_shots=50).fit(X, y)
    assert (model.digest, model.history_) == (before, history)


def test_a_clone_is_fitted_and_fitting_it_does_not_change_the_original(fitted, few_episodes):
    """Cloning a model that uses this encoder must not lose the network."""
    before, (X, y) = fitted.digest, strokes(5, 8, seed=3)
    copied = clone(fitted)
    assert copied.digest == before
    copied.set_params(turned_classes=False).fit(X, y)
    assert copied.digest != before
    assert (fitted.digest, fitted.turned_classes) == (before, True)
    assert clone(make_pipeline(fitted, LogisticRegression()))[0].digest == before


def test_images_are_encoded_at_the_size_that_the_network_was_trained_at(few_episodes, tmp_path):
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
        ({"size": "28"}, "size must be an integer; it is '28'"),
        ({"n_classes": 1}, "n_classes must be at least 2; it is 1"),
        ({"n_shots": 0}, "n_shots must be at least 1; it is 0"),
        ({"held_out": -1}, "held_out must be at least 0; it is -1"),
        ({"learning_rate": "fast"}, "learning_rate must be a number"),
    ],
)
def test_a_parameter_out_of_range_is_an_error(parameters, message):
    X, y = strokes(4, 4, seed=0)
    with pytest.raises(InputError, match=message):
        encoder(**parameters).fit(X, y)


def test_every_labeled_image_needs_a_group():
    X, y = strokes(4, 4, seed=0)
    with pytest.raises(InputError, match="There are 16 images and 10 groups"):
        encoder().fit(X, y, groups=(y % 2)[:10])
    with pytest.raises(InputError, match="The labeled image in row 0 has no group"):
        encoder().fit(X, y, groups=[None, *"abababababababa"])


def test_invalid_arguments_are_errors():
    X, y = strokes(4, 4, seed=0)
    with pytest.raises(InputError, match="held_out=2 must be below the number of groups, 2"):
        encoder(held_out=2).fit(X, y, groups=y % 2)
    with pytest.raises(NotEnoughLabelsError, match="4 items each"):
        encoder().fit(X, np.arange(16))
    with pytest.raises(NotFittedError):
        encoder().encode(X)


def test_a_small_pixel_is_the_mean_of_its_area():
    image = np.zeros((4, 4), np.uint8)
    image[:2, :2] = [[100, 200], [0, 100]]
    assert small_images([image], size=2)[0, 0].tolist() == [[100, 0], [0, 0]]


def test_the_error_for_an_unreadable_image_names_it():
    with pytest.raises(BadItemError, match=r"missing\.png"):
        small_images(["missing.png"], size=4)


def test_floats_are_from_0_to_1():
    assert as_floats(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).flatten().tolist() == [0, 1]


def test_random_affine_moves_each_image_differently_and_repeats_with_the_seed():
    square = torch.zeros(3, 1, 21, 21)
    square[:, :, 8:13, 8:13] = 1
    moved = random_affine(square, generator=np.random.default_rng(0))
    assert not torch.allclose(moved[0], moved[1])
    torch.testing.assert_close(moved, random_affine(square, generator=np.random.default_rng(0)))
    assert moved.sum(dim=(1, 2, 3)).numpy() == pytest.approx(25, rel=0.5)  # within the stretch of both sides


def test_random_affine_does_not_change_a_uniform_image():
    image = torch.ones(2, 1, 9, 9)
    torch.testing.assert_close(random_affine(image, generator=np.random.default_rng(0)), image)


def test_a_square_has_eight_orientations():
    image = torch.tensor([[[[1, 2], [3, 4]]]])
    found = {tuple(each.flatten().tolist()) for each in orientations(image)}
    assert len(found) == 8
    assert orientations(torch.stack([image[0], image[0] + 4]))[:2].tolist() == [
        image[0].tolist(),
        (image[0] + 4).tolist(),
    ]
