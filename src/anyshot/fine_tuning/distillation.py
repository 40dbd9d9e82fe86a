"""Distillation: train a smaller network to give the probabilities of a larger model, on items without labels."""

from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from torch import Tensor
from torch.nn import functional

from anyshot.base.items import Items, by_position, check_list
from anyshot.base.labels import UNKNOWN, Classes, class_table, label_list
from anyshot.base.messages import warn
from anyshot.base.protocols import Encoder
from anyshot.base.validation import RandomState, Vectors, check_numbers, unit
from anyshot.encoders.freeze import backbone_of
from anyshot.encoders.registry import load_encoder, trainable
from anyshot.errors import InputError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.network import TrainedNetwork
from anyshot.fine_tuning.partial import Batch, LinearHead, StageTraining, digest
from anyshot.fine_tuning.tuning import Tuning, check_tuning
from anyshot.training.run import History

MIN_PROBABILITY: Final = 1e-12  # smaller probabilities of the teacher are raised to it, to have a finite logarithm
RIDGE: Final = 0.1  # relative to the mean variance of the features


class Teacher(Protocol):
    """A fitted classifier of raw items with `predict_proba`; every classifier of this library is one."""

    classes_: NDArray[Any]

    def predict_proba(self, X: Items) -> ArrayLike:
        """Return the probability of each class (n, c)."""


def distill(
    teacher: Teacher,
    student_encoder: str | Encoder,
    unlabeled: Items,
    *,
    freeze_at: str | int = 1,
    epochs: int = 10,
    temperature: float = 2.0,
    tuning: Tuning | None = None,
    random_state: RandomState = None,
) -> FineTunedClassifier:
    """Train a smaller network to predict what the teacher predicts, and return it as a classifier.

    Its head starts from ridge regression on the teacher's log-probabilities.

    Parameters
    ----------
    teacher : fitted classifier
        Its `predict_proba` is called once, on all items. The student has no `unknown_rate`: it predicts one of the
        classes for every item, of which a warning tells if the teacher has one.
    student_encoder : str or Encoder
        The name of an encoder, or an encoder with stages; "minilm[:2]" is the first two layers of "minilm". It need not
        be related to the teacher's encoder.
    unlabeled : n items
        Of the kind that the student is to classify. More items bring it closer to the teacher.
    freeze_at : str or int, default=1
        The student's first trained stage. 0 trains the first stage too, which for a text encoder are the embeddings:
        most of its weights, for the smallest gain.
    epochs : int, default=10
    temperature : float, default=2.0
        Divides the logits of teacher and student, so that the student also learns which wrong classes are likely.
    tuning : Tuning, optional
        Further settings; held_out, patience, smoothing, dropout, interpolation, class_weight and class_prior are not
        used.
    random_state : int, RandomState, Generator or None

    Raises
    ------
    InputError
        There are no items, `temperature` is not positive, or the teacher is not a fitted classifier or does not return
        probabilities.
    EncoderError
        The student's encoder has no stages.
    UnknownStageError
        The student's encoder has no stage `freeze_at`.
    """
    check_numbers(temperature=temperature)
    if not 0 < temperature < np.inf:
        raise InputError(f"temperature must be positive and finite; it is {temperature}.")
    check_list(unlabeled)
    if len(unlabeled) == 0:
        raise InputError("distill needs unlabeled items, and got none. Give items like those to be predicted.")
    items, settings, classes = by_position(unlabeled), check_tuning(tuning), _classes_of(teacher)
    if getattr(teacher, "unknown_threshold_", None) is not None:
        warn(
            f"The teacher predicts {UNKNOWN!r} for items that are like none of its classes; the student predicts a "
            "class for every item. Keep the teacher where such items must be found, and train on none of them."
        )
    student_encoder = trainable(student_encoder)
    backbone = backbone_of(load_encoder(student_encoder))
    stage = backbone.stages[backbone.n_frozen(freeze_at)]
    rate = FineTunedClassifier._LEARNING_RATES[backbone.modality]
    run = StageTraining.open(
        backbone, items, freeze_at=stage, tuning=settings, epochs=epochs, learning_rate=rate, random_state=random_state
    )
    targets = log_probabilities(teacher.predict_proba(items), n_items=len(items), n_classes=len(classes))
    rows = np.arange(len(items))
    head = ridge_head(run.features(rows), targets).to(backbone.device)
    history = train_on_teacher(run, head, targets, temperature=temperature)
    run.check_finite(run.scores(head, rows[:64]))
    reason = f"Distilled from {type(teacher).__name__} on {len(items)} unlabeled items."
    name = student_encoder if isinstance(student_encoder, str) else type(student_encoder).__name__
    student = FineTunedClassifier(student_encoder, freeze_at=freeze_at, epochs=epochs, tuning=tuning)
    trained = TrainedNetwork(head, history, (reason,))
    return student.set_fitted(classes, backbone, stage, run.rest, trained, encoder_name=name)


def distillation_loss(scores: Tensor, teacher: Tensor, *, temperature: float) -> Tensor:
    """Return T^2 times the divergence KL(teacher_T || student_T) [nats], a scalar; zero where they agree.

    scores (n, c): the student's logits; teacher (n, c): log-probabilities. Both are divided by the temperature T before
    softmax; the factor keeps the size of gradients independent of T. Hinton, Vinyals, Dean, Distilling the Knowledge in
    a Neural Network, 2015, eq. (1) and section 2.1. It equals the cross-entropy up to a constant of the teacher.
    """
    student = functional.log_softmax(scores.float() / temperature, dim=1)  # (n, c)
    target = functional.log_softmax(teacher.float() / temperature, dim=1)
    return temperature**2 * functional.kl_div(student, target, log_target=True, reduction="batchmean")


def train_on_teacher(
    run: StageTraining, head: LinearHead, targets: NDArray[np.float32], *, temperature: float
) -> History:
    """Train the stages and the head in place to predict the teacher's log-probabilities `targets` (n, c)."""
    teacher = torch.from_numpy(targets).to(run.backbone.device)

    def loss(batch: Batch, progress: float) -> Tensor:
        own = teacher[torch.from_numpy(batch.rows).to(teacher.device)]
        return distillation_loss(head(run.rest(run.state(batch))), own, temperature=temperature)

    batches = run.batches(np.arange(len(targets)))
    about = {"teacher": digest(targets), "temperature": str(temperature)}
    return run.train(head, batches, loss, about=about, random_state=run.random)


def ridge_head(features: Vectors, teacher: NDArray[np.float32]) -> LinearHead:
    """Return the head fitted to the teacher by ridge regression.

    features (n, d): of the untrained student; teacher (n, c): log-probabilities, c >= 2. With z the unit-length
    features minus their mean, and t the log-probabilities minus the mean of each row, which softmax ignores, and then
    minus their mean,

        W = t' z (z'z + RIDGE s I)^-1, s the mean of the diagonal of z'z.
    """
    z, t = unit(features).astype(np.float64), teacher.astype(np.float64)
    t -= t.mean(axis=1, keepdims=True)
    z_mean, t_mean = z.mean(axis=0), t.mean(axis=0)
    z, t = z - z_mean, t - t_mean
    gram = z.T @ z  # (d, d)
    scale = max(float(np.trace(gram)) / len(gram), MIN_PROBABILITY)  # 0 where all items are equal
    coef = np.linalg.solve(gram + RIDGE * scale * np.eye(len(gram)), z.T @ t).T  # (c, d)
    return LinearHead(coef.astype(np.float32), t_mean - coef @ z_mean)


def log_probabilities(probabilities: ArrayLike, *, n_items: int, n_classes: int) -> NDArray[np.float32]:
    """Return the finite logarithms of a teacher's probabilities (n, c), or raise InputError if they are not that."""
    table = np.asarray(probabilities, dtype=np.float64)
    if table.shape != (n_items, n_classes):
        raise InputError(
            f"The teacher's predict_proba returned an array of shape {table.shape} for {n_items} items and {n_classes} "
            "classes. It must return one row for each item and one column for each of classes_."
        )
    if not np.isfinite(table).all() or (table < 0).any() or not np.allclose(table.sum(axis=1), 1, atol=1e-3):
        raise InputError(
            "The teacher's predict_proba must return probabilities: finite rows, not negative, that sum to 1."
        )
    logs: NDArray[np.float32] = log_softmax(np.log(np.maximum(table, MIN_PROBABILITY)), axis=1).astype(np.float32)
    return logs


def _classes_of(teacher: object) -> Classes:
    """Return the class table of the teacher."""
    if isinstance(teacher, type) or not hasattr(teacher, "predict_proba") or not hasattr(teacher, "classes_"):
        got = f"the class {teacher.__name__}" if isinstance(teacher, type) else f"a {type(teacher).__name__}"
        raise InputError(f"teacher must be a fitted classifier with classes_ and predict_proba; got {got}.")
    return class_table(label_list(teacher.classes_))
