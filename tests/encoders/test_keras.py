"""Small Keras models with random weights as encoders, and the backend of Keras."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from subprocess import run
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from anyshot.base.validation import unit
from anyshot.encoders.images import center_square
from anyshot.encoders.keras import KerasEncoder, keras_on_torch, load_keras_model
from anyshot.encoders.registry import load_encoder
from anyshot.errors import BadItemError, EncoderError, MissingWeightsError, UnknownEncoderError

pytestmark = [
    pytest.mark.skipif(find_spec("keras") is None, reason="needs keras"),
    # What Keras 3.15 warns of, within itself, when it saves weights under numpy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
PHOTOS = np.random.default_rng(0).integers(0, 256, size=(3, 50, 40, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def keras():
    return keras_on_torch()


@pytest.fixture(scope="module")
def small(keras):
    """Return a network of one convolution, whose output is a feature map."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(6, 3, activation="relu")]
    return keras.Sequential(layers)


@pytest.fixture(scope="module")
def weights_file(keras, tmp_path_factory) -> Path:
    """Return random weights of a MobileNet, saved as Keras saves them."""
    file = tmp_path_factory.mktemp("keras") / "mobilenet.weights.h5"
    model = keras.applications.MobileNet(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    model.save_weights(file)
    return file


def test_vectors_are_the_models_output_averaged_over_height_and_width(small):
    encoder = KerasEncoder(small)
    shown = np.stack([center_square(photo, side=32) for photo in PHOTOS]).astype(np.float32)
    with torch.no_grad():
        maps = small(torch.from_numpy(shown), training=False).numpy()  # (3, 30, 30, 6)
    assert encoder.width == 6
    assert np.allclose(encoder.encode(PHOTOS), unit(maps.mean(axis=(1, 2))), atol=1e-6)


def test_load_encoder_accepts_a_keras_model(small):
    encoder = load_encoder(small)
    assert (encoder.modality, encoder.width) == ("image", 6)
    assert load_encoder(encoder) is encoder


def test_preprocess_is_applied_to_the_pixels(small):
    plain, inverted = KerasEncoder(small), KerasEncoder(small, preprocess=lambda x: 255 - x)
    assert not np.allclose(plain.encode(PHOTOS), inverted.encode(PHOTOS), atol=1e-4)
    assert plain.digest != inverted.digest


def test_the_digest_depends_on_the_weights(keras, small):
    other = keras.models.clone_model(small)
    assert KerasEncoder(other).digest != KerasEncoder(small).digest
    other.set_weights(small.get_weights())
    assert np.allclose(KerasEncoder(other).encode(PHOTOS), KerasEncoder(small).encode(PHOTOS))


def test_the_digest_does_not_depend_on_models_built_before(keras):
    """Keras numbers the names of layers within a process, which must not change the digest."""

    def built():
        conv = keras.layers.Conv2D(4, 3, kernel_initializer="ones")
        return keras.Sequential([keras.Input((32, 32, 3)), conv, keras.layers.GlobalAveragePooling2D()])

    first = built()
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    again = built()
    assert first.get_config() != again.get_config()
    assert KerasEncoder(first).digest == KerasEncoder(again).digest
    wider = keras.Sequential([keras.Input((32, 32, 3)), *first.layers, keras.layers.ReLU()])
    assert KerasEncoder(wider).digest != KerasEncoder(first).digest


def test_a_model_without_an_input_shape_or_with_two_outputs_is_refused(keras):
    with pytest.raises(EncoderError, match=r"has no input shape.*keras\.Input\(\(224, 224, 3\)\)"):
        KerasEncoder(keras.Sequential([keras.layers.Flatten()]))
    seen = keras.Input((32, 32, 3))
    both = keras.Model(seen, [keras.layers.Flatten()(seen), keras.layers.GlobalAveragePooling2D()(seen)])
    with pytest.raises(EncoderError, match=r"must have one output, .* but has 2 outputs"):
        KerasEncoder(both)


def test_encoding_does_not_change_the_model(small):
    before = [array.copy() for array in small.get_weights()]
    KerasEncoder(small).encode(PHOTOS)
    assert small.trainable
    assert all(np.array_equal(one, other) for one, other in zip(before, small.get_weights(), strict=True))


def test_an_application_is_loaded_by_name_and_file_with_its_preprocessing(keras, weights_file):
    encoder = load_encoder(f"keras:MobileNet:{weights_file}", device="cpu", download="never")
    model = keras.applications.MobileNet(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    model.load_weights(weights_file)
    shown = np.stack([center_square(photo) for photo in PHOTOS[:1]]).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(shown / 127.5 - 1), training=False).numpy()
    assert encoder.width == 1024
    assert np.allclose(encoder.encode(PHOTOS[:1]), unit(expected), atol=1e-5)


def test_weights_of_another_architecture_are_refused(weights_file):
    with pytest.raises(MissingWeightsError, match="does not hold the weights of keras:MobileNetV2 without its top"):
        load_keras_model(f"MobileNetV2:{weights_file}", device="cpu")


def test_a_missing_file_is_reported():
    with pytest.raises(MissingWeightsError, match=r"There is no file no\.weights\.h5 with weights of keras:MobileNet"):
        load_keras_model("MobileNet:no.weights.h5")


def test_without_a_file_and_without_downloads_the_remedy_is_reported():
    with pytest.raises(MissingWeightsError, match="keras:MobileNetV2:FILE, or set download='allow'"):
        load_encoder("keras:MobileNetV2", download="never")


@pytest.mark.parametrize(("name", "near"), [("mobilenetv2", "MobileNetV2"), ("ResNet5", "ResNet50")])
def test_an_unknown_application_is_reported_with_the_nearest(name, near):
    with pytest.raises(UnknownEncoderError, match=rf"has no '{name}'\. Did you mean 'keras:{near}"):
        load_encoder(f"keras:{name}")


def test_a_model_of_other_inputs_than_images_is_refused(keras):
    with pytest.raises(EncoderError, match=r"has input shape \(None, 7\); an image encoder needs \(None, h, w, 3\)"):
        KerasEncoder(keras.Sequential([keras.Input((7,)), keras.layers.Dense(2)]))


def test_an_object_that_is_not_a_keras_model_is_refused():
    with pytest.raises(EncoderError, match="model must be a Keras model, not str"):
        KerasEncoder("MobileNetV2")


def test_an_unreadable_image_is_reported_with_its_row(small, tmp_path):
    with pytest.raises(BadItemError, match="row 1"):
        KerasEncoder(small).encode([PHOTOS[0], tmp_path / "none.png"])


@pytest.mark.full
def test_the_environment_is_restored_after_keras_is_imported():
    kept = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    code = "import os; from anyshot.encoders.keras import keras_on_torch as k; "
    code += "print(k().backend.backend(), os.environ.get('KERAS_BACKEND'))"
    done = run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "torch None"


def test_another_backend_in_the_environment_is_refused_before_keras_is_imported(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    with pytest.raises(EncoderError, match=r"variable KERAS_BACKEND is 'jax'.*Set it to 'torch' or unset it"):
        keras_on_torch()
    assert "keras" not in sys.modules


def test_keras_on_another_backend_is_refused(monkeypatch):
    other = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "tensorflow"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setitem(sys.modules, "keras", other)
    with pytest.raises(EncoderError, match="Keras was already imported on its tensorflow backend, which cannot be"):
        load_encoder("keras:MobileNetV2")
