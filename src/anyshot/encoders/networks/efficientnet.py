"""EfficientNet-Lite0 in stages, a network of torch to train, or to run on a GPU.

Its batch norms are folded into the convolutions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from anyshot.base.pixels import Pixels
from anyshot.base.validation import Vectors
from anyshot.encoders.engines.efficientnet import EPSILON, LITE0_STAGES, LITE0_WIDTH
from anyshot.encoders.engines.weights import Weights
from anyshot.encoders.stages import (
    Backbone,
    Compute,
    ImagePreparation,
    Mapped,
    MeanPooling,
    State,
    choose_compute,
    through,
)

MOMENTUM: Final = 0.1  # of new batch norms; the published 0.01 needs hundreds of thousands of steps


class Convolution(nn.Module):
    """A convolution with its batch norm folded in, followed by ReLU6 unless it is `linear`."""

    def __init__(
        self, n_in: int, n_out: int, kernel: int, *, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        # For stride 2, TensorFlow pads an even side by kernel - 2, with the odd pixel at the right and bottom.
        before = (kernel - stride) // 2
        self.margin = (before, kernel - stride - before) * 2 if stride > 1 else None
        padding = 0 if stride > 1 else kernel // 2
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=padding, groups=groups)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, h, w) to (n, n_out, h / stride, w / stride)."""
        y: Tensor = self.conv(x if self.margin is None else functional.pad(x, self.margin))
        return y if self.linear else functional.relu6(y, inplace=not self.training)


class Block(nn.Module):
    """An inverted residual block: expand, depthwise convolution, project (Sandler et al., MobileNetV2, CVPR 2018)."""

    def __init__(self, n_in: int, n_out: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        n_hidden = n_in * expansion
        self.expand = Convolution(n_in, n_hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(n_hidden, n_hidden, kernel, stride=stride, groups=n_hidden)
        self.project = Convolution(n_hidden, n_out, 1, linear=True)
        self.residual = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, n_in, h, w) to (n, n_out, h / stride, w / stride)."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class Stem(nn.Module):
    """The scaling of pixels to [-1, 1], and the first convolution."""

    def __init__(self, convolution: Convolution) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, state: State) -> State:
        """Map pixels (n, 3, 224, 224), 0 to 255, to (n, 32, 112, 112)."""
        scaled = (state.x.float() - 127) / 128
        return State(self.convolution(scaled.to(next(self.convolution.parameters()).dtype)))


def fresh() -> dict[str, nn.Module]:
    """Return the stages with random weights, each convolution followed by a batch norm."""
    network = _uninitialized()
    convolutions = [part for stage in network.values() for part in stage.modules() if isinstance(part, Convolution)]
    for module in convolutions:
        conv = module.conv
        fan_out = conv.kernel_size[0] ** 2 * conv.out_channels // conv.groups
        nn.init.normal_(conv.weight, std=(2 / fan_out) ** 0.5)  # He et al., ICCV 2015, eq. (14)
        conv.bias = None
        norm = nn.BatchNorm2d(conv.out_channels, eps=EPSILON, momentum=MOMENTUM)
        module.set_submodule("conv", nn.Sequential(conv, norm))
    return network


def published(weights: Mapping[str, Tensor], compute: Compute) -> dict[str, nn.Module]:
    """Return the stages with the published weights, whose names are like `_blocks.3._bn1.running_var`."""
    with torch.device("meta"):  # allocate nothing: every weight is assigned below
        network = _uninitialized()
    for name, state in _folded(weights).items():
        network[name].load_state_dict({key: _on_device(part, compute) for key, part in state.items()}, assign=True)
    return {name: stage.eval().requires_grad_(False) for name, stage in network.items()}


def fold(weights: Mapping[str, Tensor], *, conv: str, norm: str, name: str) -> dict[str, Tensor]:
    """Return weight and bias, under `name`, of a convolution with its batch norm folded in.

    gamma (w * x - mean) / sqrt(var + eps) + beta  =  (s w) * x + (beta - s mean)  with  s = gamma / sqrt(var + eps).
    """
    # Not by `engines.convolution.folded`, which rounds the last bit differently: saved models have a hash of these.
    scale = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + EPSILON)  # (n_out,)
    return {
        f"{name}.conv.weight": weights[f"{conv}.weight"] * scale[:, None, None, None],
        f"{name}.conv.bias": weights[f"{norm}.bias"] - scale * weights[f"{norm}.running_mean"],
    }


class Lite0Network:
    """The published network on torch's device, to encode batches of images.

    weights: the published tensors; device: as `stages.choose_compute` takes it.
    """

    def __init__(self, weights: Callable[[], Weights], *, device: str) -> None:
        self._compute = choose_compute(device)
        self._weights = weights
        # In float32 the libraries agree; bfloat16 is rounded at other places by each, up to 0.00011 in cosine.
        self.precision = str(self._compute.dtype).replace("torch.float32", "float32")

    def map(self, batches: Iterable[Pixels]) -> Iterator[Vectors]:
        """Yield the features (n, 1280), float32, of each batch of pixels (n, 224, 224, 3)."""
        for pixels in batches:
            x = torch.from_numpy(pixels).to(self._compute.device).permute(0, 3, 1, 2)  # channels last in memory
            with torch.inference_mode():
                yield through(self._network, State(x)).x.float().cpu().numpy()

    @cached_property
    def _network(self) -> dict[str, nn.Module]:
        return published(tensors(self._weights()), self._compute)


def lite0_backbone(
    weights: Weights,
    *,
    name: str,
    digest: str,
    device: str,
    prepare: Callable[[Pixels], Pixels],
    at_least: int,
    about: Mapping[str, str],
) -> Backbone:
    """Return the published network in stages, in float32, to train.

    digest: of weights and preparation, without the precision; prepare: maps an image (h, w, 3) to the bytes
    (side, side, 3) that the network reads; at_least, about: see `ImagePreparation`.
    """
    compute = choose_compute(device)
    return Backbone(
        name=name,
        width=LITE0_WIDTH,
        digest=compute.with_precision(digest),
        compute=compute,
        network=published(tensors(weights), Compute(torch.device("cpu"), torch.float32)),
        preparation=ImagePreparation(partial(_channels_first, prepare), at_least, about=about),
        fresh=fresh,
    )


def _channels_first(prepare: Callable[[Pixels], Pixels], pixels: Pixels) -> Tensor:
    """Return a prepared image (h, w, 3) as a tensor (3, side, side)."""
    return torch.from_numpy(prepare(pixels).transpose(2, 0, 1).copy())


def tensors(weights: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Return copies of arrays as tensors."""
    return {name: torch.from_numpy(array.copy()) for name, array in weights.items()}


def _uninitialized() -> dict[str, nn.Module]:
    """Return the stages; the names of their submodules are the keys of saved models."""
    network: dict[str, nn.Module] = {"stem": Stem(Convolution(3, 32, 3, stride=2))}
    channels = 32
    for number, (kernel, stride, expansion, n_out, n_blocks) in enumerate(LITE0_STAGES, start=1):
        blocks = nn.Sequential()
        for block in range(n_blocks):
            blocks.append(Block(channels, n_out, kernel=kernel, stride=1 if block else stride, expansion=expansion))
            channels = n_out
        network[f"stage{number}"] = Mapped(blocks)
    return network | {"features": Mapped(Convolution(channels, LITE0_WIDTH, 1)), "pooling": MeanPooling()}


def _folded(weights: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the state of each stage from the published weights, with the batch norms folded in."""
    states = {
        "stem": fold(weights, conv="_conv_stem", norm="_bn0", name="convolution"),
        "features": fold(weights, conv="_conv_head", norm="_bn1", name="inner.0"),
    }
    number = 0
    for stage, (*_, expansion, _n_out, n_blocks) in enumerate(LITE0_STAGES, start=1):
        state: dict[str, Tensor] = {}
        for block in range(n_blocks):
            theirs, ours = f"_blocks.{number}.", f"inner.0.{block}."
            if expansion > 1:
                state |= fold(weights, conv=f"{theirs}_expand_conv", norm=f"{theirs}_bn0", name=f"{ours}expand")
            state |= fold(weights, conv=f"{theirs}_depthwise_conv", norm=f"{theirs}_bn1", name=f"{ours}depthwise")
            state |= fold(weights, conv=f"{theirs}_project_conv", norm=f"{theirs}_bn2", name=f"{ours}project")
            number += 1
        states[f"stage{stage}"] = state
    return states


def _on_device(weights: Tensor, compute: Compute) -> Tensor:
    """Move weights to the device and precision; a convolution's get the channels-last layout, which is fastest."""
    layout = torch.channels_last if weights.ndim == 4 else torch.preserve_format
    return weights.to(compute.device, compute.dtype, memory_format=layout)
