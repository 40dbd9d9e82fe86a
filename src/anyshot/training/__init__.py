"""Training of networks: the loop, recipes, losses, checkpoints and history."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "History": "anyshot.training.run",
    "processes": "anyshot.training.loop",
    "train": "anyshot.training.loop",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
