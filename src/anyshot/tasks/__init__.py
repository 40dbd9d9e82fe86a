"""The estimators that most people start from, one task a file, and the loading of saved models."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "AnyShotClassifier": "anyshot.tasks.classification",
    "AnyShotRegressor": "anyshot.tasks.regression",
    "Regressor": "anyshot.tasks.regression",
    "load": "anyshot.tasks.loading",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
