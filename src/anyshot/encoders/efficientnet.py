"""EfficientNet-Lite0, the default image encoder.

Tan, Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML 2019, table 1. The Lite variant
has no squeeze-and-excitation and uses ReLU6.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from anyshot.base.lazy import extra
from anyshot.base.pixels import Pixels
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import Vectors
from anyshot.encoders import networks
from anyshot.encoders.engines.choice import choose_engine
from anyshot.encoders.engines.efficientnet import LITE0_WIDTH, efficientnet_lite0
from anyshot.encoders.engines.images import ImageEngine, ImageGraph, image_graph, image_precision
from anyshot.encoders.engines.weights import Weights
from anyshot.encoders.images import (
    CROP,
    RESIZED_BY,
    SIDE,
    ImageEncoder,
    center_square,
    imagenet_class_names,
    normalize_lighting,
)
from anyshot.encoders.pickled_weights import read_pickled_weights
from anyshot.encoders.published_files import PUBLISHED, published_file
from anyshot.errors import InputError

if TYPE_CHECKING:  # it loads torch, which is needed only if an encoder is trained
    from anyshot.encoders.stages import Backbone

MODEL: Final = "efficientnet-lite0"
(WEIGHTS,) = PUBLISHED[MODEL].files

AT_LEAST: Final = round(SIDE / CROP)  # the shorter side that is needed [pixels]
MEAN, SCALE = (127.0,) * 3, (128.0,) * 3  # of the bytes that the network reads

Lighting: TypeAlias = Literal["as-is", "even"]
EVEN_MEAN, EVEN_STD = 115.0, 58.0  # of the pixel values of ImageNet's photographs, 0 to 255


class EfficientNetLite0Encoder(ImageEncoder):
    """The EfficientNet-Lite0 image encoder, trained on ImageNet.

    The features are means of ReLU6 outputs, never negative, so that any two images have a high cosine until their mean
    is subtracted.

    Parameters
    ----------
    device : str, default="auto"
        Device to run on: "auto", "cpu", "cuda", "mps".
    lighting : {"as-is", "even"}, default="as-is"
        "even" gives each image the same brightness and contrast first. Use it for X-rays, scans and the like, where
        both depend on the device that took the image; photographs are classified better as they are.
    engine : {"auto", "openvino", "torch"}, default="auto"
        What runs the network. "auto" is torch on a GPU, else openvino.
    threads : int, optional
        Number of threads of openvino. Default: the processors that the process may use.

    Attributes
    ----------
    width : int
        1280, the number of dimensions of a vector.
    digest : str
        Hash of weights and preprocessing, and the precision; it changes whenever the vectors would.
    classifier : LinearClassifier
        The last layer (1000, 1280), without the bias, and the names of the ImageNet classes.

    Raises
    ------
    MissingWeightsError
        At the first use: the weights are not on this machine, or are not the published ones.

    References
    ----------
    Tan, Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML 2019.
    """

    width = LITE0_WIDTH
    at_least = AT_LEAST

    def __init__(
        self, *, device: str = "auto", lighting: Lighting = "as-is", engine: str = "auto", threads: int | None = None
    ) -> None:
        self.device, self.lighting, self.engine, self.threads = device, lighting, engine, threads

    @cached_property
    def digest(self) -> str:
        """Hash of weights and preprocessing, and the precision."""
        return f"{self._weights_digest} {self._engine.precision} {RESIZED_BY}"

    @cached_property
    def classifier(self) -> LinearClassifier:
        """The last layer (1000, 1280) and the names of its classes."""
        return LinearClassifier(read_weights()["_fc.weight"], imagenet_class_names())

    def backbone(self) -> "Backbone":
        """Return the network in stages, with the weights read again in float32.

        Raises
        ------
        MissingExtraError
            torch is not installed.
        """
        extra("torch", "torch", purpose="Training EfficientNet-Lite0")
        lighting = f"pixel values scaled to mean {EVEN_MEAN:g} and standard deviation {EVEN_STD:g}"
        about = {
            **({"lighting": lighting} if self._is_even else {}),
            "crop": f"the middle square, its side {CROP:.3f} of the shorter side",
            "resize": f"{SIDE} x {SIDE}, bicubic, antialiased",
            "values": "RGB, 0 to 255, uint8; scaled by (x - 127) / 128 inside the network",
        }
        backbone: Backbone = networks.lite0_backbone(
            read_weights(),
            name="efficientnet-lite0-even" if self._is_even else "efficientnet-lite0",
            digest=self._weights_digest,
            device=self.device,
            prepare=self._prepare,
            at_least=AT_LEAST,
            about=about,
        )
        return backbone

    def _prepare(self, pixels: Pixels) -> Pixels:
        """Return the network's input (224, 224, 3) of an image (h, w, 3)."""
        image = center_square(pixels)
        return normalize_lighting(image, mean=EVEN_MEAN, std=EVEN_STD) if self._is_even else image

    def _map(self, batches: Iterator[Pixels]) -> Iterator[Vectors]:
        return self._engine.map(batches)

    @property
    def _is_even(self) -> bool:
        if self.lighting not in get_args(Lighting):
            raise InputError(f"lighting={self.lighting!r} must be 'as-is' or 'even'.")
        return self.lighting == "even"

    @property
    def _weights_digest(self) -> str:
        """Hash of weights and preprocessing."""
        preparation = "crop 0.875, bicubic, (x - 127) / 128, 1"
        lighting = f", {(EVEN_MEAN, EVEN_STD)}" if self._is_even else ""
        return hashlib.sha256(f"{WEIGHTS.sha256}\n{preparation}{lighting}".encode()).hexdigest()

    @cached_property
    def _engine(self) -> ImageEngine:
        if choose_engine(self.engine, self.device) == "openvino":
            return _graph(self.threads)
        network: ImageEngine = networks.Lite0Network(read_weights, device=self.device)
        return network


def _graph(threads: int | None) -> ImageGraph:
    """Return the graph of the network."""

    def build() -> Any:
        weights = read_weights()
        return image_graph(lambda x: efficientnet_lite0(x, weights), side=SIDE, mean=MEAN, scale=SCALE)

    return ImageGraph(build, key=WEIGHTS.sha256, precision=image_precision(), threads=threads)


def read_weights() -> Weights:
    """Return the weights of the published network.

    Raises MissingWeightsError if the weights are not on this machine, or are not the published ones.
    """
    file = published_file(MODEL, WEIGHTS.name)
    arrays = read_pickled_weights(file.read_bytes(), name=file, remedy=f"Get it again: anyshot fetch {MODEL}")
    return Weights(arrays, WEIGHTS.name)
