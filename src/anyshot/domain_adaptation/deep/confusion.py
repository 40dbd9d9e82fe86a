"""Domain confusion: a network learns from the source's labels, and features that do not tell its domains apart."""

import json
import os
from copy import deepcopy
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from anyshot.base.items import class_table, decision_scores
from anyshot.base.model_folder import SavedModel, opened_model, write_model
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.domain_adaptation.base import check_columns, class_index
from anyshot.domain_adaptation.deep.adabn import adapt_norms
from anyshot.domain_adaptation.deep.confusion_loss import WEIGHTS, Align, Alignment, Side, ramp
from anyshot.domain_adaptation.deep.domain_items import (
    Items,
    Pairs,
    in_order,
    paired,
    seen_items,
    shuffled,
    source_items,
    target_items,
)
from anyshot.domain_adaptation.deep.shot import adapt_source_free
from anyshot.domain_adaptation.diagnostics import alarms_of
from anyshot.errors import InputError, ModelFolderError
from anyshot.training.history import History
from anyshot.training.loop import Recipe, train
from anyshot.training.losses import cross_entropy
from anyshot.training.schedule import LayerGroup
from anyshot.training.weights import give_weights, weights_of

# The source alone first, so that the answers mean something before they steer; then
#
#     loss = cross-entropy(source) + w(t) align(source, target),   w(t) = weight (2 / (1 + exp(-10 t)) - 1)
#
# t being how far the second part is, 0 to 1 (Ganin et al., JMLR 2016, section 5.2.2). Each domain goes through the
# network by itself, so that batch norms see one domain at a time, as they will when asked for the target.

HIDDEN: Final = 128
CHUNK: Final = 512
SHOWN: Final = 20
"""Classes named on a model card."""
KEPT_APART: Final = ("network", "random_state")
"""Parameters that a model folder has no place for."""
CRITIC_RATE: Final = 10.0
"""Learning rate of the critic over the network's. At the same rate the features overrun it: it then takes source for
target half of the time and the two domains swap places from epoch to epoch instead of coming together."""


class DomainConfusionClassifier(ClassifierMixin, BaseEstimator):
    """Train a network on the source's labels and draw the target to it.

    Parameters
    ----------
    network : torch.nn.Module, default=None
        Turns items into features (n, d); a copy is trained. For items that are activations of a frozen trunk, the rest
        of the encoder. None is one hidden layer between batch norms, for vectors.
    align : {"mcc", "mmd", "deep-coral", "cdan", "dann"}, default="mcc"
        What draws the domains together: minimum class confusion, maximum mean discrepancy, covariances, a critic of
        features and answers, or one of features alone.
    weight : float, default=None
        Of it, beside the cross-entropy of the source. None is a usual one.
    source_epochs : int, default=10
        Epochs on the source alone, which come first.
    epochs : int, default=20
        Epochs on both domains.
    learning_rate : float, default=1e-3
        The highest.
    batch_size : int, default=64
        Items of each domain in a batch.
    random_state : int, generator or None, default=None
        Draws the head's weights and the batches.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    network_, head_ : Module
        The trained copy of `network`, and the linear classifier on its features.
    history_ : History
        Of the epochs on both domains; of those on the source where there is no target.
    alarms_ : Alarms
        What looks wrong, without a label of the target, after the last step that adapted the network to one.
    source_answers_ : ndarray of shape (n_target, n_classes)
        What the network answered on the target before that step.

    References
    ----------
    Ganin et al. Domain-Adversarial Training of Neural Networks. JMLR 2016.
    Jin, Wang, Long, Wang. Minimum Class Confusion for Versatile Domain Adaptation. ECCV 2020.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]] * 8, ["low", "low", "high", "high"] * 8, [[1.0], [2.0], [6.0]] * 8
    >>> model = DomainConfusionClassifier(learning_rate=0.01, random_state=0).fit(X, y, target=target)
    >>> model.predict([[1.0], [6.0]])
    array(['low', 'high'], dtype='<U4')
    """

    def __init__(
        self,
        network: nn.Module | None = None,
        *,
        align: Align = "mcc",
        weight: float | None = None,
        source_epochs: int = 10,
        epochs: int = 20,
        learning_rate: float = 1e-3,
        batch_size: int = 64,
        random_state: RandomState = None,
    ) -> None:
        self.network = network
        self.align = align
        self.weight = weight
        self.source_epochs = source_epochs
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: ArrayLike | Items, y: ArrayLike, *, target: ArrayLike | Items | None = None) -> Self:
        """Learn from the source's items `X` and labels `y` (n_s,), and from the target's items, which have none.

        X, target: arrays (n, ...) or anything with rows that the network takes, such as a trunk's activations. target:
        None is no adaptation, source_epochs and epochs are all spent on the source.

        Raises
        ------
        TargetLabelsError
            `target` is a pair (items, labels).
        NotEnoughClassesError
            The source has one class.
        DomainError, InputError
            A domain has fewer than two items, the items have another shape than the source's, or hold NaN.
        TrainingDivergedError
            The loss is no number any more.
        """
        self._check_choices()
        check_columns(X, target)
        source, labels = source_items(self, X, y)
        self.classes_, index = class_index(labels, len(source))
        self.source_shares_ = np.bincount(index) / len(index)
        theirs = None if target is None else target_items(target, source)
        random = generator(self.random_state)
        self._build(source, seed=int(random.integers(2**31)))
        epochs = self.source_epochs + (self.epochs if theirs is None else 0)
        if epochs:
            self.history_ = self._learn_source(source, torch.from_numpy(index), epochs, random)
        for name in ("source_answers_", "alarms_"):  # of an earlier fit, which may have had another target
            self.__dict__.pop(name, None)
        if theirs is not None:
            self.source_answers_ = self._answers(theirs)
            self._learn_both(source, torch.from_numpy(index), theirs, random)
        return self

    def adapt_norms(self, target: ArrayLike | Items) -> Self:
        """Let the network's batch norms measure the target: AdaBN, a step after training that needs no source."""
        check_is_fitted(self)
        items = seen_items(self, target)
        self.source_answers_ = self._answers(items)
        self._measure_norms(items)
        self.alarms_ = alarms_of(self._answers(items), self.source_answers_, self.source_shares_)
        return self

    def refit_source_free(self, target: ArrayLike | Items, *, epochs: int = 10) -> Self:
        """Train the fitted network further on target items alone: SHOT, a second fit that needs no source."""
        check_is_fitted(self)
        items = seen_items(self, target)
        self.source_answers_ = self._answers(items)
        self.history_ = adapt_source_free(
            self.network_, self.head_, items.batch, len(items), recipe=self._recipe(epochs), batch_size=self.batch_size,
            random_state=self.random_state,
        )  # fmt: skip
        self._measure_norms(items)
        self.alarms_ = alarms_of(self._answers(items), self.source_answers_, self.source_shares_)
        return self

    def decision_function(self, X: ArrayLike | Items) -> NDArray[np.floating]:
        """Return the scores of target items (n, c), or (n,) for the second of two classes."""
        check_is_fitted(self)
        return decision_scores(self._scores(seen_items(self, X)))

    def predict_proba(self, X: ArrayLike | Items) -> NDArray[np.floating]:
        """Return the probability of each class for target items (n, c)."""
        check_is_fitted(self)
        return self._answers(seen_items(self, X))

    def predict(self, X: ArrayLike | Items) -> NDArray[np.generic]:
        """Return the class of each target item (n,)."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self._scores(seen_items(self, X)).argmax(axis=1)])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write network and head to a folder: JSON and safetensors, no code, no item of either domain.

        `load` reads it. Of a network of your own the weights are kept and the layers are not:
        `load_domain_confusion` is given one of the same layers.

        Raises
        ------
        ModelFolderError
            The folder cannot be written, or holds something else.
        """
        check_is_fitted(self)
        given = {name: value for name, value in self.get_params(deep=False).items() if name not in KEPT_APART}
        facts = {
            "kind": type(self).__name__,
            "parameters": given,
            "own_network": self.network is not None,
            "classes": self.classes_,
            "source_shares": self.source_shares_,
            "width": self.head_.in_features,
            "n_features": getattr(self, "n_features_in_", None),
            "history": self.history_.facts(),
        }
        arrays = weights_of(self.network_, "network") | weights_of(self.head_, "head")
        write_model(folder, facts=facts, arrays=arrays, card=_card(self))

    @classmethod
    def from_saved(cls, saved: SavedModel, network: nn.Module | None = None) -> Self:
        """Return what `save` wrote; with a network of your own in `fit`, on one of the same layers.

        Raises
        ------
        ModelFolderError
            A network is needed and not given, or has other layers than the one that was saved.
        """
        facts: dict[str, Any] = saved.facts
        if facts["own_network"] and network is None:
            raise ModelFolderError(
                "The model stands on a network of your own, whose layers no folder holds. Give one of the same layers: "
                "anyshot.domain_adaptation.deep.confusion.load_domain_confusion(folder, network)."
            )
        model = cls(network, **facts["parameters"])
        model.classes_ = class_table(facts["classes"])
        model.source_shares_ = np.array(facts["source_shares"])
        model.history_ = History.from_facts(facts["history"])
        if facts["n_features"] is not None:
            model.n_features_in_ = facts["n_features"]
        with torch.random.fork_rng(devices=[]):  # layers draw their first weights, which are then replaced
            model.network_ = _layers(model.n_features_in_) if network is None else deepcopy(network)
            model.head_ = nn.Linear(facts["width"], len(model.classes_))
        give_weights(model.network_, saved.arrays, "network")
        give_weights(model.head_, saved.arrays, "head")
        return model

    # --- learning -----------------------------------------------------------------------------------------------------

    def _build(self, source: Items, *, seed: int) -> None:
        """Make the network and the head, on random weights drawn from `seed`."""
        with torch.random.fork_rng(devices=[]):  # torch's generator stays as found
            torch.manual_seed(seed)
            self.network_ = _network(source) if self.network is None else deepcopy(self.network)
            self.network_.eval()
            with torch.no_grad():
                features = self.network_(source.batch(np.arange(min(2, len(source)))))
            if not isinstance(features, Tensor) or features.ndim != 2:
                shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
                raise InputError(f"network must turn items into features (n, d); it returns {shape}. End with Flatten.")
            self.head_ = nn.Linear(features.shape[1], len(self.classes_))

    def _learn_source(self, source: Items, index: Tensor, epochs: int, random: np.random.Generator) -> History:
        def batches(draw: np.random.Generator) -> list[Indexes]:
            return shuffled(len(source), self.batch_size, draw)

        def loss_of(rows: Indexes, progress: float) -> Tensor:
            return cross_entropy(self.head_(self.network_(source.batch(rows))), index[torch.from_numpy(rows)])

        modules = [self.network_, self.head_]
        history = train(modules, batches, loss_of, recipe=self._recipe(epochs), random_state=random)
        # A running mean over the last few batches is a poor measure of a small source.
        self._measure_norms(source)
        return history

    def _measure_norms(self, items: Items) -> None:
        adapt_norms(self.network_, (items.batch(rows) for rows in in_order(len(items), self.batch_size)))

    def _learn_both(self, source: Items, index: Tensor, target: Items, random: np.random.Generator) -> None:
        n_source, n_target = len(source), len(target)
        alignment = self._alignment(int(random.integers(2**31)))
        weight = WEIGHTS[self.align] if self.weight is None else self.weight

        def batches(draw: np.random.Generator) -> list[Pairs]:
            alignment.begin_epoch()
            return paired(n_source, n_target, self.batch_size, draw)

        def side(items: Items, rows: Indexes) -> Side:
            features = self.network_(items.batch(rows))
            return Side(features, self.head_(features))

        def loss_of(batch: Pairs, progress: float) -> Tensor:
            ours, theirs = side(source, batch.source), side(target, batch.target)
            labels = index[torch.from_numpy(batch.source)]
            return cross_entropy(ours.scores, labels) + alignment.loss(ours, theirs, weight * ramp(progress))

        groups = [LayerGroup("network", self.network_), LayerGroup("head", self.head_)]
        if alignment.critic is not None:
            groups.append(LayerGroup("critic", alignment.critic, rate=CRITIC_RATE))
        self.history_ = train(groups, batches, loss_of, recipe=self._recipe(self.epochs), random_state=random)
        self._measure_norms(target)
        self.alarms_ = alarms_of(
            self._answers(target), self.source_answers_, self.source_shares_, domain_accuracies=alignment.accuracies
        )

    def _alignment(self, seed: int) -> Alignment:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Alignment(self.align, self.head_.in_features, len(self.classes_))

    def _recipe(self, epochs: int) -> Recipe:
        return Recipe(epochs=epochs, learning_rate=self.learning_rate)

    # --- answering ----------------------------------------------------------------------------------------------------

    def _scores(self, items: Items) -> NDArray[np.float32]:
        """Return the scores (n, c) of items."""
        self.network_.eval()
        with torch.no_grad():
            parts = [self.head_(self.network_(items.batch(rows))) for rows in in_order(len(items), CHUNK)]
            return np.asarray(torch.cat(parts).numpy())

    def _answers(self, items: Items) -> NDArray[np.float32]:
        return np.asarray(softmax(self._scores(items), axis=1))

    # --- checking -----------------------------------------------------------------------------------------------------

    def _check_choices(self) -> None:
        if self.align not in WEIGHTS:
            raise InputError(f"align={self.align!r} is no choice. Take one of {', '.join(map(repr, WEIGHTS))}.")
        if self.source_epochs < 0 or self.epochs < 1 or self.batch_size < 2:
            raise InputError(
                f"source_epochs={self.source_epochs}, epochs={self.epochs} and batch_size={self.batch_size} must be at "
                "least 0, 1 and 2."
            )
        if self.weight is not None and self.weight < 0:
            raise InputError(f"weight={self.weight} must not be below 0: that would drive the domains apart.")


def _network(source: Items) -> nn.Module:
    """Return a layer for vectors, between batch norms: z-scores by each domain's own statistics."""
    one = source.batch(np.arange(1))
    if not isinstance(one, Tensor) or one.ndim != 2:
        raise InputError("Items that are no vectors (n, d) need a network that turns them into such: network=...")
    return _layers(one.shape[1])


def _layers(width: int) -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(width), nn.Linear(width, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU())


def load_domain_confusion(
    folder: str | os.PathLike[str], network: nn.Module | None = None
) -> DomainConfusionClassifier:
    """Return the fitted classifier that `save` wrote to a folder; no code is run from it.

    network: of the same layers as in `fit`, where one was given there; its weights do not matter.

    Raises
    ------
    ModelFolderError
        The folder holds no whole, unchanged classifier of this kind, or the network is missing or has other layers.
    """
    with opened_model(folder) as saved:
        kind = saved.facts.get("kind")
        if kind != DomainConfusionClassifier.__name__:
            raise ModelFolderError(f"{folder} holds a {kind!r}, no DomainConfusionClassifier. Use anyshot.load.")
        return DomainConfusionClassifier.from_saved(saved, network)


def _card(model: DomainConfusionClassifier) -> str:
    names = ", ".join(json.dumps(str(name)) for name in model.classes_[:SHOWN])
    return f"""---
library_name: anyshot
---

# {len(model.classes_)} classes, told in another domain than the labels came from

Classes: {names}{", ..." if len(model.classes_) > SHOWN else ""}

Made by DomainConfusionClassifier, align={model.align!r}. The folder holds the network's weights and the head, no item.

```python
from anyshot import load
load("this/folder").predict(X)
```
"""
