"""What stands for a fine-tuning run: to be sure that what goes on is what began."""

import hashlib

import numpy as np

from anyshot.checks import Indexes
from anyshot.encoders.activation_batches import Activations
from anyshot.encoders.stages import Backbone


def subject(backbone: Backbone, freeze_at: str, known: Activations, index: Indexes) -> dict[str, str]:
    """Return what a checkpoint must have in common with the run that goes on from it.

    known: the items at the freeze point, told by their lengths; index (n,): their classes.
    """
    labels, items = (hashlib.sha256(np.ascontiguousarray(part).tobytes()) for part in (index, known.lengths))
    return {
        "backbone": backbone.digest,
        "freeze_at": freeze_at,
        "labels": labels.hexdigest(),
        "items": items.hexdigest(),
    }
