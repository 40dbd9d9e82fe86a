"""Saved models of every kind, read by one function."""

import os
from dataclasses import replace
from types import ModuleType
from typing import Any, Final

from anyshot import domain_adaptation, fine_tuning, tasks
from anyshot.base.model_folder import SavedModel, opened_model
from anyshot.encoders.saved_names import check_digest, check_saved_names, download_for_saved, names_in, with_encoder
from anyshot.errors import ModelFolderError

READERS: Final[dict[str, tuple[ModuleType, str]]] = {
    "AnyShotClassifier": (tasks, "AnyShotClassifier"),
    "AnyShotRegressor": (tasks, "regressor_from_saved"),
    "ContrastiveClassifier": (fine_tuning, "ContrastiveClassifier"),
    "DomainConfusionClassifier": (domain_adaptation, "DomainConfusionClassifier"),
    "FineTunedClassifier": (fine_tuning, "FineTunedClassifier"),
    "MultitaskModel": (tasks, "MultitaskModel"),
    "PrototypicalEncoder": (fine_tuning, "PrototypicalEncoder"),
}
"""What reads each kind of model, a function or a class with `from_saved`; it is imported when a model needs it."""


def load(
    folder: str | os.PathLike[str], *, cache: bool = True, encoder: str | None = None, download: str | None = None
) -> Any:
    """Return the fitted model that `save` wrote to a folder. No code is run from the folder.

    Parameters
    ----------
    folder : str or path
        A saved model. It may come from anyone: it cannot make `load` read other folders or use the network.
    cache : bool, default=True
        Whether an `AnyShotClassifier` keeps the vectors of the items that it encodes on disk.
    encoder : str, optional
        The name of the model's encoder, needed if that is a folder or file, such as "hf:/models/bert". The encoder must
        have the weights that the model was fitted with.
    download : {"allow", "never"}, optional
        Whether the model's encoder may be downloaded. Default: the environment variable ANYSHOT_DOWNLOAD, or else
        "never".

    Raises
    ------
    ModelFolderError
        The folder holds no complete, unchanged model of a kind and format that this version reads, or the encoder on
        this machine has other weights than the one that the model was fitted with, or must be allowed.
    """
    with opened_model(folder) as saved:
        saved = _with_allowed_encoder(saved, folder, encoder, download_for_saved(download))
        kind = saved.facts.get("kind")
        if kind == "MultitaskNetwork":
            raise ModelFolderError(
                f"{folder} contains a MultitaskNetwork, whose trunk is your own code. Pass both: "
                "anyshot.tasks.load_multitask_network(folder, trunk)."
            )
        if not isinstance(kind, str) or kind not in READERS:
            raise ModelFolderError(f"{folder} contains a model of type {kind!r}, which this version cannot read.")
        package, name = READERS[kind]
        reader: Any = getattr(package, name)
        if kind == "AnyShotClassifier":
            return reader.from_saved(saved, cache=cache)
        return reader.from_saved(saved) if hasattr(reader, "from_saved") else reader(saved)


def _with_allowed_encoder(saved: SavedModel, folder: object, encoder: str | None, download: str) -> SavedModel:
    """Return a saved model with the encoder that the user named, or refuse the one that it names itself."""
    facts: dict[str, Any] = dict(saved.facts)
    if encoder is None:
        check_saved_names(facts, folder, download=download)
    elif names_in(facts):
        facts = with_encoder(facts, encoder)
    else:
        raise ModelFolderError(f"encoder={encoder!r} was given, but {folder} names no encoder. Leave it out.")
    check_digest(facts, folder)
    return replace(saved, facts=facts, download=download)
