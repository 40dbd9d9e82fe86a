"""Domain adaptation that trains a network."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "CDAN": "anyshot.domain_adaptation.deep.confusion",
    "DAN": "anyshot.domain_adaptation.deep.confusion",
    "DANN": "anyshot.domain_adaptation.deep.confusion",
    "DeepCORAL": "anyshot.domain_adaptation.deep.confusion",
    "DomainConfusionClassifier": "anyshot.domain_adaptation.deep.confusion",
    "MCC": "anyshot.domain_adaptation.deep.confusion",
    "adabn": "anyshot.domain_adaptation.deep.source_free",
    "load_domain_confusion": "anyshot.domain_adaptation.deep.confusion",
    "shot": "anyshot.domain_adaptation.deep.source_free",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
