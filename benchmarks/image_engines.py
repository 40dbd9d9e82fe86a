"""Speed of image encoding by openvino relative to torch, and the distance between their vectors.

    python benchmarks/image_engines.py

Protocol: the first 64 photographs of caltech101_20 and as many images of CIFAR-10, from files or pixels to vectors of
EfficientNet-Lite0, with one thread and with two. The engines alternate, five rounds; the figure is the ratio of the
medians. torch runs as it did before: resized by torch, products in bfloat16 where the processor multiplies it. Targets:
at least 1.5 times as fast in bfloat16, 0.85 in float32. Under three minutes on two cores.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from support import line, load_train, table
from torch.nn.functional import interpolate

from anyshot.base.items import Items
from anyshot.base.pixels import Pixels
from anyshot.base.validation import Vectors
from anyshot.encoders.efficientnet import AT_LEAST, MEAN, SCALE, read_weights
from anyshot.encoders.engines.efficientnet import efficientnet_lite0
from anyshot.encoders.engines.images import ImageGraph, image_graph, image_precision
from anyshot.encoders.engines.openvino import Precision
from anyshot.encoders.engines.weights import Weights
from anyshot.encoders.images import CROP, SIDE, center_square, encode_images
from anyshot.encoders.networks.efficientnet import Lite0Network

ROUNDS = 5
N_IMAGES = 64
TARGETS = {"bfloat16": 1.5, "float32": 0.85}


def resized_by_torch(pixels: Pixels) -> Pixels:
    """Return the center of an image as `center_square` does, resized by torch."""
    height, width = pixels.shape[:2]
    crop = max(1, round(CROP * min(height, width)))
    top, left = (height - crop) // 2, (width - crop) // 2
    center = torch.from_numpy(pixels[top : top + crop, left : left + crop]).permute(2, 0, 1)[None]
    resized = interpolate(center, size=(SIDE, SIDE), mode="bicubic", antialias=True)[0]
    return resized.permute(1, 2, 0).contiguous().numpy()


def with_torch() -> Callable[[Items], Vectors]:
    """Return the encoder that torch runs."""
    network = Lite0Network(read_weights, device="cpu")
    return lambda images: encode_images(
        images, prepare=resized_by_torch, encode=network.map, width=1280, at_least=AT_LEAST
    )


def with_openvino(precision: Precision, threads: int) -> Callable[[Items], Vectors]:
    """Return the encoder that openvino runs."""

    def build() -> object:
        weights = Weights(read_weights(), "the package")
        return image_graph(lambda x: efficientnet_lite0(x, weights), side=SIDE, mean=MEAN, scale=SCALE)

    graph = ImageGraph(build, key="benchmark", precision=precision, threads=threads)
    return lambda images: encode_images(images, prepare=center_square, encode=graph.map, width=1280, at_least=AT_LEAST)


def seconds(encode: Callable[[Items], Vectors], images: Items) -> float:
    """Return the duration of encoding images [s]."""
    began = time.perf_counter()
    encode(images)
    return time.perf_counter() - began


def rows(images: Items, threads: int) -> Iterator[str]:
    """Measure torch and both precisions of openvino, alternately."""
    torch.set_num_threads(threads)
    precisions: list[Precision] = ["float32", "bfloat16"] if image_precision() == "bfloat16" else ["float32"]
    encoders = {"torch": with_torch()} | {one: with_openvino(one, threads) for one in precisions}
    vectors = {name: encode(images) for name, encode in encoders.items()}  # also compiles
    times: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(ROUNDS):
        for name, encode in encoders.items():
            times[name].append(seconds(encode, images))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    for name in precisions:
        distances = 1 - np.sum(vectors[name] * vectors["torch"], axis=1)
        rates = f"{len(images) / medians[name]:.0f} and {len(images) / medians['torch']:.0f} images/s"
        note = f"{rates}; 1 - cosine {distances.mean():.1e}, at most {distances.max():.1e}"
        ratio = medians["torch"] / medians[name]
        yield line(f"{name}, {threads} threads", ratio, TARGETS[name], note=note)


if __name__ == "__main__":
    for data in ("caltech101_20", "cifar10"):
        for n_threads in (1, 2):
            table(f"{data}: times as fast as torch", rows(load_train(data)[0][:N_IMAGES], n_threads))
