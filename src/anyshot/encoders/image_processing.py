"""Images as a model of transformers expects them, from its preprocessor_config.json: resized, cropped, normalized.

Pixels stay bytes, resized by PIL as transformers does; the numbers that normalize them are for the network to use.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from PIL import Image

from anyshot.base.pixels import Pixels
from anyshot.base.validation import Vectors
from anyshot.encoders.engines.choice import UnsupportedModelError
from anyshot.encoders.huggingface.files import read_settings
from anyshot.errors import EncoderError, UnknownEncoderError

Edge: TypeAlias = Literal["shortest_edge", "both"]

FILE: Final = "preprocessor_config.json"
HALF: Final = (0.5, 0.5, 0.5)  # mean, and standard deviation, of models that scale pixels to -1 to 1
CLIP: Final = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and standard deviation of the pixels that CLIP was trained on."""
WARPED_FROM: Final = 384  # from this side on, the processor of ConvNeXT crops nothing [pixels]


@dataclass(frozen=True)
class Defaults:
    """What a processor of transformers does where the file says nothing."""

    size: Mapping[str, int]
    resample: Image.Resampling
    mean: tuple[float, ...] = HALF
    std: tuple[float, ...] = HALF
    crop: int | None = None  # the side of the center that is cropped [pixels]
    edge: Edge = "both"  # what a size that is one number means


PROCESSORS: Final[Mapping[str, Defaults]] = {
    "ViT": Defaults({"height": 224, "width": 224}, Image.Resampling.BILINEAR),
    "Siglip": Defaults({"height": 224, "width": 224}, Image.Resampling.BICUBIC),
    "CLIP": Defaults({"shortest_edge": 224}, Image.Resampling.BICUBIC, *CLIP, crop=224, edge="shortest_edge"),
    "MobileNetV1": Defaults({"shortest_edge": 256}, Image.Resampling.BILINEAR, crop=224, edge="shortest_edge"),
    "MobileNetV2": Defaults({"shortest_edge": 256}, Image.Resampling.BILINEAR, crop=224, edge="shortest_edge"),
    "ConvNext": Defaults({"shortest_edge": 384}, Image.Resampling.BICUBIC, edge="shortest_edge"),
    "EfficientNet": Defaults({"height": 346, "width": 346}, Image.Resampling.BICUBIC),
    "Bit": Defaults({"shortest_edge": 224}, Image.Resampling.BICUBIC, *CLIP, crop=224, edge="shortest_edge"),
}
"""The processors that are imitated, by the beginning of their names."""

OF_MODELS: Final = {
    "vit": "ViT",
    "clip": "CLIP",
    "siglip": "Siglip",
    "mobilenet_v2": "MobileNetV2",
    "resnet": "ConvNext",
    "efficientnet": "EfficientNet",
}
"""The processor of each type of model whose file does not name one."""

KNOWN: Final = frozenset(
    {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb", "do_reduce_labels"}
)


@dataclass(frozen=True)
class ImageProcessing:
    """How pixels become the input of a network: bytes (side, side, 3), and (byte - mean) / scale inside of it."""

    side: int
    mean: Vectors  # (3,), in units of bytes
    scale: Vectors  # (3,)
    resize: Mapping[str, int] | None  # "shortest_edge", or "height" and "width" [pixels]; None: not resized
    resample: Image.Resampling
    crop: int | None  # the side of the center that is cropped after the resize [pixels]

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return an image (h, w, 3) as bytes (side, side, 3)."""
        if self.resize is not None:
            height, width = _size(pixels.shape, self.resize)
            pixels = np.asarray(Image.fromarray(pixels).resize((width, height), self.resample))
        return pixels if self.crop is None else center_crop(pixels, self.crop)


def read_image_processing(folder: Path, *, model_type: str) -> ImageProcessing:
    """Return the image processing of a model.

    Raises EncoderError if there is no preprocessor_config.json. Raises UnsupportedModelError if what it states is done
    by transformers only.
    """
    require_processing(folder, FILE)
    stated = read_settings(folder / FILE)
    processor = _processor(stated, model_type)
    defaults = PROCESSORS[processor]
    mean, scale = _normalization(stated, defaults, processor)
    stated_resample = stated.get("resample")  # 0 is the nearest pixel
    resample = defaults.resample if stated_resample is None else Image.Resampling(stated_resample)
    resize = _resize(stated, defaults) if stated.get("do_resize", True) else None
    crop = _crop(stated, defaults)
    if processor == "ConvNext" and resize is not None:
        resize, crop = _convnext(resize, float(stated.get("crop_pct") or 224 / 256))
    sides = {crop} if crop is not None else {(resize or {}).get("height"), (resize or {}).get("width")}
    side = sides.pop()
    if side is None or sides:
        raise UnsupportedModelError(f"its {FILE} does not make squares of one size")
    return ImageProcessing(side, mean, scale, resize, resample, crop)


def require_processing(folder: Path, *files: str) -> None:
    """Raise EncoderError unless a model has one of the files that may state its image processing, in JSON."""
    found = [folder / name for name in files if (folder / name).is_file()]
    if not found:
        raise EncoderError(
            f"{folder} has no {FILE}, which says how its images are resized and normalized. Download the model again, "
            "with that file."
        )
    read_settings(found[0])


@contextmanager
def fitting(folder: Path) -> Iterator[None]:
    """Raise EncoderError if a network cannot run because a config.json and weights do not belong together."""
    try:
        yield
    except EncoderError:
        raise
    except (RuntimeError, ValueError, TypeError, LookupError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].rstrip(".")
        raise EncoderError(
            f"The weights in {folder} do not fit its config.json and preprocessor_config.json: {reason}. Download the "
            "model again."
        ) from error


def center_crop(pixels: Pixels, side: int) -> Pixels:
    """Return the center (side, side, 3) of an image (h, w, 3), with black around it where the image is smaller."""
    height, width = pixels.shape[:2]
    above, before = (max(0, math.ceil((side - length) / 2)) for length in (height, width))
    if above or before:
        padded = np.zeros((max(side, height), max(side, width), 3), np.uint8)
        padded[above : above + height, before : before + width] = pixels
        pixels = padded
    top, left = (max(0, (length - side) // 2) for length in (height, width))
    return pixels[top : top + side, left : left + side]


def _processor(stated: Mapping[str, Any], model_type: str) -> str:
    """Return the key in `PROCESSORS` of the processor that a file names."""
    named = str(stated.get("image_processor_type") or stated.get("feature_extractor_type") or "")
    for ending in ("Fast", "Pil", "ImageProcessor", "FeatureExtractor"):
        named = named.removesuffix(ending)
    processor = named or OF_MODELS.get(model_type, "")
    others = [key for key, value in stated.items() if key.startswith("do_") and value and key not in KNOWN]
    if processor not in PROCESSORS or others or stated.get("do_reduce_labels"):
        asked = f"{processor}ImageProcessor" if processor not in PROCESSORS else ", ".join(others) or "do_reduce_labels"
        raise UnsupportedModelError(f"its {FILE} asks for {asked}")
    return processor


def _resize(stated: Mapping[str, Any], defaults: Defaults) -> Mapping[str, int]:
    """Return the size after the resize, which older files state as one number."""
    size = stated.get("size", defaults.size)
    if not isinstance(size, Mapping):
        size = {"shortest_edge": size} if defaults.edge == "shortest_edge" else {"height": size, "width": size}
    return {key: int(value) for key, value in size.items() if value is not None}


def _crop(stated: Mapping[str, Any], defaults: Defaults) -> int | None:
    if not stated.get("do_center_crop", defaults.crop is not None):
        return None
    size = stated.get("crop_size", defaults.crop)
    if isinstance(size, Mapping):
        size = size.get("height") if size.get("height") == size.get("width") else None
    return None if size is None else int(size)


def _convnext(size: Mapping[str, int], crop_share: float) -> tuple[Mapping[str, int], int | None]:
    """Return the resize and crop of ConvNeXT's processor, which crops only small images."""
    side = size.get("shortest_edge", size.get("height", WARPED_FROM))
    if side < WARPED_FROM:
        return {"shortest_edge": int(side / crop_share)}, side
    return {"height": side, "width": side}, None


def _size(shape: tuple[int, ...], size: Mapping[str, int]) -> tuple[int, int]:
    """Return height and width after the resize."""
    if "shortest_edge" not in size:
        return size["height"], size["width"]
    height, width = shape[:2]
    short, long = size["shortest_edge"], int(size["shortest_edge"] * max(height, width) / min(height, width))
    return (long, short) if width <= height else (short, long)


def _normalization(stated: Mapping[str, Any], defaults: Defaults, processor: str) -> tuple[Vectors, Vectors]:
    """Return the mean and the scale, in units of bytes.

    ((x * factor - offset) - mean) / std = (x - (mean + offset) / factor) / (std / factor)
    """
    factor = float(stated.get("rescale_factor", 1 / 255)) if stated.get("do_rescale", True) else 1.0
    offset = 1.0 if stated.get("rescale_offset") else 0.0
    mean, std = np.zeros(3), np.ones(3)
    if stated.get("do_normalize", True):
        mean = np.asarray(stated.get("image_mean", defaults.mean))
        std = np.asarray(stated.get("image_std", defaults.std))
    if processor == "EfficientNet" and stated.get("include_top", True):
        std = std * np.asarray(stated.get("image_std", defaults.std))  # it divides once more
    if not factor or not np.all(std):
        raise UnknownEncoderError(
            f"Its {FILE} divides by 0: rescale_factor={factor}, image_std={std.tolist()}. Download the model again."
        )
    return ((mean + offset) / factor).astype(np.float32), (std / factor).astype(np.float32)
