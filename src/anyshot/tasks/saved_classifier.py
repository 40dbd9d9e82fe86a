"""The classifier that `AnyShotClassifier.save` wrote, from the content of its folder."""

from typing import Any

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import Model
from anyshot.base.model_folder import SavedModel
from anyshot.store.disk_cache import VectorCache
from anyshot.tasks.classification import AnyShotClassifier


def classifier_from_saved(saved: SavedModel, *, cache: bool = True) -> AnyShotClassifier:
    """Return the classifier that `AnyShotClassifier.save` wrote."""
    facts: dict[str, Any] = saved.facts
    kept = VectorCache() if cache else None
    embedder = Embedder.from_saved(facts["encoder"], saved.arrays, cache=kept, download=saved.download)
    model = Model.from_saved(facts, saved.arrays, embedder)
    prior = facts["parameters"]["class_prior"]
    parameters = {
        "words": embedder.words,
        **facts["parameters"],
        "class_prior": prior if isinstance(prior, str) else dict(prior),
    }
    clf = AnyShotClassifier(model.described_classes(), cache=cache, **parameters)
    return clf.set_fitted(model, columns=facts.get("columns", {}))
