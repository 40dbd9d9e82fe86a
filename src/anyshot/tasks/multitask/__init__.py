"""Multitask learning: several classification and regression tasks on the same items."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "MultitaskModel": "anyshot.tasks.multitask.model",
    "MultitaskNetwork": "anyshot.tasks.multitask.network",
    "TaskComparison": "anyshot.tasks.multitask.comparison",
    "compare_with_single_tasks": "anyshot.tasks.multitask.comparison",
    "load_multitask_network": "anyshot.tasks.multitask.network",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
