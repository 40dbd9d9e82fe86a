"""An encoder whose last stages were trained for a task: what stands before its head, for vectors like any other's."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from anyshot.base.items import Items
from anyshot.base.validation import Vectors, unit
from anyshot.encoders.activations import states
from anyshot.encoders.backbones import reopened
from anyshot.encoders.freeze import Rest, Trunk, frozen_digest
from anyshot.encoders.stages import Backbone

PREFIX = "tuned/"


class TunedEncoder:
    """A pretrained network with trained last stages.

    Parameters
    ----------
    name : str
        Of the encoder that it was.
    backbone : Backbone
        Its stages; those below the freeze point run as they are.
    freeze_at : str
        The first trained stage.
    rest : Rest
        The trained stages.
    center : ndarray of shape (width,), optional
        What is taken off the unit-length vectors before they get unit length again.
    """

    def __init__(
        self, name: str, backbone: Backbone, freeze_at: str, rest: Rest, *, center: Vectors | None = None
    ) -> None:
        self.name, self.freeze_at, self.rest, self.center = name, freeze_at, rest, center
        self._origin, self._trunk = backbone, Trunk(backbone, freeze_at)
        self.modality: Literal["text", "image"] = backbone.modality
        self.width = backbone.width
        hashed = hashlib.sha256(f"{frozen_digest(backbone, freeze_at)} {freeze_at} {backbone.device}".encode())
        for key, array in sorted(self.arrays().items()):
            hashed.update(key.encode() + array.tobytes())
        self.digest = hashed.hexdigest()

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width), float32, on the CPU."""
        made = np.zeros((len(inputs), self.width), np.float32)
        with torch.inference_mode():
            for rows, state in states(self._trunk, inputs):
                made[rows] = self.rest(state).float().cpu().numpy()
        return unit(made) if self.center is None else unit(unit(made) - self.center)

    def backbone(self) -> Backbone:
        """Return the network in stages, the trained ones in their places."""
        frozen = self._origin.stages[: self._origin.n_frozen(self.freeze_at)]
        network = {name: self._origin.network[name] for name in frozen} | dict(self.rest.named_stages())
        return dataclasses.replace(self._origin, name=f"{self.name}, tuned", network=network, digest=self.digest)

    def __sklearn_clone__(self) -> Self:
        return self  # trained: scikit-learn's clone would copy the weights for nothing

    def facts(self) -> dict[str, Any]:
        """Return what is no array, for a saved model."""
        return {"freeze_at": self.freeze_at, "frozen": frozen_digest(self._origin, self.freeze_at)}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the trained weights, for a saved model."""
        kept: dict[str, NDArray[Any]] = {
            f"{PREFIX}{key}": tensor.detach().cpu().numpy() for key, tensor in self.rest.state_dict().items()
        }
        return kept if self.center is None else kept | {"tuned_center": self.center}


def tuned_from_saved(name: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TunedEncoder:
    """Return the encoder that `facts` and `arrays` were taken from.

    Raises
    ------
    ModelFolderError
        The encoder of that name on this machine is not the one that was tuned.
    """
    own = {key.removeprefix(PREFIX): array for key, array in arrays.items() if key.startswith(PREFIX)}
    freeze_at = str(facts["freeze_at"])
    backbone, rest = reopened(name, freeze_at, frozen=facts["frozen"], arrays=own)
    return TunedEncoder(name, backbone, freeze_at, rest.eval(), center=arrays.get("tuned_center"))
