"""EfficientNet-Lite0: its vectors of photographs, its digest, its weights."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_sample_images

from anyshot.base.protocols import Classifying, Digested, Encoder, TextAligned
from anyshot.encoders import efficientnet
from anyshot.encoders.efficientnet import EfficientNetLite0Encoder
from anyshot.encoders.engines.images import image_precision
from anyshot.encoders.images import imagenet_class_names
from anyshot.encoders.registry import load_encoder, same_weights
from anyshot.errors import BadItemError, EncoderError, InputError


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite0Encoder:
    return EfficientNetLite0Encoder(device="cpu")


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """Return scikit-learn's two photographs: a Chinese palace, a flower."""
    return list(load_sample_images().images)


def test_it_is_an_encoder_with_a_classifier(encoder):
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert isinstance(encoder, Classifying)
    assert not isinstance(encoder, TextAligned)
    assert (encoder.modality, encoder.width) == ("image", 1280)
    assert clone(encoder) is encoder


def test_vectors_are_float32_with_unit_length(encoder, photos):
    vectors = encoder.encode(photos)
    assert vectors.dtype == np.float32
    assert vectors.shape == (2, 1280)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors.min() >= 0  # means of ReLU6


def test_its_classifier_recognizes_two_photographs(encoder, photos):
    scores = encoder.encode(photos) @ encoder.classifier.weights.T  # (2, 1000)
    assert [encoder.classifier.names[row][0] for row in scores.argmax(axis=1)] == ["palace", "daisy"]


def test_the_classifier_has_a_row_for_each_imagenet_class(encoder):
    assert encoder.classifier.weights.shape == (1000, 1280)
    assert encoder.classifier.weights.dtype == np.float32
    assert encoder.classifier.names is imagenet_class_names()


def test_a_vector_does_not_depend_on_the_rest_of_the_batch(encoder, photos):
    together = encoder.encode([*photos, *photos])
    alone = np.concatenate([encoder.encode([photo]) for photo in photos])
    assert np.sum(together[2:] * alone, axis=1) == pytest.approx(1, abs=1e-4)


def test_a_file_and_its_pixels_have_the_same_vector(encoder, photos, tmp_path):
    Image.fromarray(photos[0]).save(tmp_path / "photo.png")
    np.testing.assert_array_equal(encoder.encode([tmp_path / "photo.png"]), encoder.encode(photos[:1]))


def test_an_array_of_images_is_encoded_like_a_list_of_images(encoder, photos):
    np.testing.assert_array_equal(encoder.encode(np.stack(photos)), encoder.encode(photos))


def test_a_large_jpeg_decoded_at_reduced_size_has_nearly_the_same_vector(encoder, photos, tmp_path):
    large = Image.fromarray(photos[0]).resize((3200, 2135), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=95)
    whole = np.asarray(Image.open(tmp_path / "large.jpg"))
    reduced, full = encoder.encode([tmp_path / "large.jpg"]), encoder.encode([whole])
    assert float(np.sum(reduced * full)) > 0.99


def test_an_empty_list_returns_an_empty_array(encoder):
    assert encoder.encode([]).shape == (0, 1280)


def test_an_invalid_image_is_reported_with_its_row(encoder, photos):
    with pytest.raises(BadItemError, match="row 1 is an array of float64"):
        encoder.encode([photos[0], photos[1] / 255])


def test_even_lighting_makes_vectors_robust_to_brightness_and_contrast(encoder, photos):
    even = load_encoder("efficientnet-lite0-even", device="cpu")
    darker = [(photo * 0.4 + 30).round().astype(np.uint8) for photo in photos]
    even_cosines = np.sum(even.encode(photos) * even.encode(darker), axis=1)
    cosines = np.sum(encoder.encode(photos) * encoder.encode(darker), axis=1)
    assert even_cosines.min() > 0.98 > cosines.max()


def test_even_lighting_has_its_own_digest(encoder):
    even = EfficientNetLite0Encoder(device="cpu", lighting="even")
    assert even.digest.split()[0] != encoder.digest.split()[0]
    assert encoder.digest == EfficientNetLite0Encoder(device="cpu").digest


@pytest.mark.torch
def test_even_lighting_has_its_own_name_for_training(encoder):
    even = EfficientNetLite0Encoder(device="cpu", lighting="even")
    assert (even.backbone().name, encoder.backbone().name) == ("efficientnet-lite0-even", "efficientnet-lite0")
    lighting = even.backbone().preparation.about["lighting"]
    assert lighting == "pixel values scaled to mean 115 and standard deviation 58"
    assert "lighting" not in encoder.backbone().preparation.about


def test_an_unknown_lighting_is_refused():
    with pytest.raises(InputError, match="lighting='dark' must be 'as-is' or 'even'"):
        _ = EfficientNetLite0Encoder(lighting="dark").digest


def test_the_constructor_does_no_work():
    encoder = EfficientNetLite0Encoder(lighting="dark", engine="none")
    with pytest.raises(InputError, match="'dark'"):
        _ = encoder.digest


@pytest.mark.torch
def test_an_unknown_device_is_refused():
    with pytest.raises(EncoderError, match="no such device"):
        _ = EfficientNetLite0Encoder(device="no such device").digest


def test_the_precision_is_a_part_of_the_digest_which_models_may_differ_in(encoder):
    weights, precision, resized_by = encoder.digest.split()
    assert precision == image_precision()
    assert resized_by == "PIL"
    assert same_weights(encoder.digest, f"{weights} torch.bfloat16")


def test_without_bfloat16_the_vectors_are_nearly_equal_and_their_digest_differs(encoder, photos, monkeypatch):
    monkeypatch.setattr(efficientnet, "image_precision", lambda: "float32")
    exact = EfficientNetLite0Encoder(device="cpu")
    assert exact.digest.split()[1] == "float32"
    assert np.sum(exact.encode(photos) * encoder.encode(photos), axis=1) == pytest.approx(1, abs=5e-3)


def test_all_encoders_of_a_process_share_one_graph(encoder):
    assert EfficientNetLite0Encoder(device="cpu", lighting="even")._engine._engine is encoder._engine._engine


def test_encoding_imports_no_torch_and_no_transformers():
    code = (
        "import sys, numpy, anyshot; e = anyshot.load_encoder('efficientnet-lite0', device='cpu'); "
        "e.encode([numpy.zeros((9, 9, 3), 'uint8')]); e.classifier; "
        "print(sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
