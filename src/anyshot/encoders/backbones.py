"""Backbones: the network of an encoder in stages, opened by name, split at a freeze point, put together with a head."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray

from anyshot.base.validation import Vectors
from anyshot.encoders.assembled import Assembled
from anyshot.encoders.freeze import Rest, Trunk, backbone_of, frozen_digest
from anyshot.encoders.registry import load_encoder
from anyshot.encoders.stages import Backbone
from anyshot.errors import ModelFolderError


class Split(NamedTuple):
    """A backbone at a freeze point; `rest(trunk(state))` is what the backbone makes of `state`."""

    trunk: Trunk
    rest: Rest


def open_backbone(encoder: object, *, device: str = "auto", download: str | None = None) -> Backbone:
    """Return the backbone of an encoder, or of an encoder's name, as `load_encoder` takes them.

    Raises
    ------
    UnknownEncoderError
        No encoder bears that name.
    MissingWeightsError
        Its weights are not on this machine and may not or cannot be downloaded.
    EncoderError
        The encoder has no stages.
    """
    return backbone_of(load_encoder(encoder, device=device, download=download))


def split(backbone: object, freeze_at: str | int) -> Split:
    """Split a backbone at a freeze point.

    Parameters
    ----------
    backbone : Backbone, Encoder or str
        Stays as it is; of an encoder, or the name of one, its backbone.
    freeze_at : str or int
        The first trained stage, by name or as a place in `backbone.stages`: "layer4" freezes what stands before layer4;
        0 trains everything; -1 trains the head only.

    Raises
    ------
    UnknownStageError
        There is no such stage; the stages are named.
    EncoderError
        The encoder has no stages.

    Notes
    -----
    In float32 the composition is the original; in bfloat16 the trunk's part of it is rounded, as the encoder's is.
    """
    backbone = backbone if isinstance(backbone, Backbone) else open_backbone(backbone)
    place = backbone.place(freeze_at)
    return Split(Trunk(backbone, place=place), Rest(backbone, place=place))


def reopened(encoder: str, freeze_at: str, *, frozen: str, arrays: Mapping[str, NDArray[Any]]) -> tuple[Backbone, Rest]:
    """Return an encoder's stages, and the trained ones of a saved model from their `arrays`.

    frozen: what stood for the frozen weights when the model was saved.

    Raises
    ------
    ModelFolderError
        The encoder of that name on this machine is not the one that was trained on.
    """
    backbone = open_backbone(encoder)
    if freeze_at not in backbone.stages or frozen_digest(backbone, freeze_at) != frozen:
        raise ModelFolderError(f"The encoder {encoder!r} on this machine is not the one that the model was made on.")
    rest = split(backbone, freeze_at).rest
    rest.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return backbone, rest


def assemble(
    encoder: object, coef: Vectors, intercept: Vectors, classes: NDArray[Any], *, center: Vectors | None = None
) -> Assembled:
    """Return an encoder and a linear head on its unit-length vectors as one network.

    coef (c, width), intercept (c,), classes (c,), center (width,): see `Assembled`.

    Raises
    ------
    EncoderError
        The encoder is not made of stages.
    """
    backbone = backbone_of(encoder)
    return Assembled(backbone, backbone.network, coef, intercept, classes, center)
