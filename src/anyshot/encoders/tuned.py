"""A fine-tuned encoder: the network before the head of a trained model, used as an encoder."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any, Literal, Self

from numpy.typing import NDArray

from anyshot.base.items import Items
from anyshot.base.validation import Vectors, unit
from anyshot.encoders.activations import outputs
from anyshot.encoders.backbones import reopen_backbone
from anyshot.encoders.freeze import Rest, frozen_digest
from anyshot.encoders.stages import Backbone, Trunk
from anyshot.training.weights import part_of, weights_of

PART = "tuned"  # of the arrays of a saved model


class TunedEncoder:
    """A pretrained network whose last stages were trained.

    Parameters
    ----------
    name : str
        The name of the original encoder.
    backbone : Backbone
        The original network; its stages before the freeze point are used.
    freeze_at : str
        The first trained stage.
    rest : Rest
        The trained stages.
    center : ndarray of shape (width,), optional
        Subtracted from the unit-length vectors before they are scaled to unit length again.
    """

    def __init__(
        self, name: str, backbone: Backbone, freeze_at: str, rest: Rest, *, center: Vectors | None = None
    ) -> None:
        self.name, self.freeze_at, self.rest, self.center = name, freeze_at, rest, center
        self._origin, self._trunk = backbone, Trunk(backbone, freeze_at)
        self.modality: Literal["text", "image"] = backbone.modality
        self.width = backbone.width
        digest = hashlib.sha256(f"{frozen_digest(backbone, freeze_at)} {freeze_at} {backbone.device}".encode())
        for key, array in sorted(self.arrays().items()):
            digest.update(key.encode() + array.tobytes())
        self.digest = digest.hexdigest()

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width), float32, on the CPU."""
        vectors = unit(outputs(self._trunk, inputs, self.rest, width=self.width))
        return vectors if self.center is None else unit(vectors - self.center)

    def backbone(self) -> Backbone:
        """Return the network in stages, including the trained ones."""
        network = {name: self._origin.network[name] for name in self._trunk.stages} | dict(self.rest.named_stages())
        return dataclasses.replace(self._origin, name=f"{self.name}, tuned", network=network, digest=self.digest)

    def __sklearn_clone__(self) -> Self:
        return self  # it is already trained, so scikit-learn need not copy it

    def facts(self) -> dict[str, Any]:
        """Return the settings for a saved model, as JSON values."""
        return {"freeze_at": self.freeze_at, "frozen": frozen_digest(self._origin, self.freeze_at)}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the trained weights for a saved model."""
        weights = weights_of(self.rest, PART)
        return weights if self.center is None else weights | {"tuned_center": self.center}


def tuned_from_saved(
    name: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], *, download: str = "never"
) -> TunedEncoder:
    """Return the encoder of a saved model, from its `facts` and `arrays`.

    Raises
    ------
    ModelFolderError
        The encoder of that name on this machine is not the one that was trained.
    """
    own, freeze_at = part_of(arrays, PART), str(facts["freeze_at"])
    backbone, rest = reopen_backbone(name, freeze_at, frozen=facts["frozen"], arrays=own, download=download)
    return TunedEncoder(name, backbone, freeze_at, rest.eval(), center=arrays.get("tuned_center"))
