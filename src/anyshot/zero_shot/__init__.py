"""Zero-shot learning: predictions for classes without a label."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "ClassWiseSearch": "anyshot.zero_shot.class_wise",
    "CompatibilityClassifier": "anyshot.zero_shot.compatibility",
    "ConSEClassifier": "anyshot.zero_shot.direct",
    "CorrectedVectorClassifier": "anyshot.zero_shot.semantic_map",
    "DAPClassifier": "anyshot.zero_shot.direct",
    "ESZSLClassifier": "anyshot.zero_shot.ridge",
    "FeatureGeneratingClassifier": "anyshot.zero_shot.gaussian",
    "GaussianZeroShotClassifier": "anyshot.zero_shot.gaussian",
    "GeneralizedZeroShotClassifier": "anyshot.zero_shot.generalized",
    "PrototypeRidgeClassifier": "anyshot.zero_shot.ridge",
    "SAEClassifier": "anyshot.zero_shot.ridge",
    "SYNCClassifier": "anyshot.zero_shot.synthesized",
    "SemanticMapClassifier": "anyshot.zero_shot.semantic_map",
    "SemanticRidgeClassifier": "anyshot.zero_shot.ridge",
    "TransductiveZeroShotClassifier": "anyshot.zero_shot.transductive",
    "ZeroShotClassifier": "anyshot.zero_shot.standard",
    "load_word_vectors": "anyshot.zero_shot.word_vectors",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
