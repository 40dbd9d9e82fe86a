"""Distillation: a student learns what a teacher says of items without labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from torch import Tensor
from torch.nn import functional

from anyshot.base.validation import RandomState, Vectors, unit
from anyshot.encoders.activation_batches import Activations, similar_lengths
from anyshot.encoders.freeze import Rest
from anyshot.errors import InputError
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.partial import Drawn, layer_groups
from anyshot.fine_tuning.tuning import Tuning
from anyshot.training.checkpoint import Checkpoints
from anyshot.training.history import History
from anyshot.training.loop import Recipe, train

SMALLEST: Final = 1e-12  # probability below which a teacher's certainty is not followed: its logarithm must be finite

RIDGE: Final = 0.1  # of the features' mean variance


def distillation_loss(scores: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """Return T^2 times the divergence KL(teacher_T || student_T) [nats], a scalar; zero where they agree.

    scores (n, c): the student's logits; teacher (n, c): log-probabilities. Both are softened by the temperature T: the
    softmax of logits / T; the factor keeps gradients as large whatever T is. Hinton, Vinyals, Dean, Distilling the
    Knowledge in a Neural Network, 2015, eq. (1) and section 2.1. The cross-entropy and this differ by what the student
    cannot change.
    """
    student = functional.log_softmax(scores.float() / temperature, dim=1)  # (n, c)
    target = functional.log_softmax(teacher.float() / temperature, dim=1)
    return temperature**2 * functional.kl_div(student, target, log_target=True, reduction="batchmean")


def said_by(probabilities: ArrayLike, *, n_items: int, n_classes: int) -> NDArray[np.float32]:
    """Return a teacher's probabilities (n, c) as log-probabilities (n, c), finite.

    Raises
    ------
    InputError
        They are no probabilities of so many classes for so many items.
    """
    table = np.asarray(probabilities, dtype=np.float64)
    if table.shape != (n_items, n_classes):
        raise InputError(
            f"The teacher's predict_proba returned {table.shape} for {n_items} items and {n_classes} classes. It must "
            "return a row for each item and a column for each of classes_."
        )
    if not np.isfinite(table).all() or (table < 0).any() or not np.allclose(table.sum(axis=1), 1, atol=1e-3):
        raise InputError("The teacher's predict_proba returned no probabilities: rows must be finite and sum to 1.")
    said: NDArray[np.float32] = log_softmax(np.log(np.maximum(table, SMALLEST)), axis=1).astype(np.float32)
    return said


def first_head(features: Vectors, teacher: NDArray[np.float32], *, ridge: float = RIDGE) -> LinearHead:
    """Return the head that says most nearly what the teacher says before anything else is trained.

    features (n, d): of the untrained student; teacher (n, c): log-probabilities, c >= 2. With z of unit length less its
    mean and t the log-probabilities less each row's mean, which a softmax does not see, and less their mean then, it is

        W = t^T z (z^T z + ridge s I)^-1, s the mean of the diagonal of z^T z.
    """
    z, t = unit(features).astype(np.float64), teacher.astype(np.float64)
    t -= t.mean(axis=1, keepdims=True)
    middle, usual = z.mean(axis=0), t.mean(axis=0)
    z, t = z - middle, t - usual
    gram = z.T @ z  # (d, d)
    spread = max(float(np.trace(gram)) / len(gram), SMALLEST)  # items all alike have none
    coef = np.linalg.solve(gram + ridge * spread * np.eye(len(gram)), z.T @ t).T  # (c, d)
    return LinearHead(coef.astype(np.float32), usual - coef @ middle)


@dataclass(frozen=True)
class Lesson:
    """What a student learns from.

    Attributes
    ----------
    activations : Activations
        n items at the student's freeze point.
    said : ndarray of shape (n, c)
        The teacher's log-probabilities of these items.
    temperature : float
        Softens both answers.
    """

    activations: Activations
    said: NDArray[np.float32]
    temperature: float


def learn_from_teacher(
    rest: Rest,
    head: LinearHead,
    lesson: Lesson,
    *,
    recipe: Recipe,
    tuning: Tuning,
    checkpoints: Checkpoints | None = None,
    random_state: RandomState = None,
) -> History:
    """Train `rest` and `head` in place to say what the teacher says; return what happened.

    Raises
    ------
    TrainingDivergedError, BatchMemoryError, CheckpointError
        See `training.loop.train`.
    """
    device, known = head.coef.device, lesson.activations
    said = torch.from_numpy(lesson.said).to(device)
    everything = np.arange(len(known))

    def batches(generator: np.random.Generator) -> Sequence[Drawn]:
        parts = similar_lengths(known.lengths, everything, batch_size=tuning.batch_size, generator=generator)
        return [Drawn(rows, int(generator.integers(2**31))) for rows in parts]

    def loss_of(batch: Drawn, progress: float) -> Tensor:
        state = known.batch(batch.rows, generator=np.random.default_rng(batch.seed), device=device)
        own = said[torch.from_numpy(batch.rows).to(device)]
        return distillation_loss(head(rest(state)), own, temperature=lesson.temperature)

    groups = layer_groups(rest, head, tuning)
    return train(groups, batches, loss_of, recipe=recipe, checkpoints=checkpoints, random_state=random_state)
