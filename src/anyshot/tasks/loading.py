"""Saved models of every kind, read by one function."""

import os
from types import ModuleType
from typing import Any, Final

from anyshot import domain_adaptation, fine_tuning, tasks
from anyshot.base.model_folder import opened_model
from anyshot.errors import ModelFolderError

READERS: Final[dict[str, tuple[ModuleType, str]]] = {
    "AnyShotClassifier": (tasks, "classifier_from_saved"),
    "AnyShotRegressor": (tasks, "regressor_from_saved"),
    "ContrastiveClassifier": (fine_tuning, "ContrastiveClassifier"),
    "DomainConfusionClassifier": (domain_adaptation, "DomainConfusionClassifier"),
    "FineTunedClassifier": (fine_tuning, "FineTunedClassifier"),
    "MultitaskModel": (tasks, "MultitaskModel"),
    "PrototypicalEncoder": (fine_tuning, "PrototypicalEncoder"),
}
"""What reads each kind of model, a function or a class with `from_saved`; it is imported when a model needs it."""


def load(folder: str | os.PathLike[str], *, cache: bool = True) -> Any:
    """Return the fitted model that `save` wrote to a folder. No code is run from the folder.

    cache: whether an `AnyShotClassifier` keeps the vectors of the items that it encodes on disk.

    Raises
    ------
    ModelFolderError
        The folder holds no complete, unchanged model of a kind and format that this version reads, or the encoder on
        this machine has other weights than the one that the model was fitted with.
    """
    with opened_model(folder) as saved:
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
            return reader(saved, cache=cache)
        return reader.from_saved(saved) if hasattr(reader, "from_saved") else reader(saved)
