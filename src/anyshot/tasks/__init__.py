"""The estimators that most people start from, one task a file, and the loading of saved models."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "AnyShotClassifier": "anyshot.tasks.classification",
    "AnyShotHead": "anyshot.tasks.vector_classifiers",
    "AnyShotRegressor": "anyshot.tasks.regression",
    "MultitaskModel": "anyshot.tasks.multitask.model",
    "MultitaskNetwork": "anyshot.tasks.multitask.network",
    "PrototypeClassifier": "anyshot.tasks.vector_classifiers",
    "Regressor": "anyshot.tasks.regression",
    "TaskComparison": "anyshot.tasks.multitask.comparison",
    "compare_with_single_tasks": "anyshot.tasks.multitask.comparison",
    "load_multitask_network": "anyshot.tasks.multitask.network",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
