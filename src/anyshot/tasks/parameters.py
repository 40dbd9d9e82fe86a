"""Check the parameters of AnyShotClassifier, save them, and choose its encoder."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anyshot import data
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import METHODS, Model
from anyshot.base.items import Items
from anyshot.base.model_card import encoder_name, model_card
from anyshot.base.model_folder import write_model
from anyshot.base.protocols import Encoder
from anyshot.base.validation import is_number
from anyshot.encoders.registry import card_facts, encoder_for
from anyshot.errors import InputError, ModelFolderError, NotEnoughLabelsError
from anyshot.store.disk_cache import VectorCache
from anyshot.zero_shot.class_texts import ClassTexts


class Parameters(Protocol):
    """The parameters of AnyShotClassifier."""

    encoder: Any
    method: Any
    budget: Any
    class_prior: Any
    unknown_rate: Any
    long_texts: Any
    words: Any
    cache: Any

    def get_params(self) -> dict[str, Any]:
        """Return the parameters by name."""
        ...


def embedder_for(parts: Sequence[Items], clf: Parameters, *, vectors_given: bool = False) -> Embedder:
    """Return a new embedder of a classifier; the encoder "auto" is the default one for the items.

    parts: the labeled, unlabeled and source items, as far as there are any; vectors_given: whether the classes are
    given by vectors.
    """
    encoder: str | Encoder = clf.encoder
    kind, table = encoder, None
    if isinstance(encoder, str) and encoder == "auto":
        kind = encoder_for(parts[0]) if parts else "vectors"
    if isinstance(kind, str) and kind in ("vectors", "table"):
        choice = "auto" if encoder == "auto" else kind
        kind, table = data.fit_features(parts, encoder=choice, vectors_given=vectors_given or not parts)
    cache = VectorCache() if clf.cache else None
    return Embedder(kind, cache=cache, table=table, long_texts=clf.long_texts, words=clf.words)


_SAVED = ("encoder", "method", "budget", "class_prior", "unknown_rate", "long_texts", "words")


def write_classifier(
    folder: str | os.PathLike[str], clf: Parameters, model: Model, *, columns: Mapping[str, str]
) -> None:
    """Write the folder of a classifier with its fitted model, and the columns of the table that it was fitted to."""
    facts = {"kind": "AnyShotClassifier", "parameters": saved_parameters(clf, model.embedder), **model.facts()}
    _write(folder, {**facts, "columns": columns}, model.arrays())


def write_names(folder: str | os.PathLike[str], clf: Parameters, texts: ClassTexts) -> None:
    """Write the folder of a classifier that knows only the names of its classes: its encoder follows from items."""
    words = [own and own.facts() for own in texts.words]
    facts = {
        "kind": "AnyShotClassifier",
        "parameters": saved_parameters(clf, None),
        "encoder": {"name": "auto", "digest": None, "tuned": None},
        "training_set": {"classes": texts.names, "texts": texts.texts, "words": words, "examples": []},
        "model": {"method": "zero-shot", "reasons": ["The encoder is chosen by the first items."]},
        "leaderboard": [],
    }
    _write(folder, facts, {})


def _write(folder: str | os.PathLike[str], facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    modality, base_model = card_facts(encoder_name(facts))
    card = model_card(facts, modality=modality, base_model=base_model)
    write_model(folder, facts=facts, arrays=arrays, card=card)


def saved_parameters(clf: Parameters, embedder: Embedder | None) -> dict[str, Any]:
    """Return the parameters of a classifier as JSON values; raise ModelFolderError if its encoder has no name."""
    if embedder is not None and not isinstance(embedder.requested, str) and embedder.trained is None:
        raise ModelFolderError("A model with an encoder object cannot be saved; name the encoder, as hf:FOLDER.")
    parameters = {name: value for name, value in clf.get_params().items() if name in _SAVED}
    parameters["encoder"] = "auto" if embedder is None or clf.encoder == "auto" else embedder.name
    if isinstance(clf.class_prior, Mapping):
        parameters["class_prior"] = list(clf.class_prior.items())  # JSON keys are strings; names may be numbers
    return parameters


def check_parameters(clf: Parameters) -> None:
    """Raise InputError if a parameter of the classifier is out of range."""
    budget, rate, prior = clf.budget, clf.unknown_rate, clf.class_prior
    if clf.method not in ("auto", *METHODS):
        raise InputError(f"Unknown method {clf.method!r}. Choose one of: auto, {', '.join(METHODS)}.")
    if budget not in ("fast", "best") and not (is_number(budget) and 0 < budget < np.inf):
        raise InputError(f"budget must be 'fast', 'best' or a number of seconds; got {budget!r}.")
    if rate is not None and not (is_number(rate) and 0 < rate < 1):
        raise InputError(f"unknown_rate must be None or a number between 0 and 1; got {rate!r}.")
    if not isinstance(prior, Mapping) and not (isinstance(prior, str) and prior in ("auto", "balanced", "labels")):
        raise InputError(f"class_prior must be 'auto', 'balanced', 'labels' or {{name: share}}; got {prior!r}.")
    if clf.long_texts not in ("cut", "mean"):
        raise InputError(f"long_texts must be 'cut' or 'mean'; got {clf.long_texts!r}.")
    if not isinstance(clf.words, bool | np.bool_):
        hint = "To give words of a class, put Words beside its name in classes."
        raise InputError(f"words must be True or False; got {clf.words!r}. {hint}")
    if not isinstance(clf.cache, bool | np.bool_):
        hint = "To store vectors in another folder, set ANYSHOT_CACHE."
        raise InputError(f"cache must be True or False; got {clf.cache!r}. {hint}")


def check_needs_no_items(clf: Parameters) -> None:
    """Raise NotEnoughLabelsError if a parameter of the classifier needs items, and there are only class names."""
    if clf.unknown_rate is not None:
        raise NotEnoughLabelsError(
            f"unknown_rate={clf.unknown_rate:g} needs labeled or unlabeled items to set a threshold. Give "
            "fit(unlabeled=...), or unknown_rate=None."
        )
    if clf.method not in ("auto", "zero-shot", "any-shot"):
        raise NotEnoughLabelsError(f"method={clf.method!r} needs labels, and there are none.")
