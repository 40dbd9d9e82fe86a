"""anyshot: train with the labels you have: none, one, a few, or many.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "UNKNOWN": "anyshot.labels",
    "AnyShotClassifier": "anyshot.classifier",
    "AnyShotHead": "anyshot.any_shot",
    "AnyshotError": "anyshot.errors",
    "Encoder": "anyshot.encoders.encoder",
    "PrototypeClassifier": "anyshot.few_shot",
    "VectorCache": "anyshot.encoders.cache",
    "encode_once": "anyshot.encoders.cache",
    "evaluate_answers": "anyshot.evaluation.answers",
    "few_per_class": "anyshot.datasets",
    "learning_curve": "anyshot.evaluation.protocols",
    "load": "anyshot.classifier",
    "load_encoder": "anyshot.encoders",
    "messages": "anyshot.datasets",
    "read_classes": "anyshot.datasets",
    "read_data": "anyshot.datasets",
    "run_demo": "anyshot.demo",
    "write_table": "anyshot.tables",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'anyshot' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
