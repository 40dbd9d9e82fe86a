"""Base class of the methods that train a network on both domains with an alignment loss."""

import json
import os
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from anyshot.base.estimator import all_or_nothing
from anyshot.base.model_folder import write_model
from anyshot.base.scored_classifier import ScoredClassifier
from anyshot.base.validation import Indexes, RandomState, check_not_negative, check_whole, generator
from anyshot.base.weighted_items import counted_rows
from anyshot.domain_adaptation.deep.items import (
    NetworkInputs,
    check_number_of_items,
    domain_batches,
    new_inputs,
    sequential_batches,
    shuffled_batches,
    source_inputs,
    target_inputs,
)
from anyshot.domain_adaptation.deep.losses import DEFAULT_WEIGHTS, Align, AlignmentLoss, Outputs, ramp
from anyshot.domain_adaptation.deep.source_free import adabn, shot
from anyshot.domain_adaptation.diagnostics import diagnose
from anyshot.domain_adaptation.domains import check_columns, class_index
from anyshot.errors import InputError
from anyshot.evaluation.classification import EvaluatedClassifier
from anyshot.training.loop import train
from anyshot.training.networks import features_width, seeded
from anyshot.training.recipe import LayerGroup, Recipe, cross_entropy
from anyshot.training.run import History
from anyshot.training.weights import weights_of

# First the source alone, so that the predictions are useful before they steer the alignment; then
#
#     loss = cross-entropy(source) + w(t) align(source, target),   w(t) = weight (2 / (1 + exp(-10 t)) - 1)
#
# where t is the progress of the second part, 0 to 1 (Ganin et al., JMLR 2016, section 5.2.2). Each domain goes through
# the network separately, so that batch norms see one domain at a time, as they do in prediction.

KIND: Final = "DomainConfusionClassifier"
"""Kind of a saved model; the subclasses that fix `align` are saved as it."""
HIDDEN: Final = 128  # units of the trained layer
CHUNK: Final = 512  # items predicted together
CARD_CLASSES: Final = 20
"""Classes listed on a model card."""
NOT_SAVED: Final = ("network", "random_state")
SourceLoss: TypeAlias = Callable[[Tensor, Indexes], Tensor]
CRITIC_RATE: Final = 10.0
"""Learning rate of the critic relative to the network's. At the same rate the features change too fast for it: it takes
source for target half of the time, and the domains swap places from epoch to epoch instead of coming together."""


@dataclass(kw_only=True, eq=False, repr=False)
class AlignedNetworkClassifier(ScoredClassifier, EvaluatedClassifier, ClassifierMixin, BaseEstimator):
    """Base class of `DomainConfusionClassifier` and of the methods that fix its `align`, such as `DANN`."""

    align: Align = field(init=False)

    network: nn.Module | None = field(default=None, kw_only=False)
    weight: float | None = None
    source_epochs: int = 10
    epochs: int = 20
    learning_rate: float = 1e-3
    batch_size: int = 64
    random_state: RandomState = None

    @all_or_nothing
    def fit(
        self,
        X: ArrayLike | NetworkInputs,
        y: ArrayLike,
        *,
        target: ArrayLike | NetworkInputs | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit on source items `X` with labels `y` (n_s,) and unlabeled target items.

        X, target: arrays (n, ...), or objects that return inputs of the network by rows, such as the activations of a
        frozen trunk. target: None means no adaptation: all epochs are spent on the source. sample_weight (n_s,): of the
        source items in the cross-entropy, from 0 to below 1,000; alignment and batch norms take each item once.

        Raises
        ------
        TargetLabelsError, NotEnoughClassesError, DomainError, WidthError, InputError
            As `AdaptedClassifier.fit`.
        TrainingDivergedError
            The loss became NaN or infinite.
        """
        self._check_parameters()
        check_columns(X, target)
        source, labels = source_inputs(self, X, y)
        self.classes_, index = class_index(labels, len(source))
        self.source_prior_ = np.bincount(index) / len(index)
        rows, counted = counted_rows(X, sample_weight, len(source))
        weights = np.zeros(len(source), dtype=np.float32)
        weights[rows] = counted
        source_loss = _source_loss(torch.from_numpy(index), torch.from_numpy(weights))
        items = None if target is None else target_inputs(target, source)
        random = generator(self.random_state)
        self._build(source, seed=int(random.integers(2**31)))
        epochs = self.source_epochs + (self.epochs if items is None else 0)
        if epochs:
            self.history_ = self._train_on_source(source, source_loss, epochs, random)
        for name in ("source_probabilities_", "diagnostics_"):  # of an earlier fit, which may have had another target
            self.__dict__.pop(name, None)
        if items is not None:
            self.source_probabilities_ = self._probabilities(items)
            accuracies = self._train_on_both(source, source_loss, items, random)
            self._finish(items, accuracies)
        return self

    def adapt_norms(self, target: ArrayLike | NetworkInputs) -> Self:
        """Re-estimate the batch norms of the fitted network on the target (AdaBN); needs no source."""
        items = check_number_of_items(new_inputs(self, target))
        self.source_probabilities_ = self._probabilities(items)
        return self._finish(items)

    def refit_source_free(self, target: ArrayLike | NetworkInputs, *, epochs: int = 10) -> Self:
        """Train the fitted network further on the target alone (SHOT); needs no source."""
        items = check_number_of_items(new_inputs(self, target))
        self.source_probabilities_ = self._probabilities(items)
        self.history_ = shot(
            self.network_, self.head_, items.batch, len(items), recipe=self._recipe(epochs), batch_size=self.batch_size,
            random_state=self.random_state,
        )  # fmt: skip
        return self._finish(items)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the network and the head to a folder: JSON and safetensors, without code and without training items.

        `anyshot.load` reads it. If `network` was set, its weights are saved but not its layers: use
        `load_domain_confusion` with a network of the same layers. Raises ModelFolderError if the folder cannot be
        written, or holds something else.
        """
        check_is_fitted(self)
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name not in NOT_SAVED}
        facts = {
            "kind": KIND,
            "parameters": parameters | {"align": self.align},
            "own_network": self.network is not None,
            "classes": self.classes_,
            "source_shares": self.source_prior_,
            "width": self.head_.in_features,
            "n_features": getattr(self, "n_features_in_", None),
            "history": self.history_.facts(),
        }
        arrays = weights_of(self.network_, "network") | weights_of(self.head_, "head")
        write_model(folder, facts=facts, arrays=arrays, card=_card(self))

    def _build(self, source: NetworkInputs, *, seed: int) -> None:
        """Create the network and the head with random weights."""
        if self.network is not None and not isinstance(self.network, nn.Module):
            raise InputError(
                f"network must be a torch.nn.Module, such as nn.Linear(8, 16); it is {self.network!r:.60}."
            )
        rows = np.arange(min(2, len(source)))
        with seeded(seed):
            self.network_ = _default_network(source) if self.network is None else deepcopy(self.network)
            width = features_width(self.network_, source.batch(rows), n_items=len(rows), name="network")
            self.head_ = nn.Linear(width, len(self.classes_))

    def _train_on_source(
        self, source: NetworkInputs, source_loss: SourceLoss, epochs: int, random: np.random.Generator
    ) -> History:
        def batches(random: np.random.Generator) -> list[Indexes]:
            return shuffled_batches(len(source), self.batch_size, random)

        def loss_of(rows: Indexes, progress: float) -> Tensor:
            return source_loss(self.head_(self.network_(source.batch(rows))), rows)

        modules = [self.network_, self.head_]
        history = train(modules, batches, loss_of, recipe=self._recipe(epochs), random_state=random)
        self._adapt_norms(source)  # the running mean over the last few batches is imprecise for a small source
        return history

    def _train_on_both(
        self, source: NetworkInputs, source_loss: SourceLoss, target: NetworkInputs, random: np.random.Generator
    ) -> list[float]:
        """Train on both domains; return the accuracy of the critic in each epoch, empty without a critic."""
        with seeded(int(random.integers(2**31))):
            alignment = AlignmentLoss(self.align, self.head_.in_features, len(self.classes_))
        weight = DEFAULT_WEIGHTS[self.align] if self.weight is None else self.weight

        def batches(random: np.random.Generator) -> list[Indexes]:
            alignment.begin_epoch()
            return domain_batches(len(source), len(target), self.batch_size, random)

        def outputs(items: NetworkInputs, rows: Indexes) -> Outputs:
            features = self.network_(items.batch(rows))
            return features, self.head_(features)

        def loss_of(batch: Indexes, progress: float) -> Tensor:
            source_rows, target_rows = batch.T
            on_source, on_target = outputs(source, source_rows), outputs(target, target_rows)
            loss = source_loss(on_source[1], source_rows)
            return loss + alignment(on_source, on_target, weight * ramp(progress))

        groups = [LayerGroup("network", self.network_), LayerGroup("head", self.head_)]
        if alignment.critic is not None:
            groups.append(LayerGroup("critic", alignment.critic, rate=CRITIC_RATE))
        self.history_ = train(groups, batches, loss_of, recipe=self._recipe(self.epochs), random_state=random)
        return alignment.accuracies

    def _adapt_norms(self, items: NetworkInputs) -> None:
        adabn(self.network_, (items.batch(rows) for rows in sequential_batches(len(items), self.batch_size)))

    def _finish(self, items: NetworkInputs, accuracies: Sequence[float] = ()) -> Self:
        """Adapt the batch norms to the target, and compare the predictions with the earlier ones."""
        self._adapt_norms(items)
        self.diagnostics_ = diagnose(
            self._probabilities(items), self.source_probabilities_, self.source_prior_, domain_accuracies=accuracies
        )
        return self

    def _recipe(self, epochs: int) -> Recipe:
        return Recipe(epochs=epochs, learning_rate=self.learning_rate)

    def _scores(self, X: ArrayLike | NetworkInputs) -> NDArray[np.float32]:
        return self._logits(new_inputs(self, X))

    def _logits(self, items: NetworkInputs) -> NDArray[np.float32]:
        """Return the logits (n, c) of items."""
        self.network_.eval()
        with torch.no_grad():
            parts = [self.head_(self.network_(items.batch(rows))) for rows in sequential_batches(len(items), CHUNK)]
            return np.asarray(torch.cat(parts).numpy())

    def _probabilities(self, items: NetworkInputs) -> NDArray[np.float32]:
        return np.asarray(softmax(self._logits(items), axis=1))

    def _check_parameters(self) -> None:
        if self.align not in DEFAULT_WEIGHTS:
            raise InputError(f"Unknown align={self.align!r}. Choose one of {', '.join(map(repr, DEFAULT_WEIGHTS))}.")
        check_whole(0, source_epochs=self.source_epochs)
        check_whole(1, epochs=self.epochs)
        check_whole(2, batch_size=self.batch_size)
        if self.weight is not None:
            check_not_negative(weight=self.weight)


def _source_loss(index: Tensor, weights: Tensor) -> SourceLoss:
    """Return the function that computes the weighted cross-entropy of logits (b, c) for rows of the source (b,)."""

    def loss(logits: Tensor, rows: Indexes) -> Tensor:
        own = torch.from_numpy(rows)
        return cross_entropy(logits, index[own], item_weights=weights[own])

    return loss


def _default_network(source: NetworkInputs) -> nn.Module:
    """Return the network for vectors: the first batch norm standardizes each domain by its own statistics."""
    first = source.batch(np.arange(1))
    if not isinstance(first, Tensor) or first.ndim != 2:
        raise InputError("Items that are not vectors (n, d) need a network that maps them to features: network=...")
    return vector_network(first.shape[1])


def vector_network(width: int) -> nn.Module:
    """Return a hidden layer between batch norms, for vectors of this width."""
    return nn.Sequential(nn.BatchNorm1d(width), nn.Linear(width, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU())


def _card(model: AlignedNetworkClassifier) -> str:
    names = ", ".join(json.dumps(str(name)) for name in model.classes_[:CARD_CLASSES])
    return f"""---
library_name: anyshot
---

# Classifier of {len(model.classes_)} classes, adapted to a target domain without labels

Classes: {names}{", ..." if len(model.classes_) > CARD_CLASSES else ""}

Made by {KIND}, align={model.align!r}. The folder holds the weights of the network and the head, no training items.

```python
from anyshot import load
load("this/folder").predict(X)
```
"""
