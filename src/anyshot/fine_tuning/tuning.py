"""The settings of fine-tuning beyond its epochs and its learning rate."""

import math
import os
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from anyshot import training
from anyshot.base.validation import RandomState, check_numbers, check_whole, generator, is_number
from anyshot.errors import InputError
from anyshot.training.recipe import Recipe, check_rules


@dataclass(frozen=True)
class Tuning:
    """Settings of fine-tuning. The defaults suit most data.

    Attributes
    ----------
    batch_size : int
        Items in a batch.
    accumulate : int
        Batches whose gradients are added up for one optimizer step.
    head_rate : float
        Learning rate of the head, as a multiple of that of the last stage.
    depth_decay : float
        Learning rate of each stage, as a multiple of that of the stage above it.
    unfreeze_every : float
        Epochs between the unfreezing of a stage and of the stage below it; 0 trains all stages from the start.
    weight_decay, warm_up, clip
        See `training.recipe.Recipe`.
    smoothing : float
        Label smoothing: fraction of each target that is spread over all classes.
    dropout : float
        Dropout rate, applied to token states at the freeze point and to pooled features.
    class_weight : {"balanced"} or None
        "balanced" weights the loss so that every class counts the same.
    class_prior : {"balanced", "labels"}
        Class frequencies expected at prediction time: equal, or those of the training labels.
    held_out : float or "auto"
        Fraction of the labeled items that is held out to choose the best epoch; "auto" is a tenth from 1,000 labels
        on, and 0 below.
    patience : int or None
        Epochs without improvement on the held-out items after which training stops.
    interpolation : float or "auto"
        Interpolate between the initial weights (0) and the trained ones (1). "auto" chooses the value with the lowest
        loss on the held-out items, and is 0.5 without held-out items.
    augment : int
        Augmented views of each image to train on; texts have none.
    rank : int
        Rank of the matrices of method="lora".
    precision : {"auto", "float32", "bfloat16"}
        Precision of matrix products in training; "auto" is bfloat16 on a GPU that supports it, float32 elsewhere.
    cache : bool
        Whether to keep activations on disk for later runs.
    budget_mb : float
        Memory for activations [MB]; larger ones are memory-mapped from files.
    checkpoints : path or None
        Folder for checkpoints, for this run alone. An interrupted `fit` resumes from it exactly; with
        random_state=None the seed is then 0.
    """

    batch_size: int = 32
    accumulate: int = 1
    head_rate: float = 10.0
    depth_decay: float = 0.8
    unfreeze_every: float = 0.0
    weight_decay: float = 0.01
    warm_up: float = 0.1
    clip: float | None = 1.0
    smoothing: float = 0.0
    dropout: float = 0.1
    class_weight: Literal["balanced"] | None = None
    class_prior: Literal["balanced", "labels"] = "balanced"
    held_out: float | Literal["auto"] = "auto"
    patience: int | None = 3
    interpolation: float | Literal["auto"] = "auto"
    augment: int = 0
    rank: int = 8
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    cache: bool = True
    budget_mb: float = 512.0
    checkpoints: str | os.PathLike[str] | None = None

    def recipe(self, *, epochs: int, learning_rate: float, device: torch.device) -> Recipe:
        """Return the settings of the training loop on `device`; raise InputError if a number is out of range."""
        precision = self.precision
        if precision == "auto":
            is_fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
            precision = "bfloat16" if is_fast else "float32"
        return Recipe(
            epochs=epochs,
            learning_rate=learning_rate,
            weight_decay=self.weight_decay,
            warm_up=self.warm_up,
            clip=self.clip,
            accumulate=self.accumulate,
            precision=precision,
            patience=self.patience,
        )

    def generator(self, random_state: RandomState, *, device: torch.device) -> np.random.Generator:
        """Return the random generator of a run, the same in every process that trains the model on `device`.

        A run with checkpoints and without a seed gets the seed 0, so that it can be resumed.
        """
        random = generator(0 if random_state is None and self.checkpoints is not None else random_state)
        team = training.processes(device)
        return random if team.size == 1 else generator(team.agree(int(random.integers(2**31))))

    def __post_init__(self) -> None:
        """Raise InputError where a setting is out of range."""
        check_whole(1, batch_size=self.batch_size, accumulate=self.accumulate, rank=self.rank)
        check_whole(0, augment=self.augment)
        numbers = ("head_rate", "depth_decay", "unfreeze_every", "smoothing", "dropout", "budget_mb")
        check_numbers(**{name: getattr(self, name) for name in numbers})
        held_out, interpolation = self.held_out, self.interpolation
        rules = {
            "head_rate": (0 < self.head_rate < math.inf, "be positive and finite"),
            "depth_decay": (0 < self.depth_decay <= 1, "be above 0 and at most 1"),
            "unfreeze_every": (0 <= self.unfreeze_every < math.inf, "be finite and not negative"),
            "smoothing": (0 <= self.smoothing < 1, "be at least 0 and below 1"),
            "dropout": (0 <= self.dropout < 1, "be at least 0 and below 1"),
            "budget_mb": (self.budget_mb >= 0, "not be negative"),
            "held_out": (
                _is_one_of(held_out, "auto") or (is_number(held_out) and 0 <= held_out < 1),
                "be at least 0 and below 1, or 'auto'",
            ),
            "interpolation": (
                _is_one_of(interpolation, "auto") or (is_number(interpolation) and 0 <= interpolation <= 1),
                "be between 0 and 1, or 'auto'",
            ),
            "class_weight": (_is_one_of(self.class_weight, None, "balanced"), "be 'balanced' or None"),
            "class_prior": (_is_one_of(self.class_prior, "balanced", "labels"), "be 'balanced' or 'labels'"),
            "precision": (
                _is_one_of(self.precision, "auto", "float32", "bfloat16"),
                "be 'auto', 'float32' or 'bfloat16'",
            ),
            "cache": (isinstance(self.cache, bool | np.bool_), "be True or False"),
            "checkpoints": (isinstance(self.checkpoints, str | os.PathLike | None), "be the path of a folder, or None"),
        }
        check_rules(self, rules)


def check_tuning(tuning: object) -> Tuning:
    """Return the settings, by default `Tuning()`; raise InputError for another type."""
    settings = Tuning() if tuning is None else tuning
    if not isinstance(settings, Tuning):
        got = "the class itself" if settings is Tuning else f"a {type(settings).__name__}"
        raise InputError(f"tuning must be a Tuning, such as Tuning(batch_size=16), or None; got {got}.")
    return settings


def _is_one_of(value: object, *allowed: str | None) -> bool:
    """Return whether `value` is one of these strings. Comparing an array would return an array, so types come first."""
    return (value is None or isinstance(value, str)) and value in allowed
