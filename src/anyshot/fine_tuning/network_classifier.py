"""A network with trained last stages and a linear head: how it answers, is kept, and is put together for export.

However it was trained, its frozen stages are the encoder's and its trained stages and head are its own.
"""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from anyshot.base.items import (
    Classes,
    Items,
    Label,
    Labels,
    by_position,
    check_list,
    class_table,
    classes_in,
    decision_scores,
    items_and_labels,
    label_list,
    to_indexes,
)
from anyshot.base.model_card import encoder_name, network_card
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.validation import Indexes, is_number
from anyshot.encoders.activations import states
from anyshot.encoders.assembled import Assembled
from anyshot.encoders.backbones import reopened
from anyshot.encoders.freeze import Rest, Trunk, frozen_digest
from anyshot.encoders.registry import card_facts
from anyshot.encoders.stages import Backbone
from anyshot.errors import InputError, ModelFolderError, NotEnoughLabelsError
from anyshot.evaluation.classification import Evaluation, evaluate_answers
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.history import History


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """What classifiers of raw items by a trained network have in common; `take_over` is what training ends with.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    history_ : History
        Losses and held-out figures by epoch; `plot` draws them.
    freeze_at_ : str
        The first trained stage.
    reasons_ : tuple of str
        What was decided on the way, and why.
    """

    classes_: Classes
    backbone_: Backbone
    freeze_at_: str
    rest_: Rest
    head_: LinearHead
    history_: History
    reasons_: tuple[str, ...]

    def predict(self, X: Items) -> NDArray[Any]:
        """Return the likeliest class of each item (n,)."""
        best = self.scores(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Items) -> NDArray[np.float64]:
        """Return the probability of each class (n, c)."""
        return _probabilities(self.scores(X))

    def decision_function(self, X: Items) -> NDArray[np.floating]:
        """Return the scores (n, c) as scikit-learn reads them: of two classes by how much the second leads (n,)."""
        return decision_scores(self.scores(X))

    def scores(self, X: Items) -> NDArray[np.float32]:
        """Return the score of each class (n, c): its log-probability up to a constant of the item."""
        self._check_fitted()
        check_list(X)
        scores = np.zeros((len(X), len(self.classes_)), np.float32)
        with torch.inference_mode():
            for rows, state in states(self._trunk, X):
                scores[rows] = self.head_(self.rest_(state)).cpu().numpy()
        return scores

    def evaluate(self, X: Items, y: Labels) -> Evaluation:
        """Return how good the answers to items with known classes are; it prints."""
        scores = self.scores(X)
        return evaluate_answers(self.classes_, y, self.classes_[scores.argmax(axis=1)], _probabilities(scores))

    def assembled(self) -> Assembled:
        """Return encoder and head as one network, to be exported."""
        self._check_fitted()
        frozen = self.backbone_.stages[: self.backbone_.place(self.freeze_at_)]
        network = {name: self.backbone_.network[name] for name in frozen} | dict(self.rest_.named_stages())
        coef, intercept = (part.detach().cpu().numpy() for part in (self.head_.coef, self.head_.intercept))
        center = None if self.head_.center is None else self.head_.center.cpu().numpy()
        return Assembled(self.backbone_, network, coef, intercept, self.classes_, center)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder: JSON and safetensors, no code; `load` reads it.

        The trained stages and the head are kept, the frozen ones are the encoder's: it is found by its name again. Of
        the parameters, those are kept that are texts, numbers, settings, or what is said of the classes.

        Raises
        ------
        ModelFolderError
            The model was fitted with an encoder given as an object, or the folder cannot be written.
        """
        self._check_fitted()
        if not self._is_named:
            raise ModelFolderError("A model with an encoder object cannot be saved; name the encoder, as hf:FOLDER.")
        facts = {
            "kind": type(self).__name__,
            "parameters": {**_kept(self.get_params(deep=False)), "encoder": self._encoder_name},
            "classes": self.classes_,
            "freeze_at": self.freeze_at_,
            "frozen": frozen_digest(self.backbone_, self.freeze_at_),
            "history": self.history_.facts(),
            "reasons": self.reasons_,
        }
        arrays = {f"rest/{name}": tensor.cpu().numpy() for name, tensor in self.rest_.state_dict().items()}
        arrays |= {f"head/{name}": tensor.cpu().numpy() for name, tensor in self.head_.state_dict().items()}
        modality, base_model = card_facts(encoder_name(facts))
        card = network_card(facts, modality=modality, base_model=base_model)
        write_model(folder, facts=facts, arrays=arrays, card=card)

    @classmethod
    def from_saved(cls, saved: SavedModel) -> Self:
        """Return what `save` wrote.

        Raises
        ------
        ModelFolderError
            The encoder on this machine is not the one that the model was made on.
        """
        facts: dict[str, Any] = saved.facts
        given = facts["parameters"]
        settings: dict[str, Any] = {"tuning": Tuning(**given["tuning"])} if given.get("tuning") else {}
        if "classes" in given:
            settings["classes"] = _classes_from(given["classes"])
        model = cls(**{**given, **settings})
        freeze_at, head = str(facts["freeze_at"]), _part(saved.arrays, "head/")
        backbone, rest = reopened(
            given["encoder"], freeze_at, frozen=facts["frozen"], arrays=_part(saved.arrays, "rest/")
        )
        return model.take_over(
            classes=class_table(facts["classes"]),
            backbone=backbone,
            freeze_at=freeze_at,
            rest=rest,
            head=LinearHead(head["coef"], head["intercept"], center=head.get("center")),
            history=History.from_facts(facts["history"]),
            reasons=tuple(facts["reasons"]),
            encoder_name=given["encoder"],
        )

    def take_over(
        self,
        *,
        classes: Classes,
        backbone: Backbone,
        freeze_at: str,
        rest: Rest,
        head: LinearHead,
        history: History,
        reasons: tuple[str, ...],
        encoder_name: str,
    ) -> Self:
        """Take over what was learned, all at once: a fit that fails on the way leaves the earlier model whole."""
        self.classes_, self.history_, self.reasons_ = classes, history, reasons
        self.backbone_, self.freeze_at_, self._encoder_name = backbone, freeze_at, encoder_name
        self._is_named = isinstance(self.encoder, str)  # later it may be set to another, which did not learn
        self.rest_, self.head_ = rest.eval(), head.to(backbone.device).eval()
        self._trunk = Trunk(backbone, place=backbone.place(freeze_at))
        return self

    # --- within -------------------------------------------------------------------------------------------------------

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise NotFittedError(f"This {type(self).__name__} is not fitted yet. Call fit(items, labels) first.")


def last_third(backbone: Backbone) -> str:
    """Return the stage from which on the last third of the layers is trained."""
    n_layers = len(backbone.stages) - 2  # pooling and head are none
    return backbone.stages[n_layers - math.ceil(n_layers / 3)]


def labeled_items(X: Items, y: Labels, said: Iterable[Label] | None) -> tuple[Items, Indexes, Classes]:
    """Return those of the items `X` (n) that have labels `y` (n), their rows of the class table, and that table.

    said: the classes' names, in order, where they are given; the labels' own names otherwise.

    Raises
    ------
    InputError
        There is not one label an item.
    UnknownClassError
        A label is not among the classes.
    NotEnoughLabelsError
        There is no label.
    """
    X, y = items_and_labels(X, y)
    X = by_position(X)
    table = class_table(list(said) if said is not None else classes_in(y))
    index = to_indexes(y, table, n_items=len(X))
    labeled = np.flatnonzero(index >= 0)
    if not len(labeled):
        raise NotEnoughLabelsError("Training needs labels; none was given. AnyShotClassifier needs none.")
    items = X if len(labeled) == len(index) else [X[int(row)] for row in labeled]
    return items, index[labeled], table


def settled_rate(given: object, usual: float) -> float:
    """Return the learning rate given, the usual one for "auto".

    Raises
    ------
    InputError
        It is neither a number nor "auto".
    """
    if isinstance(given, str) and given == "auto":
        return usual
    if not is_number(given):
        raise InputError(f"learning_rate must be a number, or 'auto'; it is {given!r}.")
    return float(given)


def _probabilities(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(softmax(scores.astype(np.float64), axis=1))


def _kept(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that JSON can hold; a folder of checkpoints belongs to a machine, not to a model."""
    kept: dict[str, Any] = {}
    for name, given in parameters.items():
        value = given.item() if isinstance(given, np.generic) else given
        if isinstance(value, (str, int, float)):
            kept[name] = value
        elif is_dataclass(value) and not isinstance(value, type):
            kept[name] = {**asdict(value), "checkpoints": None}
        elif name == "classes" and value is not None:
            kept[name] = _classes_kept(value)
    return kept


def _classes_kept(classes: Iterable[Label] | Mapping[Label, Any]) -> dict[str, list[Any]]:
    """Return what is said of the classes as lists: JSON's own mappings have texts as keys only."""
    kept: dict[str, list[Any]] = {"names": list(label_list(list(classes)))}
    if isinstance(classes, Mapping):
        kept["said"] = [said if said is None or isinstance(said, str) else list(said) for said in classes.values()]
    return kept


def _classes_from(kept: Mapping[str, list[Any]]) -> list[Label] | dict[Label, Any]:
    return dict(zip(kept["names"], kept["said"], strict=True)) if "said" in kept else kept["names"]


def _part(arrays: Mapping[str, NDArray[Any]], part: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(part): array for name, array in arrays.items() if name.startswith(part)}
