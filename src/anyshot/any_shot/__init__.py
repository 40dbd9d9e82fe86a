"""The any-shot model: a prior made of what is known of the classes, moved by however many labels there are."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "AnyShotHead": "anyshot.any_shot.head",
    "Model": "anyshot.any_shot.cross_validation",
    "PrototypeClassifier": "anyshot.any_shot.prototypes",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
