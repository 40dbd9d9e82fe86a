"""anyshot: train with the labels you have: none, one, a few, or many.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "AnyShotClassifier": "anyshot.classifier",
    "AnyShotHead": "anyshot.any_shot",
    "AnyShotRegressor": "anyshot.tasks.regression",
    "AnyshotError": "anyshot.errors",
    "ContrastiveClassifier": "anyshot.contrastive_classifier",
    "Encoder": "anyshot.encoders.encoder",
    "FineTunedClassifier": "anyshot.fine_tuned",
    "MultitaskModel": "anyshot.multitask.model",
    "PrototypeClassifier": "anyshot.few_shot",
    "PrototypicalEncoder": "anyshot.prototypical_encoder",
    "Tuning": "anyshot.fine_tune.tuning",
    "UNKNOWN": "anyshot.labels",
    "VectorCache": "anyshot.encoders.cache",
    "adapt_or_not": "anyshot.domain_adaptation.adapt_or_not",
    "compare_with_scratch": "anyshot.scratch",
    "distill": "anyshot.distilled",
    "domain_gap": "anyshot.domain_adaptation.gap",
    "encode_once": "anyshot.encoders.cache",
    "evaluate_answers": "anyshot.evaluation.answers",
    "export": "anyshot.onnx_file",
    "few_per_class": "anyshot.datasets",
    "learning_curve": "anyshot.evaluation.protocols",
    "load": "anyshot.loading",
    "load_encoder": "anyshot.encoders",
    "messages": "anyshot.datasets",
    "rank_encoders": "anyshot.transferability",
    "read_classes": "anyshot.datasets",
    "read_data": "anyshot.datasets",
    "report": "anyshot.evaluation.report",
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
