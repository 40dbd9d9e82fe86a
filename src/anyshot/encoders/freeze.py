"""The trained layers of a network: those from a freeze point on, copied so that training never changes an encoder.

The frozen layers before it are `stages.Trunk`.
"""

import copy
import dataclasses
import hashlib
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from anyshot.base.validation import RandomState, generator
from anyshot.encoders.stages import Backbone, Staged, State, channels_last, through
from anyshot.errors import EncoderError
from anyshot.training.networks import seeded


class Rest(nn.Module):
    """The trained stages from a freeze point on: a copy in float32, on the backbone's device.

    Batch norms keep their statistics, and only their weights and biases are trained. In a backbone with random weights
    the statistics are learned too.
    """

    def __init__(self, backbone: Backbone, freeze_at: str | int) -> None:
        super().__init__()
        names = backbone.stages[backbone.n_frozen(freeze_at) : -1]
        self.stages = nn.ModuleDict(OrderedDict((name, copy.deepcopy(backbone.network[name])) for name in names))
        if not backbone.learns_statistics:
            freeze_norms(self.stages)
        self.requires_grad_(True)
        self.to(backbone.device, torch.float32)
        channels_last(self)
        self.train()

    def forward(self, state: State) -> Tensor:
        """Return pooled features (n, width), float32, not scaled to unit length, of the state at the freeze point."""
        x = state.x.float() if state.x.is_floating_point() else state.x
        pooled: Tensor = through(dict(self.stages.items()), State(x, state.mask)).x
        return pooled.float()

    def named_stages(self) -> list[tuple[str, nn.Module]]:
        """Return the trained stages with their names, in order; none if only a head is trained."""
        return list(self.stages.items())


class FrozenNorm(nn.Module):
    """A batch norm with constant mean and variance; its weight and bias can be trained.

    A batch norm in evaluation mode is not enough: `train()` on a module that contains it would let its statistics
    follow the batches, and a few small batches would replace what was learned from a large data set.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, norm: nn.modules.batchnorm._BatchNorm) -> None:
        super().__init__()
        self.eps = norm.eps
        self.weight, self.bias = norm.weight, norm.bias
        self.register_buffer("running_mean", norm.running_mean)
        self.register_buffer("running_var", norm.running_var)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize (n, width, ...)."""
        return batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def freeze_norms(module: nn.Module) -> nn.Module:
    """Replace the batch norms in `module`, in place, by frozen ones; return it, or its own replacement.

    Batch norms without running statistics are not replaced.
    """
    if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
        return FrozenNorm(module)
    for name, child in module.named_children():
        setattr(module, name, freeze_norms(child))
    return module


def backbone_of(encoder: object) -> Backbone:
    """Return the network of a loaded encoder in stages.

    Raises
    ------
    EncoderError
        The encoder has no stages: only a model on its vectors can be trained.
    """
    if isinstance(encoder, Staged):
        own = encoder.backbone()
        return own if own.encoder is not None else dataclasses.replace(own, encoder=encoder)
    if encoder is None:
        raise EncoderError("A model on vectors has no network. Give texts or images, whose encoder has one.")
    raise EncoderError(
        f"The encoder {type(encoder).__name__} has no stages to freeze or train. Train a head on its vectors, or use "
        "'minilm', 'efficientnet-lite0' or a model of transformers (hf:ID-or-folder)."
    )


def frozen_digest(backbone: Backbone, freeze_at: str | int) -> str:
    """Return the hash of the weights before the freeze point, the same on any machine and in any precision."""
    digest = hashlib.sha256()
    for name in backbone.stages[: backbone.n_frozen(freeze_at)]:
        for key, tensor in backbone.network[name].state_dict().items():
            digest.update(f"{name}.{key} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def from_scratch(backbone: Backbone, *, random_state: RandomState = None) -> Backbone:
    """Return the same architecture with random weights, to train without transfer.

    It prepares items in the same way. Batch norms that were folded into other layers are restored, and learn their
    statistics.
    """
    seed = int(generator(random_state).integers(2**31))
    with seeded(seed):
        network = {name: stage.float() for name, stage in backbone.fresh().items()}
    digest = hashlib.sha256(f"from scratch, {seed}\n{backbone.digest}".encode()).hexdigest()
    name = f"{backbone.name} from scratch"
    return dataclasses.replace(backbone, name=name, network=network, digest=digest, learns_statistics=True)
