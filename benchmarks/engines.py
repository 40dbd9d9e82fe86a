"""Speed of openvino, which runs encoders, relative to sentence-transformers for texts and to torch for images.

    python benchmarks/engines.py [texts] [images]

What is compared runs alternately in one process, with one thread and with two; figures are ratios of medians, so that a
busy machine changes them little. Texts are those of banking77 (about a dozen words) and ag_news (about forty). Images
are the first 64 photographs of caltech101_20 and as many of CIFAR-10, from files or pixels to vectors of
EfficientNet-Lite0; torch resizes by torch, and multiplies in bfloat16 where the processor does. About six minutes on
two cores. What the first answer of a process takes is measured by `cold_start.py`.
"""

import contextlib
import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
from support import line, load_train, table

from anyshot.base.items import Items
from anyshot.base.pixels import Pixels
from anyshot.base.validation import Vectors
from anyshot.encoders.efficientnet import AT_LEAST, MEAN, SCALE, read_weights
from anyshot.encoders.engines.efficientnet import efficientnet_lite0
from anyshot.encoders.engines.images import ImageEngine, ImageGraph, image_graph, image_precision
from anyshot.encoders.engines.openvino import Precision
from anyshot.encoders.images import CROP, SIDE, ImageEncoder, center_square
from anyshot.encoders.minilm import WEIGHTS, MiniLMEncoder
from anyshot.encoders.published_files import published_file

ROUNDS: Final = 7
SEED: Final = 0
N_TEXTS: Final = {"banking77": 600, "ag_news": 150}
N_IMAGES: Final = 64
OF_TEXTS: Final = {("banking77", 1): 4.2, ("banking77", 2): 3.4}
OF_IMAGES: Final = {"bfloat16": 1.5, "float32": 0.85}


def medians(works: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the median duration of each [s]; they run alternately, after an untimed run of each."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(ROUNDS + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            times[name] += [time.perf_counter() - began] if round_ else []
    return {name: statistics.median(taken) for name, taken in times.items()}


def texts_rows(threads: int) -> Iterator[str]:
    """Compare the encoding of texts with sentence-transformers."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        theirs = SentenceTransformer(str(published_file("minilm", WEIGHTS).parent), device="cpu")
    ours = MiniLMEncoder(device="cpu", threads=threads)
    for name, n in N_TEXTS.items():
        items = load_train(name)[0]
        texts = [items[row] for row in np.random.default_rng(SEED).permutation(len(items))[:n]]
        found = medians(
            {
                "ours": lambda texts=texts: ours.encode(texts),
                "theirs": lambda texts=texts: theirs.encode(texts, show_progress_bar=False),
            }
        )
        note = f"{n / found['ours']:.0f} and {n / found['theirs']:.0f} texts/s"
        target = OF_TEXTS.get((name, threads))
        yield line(f"{name}, {threads} threads", found["theirs"] / found["ours"], target, note=note)


def resized_by_torch(pixels: Pixels) -> Pixels:
    """Return the center of an image as `center_square` does, resized by torch."""
    import torch
    from torch.nn.functional import interpolate

    height, width = pixels.shape[:2]
    crop = max(1, round(CROP * min(height, width)))
    top, left = (height - crop) // 2, (width - crop) // 2
    center = torch.from_numpy(pixels[top : top + crop, left : left + crop]).permute(2, 0, 1)[None]
    resized = interpolate(center, size=(SIDE, SIDE), mode="bicubic", antialias=True)[0]
    return resized.permute(1, 2, 0).contiguous().numpy()


class Lite0(ImageEncoder):
    """EfficientNet-Lite0 with any resize and engine."""

    width, at_least = 1280, AT_LEAST

    def __init__(self, resize: Callable[[Pixels], Pixels], engine: ImageEngine) -> None:
        self.resize, self.engine = resize, engine

    def _prepare(self, pixels: Pixels) -> Pixels:
        return self.resize(pixels)

    def _map(self, batches: Iterator[Pixels]) -> Iterator[Vectors]:
        return self.engine.map(batches)


def with_torch(threads: int) -> Callable[[Items], Vectors]:
    """Return the image encoder that torch runs."""
    import torch

    from anyshot.encoders.networks.efficientnet import Lite0Network

    torch.set_num_threads(threads)
    network = Lite0Network(read_weights, device="cpu")
    return Lite0(resized_by_torch, network).encode


def with_openvino(precision: Precision, threads: int) -> Callable[[Items], Vectors]:
    """Return the image encoder that openvino runs."""

    def build() -> object:
        weights = read_weights()
        return image_graph(lambda x: efficientnet_lite0(x, weights), side=SIDE, mean=MEAN, scale=SCALE)

    graph = ImageGraph(build, key="benchmark", precision=precision, threads=threads)
    return Lite0(center_square, graph).encode


def images_rows(threads: int) -> Iterator[str]:
    """Compare the encoding of images with torch, in both precisions, and the vectors."""
    precisions: list[Precision] = ["float32", "bfloat16"] if image_precision() == "bfloat16" else ["float32"]
    encoders = {"torch": with_torch(threads)} | {one: with_openvino(one, threads) for one in precisions}
    for data in ("caltech101_20", "cifar10"):
        images = load_train(data)[0][:N_IMAGES]
        vectors = {name: encode(images) for name, encode in encoders.items()}
        works = {name: lambda encode=encode, images=images: encode(images) for name, encode in encoders.items()}
        found = medians(works)
        for name in precisions:
            distances = 1 - np.sum(vectors[name] * vectors["torch"], axis=1)
            rates = f"{len(images) / found[name]:.0f} and {len(images) / found['torch']:.0f} images/s"
            note = f"{rates}; 1 - cosine {distances.mean():.1e}, at most {distances.max():.1e}"
            ratio = found["torch"] / found[name]
            yield line(f"{data}, {name}, {threads} threads", ratio, OF_IMAGES[name], note=note)


KINDS: Final = {
    "texts": ("Texts: times as fast as sentence-transformers", texts_rows),
    "images": ("Images: times as fast as torch", images_rows),
}


def main() -> None:
    """Compare each kind with each number of threads, in a process each: libraries read their limits at their start."""
    if len(sys.argv) == 3 and sys.argv[2].isdigit():
        title, rows = KINDS[sys.argv[1]]
        table(title, rows(int(sys.argv[2])))
        return
    for kind in sys.argv[1:] or KINDS:
        for threads in ("1", "2"):
            limits = {"OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads}
            subprocess.run([sys.executable, __file__, kind, threads], check=True, env=os.environ | limits)


if __name__ == "__main__":
    main()
