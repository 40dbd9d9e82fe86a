"""Fine-tuning above a frozen trunk: frozen layers are computed once, the layers above them and a head are trained."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "ContrastiveClassifier": "anyshot.fine_tuning.contrastive_classifier",
    "FineTunedClassifier": "anyshot.fine_tuning.classifier",
    "LinearHead": "anyshot.fine_tuning.head",
    "NetworkClassifier": "anyshot.fine_tuning.network_classifier",
    "PrototypicalEncoder": "anyshot.fine_tuning.prototypical_encoder",
    "ScratchComparison": "anyshot.fine_tuning.from_scratch",
    "Tuning": "anyshot.fine_tuning.tuning",
    "compare_with_scratch": "anyshot.fine_tuning.from_scratch",
    "distill": "anyshot.fine_tuning.distilled",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
