"""Image classification from class names and with few labels.

Run: python benchmarks/any_shot_images.py

Protocol: EfficientNet-Lite0 frozen, caltech101_20 (20 classes, 886 photographs), accuracy as the mean over classes.
Without labels all photographs are predicted; with the pool they are also given as `unlabeled`. With k random labels per
class (seeds 0 to 4), all other photographs are predicted. Logistic regression (C = 10) is fitted to the same vectors.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from support import SEEDS, draw, line, shared, table

from anyshot import AnyShotClassifier, load_encoder
from anyshot.evaluation.metrics import per_class_accuracy
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once


def photographs(name: str) -> tuple[list[Path], np.ndarray]:
    """Return the files of a data set with one folder per class, and their classes."""
    files = sorted((shared() / "data" / name).glob("*/*.jpg"))
    return files, np.array([file.parent.name for file in files])


def rows(name: str, targets: dict[str, float]) -> Iterator[str]:
    """Measure with names only, with the pool, and with 1, 2, 5 and 10 labels per class."""
    files, y = photographs(name)
    classes = sorted(set(y.tolist()))
    encoder = load_encoder("efficientnet-lite0")
    X = encode_once(encoder, files, cache=VectorCache())

    def ours(chosen: np.ndarray, rest: np.ndarray, *, pool: bool = False) -> float:
        clf = AnyShotClassifier(classes, encoder=encoder)
        clf.fit([files[row] for row in chosen], y[chosen], unlabeled=files if pool else None)
        return 100 * per_class_accuracy(y[rest], clf.predict([files[row] for row in rest]))

    everything, nothing = np.arange(len(files)), np.zeros(0, int)
    yield line(f"{name}, by name", ours(nothing, everything), targets.get("name"))
    yield line(f"{name}, by name, pool", ours(nothing, everything, pool=True), targets.get("pool"))
    for k, ahead in ((1, 6), (2, None), (5, -0.5), (10, -0.5)):
        with_labels, with_pool, logistic = [], [], []
        for seed in SEEDS:
            chosen = draw(y, k, seed)
            rest = np.setdiff1d(everything, chosen)
            with_labels.append(ours(chosen, rest))
            with_pool.append(ours(chosen, rest, pool=True))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peer = LogisticRegression(C=10, max_iter=1000).fit(X[chosen], y[chosen])
            logistic.append(100 * per_class_accuracy(y[rest], peer.predict(X[rest])))
        plain = float(np.mean(logistic))
        target = round(plain + ahead, 2) if ahead is not None and targets else None
        yield line(f"{name}, k = {k}", float(np.mean(with_labels)), target, note=f"logistic regression {plain:.1f}")
        yield line(f"{name}, k = {k}, pool", float(np.mean(with_pool)), None)


if __name__ == "__main__":
    table("caltech101_20", rows("caltech101_20", {"name": 79, "pool": 95}))
    table("caltech101_rest, on which defaults were chosen", rows("caltech101_rest", {}))
