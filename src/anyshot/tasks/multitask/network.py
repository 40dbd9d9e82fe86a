"""Multitask network: a trunk from the user, and a linear head for each task."""

import copy
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from anyshot.base.estimator import all_or_nothing
from anyshot.base.model_folder import SavedModel, opened_model, write_model
from anyshot.base.validation import Floats, RandomState, check_whole, generator, number_rows, refuse_not_finite
from anyshot.base.weighted_items import checked_weights
from anyshot.errors import InputError, WidthError
from anyshot.tasks.multitask.gradient_rules import RULES
from anyshot.tasks.multitask.task import FittedTasks, Task, TaskKind, TaskLabels, read_tasks, task_card
from anyshot.training.loop import train
from anyshot.training.networks import features_width, seeded
from anyshot.training.recipe import Recipe
from anyshot.training.weights import load_weights, weights_of

Weighting: TypeAlias = Literal["equal", "uncertainty", "pcgrad", "mgda", "cagrad", "imtl-g"]

CHUNK: Final = 512
"""Items in a batch of `predict`."""
UNLABELED: Final = -1  # in place of a class


class Heads(nn.Module):
    """A linear layer and a log-variance for each task."""

    def __init__(self, width: int, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.ModuleList(
            nn.Linear(width, 1 if task.classes is None else len(task.classes)) for task in tasks
        )
        self.log_variance = nn.Parameter(torch.zeros(len(tasks)))  # for weighting="uncertainty"

    def losses(self, features: Sequence[Tensor], batch: "_Batch") -> list[Tensor]:
        """Return each task's mean loss over its labeled items, 0 if there are none; features: for each (n, width)."""
        scores = [layer(each) for layer, each in zip(self.layers, features, strict=True)]
        return [_loss(own, target, batch.weights) for own, target in zip(scores, batch.targets, strict=True)]


class _Batch(NamedTuple):
    items: Tensor  # (n, ...)
    targets: list[Tensor]  # for each task (n,), -1 or NaN without a label
    weights: Tensor  # (n,)

    def take(self, rows: NDArray[np.intp]) -> "_Batch":
        return _Batch(self.items[rows], [target[rows] for target in self.targets], self.weights[rows])

    def labeled(self) -> list[Tensor]:
        """Return for each task which items have a label (n,)."""
        return [_has_label(target) for target in self.targets]


class MultitaskNetwork(FittedTasks):
    """Network for several classification and regression tasks: a shared trunk, and a linear head for each task.

    Parameters
    ----------
    trunk : nn.Module, or a function without arguments that returns one
        Maps items (n, ...) to features (n, width). A module is copied and trained from its current weights; a function
        is called in `fit`, and its random weights depend on `random_state`.
    tasks : {task: "classification" or "regression"}, optional
        For other tasks the labels decide: numbers with fractions, or more than ten different whole numbers, are a
        regression; names, and whole numbers from 0 on, a classification. What was taken is stated in `reasons_`.
    weighting : {"equal", "uncertainty", "pcgrad", "mgda", "cagrad", "imtl-g"}, default="equal"
        How the tasks' losses are combined: by their mean, with weights learned from each task's noise, or by a rule on
        the gradients of the trunk (see `gradient_rules`). A rule applies to the trunk only, not to the heads.
    epochs : int, default=60
    batch_size : int, default=64
    learning_rate : float, default=3e-3
        Maximum, of AdamW; see `training.recipe.Recipe`.
    weight_decay : float, default=1e-2
    random_state : int, Generator or None, default=None

    Attributes
    ----------
    tasks_ : tuple of Task
        The tasks, in the order of `y`.
    trunk_, heads_ : nn.Module
        The trained modules, on the CPU.
    item_shape_ : tuple of int
        Shape of an item.
    history_ : DataFrame
        One row for each epoch: the mean loss of each task and its mean weight in the trunk, over batches.

    References
    ----------
    Kendall, Gal, Cipolla. Multi-Task Learning Using Uncertainty to Weigh Losses. CVPR 2018, eq. (7) and
    (10). Those of the rules are in `gradient_rules`.
    """

    _not_saved = ("trunk", "random_state")

    def __init__(
        self,
        trunk: nn.Module | Callable[[], nn.Module],
        *,
        tasks: Mapping[str, TaskKind] | None = None,
        weighting: Weighting = "equal",
        epochs: int = 60,
        batch_size: int = 64,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        random_state: RandomState = None,
    ) -> None:
        self.trunk, self.tasks, self.weighting, self.epochs = trunk, tasks, weighting, epochs
        self.batch_size, self.learning_rate, self.weight_decay = batch_size, learning_rate, weight_decay
        self.random_state = random_state

    @all_or_nothing
    def fit(self, X: ArrayLike, y: TaskLabels, *, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to items `X` (n, ...), the input of the trunk, and {task: labels (n,)}, None for items without a label.

        sample_weight (n,): how often each item counts in all tasks, from 0 (as if it were absent) to below 1,000. An
        item of weight 3 is in the batches as three copies.

        Raises
        ------
        InputError
            `weighting` is unknown, or a rule on gradients and the trunk has no trainable parameters; the trunk does not
            return (n, width); epochs or batch_size is too small; or `y` is not {task: labels}.
        BadItemError
            An item contains NaN or infinity.
        NotEnoughLabelsError, NotEnoughClassesError
            A task has no labels, or all its labels are the same.
        """
        if self.weighting not in ("equal", "uncertainty", *RULES):
            names = ", ".join(["equal", "uncertainty", *RULES])
            raise InputError(f"Unknown weighting {self.weighting!r}. Choose one of: {names}.")
        check_whole(1, epochs=self.epochs)
        check_whole(2, batch_size=self.batch_size)
        items = _items(X)
        weights = np.ones(len(items)) if sample_weight is None else checked_weights(X, sample_weight, len(items))
        weights = weights.astype(np.float32).astype(np.float64)  # 0 where too small for the network
        tasks = read_tasks(y, n_items=len(items), kinds=self.tasks, items=X, weights=weights)
        copies = np.ceil(weights).astype(np.intp)
        of_copies = torch.from_numpy(weights / np.maximum(copies, 1)).float()
        data = _Batch(items, _targets(tasks, len(items)), of_copies)
        random = generator(self.random_state)
        with seeded(int(random.integers(2**62))):  # initial weights and dropout use the global generator
            trunk, some = self._new_trunk(), items[:2]
            heads = Heads(features_width(trunk, some, n_items=len(some), name="trunk"), tasks)
            if self.weighting in RULES and not any(one.requires_grad for one in trunk.parameters()):
                raise InputError(
                    f"weighting={self.weighting!r} needs trainable parameters in the trunk, and there are none. Use "
                    "'equal' or 'uncertainty', or a trunk whose parameters require gradients."
                )
            history = self._train(trunk, heads, data, np.repeat(np.arange(len(items)), copies), random)
        self.item_shape_, self.tasks_, self.trunk_, self.heads_ = tuple(items.shape[1:]), tasks, trunk, heads
        self.history_ = history.set_axis(
            [f"{what} {task.name}" for what in ("loss", "weight") for task in tasks], axis=1
        )
        return self

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the weights of trunk and heads to a folder, as JSON and safetensors.

        The layers of the trunk are not saved: pass a trunk with the same layers to `load_multitask_network`.

        Raises
        ------
        ModelFolderError
            The folder cannot be written, or contains something else.
        """
        facts = {**self._facts(), "width": self.heads_.width, "item_shape": self.item_shape_}
        arrays = weights_of(self.trunk_, "trunk") | weights_of(self.heads_, "heads")
        write_model(folder, facts=facts, arrays=arrays, card=task_card(self.tasks_))

    @classmethod
    def from_saved(cls, saved: SavedModel, trunk: nn.Module | Callable[[], nn.Module]) -> Self:
        """Return the network from a folder that `save` wrote, with a trunk of the same layers."""
        facts: dict[str, Any] = saved.facts
        model = cls(trunk, **facts["parameters"])
        model._set_tasks(facts)
        model.item_shape_ = tuple(facts["item_shape"])
        with seeded(0):  # the initial weights are replaced
            model.trunk_ = model._new_trunk()
            model.heads_ = Heads(facts["width"], model.tasks_)
        load_weights(model.trunk_, saved.arrays, "trunk")
        load_weights(model.heads_, saved.arrays, "heads")
        return model

    def _new_trunk(self) -> nn.Module:
        if isinstance(self.trunk, nn.Module):
            return copy.deepcopy(self.trunk)
        trunk = self.trunk() if callable(self.trunk) else self.trunk
        if not isinstance(trunk, nn.Module):
            raise InputError(f"trunk must be a torch module or return one; got a {type(trunk).__name__}.")
        return trunk

    def _scores(self, X: ArrayLike) -> dict[str, Floats]:
        check_is_fitted(self)
        items = _items(X)
        if tuple(items.shape[1:]) != self.item_shape_:
            raise WidthError(f"X has items of shape {tuple(items.shape[1:])}; the model needs {self.item_shape_}.")
        self.trunk_.eval()
        with torch.inference_mode():
            features = torch.cat([self.trunk_(part) for part in torch.split(items, CHUNK)])
            scores = [layer(features).double().numpy() for layer in self.heads_.layers]
        return {task.name: own for task, own in zip(self.tasks_, scores, strict=True)}

    def _train(
        self, trunk: nn.Module, heads: Heads, data: _Batch, rows: NDArray[np.intp], random: np.random.Generator
    ) -> pd.DataFrame:
        """Train on `rows` of the data, each as often as it counts; return the losses and weights of each epoch."""
        labeled = rows[np.any([own.numpy() for own in data.labeled()], axis=0)[rows]]
        lines = []

        def batches(shuffling: np.random.Generator) -> list[NDArray[np.intp]]:
            # Batches of about equal size, and of two or more items: batch norm cannot process a single one.
            n_batches = min(round(len(labeled) / self.batch_size), len(labeled) // 2)
            return np.array_split(shuffling.permutation(labeled), max(1, n_batches))

        def loss_of(rows: NDArray[np.intp], progress: float) -> Tensor:
            loss, line = self._loss(trunk, heads, data.take(rows), random)
            lines.append(line)
            return loss

        recipe = Recipe(self.epochs, self.learning_rate, self.weight_decay)
        train([trunk, heads], batches, loss_of, recipe=recipe, random_state=random)
        table = pd.DataFrame(lines)
        return table.groupby(np.arange(len(table)) * self.epochs // len(table)).mean()

    def _loss(
        self, trunk: nn.Module, heads: Heads, batch: _Batch, random: np.random.Generator
    ) -> tuple[Tensor, list[float]]:
        """Return the total loss of a batch, and the loss and weight of each task."""
        features, n_tasks = trunk(batch.items), len(batch.targets)
        losses = heads.losses([features] * n_tasks, batch)
        present = [number for number, own in enumerate(batch.labeled()) if own.any()]
        weights = np.zeros(n_tasks)
        if self.weighting in RULES:
            parameters = [one for one in trunk.parameters() if one.requires_grad]
            gram = gram_of([losses[number] for number in present], parameters)
            weights[present] = RULES[self.weighting](gram, random)
            # The same features, with gradients of weight w in the trunk and 1 in the head.
            weighted = [features.detach() + float(w) * (features - features.detach()) for w in weights]
            total = torch.stack(heads.losses(weighted, batch)).sum()
        elif self.weighting == "uncertainty":
            precision = torch.exp(-heads.log_variance)
            each = precision * torch.stack(losses) + heads.log_variance / 2
            weights[present] = precision.detach().numpy()[present] / len(present)
            total = each[present].mean()
        else:
            weights[present] = 1 / len(present)
            total = torch.stack(losses)[present].mean()
        return total, [*(float(loss.detach()) for loss in losses), *weights.tolist()]


def load_multitask_network(
    folder: str | os.PathLike[str], trunk: nn.Module | Callable[[], nn.Module]
) -> MultitaskNetwork:
    """Return the fitted network from a folder that `save` wrote, with a trunk of the same layers as in `fit`.

    Raises
    ------
    ModelFolderError
        The folder does not contain a complete, unchanged network, or the trunk has other layers.
    """
    with opened_model(folder, kind=MultitaskNetwork.__name__) as saved:
        return MultitaskNetwork.from_saved(saved, trunk)


def gram_of(losses: Sequence[Tensor], parameters: list[nn.Parameter]) -> Floats:
    """Return the inner products (t, t) of the losses' gradients."""
    rows = []
    for loss in losses:
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        rows.append(torch.cat([gradient.reshape(-1).double() for gradient in gradients if gradient is not None]))
    table = torch.stack(rows)  # (t, parameters)
    return np.asarray((table @ table.T).numpy(), dtype=np.float64)


def _loss(scores: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    labeled = _has_label(target)
    if not labeled.any():
        return scores.sum() * 0
    own, known, counted = scores[labeled], target[labeled], weights[labeled]
    is_class = target.dtype == torch.long
    each = functional.cross_entropy(own, known, reduction="none") if is_class else (own[:, 0] - known) ** 2 / 2
    return (counted * each).sum() / counted.sum()


def _targets(tasks: Sequence[Task], n_items: int) -> list[Tensor]:
    """Return each task's labels (n,), -1 or NaN without a label."""
    targets = []
    for task in tasks:
        empty, dtype = (math.nan, torch.float) if task.classes is None else (UNLABELED, torch.long)
        targets.append(torch.full((n_items,), empty, dtype=dtype))
        targets[-1][torch.from_numpy(task.rows)] = torch.from_numpy(task.targets).to(dtype)
    return targets


def _has_label(target: Tensor) -> Tensor:
    return target != UNLABELED if target.dtype == torch.long else target.isfinite()


def _items(X: ArrayLike) -> Tensor:
    table = number_rows(X, dtype=np.float32)
    if table.ndim < 2:
        raise InputError(f"X must contain an array of numbers for each item, (n, ...); its shape is {table.shape}.")
    refuse_not_finite(table, X, name="X")
    return torch.from_numpy(np.ascontiguousarray(table))
