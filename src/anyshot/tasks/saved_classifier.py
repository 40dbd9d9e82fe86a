"""The classifier that `AnyShotClassifier.save` wrote, from the content of its folder."""

from typing import Any

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import Model
from anyshot.base.class_words import Words
from anyshot.base.model_folder import SavedModel
from anyshot.store.disk_cache import VectorCache
from anyshot.tasks.classification import AnyShotClassifier
from anyshot.zero_shot.class_texts import ClassTexts


def classifier_from_saved(saved: SavedModel, *, cache: bool = True) -> AnyShotClassifier:
    """Return the classifier that `AnyShotClassifier.save` wrote."""
    facts: dict[str, Any] = saved.facts
    prior = facts["parameters"]["class_prior"]
    parameters = {**facts["parameters"], "class_prior": prior if isinstance(prior, str) else dict(prior)}
    if "strengths" not in facts:  # no item has shown yet which encoder it needs
        given = facts["training_set"]
        words = tuple(own and Words.from_facts(own) for own in given["words"])
        texts = ClassTexts(tuple(given["classes"]), tuple(map(tuple, given["texts"])), words)
        return AnyShotClassifier(
            dict(zip(texts.names, texts.descriptions, strict=True)), cache=cache, **parameters
        ).fit()
    kept = VectorCache() if cache else None
    embedder = Embedder.from_saved(facts["encoder"], saved.arrays, cache=kept, download=saved.download)
    model = Model.from_saved(facts, saved.arrays, embedder)
    clf = AnyShotClassifier(model.described_classes(), cache=cache, **{"words": embedder.words, **parameters})
    return clf.set_fitted(model, columns=facts.get("columns", {}))
