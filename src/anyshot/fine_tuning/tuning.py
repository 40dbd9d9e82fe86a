"""How fine-tuning is done, beyond its epochs and its learning rate: one value, with defaults that suit most data."""

import math
import os
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from anyshot.base.validation import RandomState, check_numbers, check_whole, generator, is_number
from anyshot.errors import InputError
from anyshot.training.loop import Recipe
from anyshot.training.processes import processes


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
        Share of the labeled items that training does not see, to stop by; 0 for none; "auto" is a tenth from 1,000
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
        A folder of its own, where an interrupted `fit` goes on from, exactly; with random_state=None the seed is 0.
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

    def randomness(self, random_state: RandomState, *, device: torch.device) -> np.random.Generator:
        """Return the one source of a run's randomness, the same in every process that trains the model on `device`.

        Without a seed, a run that is kept in a folder is seeded by 0: it could not be gone on from otherwise.
        """
        random = generator(0 if random_state is None and self.checkpoints is not None else random_state)
        team = processes(device)
        return random if team.size == 1 else generator(team.agree(int(random.integers(2**31))))

    def check(self) -> None:
        """Raise InputError where a setting is out of range."""
        check_whole(1, batch_size=self.batch_size, accumulate=self.accumulate, rank=self.rank)
        check_whole(0, augment=self.augment)
        check_numbers(
            head_rate=self.head_rate,
            depth_decay=self.depth_decay,
            unfreeze_every=self.unfreeze_every,
            smoothing=self.smoothing,
            dropout=self.dropout,
            budget_mb=self.budget_mb,
        )
        wrong = [
            (not 0 < self.head_rate < math.inf, f"head_rate must be above 0; it is {self.head_rate}."),
            (
                not 0 < self.depth_decay <= 1,
                f"depth_decay must lie above 0 and at most at 1; it is {self.depth_decay}.",
            ),
            (
                not 0 <= self.unfreeze_every < math.inf,
                f"unfreeze_every cannot be negative, and must be finite; it is {self.unfreeze_every}.",
            ),
            (not 0 <= self.smoothing < 1, f"smoothing is a share, 0 to below 1; it is {self.smoothing}."),
            (not 0 <= self.dropout < 1, f"dropout is a share, 0 to below 1; it is {self.dropout}."),
            (
                not _is_one_of(self.held_out, "auto") and not (is_number(self.held_out) and 0 <= self.held_out < 1),
                f"held_out is a share, 0 to below 1, or 'auto'; it is {self.held_out!r}.",
            ),
            (not self.budget_mb >= 0, f"budget_mb cannot be negative; it is {self.budget_mb}."),
            (
                not _is_one_of(self.moved, "auto") and not (is_number(self.moved) and 0 <= self.moved <= 1),
                f"moved is a share, 0 to 1, or 'auto'; it is {self.moved!r}.",
            ),
            *self._wrong_kinds(),
        ]
        for is_wrong, message in wrong:
            if is_wrong:
                raise InputError(message)

    def _wrong_kinds(self) -> list[tuple[bool, str]]:
        """Return whether each setting that is no number is none of what it may be, and what to say then."""
        return [
            (
                not _is_one_of(self.class_weight, None, "balanced"),
                f"class_weight={self.class_weight!r} is not 'balanced'.",
            ),
            (
                not _is_one_of(self.class_prior, "balanced", "labels"),
                f"class_prior={self.class_prior!r} is neither 'balanced' nor 'labels'.",
            ),
            (
                not _is_one_of(self.precision, "auto", "float32", "bfloat16"),
                f"precision={self.precision!r} is none of auto, float32, bfloat16.",
            ),
            (not isinstance(self.cache, bool | np.bool_), f"cache must be True or False; it is {self.cache!r}."),
            (
                not isinstance(self.checkpoints, str | os.PathLike | None),
                f"checkpoints must be a folder's path, or None; it is {self.checkpoints!r}.",
            ),
        ]


def settled(tuning: object) -> Tuning:
    """Return the settings given, the usual ones for None.

    Raises
    ------
    InputError
        They are no `Tuning`, or one is out of range.
    """
    made = Tuning() if tuning is None else tuning
    if not isinstance(made, Tuning):
        what = "the class itself" if made is Tuning else f"a {type(made).__name__}"
        raise InputError(f"tuning must be settings, as Tuning(batch_size=16), or None; {what} was given.")
    made.check()
    return made


def _is_one_of(given: object, *allowed: str | None) -> bool:
    """Tell whether it is one of these words; an array, which would answer for each of its numbers, is none."""
    return (given is None or isinstance(given, str)) and given in allowed
