"""Training: the loop of networks with recipes, losses and checkpoints, softmax regression, and active learning."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "History": "anyshot.training.run",
    "processes": "anyshot.training.loop",
    "train": "anyshot.training.loop",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
