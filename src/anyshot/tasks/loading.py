"""Saved models of every kind, read by one function."""

import os
from typing import Any

from anyshot.base.model_folder import SavedModel, opened_model
from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier
from anyshot.errors import ModelFolderError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.contrastive_classifier import ContrastiveClassifier
from anyshot.fine_tuning.prototypical_encoder import PrototypicalEncoder
from anyshot.tasks.classification import classifier_from_saved
from anyshot.tasks.multitask.model import MultitaskModel
from anyshot.tasks.regression import regressor_from_saved


def load(folder: str | os.PathLike[str], *, cache: bool = True) -> Any:
    """Return the fitted model that `save` wrote to a folder, of the class that wrote it. No code is run from it.

    cache: whether an `AnyShotClassifier` keeps the vectors of the items that it meets on disk.

    Raises
    ------
    ModelFolderError
        The folder holds no whole, unchanged model of a kind and format that this version reads, or the encoder on this
        machine has other weights than the one that the model was made on.
    """
    with opened_model(folder) as saved:
        return _rebuilt(saved, folder, cache=cache)


def _rebuilt(saved: SavedModel, folder: str | os.PathLike[str], *, cache: bool) -> Any:
    match saved.facts.get("kind"):
        case "AnyShotClassifier":
            return classifier_from_saved(saved, cache=cache)
        case "AnyShotRegressor":
            return regressor_from_saved(saved)
        case "FineTunedClassifier":
            return FineTunedClassifier.from_saved(saved)
        case "ContrastiveClassifier":
            return ContrastiveClassifier.from_saved(saved)
        case "MultitaskModel":
            return MultitaskModel.from_saved(saved)
        case "DomainConfusionClassifier":
            return DomainConfusionClassifier.from_saved(saved)
        case "MultitaskNetwork":
            raise ModelFolderError(
                f"{folder} holds a MultitaskNetwork, whose trunk is your own code. Give it with the folder: "
                "anyshot.tasks.multitask.network.load_multitask_network(folder, trunk)."
            )
        case "PrototypicalEncoder":
            return PrototypicalEncoder.from_saved(saved)
        case kind:
            raise ModelFolderError(f"{folder} holds a {kind!r}, which is no model that this version of anyshot reads.")
