"""Domain adaptation: train on a labeled source domain for an unlabeled target domain."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "AdaptationEnsemble": "anyshot.domain_adaptation.ensemble",
    "AdaptedClassifier": "anyshot.domain_adaptation.base",
    "CORAL": "anyshot.domain_adaptation.coral",
    "DensityRatioWeighting": "anyshot.domain_adaptation.density_ratio",
    "Diagnostics": "anyshot.domain_adaptation.diagnostics",
    "DomainConfusionClassifier": "anyshot.domain_adaptation.deep.confusion",
    "DomainGap": "anyshot.domain_adaptation.gap",
    "JDA": "anyshot.domain_adaptation.tca",
    "LabelShiftCorrection": "anyshot.domain_adaptation.label_shift",
    "LabelShiftTest": "anyshot.domain_adaptation.label_shift",
    "MEDA": "anyshot.domain_adaptation.meda",
    "MSDA": "anyshot.domain_adaptation.msda",
    "OptimalTransport": "anyshot.domain_adaptation.optimal_transport",
    "SelfTraining": "anyshot.domain_adaptation.self_training",
    "SourceModel": "anyshot.domain_adaptation.base",
    "SubspaceAlignment": "anyshot.domain_adaptation.subspace_alignment",
    "TCA": "anyshot.domain_adaptation.tca",
    "Verdict": "anyshot.domain_adaptation.selection",
    "adapt_or_not": "anyshot.domain_adaptation.selection",
    "bbse_prior": "anyshot.domain_adaptation.label_shift",
    "domain_gap": "anyshot.domain_adaptation.gap",
    "em_prior": "anyshot.domain_adaptation.label_shift",
    "label_shift_test": "anyshot.domain_adaptation.label_shift",
    "plot_domains": "anyshot.domain_adaptation.gap",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
