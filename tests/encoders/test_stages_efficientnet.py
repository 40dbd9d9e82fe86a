"""EfficientNet-Lite0 in stages is EfficientNet-Lite0; from nothing, its batch norms learn."""

import torch

from anyshot.encoders.backbones import split
from anyshot.encoders.efficientnet import EfficientNetLite0Encoder
from anyshot.encoders.freeze import from_scratch
from anyshot.encoders.stages import State
from splits import PIXELS, PRECISE, composition_gap, precise


def test_efficientnet_lite0_split_anywhere_is_the_published_network():
    encoder = EfficientNetLite0Encoder(device="cpu")
    backbone = precise(encoder.backbone())
    state = backbone.together(backbone.prepare(PIXELS[:2]))
    vars(encoder)["_compute"] = PRECISE  # the original too, in float32
    with torch.no_grad():
        expected = encoder._features(state.x)
    assert composition_gap(backbone, state, expected) < 1e-6


def test_from_scratch_the_statistics_of_batch_norms_are_learned_too():
    backbone = precise(from_scratch(EfficientNetLite0Encoder(device="cpu").backbone(), random_state=0))
    rest = split(backbone, "stage7").rest.train()
    norms = [module for module in rest.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    rest(State(torch.rand(2, 192, 7, 7) + 1))
    assert all(norm.num_batches_tracked == 1 for norm in norms)
