"""Domain adaptation that trains a network."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "DomainConfusionClassifier": "anyshot.domain_adaptation.deep.confusion",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
