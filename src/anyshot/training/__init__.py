"""Training: the one loop, and the plain functions that it is given."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "History": "anyshot.training.history",
    "train": "anyshot.training.loop",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
