"""Engines of image networks: what encodes batches of images, and the graph that does it with openvino."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anyshot.base.pixels import Pixels
from anyshot.base.validation import Vectors
from anyshot.encoders.engines.layers import Node, constant, integers, model, ops, parameter
from anyshot.encoders.engines.openvino import Engine, Precision, fast_precision

log = logging.getLogger(__name__)


class ImageEngine(Protocol):
    """What runs an image network on prepared images."""

    precision: str  # of the products, and the library that computes them; vectors of two precisions are not equal

    def map(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """Yield the features (n, width), float32, of each batch of images, in order."""
        ...


class ImageGraph:
    """An image network of openvino, which reads bytes (n, side, side, 3) and normalizes them itself.

    Parameters
    ----------
    features : callable
        Returns the node of the features (n, width) for that of normalized pixels (n, 3, side, side).
    side : int
        Height and width of the images [pixels].
    mean, scale : sequence of 3 floats
        The network reads (byte - mean) / scale of each channel.
    precision : {"float32", "bfloat16"}
        Precision of the products.
    threads : int, optional
        Number of threads. Default: the processors that the process may use.
    """

    def __init__(
        self,
        features: Callable[[Node], Node],
        *,
        side: int,
        mean: Sequence[float] | NDArray[Any],
        scale: Sequence[float] | NDArray[Any],
        precision: Precision,
        threads: int | None = None,
    ) -> None:
        def build() -> Any:
            pixels = parameter("pixels", -1, side, side, 3, dtype=np.uint8)
            return model(features(normalized(pixels, mean=mean, scale=scale)), [pixels])

        # In float32 the libraries agree; bfloat16 is rounded at other places by each.
        self.precision = precision if precision == "float32" else f"openvino.{precision}"
        self._engine = Engine(build, precision=precision, threads=threads)

    def map(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """Yield the features (n, width), float32, of each batch of images (n, side, side, 3), in order."""
        return self._engine.map({"pixels": pixels} for pixels in batches)


@cache
def image_precision() -> Precision:
    """Return the precision of image networks: bfloat16 if the processor multiplies it, else float32.

    bfloat16 is 2.2 times as fast and costs 0.2 points of accuracy on average: see docs/encoders.md.
    """
    precision = fast_precision()
    if precision == "float32":
        log.info("This processor does not multiply bfloat16, so images are encoded in float32, about half as fast.")
    return precision


def normalized(pixels: Node, *, mean: Sequence[float] | NDArray[Any], scale: Sequence[float] | NDArray[Any]) -> Node:
    """Return (byte - mean) / scale (n, 3, h, w), float32, of bytes (n, h, w, 3)."""
    values = ops.transpose(ops.convert(pixels, "f32"), integers(0, 3, 1, 2))
    center, factor = (np.asarray(one, np.float32).reshape(1, 3, 1, 1) for one in (mean, 1 / np.asarray(scale)))
    return ops.multiply(ops.subtract(values, constant(center)), constant(factor))
