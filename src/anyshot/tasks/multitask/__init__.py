"""Several tasks over the same items: what is learned from one task is a prior for the others."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "MultitaskModel": "anyshot.tasks.multitask.model",
    "MultitaskNetwork": "anyshot.tasks.multitask.network",
    "TaskComparison": "anyshot.tasks.multitask.comparison",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
