"""Images resized, cropped and normalized as transformers does, to the last bit."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anyshot.encoders.engines.choice import UnsupportedModelError
from anyshot.encoders.image_processing import FILE, ImageProcessing, center_crop, read_image_processing
from anyshot.errors import EncoderError, UnknownEncoderError

SHAPES = [(40, 50), (32, 32), (70, 30), (300, 211), (1, 9)]
STATED = {
    "ViT": {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}},
    "ViT of old": {"feature_extractor_type": "ViTFeatureExtractor", "size": 48, "resample": 2, "do_normalize": True},
    "fast ViT": {"image_processor_type": "ViTImageProcessorFast", "size": {"height": 32, "width": 24}},
    "CLIP": {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 40}, "crop_size": 40},
    "CLIP that crops more": {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": 40},
        "crop_size": {"height": 33, "width": 33},
    },
    "CLIP that pads": {"image_processor_type": "CLIPImageProcessor", "do_resize": False, "crop_size": 65},
    "SigLIP": {"image_processor_type": "SiglipImageProcessor", "size": {"height": 32, "width": 32}, "resample": 3},
    "MobileNetV2": {"image_processor_type": "MobileNetV2ImageProcessor"},
    "ResNet": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}, "crop_pct": 0.875},
    "large ResNet": {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}},
    "EfficientNet": {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 48, "width": 48}},
    "EfficientNet with an offset": {
        "image_processor_type": "EfficientNetImageProcessor",
        "size": {"height": 48, "width": 48},
        "rescale_factor": 1 / 127.5,
        "rescale_offset": True,
        "include_top": False,
    },
    "numbers": {
        "image_processor_type": "ViTImageProcessor",
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.4, 0.5, 0.6],
        "rescale_factor": 0.01,
    },
    "nearest pixels": {"image_processor_type": "ViTImageProcessor", "resample": 0},
    "bytes": {"image_processor_type": "ViTImageProcessor", "do_rescale": False, "do_normalize": False},
}
SQUARE = {name: stated for name, stated in STATED.items() if name != "fast ViT"}


def written(folder: Path, stated: object) -> Path:
    (folder / FILE).write_text(json.dumps(stated))
    return folder


def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in SHAPES]


def normalized(processing: ImageProcessing, pixels: np.ndarray) -> np.ndarray:
    """Return the input of the network (3, side, side)."""
    made = processing(pixels)
    assert made.shape == (processing.side, processing.side, 3)
    assert made.dtype == np.uint8
    return ((made.astype(np.float32) - processing.mean) / processing.scale).transpose(2, 0, 1)


@pytest.mark.torch
@pytest.mark.parametrize("name", SQUARE)
def test_the_result_equals_that_of_transformers(name, tmp_path):
    import transformers

    folder = written(tmp_path, SQUARE[name])
    processing = read_image_processing(folder, model_type="vit")
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    for pixels in images():
        theirs = processor(images=Image.fromarray(pixels), return_tensors="np")["pixel_values"][0]
        ours = normalized(processing, pixels)
        np.testing.assert_allclose(ours, theirs, atol=2e-6 * max(1, float(np.abs(theirs).max())))


@pytest.mark.parametrize("model_type", ["vit", "clip", "siglip", "mobilenet_v2", "resnet", "efficientnet"])
def test_a_file_that_names_no_processor_means_that_of_the_model(model_type, tmp_path):
    processing = read_image_processing(written(tmp_path, {"size": 64, "crop_size": 64}), model_type=model_type)
    assert processing.side == 64


def test_the_numbers_of_the_normalization_by_hand(tmp_path):
    stated = STATED["ViT"] | {"image_mean": [0.5, 0.25, 0], "image_std": [0.5, 1, 2]}
    processing = read_image_processing(written(tmp_path, stated), model_type="vit")
    np.testing.assert_allclose(processing.mean, [127.5, 63.75, 0])
    np.testing.assert_allclose(processing.scale, [127.5, 255, 510])


@pytest.mark.parametrize("zero", [{"image_std": [0.5, 0, 0.5]}, {"rescale_factor": 0}])
def test_a_division_by_0_is_refused(zero, tmp_path):
    with pytest.raises(UnknownEncoderError, match="divides by 0"):
        read_image_processing(written(tmp_path, STATED["ViT"] | zero), model_type="vit")


def test_the_center_is_cropped_or_padded_with_black():
    pixels = np.arange(25, dtype=np.uint8).reshape(5, 5, 1) * np.ones(3, np.uint8)
    np.testing.assert_array_equal(center_crop(pixels, 1)[..., 0], [[12]])
    padded = center_crop(pixels[:, 1:4], 6)[..., 0]
    assert padded.shape == (6, 6)
    np.testing.assert_array_equal(padded[1:, 2:5], pixels[:, 1:4, 0])
    assert padded[0].max() == padded[:, 0].max() == padded[:, 5].max() == 0


def test_a_folder_without_the_file_is_refused(tmp_path):
    with pytest.raises(EncoderError, match=r"has no preprocessor_config\.json.*Download the model again"):
        read_image_processing(tmp_path, model_type="vit")


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / FILE).write_text("{")
    with pytest.raises(UnknownEncoderError, match="cannot be read as JSON"):
        read_image_processing(tmp_path, model_type="vit")


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"image_processor_type": "PixtralImageProcessor"}, "asks for PixtralImageProcessor"),
        ({"image_processor_type": "ViTImageProcessor", "do_pad": True}, "asks for do_pad"),
        ({"image_processor_type": "MobileNetV2ImageProcessor", "do_reduce_labels": True}, "asks for do_reduce_labels"),
        (STATED["fast ViT"], "does not make squares of one size"),
        (STATED["CLIP"] | {"do_center_crop": False}, "does not make squares of one size"),
        (STATED["CLIP"] | {"crop_size": {"height": 9, "width": 8}}, "does not make squares of one size"),
    ],
)
def test_what_only_transformers_does_is_named(stated, message, tmp_path):
    with pytest.raises(UnsupportedModelError, match=f"its preprocessor_config.json {message}"):
        read_image_processing(written(tmp_path, stated), model_type="vit")
