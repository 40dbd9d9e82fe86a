"""The stages of EfficientNet-Lite0, and the same network with its batch norms unfolded, to be trained from nothing."""

import torch
from torch import Tensor, nn

from anyshot.encoders.efficientnet_network import EPSILON, Convolution, EfficientNetLite0
from anyshot.encoders.stages import Mapped, MeanPooling, Network, State

MOMENTUM = 0.1  # of the batch norms' running statistics: the published 0.01 is for hundreds of thousands of steps


class Stem(nn.Module):
    """Pixels, scaled as the network was trained, through its first convolution."""

    def __init__(self, convolution: Convolution) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, state: State) -> State:
        """Map pixels (n, 3, 224, 224), 0 to 255, to (n, 32, 112, 112)."""
        scaled = (state.x.float() - 127) / 128
        made: Tensor = self.convolution(scaled.to(self._dtype))
        return State(made)

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.convolution.parameters()).dtype


def lite0_stages(network: EfficientNetLite0) -> Network:
    """Return the stages; the network's own "head", its last convolution, is here called "features"."""
    parts = dict(network.named_children())
    stem, features = parts.pop("stem"), parts.pop("head")
    assert isinstance(stem, Convolution)
    middle = {name: Mapped(stage) for name, stage in parts.items()}
    return {"stem": Stem(stem), **middle, "features": Mapped(features), "pooling": MeanPooling()}


def fresh() -> Network:
    """Return the stages with first weights, every convolution followed by a batch norm of its own."""
    network = EfficientNetLite0()
    for module in network.modules():
        if isinstance(module, Convolution):
            conv = module.conv
            fan_out = conv.kernel_size[0] ** 2 * conv.out_channels // conv.groups
            nn.init.normal_(conv.weight, std=(2 / fan_out) ** 0.5)  # He et al., ICCV 2015, eq. (14)
            conv.bias = None
            norm = nn.BatchNorm2d(conv.out_channels, eps=EPSILON, momentum=MOMENTUM)
            module.set_submodule("conv", nn.Sequential(conv, norm))
    return lite0_stages(network)
