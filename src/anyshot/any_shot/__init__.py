"""The any-shot model: a prior from class names and other knowledge, moved by any number of labels."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "Embedder": "anyshot.any_shot.embedder",
    "Model": "anyshot.any_shot.model",
    "TrainingSet": "anyshot.any_shot.training_set",
    "explain": "anyshot.any_shot.explanation",
    "fit_model": "anyshot.any_shot.fitting",
    "fit_prior": "anyshot.any_shot.prior",
    "moved_by_labels": "anyshot.any_shot.prior",
    "names_are_guesses": "anyshot.any_shot.prior",
    "result_from_scores": "anyshot.any_shot.cross_validation",
    "without_items": "anyshot.any_shot.training_set",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
