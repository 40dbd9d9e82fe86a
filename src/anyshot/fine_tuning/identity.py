"""What stands for a fine-tuning run: to be sure that what goes on is what began."""

import hashlib
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from anyshot.encoders.activation_batches import Activations
from anyshot.encoders.stages import Backbone
from anyshot.fine_tuning.distillation import Lesson
from anyshot.fine_tuning.head import LinearHead
from anyshot.fine_tuning.partial import Labeled
from anyshot.fine_tuning.tuning import Tuning

WHERE_ONLY = ("cache", "budget_mb", "checkpoints")  # settings that change no weight


def subject(
    backbone: Backbone, freeze_at: str, data: Labeled, head: LinearHead, tuning: Tuning, *, method: str
) -> dict[str, str]:
    """Return what a checkpoint must have in common with the run that goes on from it.

    data: the items, their classes and which of them are held out; head: what training starts from.
    """
    head_weights = [tensor.cpu().numpy() for tensor in head.state_dict().values()]
    return {
        **_common(backbone, freeze_at, data.activations, tuning),
        "method": method,
        "labels": _digest(data.index),
        "held-out items": _digest(data.train, data.held_out),
        "first head": _digest(*head_weights),
    }


def subject_of_lesson(backbone: Backbone, freeze_at: str, lesson: Lesson, tuning: Tuning) -> dict[str, str]:
    """Return the same for a student's run."""
    common = _common(backbone, freeze_at, lesson.activations, tuning)
    return {**common, "teacher": _digest(lesson.said), "temperature": str(lesson.temperature)}


def _common(backbone: Backbone, freeze_at: str, activations: Activations, tuning: Tuning) -> dict[str, str]:
    settings = {name: value for name, value in asdict(tuning).items() if name not in WHERE_ONLY}
    return {
        "backbone": backbone.digest,
        "freeze_at": freeze_at,
        "settings": ", ".join(f"{name}={value}" for name, value in settings.items()),
        "items": activations.digest,
    }


def _digest(*arrays: NDArray[Any]) -> str:
    hashed = hashlib.sha256()
    for array in arrays:
        hashed.update(f"{array.shape} {array.dtype}".encode() + array.tobytes())
    return hashed.hexdigest()
