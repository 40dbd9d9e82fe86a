"""anyshot: train with the labels you have: none, one, a few, or many.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from anyshot.base.lazy import lazy_names

__version__ = "0.2.0"

_HOME = {
    "AnyShotClassifier": "anyshot.tasks.classification",
    "AnyShotHead": "anyshot.tasks.vector_classifiers",
    "AnyShotRegressor": "anyshot.tasks.regression",
    "AnyshotError": "anyshot.errors",
    "ContrastiveClassifier": "anyshot.fine_tuning.contrastive",
    "Encoder": "anyshot.base.protocols",
    "FineTunedClassifier": "anyshot.fine_tuning.classifier",
    "MultitaskModel": "anyshot.tasks.multitask.model",
    "PrototypeClassifier": "anyshot.tasks.vector_classifiers",
    "PrototypicalEncoder": "anyshot.fine_tuning.prototypical_encoder",
    "Tuning": "anyshot.fine_tuning.tuning",
    "UNKNOWN": "anyshot.base.labels",
    "VectorCache": "anyshot.store.disk_cache",
    "Words": "anyshot.base.class_words",
    "adapt_or_not": "anyshot.domain_adaptation.selection",
    "compare_with_scratch": "anyshot.fine_tuning.from_scratch",
    "distill": "anyshot.fine_tuning.distillation",
    "domain_gap": "anyshot.domain_adaptation.gap",
    "encode_once": "anyshot.store.encoding",
    "evaluate_answers": "anyshot.evaluation.classification",
    "export": "anyshot.encoders.onnx",
    "few_per_class": "anyshot.data.datasets",
    "learning_curve": "anyshot.evaluation.learning_curves",
    "load": "anyshot.tasks.loading",
    "load_encoder": "anyshot.encoders.registry",
    "messages": "anyshot.data.datasets",
    "rank_encoders": "anyshot.encoders.ranking",
    "read_classes": "anyshot.data.class_lists",
    "read_data": "anyshot.data.datasets",
    "report": "anyshot.evaluation.report.assembly",
    "run_demo": "anyshot.app.demo",
    "write_table": "anyshot.data.table_writing",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
