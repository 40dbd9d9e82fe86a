"""Zero-shot learning: predictions for classes without a label."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "ALE": "anyshot.zero_shot.compatibility",
    "ClassWiseSearch": "anyshot.zero_shot.class_wise_search",
    "ConSE": "anyshot.zero_shot.conse",
    "CorrectedVectorClassifier": "anyshot.zero_shot.semantic_map",
    "DAP": "anyshot.zero_shot.dap",
    "DeViSE": "anyshot.zero_shot.compatibility",
    "ESZSL": "anyshot.zero_shot.eszsl",
    "FeatureGeneration": "anyshot.zero_shot.gfzsl",
    "GFZSL": "anyshot.zero_shot.gfzsl",
    "GUESSES": "anyshot.zero_shot.imagenet_bridge",
    "GeneralizedZeroShotClassifier": "anyshot.zero_shot.generalized",
    "PrototypeRidge": "anyshot.zero_shot.ridge",
    "SAE": "anyshot.zero_shot.sae",
    "SJE": "anyshot.zero_shot.compatibility",
    "SYNC": "anyshot.zero_shot.sync",
    "SemanticMapClassifier": "anyshot.zero_shot.semantic_map",
    "SemanticRidge": "anyshot.zero_shot.ridge",
    "TransductiveZeroShotClassifier": "anyshot.zero_shot.transductive",
    "ZeroShotClassifier": "anyshot.zero_shot.base",
    "analogies": "anyshot.zero_shot.class_analogies",
    "cluster_evidence": "anyshot.zero_shot.class_shares",
    "class_word_vectors": "anyshot.zero_shot.word_vectors",
    "corrected_vectors": "anyshot.zero_shot.semantic_map",
    "distance_from_mixtures": "anyshot.zero_shot.class_shares",
    "generalized_weights": "anyshot.zero_shot.generalized",
    "load_word_vectors": "anyshot.zero_shot.word_vectors",
    "mapped_weights": "anyshot.zero_shot.semantic_map",
    "names_are_guesses": "anyshot.zero_shot.imagenet_bridge",
    "scale_by_spread": "anyshot.zero_shot.class_embeddings",
    "shares_by_clusters": "anyshot.zero_shot.class_shares",
    "whiten": "anyshot.zero_shot.class_shares",
    "wiener_filter": "anyshot.zero_shot.pool_refinement",
    "words_of": "anyshot.zero_shot.word_vectors",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
