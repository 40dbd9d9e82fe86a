"""EfficientNet-Lite0: its layers by hand, its answers on photographs, and its network split into stages."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_sample_images
from torch.nn import functional

from anyshot.base.protocols import Classifying, Digested, Encoder, TextAligned
from anyshot.encoders.backbones import split
from anyshot.encoders.efficientnet import (
    EPSILON,
    WEIGHTS_SHA256,
    Convolution,
    EfficientNetLite0Encoder,
    fold,
    load_efficientnet_lite0,
    read_published,
)
from anyshot.encoders.freeze import from_scratch
from anyshot.encoders.images import center_square, imagenet_class_names
from anyshot.encoders.registry import load_encoder
from anyshot.encoders.stages import State, through
from anyshot.errors import BadItemError, EncoderError, InputError, MissingWeightsError
from splits import PIXELS, PRECISE, composition_gap, precise


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite0Encoder:
    return load_efficientnet_lite0(device="cpu")


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


def test_even_lighting_has_its_own_name_and_digest(encoder):
    even = EfficientNetLite0Encoder(device="cpu", lighting="even")
    assert even.digest != encoder.digest == EfficientNetLite0Encoder(device="cpu").digest
    assert (even.backbone().name, encoder.backbone().name) == ("efficientnet-lite0-even", "efficientnet-lite0")
    lighting = even.backbone().preparation.about["lighting"]
    assert lighting == "pixel values scaled to mean 115 and standard deviation 58"
    assert "lighting" not in encoder.backbone().preparation.about


def test_an_unknown_lighting_is_refused():
    with pytest.raises(InputError, match="lighting='dark' must be 'as-is' or 'even'"):
        _ = EfficientNetLite0Encoder(lighting="dark").digest


def test_the_constructor_does_no_work():
    encoder = EfficientNetLite0Encoder(device="no such device")
    with pytest.raises(EncoderError, match="no such device"):
        _ = encoder.digest


def test_loading_does_not_advance_torchs_random_generator(photos):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    EfficientNetLite0Encoder(device="cpu").encode(photos[:1])
    torch.testing.assert_close(torch.rand(3), expected)


def test_importing_it_does_not_import_transformers():
    code = "import sys, anyshot.encoders.efficientnet; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_folded_convolution_equals_the_convolution_and_its_batch_norm():
    generator = torch.Generator().manual_seed(0)
    conv, norm = torch.nn.Conv2d(3, 5, 3, bias=False), torch.nn.BatchNorm2d(5, eps=EPSILON).eval()
    for tensor in (conv.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var):
        tensor.data = torch.rand(tensor.shape, generator=generator)
    weights = {f"c.{name}": value for name, value in conv.state_dict().items()}
    weights |= {f"n.{name}": value for name, value in norm.state_dict().items()}
    state = fold(weights, conv="c", norm="n", name="x")
    x = torch.rand(2, 3, 8, 8, generator=generator)
    folded = functional.conv2d(x, state["x.conv.weight"], state["x.conv.bias"])
    torch.testing.assert_close(folded, norm(conv(x)))


@pytest.mark.parametrize(("kernel", "before"), [(3, 0), (5, 1)])
def test_stride_two_pads_as_tensorflow_does(kernel, before):
    layer = Convolution(1, 1, kernel, stride=2, linear=True)
    torch.nn.init.ones_(layer.conv.weight)
    torch.nn.init.zeros_(layer.conv.bias)
    ramp = torch.arange(64.0).reshape(1, 1, 8, 8)
    padded = functional.pad(ramp, (before, kernel - 2 - before, before, kernel - 2 - before))
    y = layer(ramp)
    assert y.shape == (1, 1, 4, 4)
    torch.testing.assert_close(y, padded.unfold(2, kernel, 2).unfold(3, kernel, 2).sum(dim=(-1, -2)))


def test_the_network_has_named_stages_and_the_published_number_of_weights(encoder):
    network = encoder.backbone().network
    assert list(network) == ["stem", *(f"stage{number}" for number in range(1, 8)), "features", "pooling"]
    layers = [part for stage in network.values() for part in stage.modules() if isinstance(part, torch.nn.Conv2d)]
    n_weights = sum(layer.weight.numel() for layer in layers) + 1000 * 1280
    assert round(n_weights / 1e6, 1) == 4.6  # million; published: 4.7 with biases


def test_bfloat16_changes_a_vector_little(encoder, photos):
    x = torch.stack([center_square(photo.copy()) for photo in photos])
    with torch.inference_mode():
        exact = functional.normalize(through(encoder.backbone().network, State(x)).x)
    assert np.sum(encoder.encode(photos) * exact.numpy(), axis=1) == pytest.approx(1, abs=5e-3)


def test_split_anywhere_it_computes_the_same_features():
    encoder = EfficientNetLite0Encoder(device="cpu")
    vars(encoder)["_compute"] = PRECISE
    backbone = precise(encoder.backbone())
    state = backbone.together(backbone.prepare(PIXELS[:2]))
    with torch.no_grad():
        expected = encoder._features(state.x)
    assert composition_gap(backbone, state, expected) < 1e-6


def test_from_scratch_the_batch_norms_learn_their_statistics():
    backbone = precise(from_scratch(EfficientNetLite0Encoder(device="cpu").backbone(), random_state=0))
    rest = split(backbone, "stage7").rest.train()
    norms = [module for module in rest.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    rest(State(torch.rand(2, 192, 7, 7) + 1))
    assert all(norm.num_batches_tracked == 1 for norm in norms)


def test_missing_weights_are_reported_with_the_command_that_installs_them(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"gone\.pth cannot be read: No such file.*pip install this"):
        read_published(tmp_path / "gone.pth", sha256=WEIGHTS_SHA256, remedy="pip install this")


def test_modified_weights_are_refused_without_being_opened(tmp_path):
    file = tmp_path / "weights.pth"
    file.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(MissingWeightsError, match=r"not the published ones: the sha256 is [0-9a-f]{64}"):
        read_published(file, sha256=WEIGHTS_SHA256, remedy="")
