"""Freeze points: a network split into a trunk that stays as it is and a rest that is trained.

Everything that is frozen can be computed once (`activations`); the rest is a fresh copy, so that no training ever
changes an encoder.
"""

import copy
import dataclasses
import hashlib
from collections import OrderedDict
from functools import cached_property

import torch
from torch import Tensor, nn

from anyshot.base.validation import RandomState, generator
from anyshot.encoders.frozen_norm import freeze_norms
from anyshot.encoders.stages import Backbone, Network, Staged, State, through
from anyshot.errors import EncoderError


class Trunk:
    """The frozen stages before a freeze point: no gradients, no dropout, no statistics that follow the data.

    Runs in bfloat16 where the device multiplies it in hardware, as encoders do. Its weights are copied when it is first
    called: where all activations are known, never.

    Attributes
    ----------
    stages : tuple of str
        The frozen stages, in order; none where everything is trained.
    digest : str
        Changes whenever its activations would.
    """

    def __init__(self, backbone: Backbone, *, place: int) -> None:
        self.backbone = backbone
        self.place = place
        self.stages = backbone.stages[:place]

    @cached_property
    def digest(self) -> str:
        """Weights, preprocessing, precision and the stages, hashed."""
        return trunk_digest(self.backbone, place=self.place)

    def __call__(self, state: State, *, first: int = 0) -> State:
        """Return the state at the freeze point, on the backbone's device.

        state: what stage number `first` reads; 0 is what `Backbone.together` returns.
        """
        compute = self.backbone.compute
        x = state.x
        given = x.to(compute.device, compute.dtype) if x.is_floating_point() else x.to(compute.device)
        if given.ndim == 4:
            given = given.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():  # not inference mode: what it makes is to be trained on
            return through(self._network, State(given, state.to(compute.device).mask), first=first)

    @cached_property
    def _network(self) -> Network:
        compute, network = self.backbone.compute, {}
        for name in self.stages:
            stage = copy.deepcopy(self.backbone.network[name]).eval().requires_grad_(False)
            network[name] = _channels_last(stage.to(compute.device, compute.dtype))
        return network


class Rest(nn.Module):
    """The trained stages from a freeze point on: a copy in float32, on the backbone's device.

    Batch norms keep the statistics they came with and learn their gains and offsets only. Only a backbone with random
    weights learns both.
    """

    def __init__(self, backbone: Backbone, *, place: int) -> None:
        super().__init__()
        names = backbone.stages[place:-1]
        copies = OrderedDict((name, copy.deepcopy(backbone.network[name])) for name in names)
        self.stages = nn.ModuleDict(copies)
        if not backbone.learns_statistics:
            freeze_norms(self.stages)
        self.requires_grad_(True)
        self.to(backbone.device, torch.float32)
        _channels_last(self)
        self.train()

    def forward(self, state: State) -> Tensor:
        """Return pooled features (n, width), float32, not of unit length, of the state at the freeze point."""
        given = state.x.float() if state.x.is_floating_point() else state.x
        x: Tensor = through(dict(self.stages.items()), State(given, state.mask)).x
        return x.float()

    def named_stages(self) -> list[tuple[str, nn.Module]]:
        """Return the trained stages with their names, in order; none where only a head is trained."""
        return list(self.stages.items())


def backbone_of(encoder: object) -> Backbone:
    """Return the stages of a loaded encoder.

    Raises
    ------
    EncoderError
        It is not made of stages that can be told: only what stands on its vectors can be trained.
    """
    if isinstance(encoder, Staged):
        return encoder.backbone()
    if encoder is None:
        raise EncoderError("A model on vectors has no network. Give texts or images, whose encoder has one.")
    raise EncoderError(
        f"The encoder {type(encoder).__name__} has no stages to freeze or train. Train a head on its vectors, or take "
        "'minilm', 'efficientnet-lite0' or a model of transformers (hf:ID-or-folder)."
    )


def trunk_digest(backbone: Backbone, *, place: int) -> str:
    """Return the digest of the activations after the first `place` stages; it costs no weights."""
    parts = ["activations, 1", backbone.digest, str(backbone.compute.dtype), *backbone.stages[:place]]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def from_scratch(backbone: Backbone, *, random_state: RandomState = None) -> Backbone:
    """Return the same architecture with first weights: what is to be had without anything transferred.

    Its preparation of items is the same; its batch norms are there again where the published ones were folded away, and
    learn their statistics.
    """
    seed = int(generator(random_state).integers(2**31))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = {name: stage.float() for name, stage in backbone.fresh().items()}
    digest = hashlib.sha256(f"from scratch, {seed}\n{backbone.digest}".encode()).hexdigest()
    name = f"{backbone.name} from scratch"
    return dataclasses.replace(backbone, name=name, network=network, digest=digest, learns_statistics=True)


def _channels_last(module: nn.Module) -> nn.Module:
    """Lay a module's convolutions out as CPUs and GPUs run them fastest; what they compute is the same."""
    for weights in module.parameters():
        if weights.ndim == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    return module


def frozen_digest(backbone: Backbone, freeze_at: str | int) -> str:
    """Return what stands for the weights below the freeze point, on any machine and in any precision."""
    hashed = hashlib.sha256()
    for name in backbone.stages[: backbone.place(freeze_at)]:
        for key, tensor in backbone.network[name].state_dict().items():
            hashed.update(f"{name}.{key} {tuple(tensor.shape)}".encode())
            hashed.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return hashed.hexdigest()
