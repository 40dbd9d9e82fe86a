"""Backbones: networks of encoders in stages, opened by name, split at a freeze point, joined with a linear head."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from anyshot.base.validation import Vectors
from anyshot.encoders.freeze import Rest, backbone_of, frozen_digest
from anyshot.encoders.registry import load_encoder
from anyshot.encoders.stages import Backbone, Joining, Network, State, Trunk, through
from anyshot.errors import ModelFolderError


class Split(NamedTuple):
    """A backbone at a freeze point; `rest(trunk(state))` is what the backbone computes."""

    trunk: Trunk
    rest: Rest


@dataclass(frozen=True)
class Assembled:
    """A network and a linear head, which compute scores of classes from prepared items.

    The features are scaled to unit length, centered if there is a center, and scaled again: z = unit(features),
    z' = unit(z - center), scores = z' coef^T + intercept. The softmax of the scores are the probabilities.
    """

    backbone: Backbone  # prepares items
    network: Network  # all stages up to the pooled features, float32: the backbone's own, or trained ones
    coef: Vectors  # (c, width)
    intercept: Vectors  # (c,)
    classes: NDArray[Any]  # (c,), names or numbers
    center: Vectors | None = None  # (width,)


@runtime_checkable
class Assembling(Protocol):
    """A fitted model that can be written as one network."""

    def assembled(self) -> Assembled:
        """Return the model as one network."""
        ...


class WholeNetwork(nn.Module):
    """A copy of an assembled model as one module, on the CPU, in float32, ready to be exported."""

    coef: Tensor
    intercept: Tensor
    center: Tensor | None

    def __init__(self, model: Assembled) -> None:
        super().__init__()
        self.stages = nn.ModuleDict({name: copy.deepcopy(stage) for name, stage in model.network.items()})
        self.register_buffer("coef", torch.from_numpy(model.coef.astype("float32")))
        self.register_buffer("intercept", torch.from_numpy(model.intercept.astype("float32")))
        center = None if model.center is None or not model.center.any() else torch.from_numpy(model.center)
        self.register_buffer("center", center)
        self.to("cpu", torch.float32)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor, attention_mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return scores and probabilities (n, c) each.

        x: token ids (n, t) with their attention mask (n, t), 0 at padding; or pixels (n, 3, h, w).
        """
        state = State(x, None if attention_mask is None else attention_mask.bool())
        z = normalize(through(dict(self.stages.items()), state).x.float())  # (n, width)
        if self.center is not None:
            z = normalize(z - self.center)
        scores = z @ self.coef.T + self.intercept  # (n, c)
        return scores, scores.softmax(dim=1)


def open_backbone(encoder: object, *, device: str = "auto", download: str | None = None) -> Backbone:
    """Return the backbone of an encoder, given by name or as an object, as `load_encoder` takes them.

    Raises
    ------
    UnknownEncoderError
        There is no encoder of that name.
    MissingWeightsError
        Its weights are not on this machine, and may not or cannot be downloaded.
    EncoderError
        The encoder has no stages.
    """
    return backbone_of(load_encoder(encoder, device=device, download=download))


def split(backbone: object, freeze_at: str | int) -> Split:
    """Split a backbone at a freeze point.

    Parameters
    ----------
    backbone : Backbone, Encoder or str
        The backbone, or an encoder or its name. It is not changed.
    freeze_at : str or int
        The first trained stage, by name or as an index in `backbone.stages`: "layer4" freezes the stages before layer4;
        0 trains everything; -1 trains only the head.

    Raises
    ------
    UnknownStageError
        There is no such stage; the message lists the stages.
    EncoderError
        The encoder has no stages.

    Notes
    -----
    In float32 the composition is the original network. In bfloat16 the output of the trunk is rounded, as that of the
    encoder is.
    """
    backbone = backbone if isinstance(backbone, Backbone) else open_backbone(backbone)
    return Split(Trunk(backbone, freeze_at), Rest(backbone, freeze_at))


def reopen_backbone(
    encoder: str, freeze_at: str, *, frozen: str, arrays: Mapping[str, NDArray[Any]], download: str = "never"
) -> tuple[Backbone, Rest]:
    """Return an encoder's backbone, and the trained stages of a saved model from their `arrays`.

    frozen: the `frozen_digest` when the model was saved; download: whether the encoder may be downloaded.

    Raises ModelFolderError if the encoder of that name on this machine is not the one of the saved model, or has other
    layers.
    """
    backbone = open_backbone(encoder, download=download)
    found = frozen_digest(backbone, freeze_at) if freeze_at in backbone.stages else None
    frozen_stages = f"have the digest {found[:12]}" if found else f"do not end before {freeze_at!r}"
    differs = ModelFolderError(
        f"The encoder {encoder!r} on this machine is not the one that the model was trained on: its frozen stages "
        f"{frozen_stages}, and the digest {frozen[:12]} is needed. Install that version of the encoder, or train the "
        "model again."
    )
    if found != frozen:
        raise differs
    rest = Rest(backbone, freeze_at)
    try:
        rest.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except RuntimeError as error:  # weights are missing, or have other names or shapes
        raise differs from error
    return backbone, rest


def assemble(
    encoder: object, coef: Vectors, intercept: Vectors, classes: NDArray[Any], *, center: Vectors | None = None
) -> Assembled:
    """Return an encoder and a linear head on its unit-length vectors as one network.

    coef (c, width), intercept (c,), classes (c,), center (width,): see `Assembled`.

    Raises
    ------
    EncoderError
        The encoder has no stages.
    """
    backbone = backbone_of(encoder)
    network = encoder.joined(backbone.network) if isinstance(encoder, Joining) else backbone.network
    return Assembled(backbone, network, coef, intercept, classes, center)
