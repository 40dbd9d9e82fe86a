"""anyshot: train with the labels you have: none, one, a few, or many.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "AnyShotClassifier": "anyshot.tasks.classification",
    "AnyShotHead": "anyshot.any_shot.head",
    "AnyShotRegressor": "anyshot.tasks.regression",
    "AnyshotError": "anyshot.errors",
    "ContrastiveClassifier": "anyshot.fine_tuning.contrastive_classifier",
    "Encoder": "anyshot.base.protocols",
    "FineTunedClassifier": "anyshot.fine_tuning.classifier",
    "MultitaskModel": "anyshot.tasks.multitask.model",
    "PrototypeClassifier": "anyshot.any_shot.prototypes",
    "PrototypicalEncoder": "anyshot.fine_tuning.prototypical_encoder",
    "Tuning": "anyshot.fine_tuning.tuning",
    "UNKNOWN": "anyshot.base.labels",
    "VectorCache": "anyshot.store.disk_cache",
    "adapt_or_not": "anyshot.domain_adaptation.selection",
    "compare_with_scratch": "anyshot.fine_tuning.from_scratch",
    "distill": "anyshot.fine_tuning.distilled",
    "domain_gap": "anyshot.domain_adaptation.gap",
    "encode_once": "anyshot.store.disk_cache",
    "evaluate_answers": "anyshot.evaluation.classification",
    "export": "anyshot.encoders.export",
    "few_per_class": "anyshot.data.datasets",
    "learning_curve": "anyshot.evaluation.learning_curve",
    "load": "anyshot.tasks.loading",
    "load_encoder": "anyshot.encoders.registry",
    "messages": "anyshot.data.datasets",
    "rank_encoders": "anyshot.encoders.ranking",
    "read_classes": "anyshot.data.datasets",
    "read_data": "anyshot.data.datasets",
    "report": "anyshot.evaluation.report.report",
    "run_demo": "anyshot.app.demo",
    "write_table": "anyshot.data.tables",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'anyshot' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
