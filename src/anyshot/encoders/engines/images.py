"""Engines of image networks: what encodes batches of images, and the graph that does it with openvino."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.pixels import Pixels
from anyshot.base.validation import Vectors
from anyshot.encoders.engines.layers import Node, constant, integers, model, ops, parameter
from anyshot.encoders.engines.openvino import Precision, fast_precision, shared_engine

Config: TypeAlias = Mapping[str, Any]  # of a model of transformers

log = logging.getLogger(__name__)


class ImageEngine(Protocol):
    """What runs an image network on prepared images."""

    precision: str  # of the products; vectors of two precisions are not equal

    def map(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """Yield the features (n, width), float32, of each batch of images, in order."""
        ...


class ImageGraph:
    """An image network of openvino, which reads bytes (n, side, side, 3) and normalizes them itself.

    build: returns the graph, from `image_graph`, when the first image is encoded; key: hash of what the graph is made
    from, graphs of the same key are compiled once; precision, threads: see `Engine`.
    """

    def __init__(self, build: Callable[[], Any], *, key: str, precision: Precision, threads: int | None = None) -> None:
        self.precision: str = precision
        self._engine = shared_engine(key, build, precision=precision, threads=threads)

    def map(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """Yield the features (n, width), float32, of each batch of images (n, side, side, 3), in order."""
        return self._engine.map({"pixels": pixels} for pixels in batches)


def image_graph(
    features: Callable[[Node], Node],
    *,
    side: int,
    mean: Sequence[float] | NDArray[Any],
    scale: Sequence[float] | NDArray[Any],
) -> Any:
    """Return the graph of a network, an `openvino.Model`, that reads images as bytes (n, side, side, 3).

    features: returns the node of the features (n, width) for that of pixels (n, 3, side, side), which are
    (byte - mean) / scale of each channel.
    """
    pixels = parameter("pixels", -1, side, side, 3, dtype=np.uint8)
    return model(features(normalized(pixels, mean=mean, scale=scale)), [pixels])


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
