"""Several tasks on one trunk: a network of the user's own, and a linear head for each task on what it makes."""

import copy
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, Self, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from anyshot.base.model_folder import SavedModel, opened_model, write_model
from anyshot.base.validation import RandomState, generator
from anyshot.errors import BadItemError, InputError, ModelFolderError, WidthError
from anyshot.tasks.multitask.gradient_rules import RULES
from anyshot.tasks.multitask.task import Floats, Kind, Task, TaskLabels, kinds_listed, read_tasks, task_card
from anyshot.training.loop import Recipe, train
from anyshot.training.weights import give_weights, weights_of

Weighting: TypeAlias = Literal["equal", "uncertainty", "pcgrad", "mgda", "cagrad", "imtl-g"]

CHUNK: Final = 512
"""Items answered at once."""
UNLABELED: Final = -1
KEPT_APART: Final = ("trunk", "random_state")
"""Parameters that a model folder has no place for."""


class Heads(nn.Module):
    """A linear layer for each task, and what each task's loss is divided by."""

    def __init__(self, width: int, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.ModuleList(nn.Linear(width, _outputs(task)) for task in tasks)
        self.log_variance = nn.Parameter(torch.zeros(len(tasks)))  # of uncertainty weights

    def losses(self, features: Sequence[Tensor], targets: Sequence[Tensor]) -> list[Tensor]:
        """Return each task's mean loss over its labeled items; 0 for a task with none among them.

        features: of each task (n, width); targets: of each task (n,), -1 or NaN where there is no label.
        """
        return [_loss(layer(each), target) for layer, each, target in zip(self.layers, features, targets, strict=True)]


class MultitaskNetwork(BaseEstimator):
    """Answer several questions about the same items: one trunk for all tasks, a linear head for each.

    Parameters
    ----------
    trunk : nn.Module, or a function of no arguments that makes one
        Items (n, ...) to features (n, width). A module is copied and trained on from its weights as they are; a
        function is called in `fit`, its random weights decided by `random_state`.
    tasks : {task: "classification" or "regression"}, optional
        What it does not name is a regression where a label is a number with a fraction, else a classification.
    weighting : {"equal", "uncertainty", "pcgrad", "mgda", "cagrad", "imtl-g"}, default="equal"
        How the tasks share the trunk: their losses' mean, weights learned from each task's noise, or a rule on the
        Gram matrix of their gradients in the trunk. A rule weighs the trunk only; each head follows its own task.
    epochs : int, default=60
    batch_size : int, default=64
    learning_rate : float, default=3e-3
        Of AdamW, the highest; see `training.loop.Recipe`.
    weight_decay : float, default=1e-2
    random_state : int, Generator or None, default=None

    Attributes
    ----------
    tasks_ : tuple of Task
        What was asked, in the order given.
    trunk_, heads_ : nn.Module
        What was learned, on the CPU.
    item_shape_ : tuple of int
        Shape of an item.
    history_ : DataFrame
        A row an epoch: each task's loss, the mean over its batches, and its mean weight in the trunk.

    References
    ----------
    Kendall, Gal, Cipolla. Multi-Task Learning Using Uncertainty to Weigh Losses. CVPR 2018, eq. (7). The rules' own
    are in `gradient_rules`.
    """

    def __init__(
        self,
        trunk: nn.Module | Callable[[], nn.Module],
        *,
        tasks: Mapping[str, Kind] | None = None,
        weighting: Weighting = "equal",
        epochs: int = 60,
        batch_size: int = 64,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        random_state: RandomState = None,
    ) -> None:
        self.trunk = trunk
        self.tasks = tasks
        self.weighting = weighting
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: TaskLabels) -> Self:
        """Learn from items `X` (n, ...), what the trunk reads, and {task: labels (n,)}, None where there is none.

        Raises
        ------
        InputError
            `weighting` is none of those named, or weighs gradients in a trunk that has none; the trunk does not answer
            (n, width); epochs or batch_size is too small; or `y` is no {task: labels}.
        BadItemError
            An item holds NaN or infinity; its row is named.
        NotEnoughLabelsError, NotEnoughClassesError
            A task has no label at all, or all its labels are the same; the task is named.
        """
        if self.weighting not in ("equal", "uncertainty", *RULES):
            known = ", ".join(["equal", "uncertainty", *RULES])
            raise InputError(f"weighting={self.weighting!r} is not known. There are: {known}.")
        if self.epochs < 1 or self.batch_size < 2:
            raise InputError(f"epochs={self.epochs} and batch_size={self.batch_size} must be at least 1 and 2.")
        items = _items(X)
        self.item_shape_ = tuple(items.shape[1:])
        self.tasks_ = read_tasks(y, n_items=len(items), kinds=self.tasks)
        random = generator(self.random_state)
        with torch.random.fork_rng(devices=[]):  # layers draw their first weights, and dropout, from the global state
            torch.manual_seed(int(random.integers(2**62)))
            self.trunk_ = self._new_trunk()
            self.heads_ = Heads(_width(self.trunk_, items), self.tasks_)
            if self.weighting in RULES and not any(one.requires_grad for one in self.trunk_.parameters()):
                raise InputError(
                    f"weighting={self.weighting!r} weighs gradients in the trunk, and the trunk has nothing to train. "
                    "Take 'equal' or 'uncertainty', or a trunk whose parameters need gradients."
                )
            self.history_ = self._train(items, _targets(self.tasks_, len(items)), random)
        return self

    def predict(self, X: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return {task: answers (n,)}: classes, or numbers in the units of the labels."""
        return {task.name: task.answers(scores) for task, scores in self._scores(X)}

    def predict_proba(self, X: ArrayLike) -> dict[str, Floats]:
        """Return {task: probabilities (n, c)} of the tasks that ask for a class."""
        return {task.name: task.probabilities(scores) for task, scores in self._scores(X) if task.classes is not None}

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write trunk and heads to a folder: JSON and safetensors, no code.

        The trunk's weights are kept, its layers are not: `load_multitask_network` is given a trunk of the same layers.

        Raises
        ------
        ModelFolderError
            The folder cannot be written, or holds something else.
        """
        check_is_fitted(self)
        given = {name: value for name, value in self.get_params(deep=False).items() if name not in KEPT_APART}
        facts = {
            "kind": type(self).__name__,
            "parameters": {**given, "tasks": kinds_listed(self.tasks)},
            "tasks": [task.facts() for task in self.tasks_],
            "width": self.heads_.width,
            "item_shape": self.item_shape_,
        }
        arrays = weights_of(self.trunk_, "trunk") | weights_of(self.heads_, "heads")
        write_model(folder, facts=facts, arrays=arrays, card=task_card(self.tasks_))

    @classmethod
    def from_saved(cls, saved: SavedModel, trunk: nn.Module | Callable[[], nn.Module]) -> Self:
        """Return what `save` wrote, on a trunk of the same layers.

        Raises
        ------
        ModelFolderError
            The trunk has other layers than the one that was saved.
        """
        facts: dict[str, Any] = saved.facts
        model = cls(trunk, **facts["parameters"])
        model.tasks = None if model.tasks is None else dict(model.tasks)
        model.tasks_ = tuple(Task.from_facts(task) for task in facts["tasks"])
        model.item_shape_ = tuple(facts["item_shape"])
        with torch.random.fork_rng(devices=[]):  # layers draw their first weights, which are then replaced
            model.trunk_ = model._new_trunk()
            model.heads_ = Heads(facts["width"], model.tasks_)
        give_weights(model.trunk_, saved.arrays, "trunk")
        give_weights(model.heads_, saved.arrays, "heads")
        return model

    def _new_trunk(self) -> nn.Module:
        if isinstance(self.trunk, nn.Module):
            return copy.deepcopy(self.trunk)
        made = self.trunk() if callable(self.trunk) else self.trunk
        if not isinstance(made, nn.Module):
            raise InputError(f"trunk must be a torch module, or make one; it gave a {type(made).__name__}.")
        return made

    def _scores(self, X: ArrayLike) -> list[tuple[Task, Floats]]:
        check_is_fitted(self)
        items = _items(X)
        if tuple(items.shape[1:]) != self.item_shape_:
            raise WidthError(f"X has items of shape {tuple(items.shape[1:])}; the model knows {self.item_shape_}.")
        self.trunk_.eval()
        with torch.inference_mode():
            features = torch.cat([self.trunk_(part) for part in torch.split(items, CHUNK)])
            scores = [layer(features).double().numpy() for layer in self.heads_.layers]
        return list(zip(self.tasks_, scores, strict=True))

    def _train(self, items: Tensor, targets: list[Tensor], random: np.random.Generator) -> pd.DataFrame:
        labeled = np.flatnonzero(np.any([(target >= 0).numpy() for target in _marks(targets)], axis=0))
        lines = []

        def batches(dealing: np.random.Generator) -> list[NDArray[np.intp]]:
            # About `batch_size` each, and so none of one item only, which batch norm cannot read.
            return np.array_split(dealing.permutation(labeled), max(1, round(len(labeled) / self.batch_size)))

        def loss_of(rows: NDArray[np.intp], progress: float) -> Tensor:
            loss, line = self._loss(items[rows], [target[rows] for target in targets], random)
            lines.append(line)
            return loss

        recipe = Recipe(self.epochs, self.learning_rate, self.weight_decay)
        train([self.trunk_, self.heads_], batches, loss_of, recipe=recipe, random_state=random)
        names = [f"{what} {task.name}" for what in ("loss", "weight") for task in self.tasks_]
        table = pd.DataFrame(lines, columns=names)
        return table.groupby(np.arange(len(table)) * self.epochs // len(table)).mean()

    def _loss(self, items: Tensor, targets: list[Tensor], random: np.random.Generator) -> tuple[Tensor, list[float]]:
        """Return what is to be minimized on one batch, and each task's loss and weight."""
        features = self.trunk_(items)
        losses = self.heads_.losses([features] * len(targets), targets)
        there = [place for place, target in enumerate(_marks(targets)) if (target >= 0).any()]
        weights = np.zeros(len(targets))
        if self.weighting in RULES:
            gram = gram_of(
                [losses[place] for place in there], [one for one in self.trunk_.parameters() if one.requires_grad]
            )
            weights[there] = RULES[self.weighting](gram, random)
            # The same features with a slope of weight w in the trunk and of 1 in the head.
            leant = [features.detach() + float(w) * (features - features.detach()) for w in weights]
            total = torch.stack(self.heads_.losses(leant, targets)).sum()
        elif self.weighting == "uncertainty":
            precision = torch.exp(-self.heads_.log_variance)
            each = precision * torch.stack(losses) + self.heads_.log_variance / 2
            weights[there] = precision.detach().numpy()[there] / len(there)
            total = each[there].mean()
        else:
            weights[there] = 1 / len(there)
            total = torch.stack(losses)[there].mean()
        return total, [*(float(loss.detach()) for loss in losses), *weights.tolist()]


def load_multitask_network(
    folder: str | os.PathLike[str], trunk: nn.Module | Callable[[], nn.Module]
) -> MultitaskNetwork:
    """Return the fitted network that `save` wrote to a folder, on a trunk of the same layers as in `fit`.

    Raises
    ------
    ModelFolderError
        The folder holds no whole, unchanged network of this kind, or the trunk has other layers.
    """
    with opened_model(folder) as saved:
        kind = saved.facts.get("kind")
        if kind != MultitaskNetwork.__name__:
            raise ModelFolderError(f"{folder} holds a {kind!r}, no MultitaskNetwork. Use anyshot.load.")
        return MultitaskNetwork.from_saved(saved, trunk)


def gram_of(losses: Sequence[Tensor], parameters: list[nn.Parameter]) -> Floats:
    """Return the inner products (t, t) of the losses' gradients."""
    rows = []
    for loss in losses:
        slopes = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        rows.append(torch.cat([slope.reshape(-1).double() for slope in slopes if slope is not None]))
    table = torch.stack(rows)  # (t, parameters)
    return np.asarray((table @ table.T).numpy(), dtype=np.float64)


def _loss(scores: Tensor, target: Tensor) -> Tensor:
    if target.dtype == torch.long:
        known = target != UNLABELED
        return functional.cross_entropy(scores[known], target[known]) if known.any() else scores.sum() * 0
    known = target.isfinite()
    return functional.mse_loss(scores[known, 0], target[known]) / 2 if known.any() else scores.sum() * 0


def _targets(tasks: Sequence[Task], n_items: int) -> list[Tensor]:
    """Return each task's labels (n,), -1 or NaN where there is none."""
    made = []
    for task in tasks:
        rows = torch.from_numpy(task.rows)
        if task.classes is None:
            target = torch.full((n_items,), math.nan)
            target[rows] = torch.from_numpy(task.targets).float()
        else:
            target = torch.full((n_items,), UNLABELED, dtype=torch.long)
            target[rows] = torch.from_numpy(task.targets)
        made.append(target)
    return made


def _marks(targets: Sequence[Tensor]) -> list[Tensor]:
    """Return 0 or more for each item with a label, -1 for one without (n,)."""
    return [
        target if target.dtype == torch.long else torch.where(target.isfinite(), 0, UNLABELED) for target in targets
    ]


def _outputs(task: Task) -> int:
    return 1 if task.classes is None else len(task.classes)


def _items(X: ArrayLike) -> Tensor:
    try:
        table = np.asarray(X, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"X must be an array of numbers (n, ...) that the trunk reads: {error}.") from error
    if table.ndim < 2 or not len(table):
        raise InputError(f"X must hold one array of numbers an item, (n, ...); its shape is {table.shape}.")
    bad = np.flatnonzero(~np.isfinite(table.reshape(len(table), -1)).all(axis=1))
    if bad.size:
        raise BadItemError(f"X holds NaN or infinity in row {bad[0]}. Drop or mend it.")
    return torch.from_numpy(np.ascontiguousarray(table))


def _width(trunk: nn.Module, items: Tensor) -> int:
    trunk.eval()
    try:
        with torch.no_grad():  # inference_mode would bind what lazy layers draw to it
            features = trunk(items[:2])
    except RuntimeError as error:
        raise InputError(f"The trunk cannot read items of shape {tuple(items.shape[1:])}: {error}.") from error
    if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(items[:2]):
        shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise InputError(
            f"The trunk answered {shape} to items of shape {tuple(items[:2].shape)}; it must answer features "
            "(n, width). End it with nn.Flatten()."
        )
    return int(features.shape[1])
