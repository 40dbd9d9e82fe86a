"""Two small domains that several test files share."""

from typing import NamedTuple

import numpy as np

from anyshot.base.validation import generator


class World(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    target: np.ndarray
    truth: np.ndarray


def moved_world(*, n_each=20, width=6, n_classes=3, shift=1.0, seed=0):
    """Return classes about their own means, and a target that is stretched and moved."""
    random = generator(seed)
    means = 3 * random.normal(size=(n_classes, width))
    stretch, move = np.linspace(0.7, 1.6, width), shift * random.normal(size=width)
    y = np.repeat(np.arange(n_classes), n_each)
    X, target = (means[y] + random.normal(size=(len(y), width)) for _ in range(2))
    names = np.array(["ash", "birch", "cedar", "elm"])[:n_classes]
    return World(X, names[y], target * stretch + move, names[y])
