"""Domain adaptation: labels come from a source domain, predictions are made in a target domain that has none."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "AdaptedClassifier": "anyshot.domain_adaptation.base",
    "CoralClassifier": "anyshot.domain_adaptation.coral",
    "DenoisingClassifier": "anyshot.domain_adaptation.msda",
    "DensityRatioClassifier": "anyshot.domain_adaptation.reweight",
    "DomainConfusionClassifier": "anyshot.domain_adaptation.deep.confusion",
    "DomainGap": "anyshot.domain_adaptation.gap",
    "DomainSelfTrainingClassifier": "anyshot.domain_adaptation.self_training",
    "LabelShiftClassifier": "anyshot.domain_adaptation.label_shift",
    "LabelShiftTest": "anyshot.domain_adaptation.shift_test",
    "ManifoldAlignmentClassifier": "anyshot.domain_adaptation.meda",
    "OptimalTransportClassifier": "anyshot.domain_adaptation.transport",
    "SourceClassifier": "anyshot.domain_adaptation.base",
    "SubspaceAlignmentClassifier": "anyshot.domain_adaptation.subspace",
    "TransferComponentsClassifier": "anyshot.domain_adaptation.tca",
    "Verdict": "anyshot.domain_adaptation.selection",
    "adapt_or_not": "anyshot.domain_adaptation.selection",
    "bbse_prior": "anyshot.domain_adaptation.label_shift",
    "domain_gap": "anyshot.domain_adaptation.gap",
    "em_prior": "anyshot.domain_adaptation.label_shift",
    "label_shift_test": "anyshot.domain_adaptation.shift_test",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
