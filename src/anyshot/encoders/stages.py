"""A network as a row of named stages, each working on one explicit state: the seam for a freeze point."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from anyshot.base.items import Items, check_texts, modality_of
from anyshot.base.pixels import Pixels, map_pixels
from anyshot.base.validation import is_whole
from anyshot.encoders.compute import Compute
from anyshot.errors import InputError, UnknownStageError

HEAD: Final = "head"
"""The last stage of every backbone: the classifier, which is put on top and is no part of the backbone itself."""

Network: TypeAlias = Mapping[str, nn.Module]  # stages in order, each State -> State


class State(NamedTuple):
    """What goes from one stage to the next.

    Texts: `x` is (n, t) token ids before the first stage and (n, t, width) between, `mask` (n, t) is True at real
    tokens; texts are filled up on the right. Images: `x` is (n, 3, h, w) before the first stage, (n, c, h, w) or
    (n, places, width) between. Pooled: `x` is (n, width). Where there is no mask, everything is real.
    """

    x: Tensor
    mask: Tensor | None = None

    def to(self, device: torch.device | str) -> "State":
        """Return the state on another device."""
        return State(self.x.to(device), None if self.mask is None else self.mask.to(device))


class Mapped(nn.Module):
    """A stage that maps `x` and leaves the mask: modules that take one tensor, one after the other."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*modules)

    def forward(self, state: State) -> State:
        """Map `x` by every module in turn."""
        return State(self.inner(state.x), state.mask)


class AveragedPlaces(nn.Module):
    """Pooling of feature maps: the mean over all places, float32 whatever the network runs in."""

    def forward(self, state: State) -> State:
        """Map (n, c, h, w) to (n, c)."""
        return State(state.x.mean(dim=(2, 3), dtype=torch.float32))


def mean_of_real(state: State) -> Tensor:
    """Return the mean (n, width), float32, of states (n, t, width) over the real tokens."""
    states = state.x.float()
    if state.mask is None:
        return states.mean(dim=1)
    weight = state.mask[..., None].to(states.dtype)  # (n, t, 1)
    return (states * weight).sum(dim=1) / weight.sum(dim=1)


def last_real(state: State) -> Tensor:
    """Return the state (n, width), float32, of each text's last real token: a causal model's only one to see it all."""
    if state.mask is None:
        return state.x[:, -1].float()
    last = state.mask.sum(dim=1) - 1  # (n,)
    return state.x.gather(1, last[:, None, None].expand(-1, 1, state.x.shape[2]))[:, 0].float()


class PooledTokens(nn.Module):
    """Pooling of tokens or places: a last norm where the network has one, then one of the functions above."""

    def __init__(self, pooled: Callable[[State], Tensor], *, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.pooled = pooled
        self.norm = norm or nn.Identity()

    def forward(self, state: State) -> State:
        """Map (n, t, width) to (n, width)."""
        return State(self.pooled(State(self.norm(state.x), state.mask)))


class Preparation(Protocol):
    """How items become what the first stage reads."""

    modality: Literal["text", "image"]

    def prepare(self, items: Items, *, first_row: int = 0) -> list[Tensor]:
        """Return what the first stage reads of each item, on the CPU."""
        ...

    def together(self, inputs: Sequence[Tensor]) -> State:
        """Return prepared items as one batch."""
        ...


@dataclass(frozen=True)
class TextPreparation:
    """Texts to token ids (t,), cut where the model's places end."""

    tokens_of: Callable[[list[str], int], list[list[int]]]  # of texts from this row on; says itself how many it cut
    pad: int = 0
    tokenizer: Callable[[], str] | None = None  # what the package tokenizers reads, as JSON
    about: Mapping[str, Any] = field(default_factory=dict)  # in words and numbers, for who prepares texts elsewhere
    modality: Literal["text"] = "text"

    def prepare(self, items: Items, *, first_row: int = 0) -> list[Tensor]:
        """Return the token ids (t,) of each text."""
        return [torch.tensor(ids, dtype=torch.int64) for ids in self.tokens_of(check_texts(items), first_row)]

    def together(self, inputs: Sequence[Tensor]) -> State:
        """Return ids (n, t), filled up on the right to the longest, and their mask (n, t)."""
        lengths = torch.tensor([len(ids) for ids in inputs])
        filled = pad_sequence(list(inputs), batch_first=True, padding_value=self.pad)
        return State(filled, torch.arange(filled.shape[1]) < lengths[:, None])


@dataclass(frozen=True)
class ImagePreparation:
    """Images to the network's input (3, h, w)."""

    prepare_pixels: Callable[[Pixels], Tensor]
    at_least: int | None = None  # the shorter side needed [pixels]
    about: Mapping[str, Any] = field(default_factory=dict)  # in words and numbers, for who prepares images elsewhere
    modality: Literal["image"] = "image"

    def prepare(self, items: Items, *, first_row: int = 0) -> list[Tensor]:
        """Return the input (3, h, w) of each image."""
        return map_pixels(items, self.prepare_pixels, first_row=first_row, at_least=self.at_least)

    def together(self, inputs: Sequence[Tensor]) -> State:
        """Return inputs (n, 3, h, w); there is no mask."""
        return State(torch.stack(list(inputs)))

    def in_views(self, views: Sequence[Callable[[Pixels], Pixels]]) -> Self:
        """Return a preparation that makes (views, 3, h, w) of an image, read once: what each view changes it to."""
        prepare = self.prepare_pixels
        return replace(self, prepare_pixels=lambda pixels: torch.stack([prepare(view(pixels)) for view in views]))


@dataclass(frozen=True)
class Backbone:
    """A pretrained network, cut into stages, in float32 and as published; nothing ever changes its weights.

    `stages` names them in order. The last, "head", is the classifier, which belongs to whoever trains one. What the
    stages make together is the encoder's pooled output, before it is scaled to unit length.
    """

    name: str
    width: int
    digest: str  # of weights, preprocessing and precision
    compute: Compute
    network: Network
    preparation: TextPreparation | ImagePreparation
    fresh: Callable[[], Network]  # the same architecture with first weights, drawn from torch's generator
    learns_statistics: bool = False  # whether batch norms follow the data, as they must from random weights

    @property
    def modality(self) -> Literal["text", "image"]:
        """What it reads."""
        return self.preparation.modality

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.compute.device

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of its stages in order, "head" at the end."""
        return (*self.network, HEAD)

    def place(self, freeze_at: str | int) -> int:
        """Return how many stages are frozen when training begins at `freeze_at`.

        freeze_at: the first trained stage, by its name or its place as in a list: 0 trains everything, -1 the head.

        Raises
        ------
        UnknownStageError
            There is no such stage, or nothing would be left to train; the stages are named.
        """
        stages = self.stages
        if isinstance(freeze_at, str) and freeze_at in stages:
            return stages.index(freeze_at)
        if is_whole(freeze_at) and -len(stages) <= freeze_at < len(stages):
            return int(freeze_at) % len(stages)
        above = is_whole(freeze_at) and freeze_at >= len(stages)
        why = "lies above the head, so that nothing would be trained" if above else f"is no stage of {self.name}"
        raise UnknownStageError(
            f"freeze_at={freeze_at!r} {why}. Give the first stage to train, by name or place (0 is the first, -1 the "
            f"head): {', '.join(stages)}."
        )

    def prepare(self, items: Items, *, first_row: int = 0) -> list[Tensor]:
        """Return what the first stage reads of each item: token ids (t,), or pixels (3, h, w).

        Raises
        ------
        InputError
            The items are of another kind than the network reads.
        BadItemError
            One is unusable; it is named by its row.
        """
        if len(items) == 0:
            return []
        self.check(items)
        return self.preparation.prepare(items, first_row=first_row)

    def check(self, items: Items) -> None:
        """Raise InputError where the items are of another kind than the network reads."""
        given = modality_of(items)
        if given != self.modality:
            named = "vectors" if given == "vectors" else f"{given}s"
            remedy = (
                " If they are paths, there are no such files." if (given, self.modality) == ("text", "image") else ""
            )
            raise InputError(
                f"{self.name} reads {self.modality}s; {named} were given. Take another encoder for them.{remedy}"
            )

    def together(self, inputs: Sequence[Tensor]) -> State:
        """Return prepared items as one batch, the first stage's state."""
        return self.preparation.together(inputs)


@runtime_checkable
class Staged(Protocol):
    """An encoder that can be cut into stages."""

    def backbone(self) -> Backbone:
        """Return its network in stages, the weights read anew, in float32."""
        ...


def through(network: Network, state: State, *, first: int = 0, last: int | None = None) -> State:
    """Return the state after the stages `first` to before `last` of `network`."""
    for stage in list(network.values())[first:last]:
        state = stage(state)
    return state
