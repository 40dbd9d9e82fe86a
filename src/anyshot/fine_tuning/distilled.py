"""A smaller model that answers as a larger one does, learned from items without labels."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anyshot.base.items import Classes, Items, by_position, check_list, class_table, label_list
from anyshot.base.protocols import Encoder
from anyshot.base.validation import RandomState, check_numbers
from anyshot.encoders.activations import activations
from anyshot.encoders.backbones import split
from anyshot.encoders.freeze import backbone_of
from anyshot.encoders.registry import load_encoder
from anyshot.errors import InputError
from anyshot.fine_tuning.classifier import RATES, FineTunedClassifier
from anyshot.fine_tuning.distillation import Lesson, first_head, learn_from_teacher, said_by
from anyshot.fine_tuning.identity import subject_of_lesson
from anyshot.fine_tuning.partial import check_answers, features
from anyshot.fine_tuning.tuning import Tuning, settled
from anyshot.store.activation_cache import ActivationCache
from anyshot.training.checkpoint import Checkpoints


class Teacher(Protocol):
    """A classifier of raw items that says how sure it is; every classifier of this library is one."""

    classes_: NDArray[Any]

    def predict_proba(self, X: Items) -> ArrayLike:
        """Return the probability of each class (n, c)."""
        ...


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
    """Train a smaller network to answer as the teacher does, and return it as a classifier.

    Its head starts from the closed form that says most nearly what the teacher says.

    Parameters
    ----------
    teacher : fitted classifier
        Its `predict_proba` is asked once for each item.
    student_encoder : str or Encoder
        A name of the table of encoders, or an encoder with stages; "minilm[:2]" is the first two layers of one. It may
        read the items in another way than the teacher does.
    unlabeled : n items
        Of the kind that the student will meet: the more, the closer it comes to its teacher.
    freeze_at : str or int, default=1
        The student's first trained stage. The first, a text encoder's embeddings, holds most of its weights and gains
        least; 0 trains it too.
    epochs : int, default=10
    temperature : float, default=2.0
        Softens both answers, so that the student learns which wrong classes are nearly right, too.
    tuning : Tuning, optional
        All that is settled beside. What guards against few labels has no say: held_out, patience, smoothing, dropout
        and the classes' weights and prior.
    random_state : int, RandomState, Generator or None

    Raises
    ------
    InputError
        There are no items, the temperature is not above 0, or the teacher is no fitted classifier or returns no
        probabilities.
    EncoderError
        The student's encoder has no stages that could be trained.
    UnknownStageError
        It has no stage of the name of `freeze_at`.
    """
    check_numbers(temperature=temperature)
    if not 0 < temperature < np.inf:
        raise InputError(f"temperature must be above 0; it is {temperature}.")
    check_list(unlabeled)
    if len(unlabeled) == 0:
        raise InputError("A student learns from items, without labels; none was given.")
    unlabeled, own, classes = by_position(unlabeled), settled(tuning), _classes_of(teacher)
    backbone = backbone_of(load_encoder(student_encoder))
    place = backbone.place(freeze_at)
    said = said_by(teacher.predict_proba(unlabeled), n_items=len(unlabeled), n_classes=len(classes))
    store = ActivationCache() if own.cache else None
    known = activations(backbone, unlabeled, freeze_at=place, cache=store, budget_mb=own.budget_mb, augment=own.augment)
    rest = split(backbone, place).rest
    head = first_head(features(rest, known, np.arange(len(known))), said).to(backbone.device)
    recipe = own.recipe(epochs=epochs, learning_rate=RATES[backbone.modality], device=backbone.device)
    lesson, kept = Lesson(known, said, temperature), None
    if own.checkpoints is not None:
        about = subject_of_lesson(backbone, backbone.stages[place], lesson, own)
        kept = Checkpoints(own.checkpoints, about=about)
    random = own.randomness(random_state, device=backbone.device)
    history = learn_from_teacher(rest, head, lesson, recipe=recipe, tuning=own, checkpoints=kept, random_state=random)
    check_answers(rest, head, known, np.arange(len(known)), recipe)
    return FineTunedClassifier(student_encoder, freeze_at=freeze_at, epochs=epochs, tuning=tuning).take_over(
        classes=classes,
        backbone=backbone,
        freeze_at=backbone.stages[place],
        rest=rest,
        head=head,
        history=history,
        reasons=(f"Distilled from {type(teacher).__name__} on {len(unlabeled)} items without labels.",),
        encoder_name=student_encoder if isinstance(student_encoder, str) else type(student_encoder).__name__,
    )


def _classes_of(teacher: object) -> Classes:
    """Return the classes that the teacher tells apart."""
    if isinstance(teacher, type) or not hasattr(teacher, "predict_proba") or not hasattr(teacher, "classes_"):
        what = f"the class {teacher.__name__}" if isinstance(teacher, type) else f"a {type(teacher).__name__}"
        raise InputError(f"teacher must be a fitted classifier, with classes_ and predict_proba; {what} was given.")
    return class_table(label_list(teacher.classes_))
