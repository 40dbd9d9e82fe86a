"""Fine-tuning of pretrained networks: the frozen stages run once, and the stages above them and a head are trained."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "ContrastiveClassifier": "anyshot.fine_tuning.contrastive",
    "FineTunedClassifier": "anyshot.fine_tuning.classifier",
    "LinearHead": "anyshot.fine_tuning.partial",
    "NetworkClassifier": "anyshot.fine_tuning.network",
    "PrototypicalEncoder": "anyshot.fine_tuning.prototypical_encoder",
    "ScratchComparison": "anyshot.fine_tuning.from_scratch",
    "Tuning": "anyshot.fine_tuning.tuning",
    "compare_with_scratch": "anyshot.fine_tuning.from_scratch",
    "distill": "anyshot.fine_tuning.distillation",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
