"""How fine-tuning is done, beyond its epochs and its learning rate: one value, with defaults that suit most data."""

import math
import os
from dataclasses import dataclass
from typing import Literal

import torch

from anyshot.errors import InputError
from anyshot.training.loop import Recipe


@dataclass(frozen=True)
class Tuning:
    """Settings of fine-tuning.

    Attributes
    ----------
    batch_size : int
        Items whose mean gradient is taken together.
    accumulate : int
        Batches that make one step.
    head_rate : float
        The head's learning rate over the last stage's.
    depth_decay : float
        Each stage's learning rate over the next later one's.
    unfreeze_every : float
        Epochs between the unfreezing of a stage and of the one before it; 0 trains all from the start.
    weight_decay, warm_up, clip
        See `training.loop.Recipe`.
    smoothing : float
        Share of each target that is spread over all classes.
    dropout : float
        Share of the numbers that training leaves out, of tokens' states at the freeze point and of pooled features.
    class_weight : {"balanced"} or None
        "balanced" lets every class count the same in the loss.
    class_prior : {"balanced", "labels"}
        How frequent classes are in the work to come: equally, whatever the labels' numbers, or as among the labels.
    held_out : float or "auto"
        Share of the labelled items that training does not see, to stop by; 0 for none; "auto" is a tenth from 1,000
        labels on, none below.
    patience : int or None
        Epochs without a better figure on them before training stops.
    moved : float or "auto"
        How far the weights go from the first ones to the trained ones, 0 to 1; "auto" is as far as answers the held-out
        items best, half the way where none is held out.
    augment : int
        Changed views of each image that training draws among; texts have none.
    rank : int
        Of the matrices that method="lora" trains.
    precision : {"auto", "float32", "bfloat16"}
        Of products in training; "auto" is bfloat16 on a GPU that has it, else float32.
    cache : bool
        Whether activations are kept on disk for later runs.
    budget_mb : float
        Activations held in memory [MB]; more are mapped from files.
    checkpoints : path or None
        Where an interrupted `fit` goes on from, exactly.
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
    moved: float | Literal["auto"] = "auto"
    augment: int = 0
    rank: int = 8
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    cache: bool = True
    budget_mb: float = 512.0
    checkpoints: str | os.PathLike[str] | None = None

    def recipe(self, *, epochs: int, learning_rate: float, device: torch.device) -> Recipe:
        """Return how to train on `device`.

        Raises
        ------
        InputError
            A number is out of range.
        """
        precision = self.precision
        if precision == "auto":
            is_fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
            precision = "bfloat16" if is_fast else "float32"
        made = Recipe(
            epochs=epochs,
            learning_rate=learning_rate,
            weight_decay=self.weight_decay,
            warm_up=self.warm_up,
            clip=self.clip,
            accumulate=self.accumulate,
            precision=precision,
            patience=self.patience,
        )
        made.check()
        return made

    def check(self) -> None:
        """Raise InputError where a setting is out of range."""
        wrong = [
            (self.batch_size < 1, f"batch_size must be at least 1; it is {self.batch_size}."),
            (not 0 < self.head_rate < math.inf, f"head_rate must be above 0; it is {self.head_rate}."),
            (
                not 0 < self.depth_decay <= 1,
                f"depth_decay must lie above 0 and at most at 1; it is {self.depth_decay}.",
            ),
            (self.unfreeze_every < 0, f"unfreeze_every cannot be negative; it is {self.unfreeze_every}."),
            (not 0 <= self.smoothing < 1, f"smoothing is a share, 0 to below 1; it is {self.smoothing}."),
            (not 0 <= self.dropout < 1, f"dropout is a share, 0 to below 1; it is {self.dropout}."),
            (self.class_weight not in (None, "balanced"), f"class_weight={self.class_weight!r} is not 'balanced'."),
            (
                self.class_prior not in ("balanced", "labels"),
                f"class_prior={self.class_prior!r} is neither 'balanced' nor 'labels'.",
            ),
            (
                self.held_out != "auto" and not (isinstance(self.held_out, (int, float)) and 0 <= self.held_out < 1),
                f"held_out is a share, 0 to below 1, or 'auto'; it is {self.held_out!r}.",
            ),
            (self.weight_decay < 0, f"weight_decay cannot be negative; it is {self.weight_decay}."),
            (
                self.patience is not None and self.patience < 1,
                f"patience must be at least 1 epoch, or None; it is {self.patience}.",
            ),
            (self.budget_mb < 0, f"budget_mb cannot be negative; it is {self.budget_mb}."),
            (
                self.moved != "auto" and not (isinstance(self.moved, (int, float)) and 0 <= self.moved <= 1),
                f"moved is a share, 0 to 1, or 'auto'; it is {self.moved!r}.",
            ),
            (self.augment < 0, f"augment is a number of views, 0 or more; it is {self.augment}."),
            (self.rank < 1, f"rank must be at least 1; it is {self.rank}."),
            (
                self.precision not in ("auto", "float32", "bfloat16"),
                f"precision={self.precision!r} is none of auto, float32, bfloat16.",
            ),
        ]
        for is_wrong, message in wrong:
            if is_wrong:
                raise InputError(message)
