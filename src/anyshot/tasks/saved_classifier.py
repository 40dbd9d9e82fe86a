"""The folder of an AnyShotClassifier: its parameters, and the fitted model or the names of its classes."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import Model
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.labels import Label
from anyshot.base.model_card import encoder_name, model_card
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.encoders.registry import card_facts
from anyshot.errors import ModelFolderError
from anyshot.store.disk_cache import VectorCache
from anyshot.tasks.parameters import Parameters
from anyshot.zero_shot.class_texts import ClassTexts

SAVED: Final = ("encoder", "method", "budget", "class_prior", "unknown_rate", "long_texts", "words")
"""The parameters that are part of a saved model."""


def write_classifier(
    folder: str | os.PathLike[str],
    clf: Parameters,
    model: Model | None,
    *,
    classes: TrainingSet,
    columns: Mapping[str, str],
) -> None:
    """Write the folder of a classifier with its fitted model, or with the texts of its classes if there is none yet.

    classes: its training set, of nothing but classes if there is no model; columns: of the table that it was fitted to.
    """
    parameters = saved_parameters(clf, None if model is None else model.embedder, classes)
    facts: dict[str, Any] = {"kind": "AnyShotClassifier", "parameters": parameters}
    if model is None:
        facts |= _facts_of_names(classes.texts)
    else:
        given = clf.get_params()["classes"]
        order = list(given) if isinstance(given, Mapping | Sequence) else []
        facts |= {**model.facts(), "columns": columns, "class_order": order}
    modality, base_model = card_facts(encoder_name(facts))
    card = model_card(facts, modality=modality, base_model=base_model)
    write_model(folder, facts=facts, arrays={} if model is None else model.arrays(), card=card)


def _facts_of_names(texts: ClassTexts) -> dict[str, Any]:
    """Return the facts of a classifier that knows only the names of its classes: its encoder follows from items."""
    return {
        "encoder": {"name": "auto", "digest": None, "tuned": None},
        "training_set": {**texts.facts(), "examples": []},
        "model": {"method": "zero-shot", "reasons": ["The encoder is chosen by the first items."]},
        "leaderboard": [],
    }


def saved_parameters(clf: Parameters, embedder: Embedder | None, classes: TrainingSet) -> dict[str, Any]:
    """Return the parameters of a classifier as JSON values; raise ModelFolderError if its encoder has no name."""
    if embedder is not None and not isinstance(embedder.requested, str) and embedder.trained is None:
        raise ModelFolderError("A model with an encoder object cannot be saved; name the encoder, as hf:FOLDER.")
    parameters = {name: value for name, value in clf.get_params().items() if name in SAVED}
    parameters["encoder"] = "auto" if embedder is None or clf.encoder == "auto" else embedder.name
    if isinstance(clf.class_prior, Mapping):
        shares = clf.class_prior  # those of the training set are of its classes, which may have changed since
        if classes.class_prior is not None:
            shares = dict(zip(classes.classes.tolist(), classes.class_prior.tolist(), strict=True))
        parameters["class_prior"] = list(shares.items())  # JSON keys are strings; names may be numbers
    return parameters


def read_classifier(saved: SavedModel, *, cache: bool) -> tuple[dict[str, Any], Model | None]:
    """Return the parameters of a classifier that was saved, its classes among them, and its model if there is one."""
    facts: dict[str, Any] = saved.facts
    prior = facts["parameters"]["class_prior"]
    parameters = {**facts["parameters"], "class_prior": prior if isinstance(prior, str) else dict(prior)}
    if "strengths" not in facts:  # no item has shown yet which encoder it needs
        texts = ClassTexts.from_facts(facts["training_set"])
        return {**parameters, "classes": dict(zip(texts.names, texts.descriptions, strict=True))}, None
    kept = VectorCache() if cache else None
    embedder = Embedder.from_saved(saved, cache=kept)
    model = Model.from_saved(facts, saved.arrays, embedder)
    described = described_classes(model)  # sorted; the order given is missing in models of earlier versions
    ordered = dict.fromkeys(one for one in [*facts.get("class_order", ()), *described] if one in described)
    return {"words": embedder.words, **parameters, "classes": {one: described[one] for one in ordered}}, model


def described_classes(model: Model) -> dict[Label, Any]:
    """Return the classes of a model as the user gave them: with vectors if the items are vectors, else with texts."""
    data, described = model.data, model.data.attributes
    if not described.size and model.embedder.requested in ("vectors", "table") and data.class_embeddings.any():
        described = data.class_embeddings
    given = described if described.size else data.texts.descriptions
    return dict(zip(data.classes.tolist(), given, strict=True))
