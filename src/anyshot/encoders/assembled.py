"""A whole model put together: a backbone's stages, and a linear head on their unit-length output."""

import copy
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import normalize

from anyshot.base.validation import Vectors
from anyshot.encoders.stages import Backbone, Network, State, through


@dataclass(frozen=True)
class Assembled:
    """What turns prepared items into scores of classes.

    The stages make features; these are scaled to unit length, moved by the center and scaled again where there is one,
    and scored by the head: z = unit(features), z' = unit(z - center), scores = z' coef^T + intercept. Softmax of the
    scores is the probability.
    """

    backbone: Backbone  # how items are prepared
    network: Network  # all stages up to the pooled features, float32; the backbone's own, or trained ones
    coef: Vectors  # (c, width)
    intercept: Vectors  # (c,)
    classes: NDArray[Any]  # (c,), names or numbers
    center: Vectors | None = None  # (width,)


@runtime_checkable
class Assembling(Protocol):
    """A fitted model that is one network from its prepared items to its scores."""

    def assembled(self) -> Assembled:
        """Return the model, put together."""
        ...


class WholeNetwork(nn.Module):
    """An assembled model as one module, on the CPU, in float32: a copy, ready to be exported."""

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

        x: token ids (n, t) with their attention mask (n, t), 1 at real tokens; or pixels (n, 3, h, w).
        """
        state = State(x, None if attention_mask is None else attention_mask.bool())
        z = normalize(through(dict(self.stages.items()), state).x.float())  # (n, width)
        if self.center is not None:
            z = normalize(z - self.center)
        scores = z @ self.coef.T + self.intercept  # (n, c)
        return scores, scores.softmax(dim=1)
