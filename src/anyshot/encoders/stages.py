"""Networks as named stages, the frozen ones of them, the preparation of their inputs, and the device they run on."""

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from anyshot.base.items import Items, check_texts, modality_of
from anyshot.base.pixels import Pixels, map_pixels
from anyshot.base.validation import is_whole
from anyshot.errors import EncoderError, InputError, UnknownStageError

HEAD: Final = "head"
"""Name of the last stage: the classifier, which is not part of the backbone itself."""

Network: TypeAlias = Mapping[str, nn.Module]  # stages in order, each State -> State


class State(NamedTuple):
    """The input and output of a stage.

    Texts: `x` is (n, t) token ids before the first stage and (n, t, width) after it; `mask` (n, t) is False at padding,
    which is on the right. Images: `x` is (n, 3, h, w) before the first stage, (n, c, h, w) or (n, patches, width) after
    it. Pooled: `x` is (n, width). Without a mask there is no padding.
    """

    x: Tensor
    mask: Tensor | None = None

    def to(self, device: torch.device | str) -> "State":
        """Return the state on another device."""
        return State(self.x.to(device), None if self.mask is None else self.mask.to(device))


class Mapped(nn.Module):
    """A stage that applies modules of one tensor to `x`, and leaves the mask unchanged."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*modules)

    def forward(self, state: State) -> State:
        """Apply the modules to `x` in order."""
        return State(self.inner(state.x), state.mask)


class MeanPooling(nn.Module):
    """Pooling of feature maps: the mean over height and width, in float32."""

    def forward(self, state: State) -> State:
        """Map (n, c, h, w) to (n, c)."""
        return State(state.x.mean(dim=(2, 3), dtype=torch.float32))


def mean_of_tokens(state: State) -> Tensor:
    """Return the mean (n, width), float32, of states (n, t, width) over the tokens that are not padding."""
    states = state.x.float()
    if state.mask is None:
        return states.mean(dim=1)
    weight = state.mask[..., None].to(states.dtype)  # (n, t, 1)
    return (states * weight).sum(dim=1) / weight.sum(dim=1)


def last_token(state: State) -> Tensor:
    """Return the state (n, width), float32, of each text's last token, the only one to which causal models show all."""
    if state.mask is None:
        return state.x[:, -1].float()
    last = state.mask.sum(dim=1) - 1  # (n,)
    return state.x.gather(1, last[:, None, None].expand(-1, 1, state.x.shape[2]))[:, 0].float()


class TokenPooling(nn.Module):
    """Pooling of tokens or patches: the network's last norm, if it has one, then one of the functions above."""

    def __init__(self, pool: Callable[[State], Tensor], *, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.pool = pool
        self.norm = norm or nn.Identity()

    def forward(self, state: State) -> State:
        """Map (n, t, width) to (n, width)."""
        return State(self.pool(State(self.norm(state.x), state.mask)))


@dataclass(frozen=True)
class Compute:
    """A device, and the precision in which frozen networks run on it."""

    device: torch.device
    dtype: torch.dtype

    def with_precision(self, digest: str) -> str:
        """Return a digest of weights and preparation with the precision added, which changes vectors slightly."""
        return f"{digest} {str(self.dtype).removeprefix('torch.')}"

    def batch_size(self, by_device: Mapping[str, int]) -> int:
        """Return the size of a batch for the type of the device; that of "cpu" for a type that is not listed."""
        return by_device.get(self.device.type, by_device["cpu"])


def choose_compute(device: str = "auto") -> Compute:
    """Return the device and its precision: bfloat16 if the hardware supports it, else float32.

    Parameters
    ----------
    device : str, default="auto"
        "auto" is the GPU if torch finds one, else the CPU; or a name of torch: "cpu", "cuda", "cuda:1", "mps".

    Raises
    ------
    EncoderError
        There is no such device, or torch does not find it.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = _device(device)
    return Compute(chosen, torch.bfloat16 if multiplies_bfloat16(chosen) else torch.float32)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether `device` has instructions for bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False  # older versions of torch cannot tell
    names = torch.cpu.get_capabilities()
    return any(names.get(name, False) for name in ("avx512_bf16", "amx_bf16", "sve_bf16", "bf16"))


def _device(name: str) -> torch.device:
    remedy = 'Give "auto", "cpu", or the name of a GPU that torch finds, such as "cuda".'
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EncoderError(f"device={name!r} is not a device. {remedy}") from error
    available = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= available.get(device.type, 0):
        raise EncoderError(f"torch does not find device={name!r} on this machine. {remedy}")
    return device


@dataclass(frozen=True)
class TextPreparation:
    """Converts texts to token ids (t,), truncated to the longest text that the model reads."""

    tokens_of: Callable[[list[str], int], list[list[int]]]  # of texts from this row on
    pad: int = 0
    tokenizer: Callable[[], str] | None = None  # returns the JSON that the package tokenizers reads
    about: Mapping[str, Any] = field(default_factory=dict)  # description, for preparing texts in other programs
    modality: Literal["text"] = "text"

    def prepare(self, items: Items, *, first_row: int = 0) -> list[Tensor]:
        """Return the token ids (t,) of each text."""
        return [torch.tensor(ids, dtype=torch.int64) for ids in self.tokens_of(check_texts(items), first_row)]

    def together(self, inputs: Sequence[Tensor]) -> State:
        """Return ids (n, t), padded on the right to the longest, and their mask (n, t)."""
        lengths = torch.tensor([len(ids) for ids in inputs])
        filled = pad_sequence(list(inputs), batch_first=True, padding_value=self.pad)
        return State(filled, torch.arange(filled.shape[1]) < lengths[:, None])


@dataclass(frozen=True)
class ImagePreparation:
    """Converts images to the network's input (3, h, w)."""

    prepare_pixels: Callable[[Pixels], Tensor]
    at_least: int | None = None  # length of the shorter side that is needed [pixels]
    about: Mapping[str, Any] = field(default_factory=dict)  # description, for preparing images in other programs
    modality: Literal["image"] = "image"

    def prepare(self, items: Items, *, first_row: int = 0) -> list[Tensor]:
        """Return the input (3, h, w) of each image."""
        return map_pixels(items, self.prepare_pixels, first_row=first_row, at_least=self.at_least)

    def together(self, inputs: Sequence[Tensor]) -> State:
        """Return inputs (n, 3, h, w), without a mask."""
        return State(torch.stack(list(inputs)))

    def in_views(self, views: Sequence[Callable[[Pixels], Pixels]]) -> Self:
        """Return a preparation that reads each image once and returns all its views (views, 3, h, w)."""
        prepare = self.prepare_pixels
        return replace(self, prepare_pixels=lambda pixels: torch.stack([prepare(view(pixels)) for view in views]))


@dataclass(frozen=True)
class Backbone:
    """A pretrained network in stages, in float32; its weights are never changed.

    `stages` names them in order. The last, "head", is the classifier, which is trained separately. The output of the
    others is the encoder's pooled output, before it is scaled to unit length.
    """

    name: str
    width: int
    digest: str  # of weights, preprocessing and precision
    compute: Compute
    network: Network
    preparation: TextPreparation | ImagePreparation
    fresh: Callable[[], Network]  # returns the same architecture with random weights from torch's generator
    learns_statistics: bool = False  # whether batch norms update their statistics, as random weights require
    encoder: object = None  # that it is the network of
    known_faults: set[str] = field(default_factory=set)  # of texts, that were warned of

    @property
    def modality(self) -> Literal["text", "image"]:
        """The kind of items that it reads."""
        return self.preparation.modality

    @property
    def device(self) -> torch.device:
        """The device on which it runs."""
        return self.compute.device

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of its stages in order, with "head" at the end."""
        return (*self.network, HEAD)

    def n_frozen(self, freeze_at: str | int) -> int:
        """Return the number of frozen stages before the first trained stage.

        freeze_at: the first trained stage, by name or by index: 0 trains everything, -1 only the head.

        Raises UnknownStageError if there is no such stage; the message lists the stages.
        """
        stages = self.stages
        if isinstance(freeze_at, str) and freeze_at in stages:
            return stages.index(freeze_at)
        if is_whole(freeze_at) and -len(stages) <= freeze_at < len(stages):
            return int(freeze_at) % len(stages)
        above = is_whole(freeze_at) and freeze_at >= len(stages)
        reason = "is after the head, so nothing would be trained" if above else f"is not a stage of {self.name}"
        raise UnknownStageError(
            f"freeze_at={freeze_at!r} {reason}. Give the name or index of the first stage to train (0 is the first, -1 "
            f"the head): {', '.join(stages)}."
        )

    def prepare(self, items: Items, *, first_row: int = 0) -> list[Tensor]:
        """Return the first stage's input of each item: token ids (t,), or pixels (3, h, w).

        Raises InputError if the network does not read items of this kind. Raises BadItemError if an item cannot be
        used; the message names its row.
        """
        if len(items) == 0:
            return []
        self.check(items)
        return self.preparation.prepare(items, first_row=first_row)

    def check(self, items: Items) -> None:
        """Raise InputError if the network does not read items of this kind."""
        modality = modality_of(items)
        if modality != self.modality:
            kind = "vectors" if modality == "vectors" else f"{modality}s"
            hint = " If they are paths, the files do not exist." if (kind, self.modality) == ("texts", "image") else ""
            raise InputError(f"{self.name} reads {self.modality}s, but got {kind}. Use another encoder.{hint}")

    def together(self, inputs: Sequence[Tensor]) -> State:
        """Return inputs as one batch for the first stage."""
        return self.preparation.together(inputs)


@runtime_checkable
class Staged(Protocol):
    """An encoder whose network can be divided into stages."""

    def backbone(self) -> Backbone:
        """Return its network in stages, with newly read weights, in float32."""
        ...


@runtime_checkable
class Joining(Protocol):
    """An encoder that may join something to the output of its last stage."""

    def joined(self, network: Network) -> Network:
        """Return the stages of its backbone as a network that gives its vectors."""
        ...


def through(network: Network, state: State, *, first: int = 0) -> State:
    """Return the state after the stages of `network` from number `first` on."""
    for stage in list(network.values())[first:]:
        state = stage(state)
    return state


class Trunk:
    """The frozen stages before a freeze point: without gradients and dropout, with fixed statistics.

    Runs in the precision of the encoder. Its weights are copied at the first call.

    Attributes
    ----------
    backbone : Backbone
        The whole network.
    stages : tuple of str
        The frozen stages, in order; empty if everything is trained.
    digest : str
        Changes whenever the activations would change.
    """

    def __init__(self, backbone: Backbone, freeze_at: str | int) -> None:
        self.backbone = backbone
        self.stages = backbone.stages[: backbone.n_frozen(freeze_at)]

    @cached_property
    def digest(self) -> str:
        """Hash of weights, preprocessing, precision and stages."""
        return trunk_digest(self.backbone, n_frozen=len(self.stages))

    def __call__(self, state: State, *, first: int = 0) -> State:
        """Return the state at the freeze point, on the backbone's device.

        state: the input of stage number `first`; that of stage 0 comes from `Backbone.together`.
        """
        compute = self.backbone.compute
        x = state.x
        x = x.to(compute.device, compute.dtype) if x.is_floating_point() else x.to(compute.device)
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():  # not inference mode: the result is used in training
            return through(self._network, State(x, state.to(compute.device).mask), first=first)

    @cached_property
    def _network(self) -> Network:
        compute, network = self.backbone.compute, {}
        for name in self.stages:
            stage = copy.deepcopy(self.backbone.network[name]).eval().requires_grad_(False)
            network[name] = channels_last(stage.to(compute.device, compute.dtype))
        return network


def trunk_digest(backbone: Backbone, *, n_frozen: int) -> str:
    """Return the hash that identifies activations after the first `n_frozen` stages, without reading weights."""
    parts = ["activations, 1", backbone.digest, str(backbone.compute.dtype), *backbone.stages[:n_frozen]]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def channels_last(module: nn.Module) -> nn.Module:
    """Store a module's convolutions in the memory format that is fastest; they compute the same."""
    for weights in module.parameters():
        if weights.ndim == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    return module
