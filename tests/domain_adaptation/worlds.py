"""Small domains that several test files share."""

from typing import NamedTuple

import numpy as np

from anyshot.base.validation import generator


class World(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    target: np.ndarray
    truth: np.ndarray


def moved_world(*, n_each=20, width=6, n_classes=3, shift=1.0, seed=0):
    """Return Gaussian classes, and a target whose features are scaled and shifted."""
    random = generator(seed)
    means = 3 * random.normal(size=(n_classes, width))
    stretch, move = np.linspace(0.7, 1.6, width), shift * random.normal(size=width)
    y = np.repeat(np.arange(n_classes), n_each)
    X, target = (means[y] + random.normal(size=(len(y), width)) for _ in range(2))
    names = np.array(["ash", "birch", "cedar", "elm"])[:n_classes]
    return World(X, names[y], target * stretch + move, names[y])


def rotated_clusters():
    """Return three clusters, and the same rotated by 50 degrees, so that the source's boundaries cut through them."""
    random = np.random.default_rng(0)
    centers = 3 * np.array([[np.cos(angle), np.sin(angle)] for angle in (0, 2.1, 4.2)])
    y = np.arange(120) % 3
    X, target = (centers[y] + 0.4 * random.normal(size=(120, 2)) for _ in range(2))
    turn = np.array([[np.cos(0.87), np.sin(0.87)], [-np.sin(0.87), np.cos(0.87)]])
    return X.astype(np.float32), y, (target @ turn).astype(np.float32)
