"""Saved models of every kind, read by one function, and what it may do for their encoders without the user's consent.

A model folder may come from anyone, and it names its encoder. `load` uses an encoder that is part of anyshot, or one
from the hub that is on this machine already. It reads no other folder and downloads nothing unless the caller says so.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from anyshot import domain_adaptation, fine_tuning, tasks
from anyshot.base.model_folder import SavedModel, opened_model
from anyshot.encoders.hub.cache import ID, is_in_cache
from anyshot.encoders.registry import ENCODERS, FIRST_LAYERS, KERAS, PREFIX
from anyshot.errors import InputError, ModelFolderError

PACKAGES: Final[dict[str, ModuleType]] = {
    "AnyShotClassifier": tasks,
    "AnyShotRegressor": tasks,
    "ContrastiveClassifier": fine_tuning,
    "DomainConfusionClassifier": domain_adaptation,
    "FineTunedClassifier": fine_tuning,
    "MultitaskModel": tasks,
    "PrototypicalEncoder": fine_tuning,
}
"""The package of each kind of model, a class with `from_saved`, which is imported when a model needs it."""


SWITCH: Final = "ANYSHOT_DOWNLOAD"


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
        The folder holds no complete, unchanged model of a kind and format that this version reads. Or the encoder must
        be allowed, or has other weights on this machine than the one that the model was fitted with.
    """
    with opened_model(folder) as saved:
        needed = " or ".join(map(repr, sorted(names_in(saved.facts))))
        saved = _with_allowed_encoder(saved, folder, encoder, download_for_saved(download))
        kind = saved.facts.get("kind")
        if kind == "MultitaskNetwork":
            raise ModelFolderError(
                f"{folder} contains a MultitaskNetwork, whose trunk is your own code. Pass both: "
                "anyshot.tasks.load_multitask_network(folder, trunk)."
            )
        if not isinstance(kind, str) or kind not in PACKAGES:
            raise ModelFolderError(f"{folder} contains a model of type {kind!r}, which this version cannot read.")
        model: Any = getattr(PACKAGES[kind], kind)
        if kind != "AnyShotClassifier":
            return model.from_saved(saved)
        clf = model.from_saved(saved, cache=cache)
        if encoder is not None:
            try:
                _ = clf.any_shot_model().embedder.encoder  # it is loaded, and its weights are checked
            except ModelFolderError as error:
                raise ModelFolderError(f"{error} The model in {folder} was fitted with {needed}.") from error
        return clf


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


# --- encoders of saved models ---------------------------------------------------------------------------------------


def download_for_saved(download: str | None) -> str:
    """Return whether `load` may download: the argument, or else ANYSHOT_DOWNLOAD, or else "never"."""
    value = download if download is not None else os.environ.get(SWITCH) or "never"
    if value not in ("allow", "never"):
        raise InputError(f'download is {value!r}; it must be "allow" or "never".')
    return value


def names_in(facts: Mapping[str, Any]) -> set[str]:
    """Return the names of encoders in the facts of a saved model."""
    parts = facts.get("parameters"), facts.get("encoder")
    named = [part.get(key) for part, key in zip(parts, ("encoder", "name"), strict=True) if isinstance(part, Mapping)]
    return {name for name in named if isinstance(name, str) and name not in ("auto", "vectors", "table")}


def with_encoder(facts: dict[str, Any], encoder: str) -> dict[str, Any]:
    """Return the facts of a saved model with another name for its encoder."""
    changed = dict(facts)
    for part, key in (("parameters", "encoder"), ("encoder", "name")):
        if isinstance(facts.get(part), Mapping) and facts[part].get(key) not in (None, "auto", "vectors", "table"):
            changed[part] = {**facts[part], key: encoder}
    return changed


def check_saved_names(facts: Mapping[str, Any], folder: object, *, download: str) -> None:
    """Raise ModelFolderError if a saved model names an encoder that `load` may not use, or two encoders."""
    names = names_in(facts)
    if len(names) > 1:
        both = " and ".join(map(repr, sorted(names)))
        raise ModelFolderError(f"{folder} names two encoders, {both}. Restore it from a copy, or fit it again.")
    for name in names:
        _check_name(name, folder, download=download)


def check_digest(facts: Mapping[str, Any], folder: object) -> None:
    """Raise ModelFolderError if a saved model does not state the digest of the encoder that it names."""
    own, names = facts.get("encoder"), names_in(facts)
    if isinstance(own, Mapping) and names and not own.get("tuned") and not isinstance(own.get("digest"), str):
        raise ModelFolderError(
            f"{folder} states no digest of its encoder {next(iter(names))!r}, so its weights cannot be checked. "
            "Restore the folder from a copy, or fit and save the model again."
        )


def _check_name(name: str, folder: object, *, download: str) -> None:
    first_layers = FIRST_LAYERS.fullmatch(name)
    whole = first_layers["name"] if first_layers else name
    if whole in ENCODERS and whole not in (PREFIX, KERAS):
        return
    source = whole.removeprefix(PREFIX)
    is_id = whole.startswith(PREFIX) and ID.fullmatch(source) is not None and not Path(source).exists()
    is_application = whole.startswith(KERAS) and whole.removeprefix(KERAS).isidentifier()
    if not is_id and not is_application:
        raise ModelFolderError(
            f"{folder} names the encoder {name!r}, which is outside of the model. If you trust it, name it yourself: "
            f"load(folder, encoder={name!r}), on the command line --encoder."
        )
    if download == "never" and not (is_id and is_in_cache(source)):
        raise ModelFolderError(
            f"{folder} names the encoder {name!r}, which would be downloaded. If you trust it, allow that: "
            f'load(folder, download="allow"), on the command line {SWITCH}=allow.'
        )
