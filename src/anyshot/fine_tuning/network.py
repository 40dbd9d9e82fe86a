"""The base class of classifiers of raw items by a network whose last stages are trained.

The frozen stages belong to the encoder; the trained stages and the head belong to the classifier.
"""

import math
import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from anyshot import any_shot
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.class_words import Words
from anyshot.base.items import Items, check_list, check_texts, items_and_labels
from anyshot.base.labels import Classes, Label, Labels, class_table, label_list
from anyshot.base.model_card import encoder_name, model_card
from anyshot.base.model_folder import SavedModel, write_model
from anyshot.base.scored_classifier import ScoredClassifier
from anyshot.base.validation import Indexes, Vectors, is_number
from anyshot.encoders.activations import outputs
from anyshot.encoders.backbones import Assembled, reopen_backbone
from anyshot.encoders.freeze import Rest, backbone_of, frozen_digest
from anyshot.encoders.readability import TextReading
from anyshot.encoders.registry import card_facts, encoder_for, trainable
from anyshot.encoders.stages import Backbone, Trunk
from anyshot.errors import InputError, MixedInputError, ModelFolderError
from anyshot.evaluation.classification import EvaluatedClassifier, Evaluation, evaluate_answers
from anyshot.fine_tuning.partial import LinearHead, StageTraining
from anyshot.fine_tuning.training_labels import TrainingLabels, hold_out, labeled_items
from anyshot.fine_tuning.tuning import Tuning
from anyshot.store.disk_cache import VectorCache
from anyshot.training.recipe import Recipe
from anyshot.training.run import History
from anyshot.training.softmax_regression import fit_temperature
from anyshot.training.weights import part_of, weights_of
from anyshot.zero_shot.class_texts import describe, read_classes


class TrainedNetwork(NamedTuple):
    """The result of training: the head, the history, and the reasons for what was decided."""

    head: LinearHead
    history: History
    reasons: tuple[str, ...]


class NetworkClassifier(ScoredClassifier, EvaluatedClassifier, ClassifierMixin, BaseEstimator):
    """Base class of classifiers of raw items by a network whose last stages are trained.

    `fit` is shared; a subclass checks its parameters (`_settings`) and trains the stages and a head (`_train`). Its
    attributes are those of `FineTunedClassifier`.
    """

    encoder: Any
    freeze_at: str | int
    classes: Any
    epochs: int
    learning_rate: Any
    random_state: Any

    classes_: Classes
    backbone_: Backbone
    freeze_at_: str
    rest_: Rest
    head_: LinearHead
    history_: History
    recipe_: Recipe
    reasons_: tuple[str, ...]

    _LEARNING_RATES: ClassVar[Mapping[str, float]]  # of learning_rate="auto", by modality

    def fit(
        self, X: Items | Mapping[Label, Items], y: Labels | None = None, *, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train on items `X` (n) and their labels `y` (n), None for "no label"; or on a mapping of labels to items.

        sample_weight (n,): how often each item counts, from 0 (as if it were absent) to below 1,000. An item of weight
        3 is trained on as three copies; where items are held out, each counts once.

        Raises
        ------
        InputError
            The encoder does not read items of this type, or a parameter is out of range.
        UnknownStageError
            The encoder has no stage `freeze_at`.
        NotEnoughLabelsError
            There are no labels, or of too few classes.
        TrainingDivergedError
            The loss, or the output of the trained network, is NaN or infinite.
        BatchMemoryError
            A batch does not fit into memory; the message says which size would.
        """
        tuning, random = self._settings(), self.random_state
        given = labeled_items(X, y, self.classes, sample_weight=sample_weight)
        embedder, classes = self._embedder(given.items, tuning), given.classes
        backbone = backbone_of(embedder.encoder)
        stage = self._first_trained_stage(backbone)
        rate = checked_rate(self.learning_rate, default=self._LEARNING_RATES[backbone.modality])
        run = StageTraining.open(
            backbone, given.items, freeze_at=stage, tuning=tuning, epochs=self.epochs, learning_rate=rate,
            random_state=random,
        )  # fmt: skip
        warn_of_texts(backbone, given.items)
        labels = hold_out(given.index, len(classes), given.weights, fraction=tuning.held_out, generator=run.random)
        trained = self._train(run, labels, embedder, classes)
        calibrate(run, trained.head, labels)
        self.recipe_ = run.recipe
        return self.set_fitted(classes, backbone, run.freeze_at, run.rest, trained, encoder_name=embedder.name)

    def scores(self, X: Items) -> NDArray[np.float32]:
        """Return the logit of each class (n, c)."""
        self._check_fitted()
        check_list(X)
        scores = outputs(self._trunk, X, lambda state: self.head_(self.rest_(state)), width=len(self.classes_))
        warn_of_texts(self.backbone_, X)
        return scores

    def _scores(self, X: Items) -> NDArray[np.float64]:
        return self.scores(X).astype(np.float64)

    def evaluate(self, X: Items | Mapping[Label, Items], y: Labels | None = None) -> Evaluation:
        """Return the metrics of the predictions for items with known classes; print it to read them."""
        items, labels = items_and_labels(X, y)
        probabilities = self.predict_proba(items)
        return evaluate_answers(self.classes_, labels, self.classes_[probabilities.argmax(axis=1)], probabilities)

    def assembled(self) -> Assembled:
        """Return encoder and head as one network, for export."""
        self._check_fitted()
        network = {name: self.backbone_.network[name] for name in self._trunk.stages} | dict(self.rest_.named_stages())
        coef, intercept, center = self.head_.arrays()
        return Assembled(self.backbone_, network, coef, intercept, self.classes_, center)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to a folder of JSON and safetensors, without code; `load` reads it.

        The folder holds the trained stages and the head. The frozen stages are loaded with the encoder, by its name.

        Raises
        ------
        ModelFolderError
            The model was fitted with an encoder object instead of a name, or the folder cannot be written.
        """
        self._check_fitted()
        if not self._is_named:
            hint = "Give the encoder by name, such as 'hf:FOLDER'."
            raise ModelFolderError(f"A model with an encoder object cannot be saved. {hint}")
        facts = {
            "kind": type(self).__name__,
            "parameters": {**_parameters_to_json(self.get_params(deep=False)), "encoder": self._encoder_name},
            "classes": self.classes_,
            "freeze_at": self.freeze_at_,
            "frozen": frozen_digest(self.backbone_, self.freeze_at_),
            "history": self.history_.facts(),
            "reasons": self.reasons_,
        }
        arrays = weights_of(self.rest_, "rest") | weights_of(self.head_, "head")
        modality, base_model = card_facts(encoder_name(facts))
        card = model_card(facts, modality=modality, base_model=base_model)
        write_model(folder, facts=facts, arrays=arrays, card=card)

    @classmethod
    def from_saved(cls, saved: SavedModel) -> Self:
        """Return the model that `save` wrote; raise ModelFolderError if the encoder has other weights here."""
        facts: dict[str, Any] = saved.facts
        parameters = _parameters_from_json(facts["parameters"])
        freeze_at, head = str(facts["freeze_at"]), part_of(saved.arrays, "head")
        backbone, rest = reopen_backbone(
            parameters["encoder"],
            freeze_at,
            frozen=facts["frozen"],
            arrays=part_of(saved.arrays, "rest"),
            download=saved.download,
        )
        trained = TrainedNetwork(
            LinearHead(head["coef"], head["intercept"], center=head.get("center")),
            History.from_facts(facts["history"]),
            tuple(facts["reasons"]),
        )
        classes, name = class_table(facts["classes"]), parameters["encoder"]
        return cls(**parameters).set_fitted(classes, backbone, freeze_at, rest, trained, encoder_name=name)

    def set_fitted(
        self,
        classes: Classes,
        backbone: Backbone,
        freeze_at: str,
        rest: Rest,
        trained: TrainedNetwork,
        *,
        encoder_name: str,
    ) -> Self:
        """Set all fitted attributes at once, so that a `fit` that fails does not change the earlier model."""
        self.classes_, self.history_, self.reasons_ = classes, trained.history, trained.reasons
        self.backbone_, self.freeze_at_, self._encoder_name = backbone, freeze_at, encoder_name
        self._is_named = isinstance(self.encoder, str)  # set_params may change the parameter later
        self.rest_, self.head_ = rest.eval(), trained.head.to(backbone.device).eval()
        self._trunk = Trunk(backbone, freeze_at)
        return self

    @abstractmethod
    def _settings(self) -> Tuning:
        """Check the parameters, and return the settings of training."""

    @abstractmethod
    def _train(
        self, run: StageTraining, labels: TrainingLabels, embedder: Embedder, classes: Classes
    ) -> TrainedNetwork:
        """Train the stages of `run` in place, and return the head."""

    def _first_trained_stage(self, backbone: Backbone) -> str:
        """Return the name of the first trained stage; "auto" trains the last third of the layers."""
        return last_third(backbone) if self.freeze_at == "auto" else backbone.stages[backbone.n_frozen(self.freeze_at)]

    def _embedder(self, items: Items, tuning: Tuning) -> Embedder:
        name = encoder_for(items) if isinstance(self.encoder, str) and self.encoder == "auto" else self.encoder
        if isinstance(name, str) and name == "vectors":
            raise MixedInputError(
                "Vectors have no network to fine-tune. Give texts or images, or use AnyShotClassifier."
            )
        return Embedder(trainable(name), cache=VectorCache() if tuning.cache else None)

    def _class_embeddings(self, embedder: Embedder, classes: Classes) -> Vectors:
        """Return the embeddings of the class names or descriptions (c, width); zeros where the encoder has none."""
        texts, _ = read_classes(self.classes, classes.tolist(), allow_unknown=False)
        embedder.reader.warn_of_words(texts)
        return embedder.reader.embed(texts)

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise NotFittedError(f"This {type(self).__name__} is not fitted yet. Call fit(items, labels) first.")


def warn_of_texts(backbone: Backbone, items: Items) -> None:
    """Warn of the texts among the items that the encoder of a backbone reads badly, of each fault once."""
    if backbone.modality == "text" and len(items):
        reading = TextReading(check_texts(items), backbone.encoder)
        backbone.known_faults.update(reading.warn(backbone.name, frozenset(backbone.known_faults)))


def closed_form_head(
    z: Vectors,
    index: Indexes,
    class_embeddings: Vectors,
    *,
    shares: NDArray[np.floating] | None = None,
    center: Vectors | None = None,
    weights: NDArray[np.float32] | None = None,
) -> tuple[LinearHead, tuple[str, ...]]:
    """Return the any-shot head on unit-length features, and the reasons; without embeddings, logistic regression.

    z (n, width), index (n,), class_embeddings (c, width), shares (c,): expected class frequencies, equal if None;
    center (width,): already subtracted from z; weights (n,): of the items, 1 by default.
    """
    counted = np.ones(len(z), np.float32) if weights is None else weights
    data = TrainingSet(class_embeddings, z, index, class_prior=shares, weights=counted)
    method = "any-shot" if class_embeddings.any() else "logistic-regression"
    model = any_shot.fit_model(Embedder("vectors", cache=None), data, method=method)
    # A class without labels or embedding has the intercept -inf, which training cannot start from.
    intercept = model.intercept
    lowest = float(intercept[np.isfinite(intercept)].min(initial=0.0)) - 20
    return LinearHead(model.coef, np.maximum(intercept, lowest), center=center), model.reasons


def calibrate(run: StageTraining, head: LinearHead, labels: TrainingLabels) -> None:
    """Divide the head's weights by the temperature that fits the held-out items best, if there are any."""
    if len(labels.held_out):
        scores = run.scores(head, labels.held_out)
        temperature = fit_temperature(scores, labels.index[labels.held_out])
        with torch.no_grad():
            head.coef.div_(temperature)
            head.intercept.div_(temperature)


def last_third(backbone: Backbone) -> str:
    """Return the stage where the last third of the layers begins; pooling and head do not count as layers."""
    n_layers = len(backbone.stages) - 2
    return backbone.stages[n_layers - math.ceil(n_layers / 3)]


def checked_rate(rate: object, *, default: float) -> float:
    """Return the learning rate, `default` for "auto"; raise InputError for anything else that is no number."""
    if isinstance(rate, str) and rate == "auto":
        return default
    if not is_number(rate):
        raise InputError(f"learning_rate must be a number or 'auto'; it is {rate!r}.")
    return float(rate)


def _parameters_to_json(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that JSON can hold, without the folder of checkpoints, which belongs to the machine."""
    facts: dict[str, Any] = {}
    for name, given in parameters.items():
        value = given.item() if isinstance(given, np.generic) else given
        if isinstance(value, (str, int, float)):
            facts[name] = value
        elif is_dataclass(value) and not isinstance(value, type):
            facts[name] = {**asdict(value), "checkpoints": None}
        elif name == "classes" and value is not None:
            facts[name] = _classes_to_json(value)
    return facts


def _classes_to_json(classes: Classes | Sequence[Label] | Mapping[Label, Any]) -> dict[str, list[Any]]:
    """Return the names of classes, with texts and words if they are described; keys in JSON are always strings."""
    facts: dict[str, list[Any]] = {"names": list(label_list(list(classes)))}
    if isinstance(classes, Mapping):
        given = [[one] if isinstance(one, Words) else one for one in classes.values()]
        words = describe(classes).words
        facts["words"] = [own and own.facts() for own in words]
        facts["texts"] = [
            own if isinstance(own, str | None) else [text for text in own if not isinstance(text, Words)]
            for own in given
        ]
    return facts


def _parameters_from_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that `_parameters_to_json` wrote."""
    parameters = dict(facts)
    if facts.get("tuning"):
        settings = dict(facts["tuning"])
        if "moved" in settings:  # the name of version 0.1
            settings["interpolation"] = settings.pop("moved")
        parameters["tuning"] = Tuning(**settings)
    if "classes" in facts:
        classes = facts["classes"]
        names, texts = classes["names"], classes.get("texts", classes.get("said"))  # "said" in version 0.1
        words = classes.get("words", [None] * len(names))  # version 0.1 had none
        parameters["classes"] = (
            names
            if texts is None
            else {
                name: [*own, Words.from_facts(saved)] if saved else own
                for name, own, saved in zip(names, texts, words, strict=True)
            }
        )
    return parameters
