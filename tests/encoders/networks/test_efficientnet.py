"""EfficientNet-Lite0 in torch: its layers by hand, and its network split into stages."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images
from torch.nn import functional

from anyshot.encoders.backbones import split
from anyshot.encoders.efficientnet import MEAN, SCALE, EfficientNetLite0Encoder, read_weights
from anyshot.encoders.engines.efficientnet import EPSILON, efficientnet_lite0
from anyshot.encoders.engines.images import normalized
from anyshot.encoders.freeze import from_scratch
from anyshot.encoders.images import center_square
from anyshot.encoders.networks.efficientnet import Convolution, Lite0Network, fold
from anyshot.encoders.stages import State, through
from graphs import answer
from splits import PIXELS, PRECISE, composition_gap, precise

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite0Encoder:
    return EfficientNetLite0Encoder(device="cpu")


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Return scikit-learn's two photographs as the network reads them."""
    return np.stack([center_square(photo) for photo in load_sample_images().images])


def test_a_folded_convolution_equals_the_convolution_and_its_batch_norm():
    generator = torch.Generator().manual_seed(0)
    conv, norm = torch.nn.Conv2d(3, 5, 3, bias=False), torch.nn.BatchNorm2d(5, eps=EPSILON).eval()
    for tensor in (conv.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var):
        tensor.data = torch.rand(tensor.shape, generator=generator)
    weights = {f"c.{name}": value for name, value in conv.state_dict().items()}
    weights |= {f"n.{name}": value for name, value in norm.state_dict().items()}
    state = fold(weights, conv="c", norm="n", name="x")
    x = torch.rand(2, 3, 8, 8, generator=generator)
    folded = functional.conv2d(x, state["x.conv.weight"], state["x.conv.bias"])
    torch.testing.assert_close(folded, norm(conv(x)))


@pytest.mark.parametrize(("kernel", "before"), [(3, 0), (5, 1)])
def test_stride_two_pads_as_tensorflow_does(kernel, before):
    layer = Convolution(1, 1, kernel, stride=2, linear=True)
    torch.nn.init.ones_(layer.conv.weight)
    torch.nn.init.zeros_(layer.conv.bias)
    ramp = torch.arange(64.0).reshape(1, 1, 8, 8)
    padded = functional.pad(ramp, (before, kernel - 2 - before, before, kernel - 2 - before))
    y = layer(ramp)
    assert y.shape == (1, 1, 4, 4)
    torch.testing.assert_close(y, padded.unfold(2, kernel, 2).unfold(3, kernel, 2).sum(dim=(-1, -2)))


def test_the_network_has_named_stages_and_the_published_number_of_weights(encoder):
    network = encoder.backbone().network
    assert list(network) == ["stem", *(f"stage{number}" for number in range(1, 8)), "features", "pooling"]
    layers = [part for stage in network.values() for part in stage.modules() if isinstance(part, torch.nn.Conv2d)]
    n_weights = sum(layer.weight.numel() for layer in layers) + 1000 * 1280
    assert round(n_weights / 1e6, 1) == 4.6  # million; published: 4.7 with biases


def test_in_float32_the_features_equal_those_of_openvino(encoder, pixels):
    with torch.inference_mode():
        state = State(torch.from_numpy(pixels).permute(0, 3, 1, 2))
        exact = through(encoder.backbone().network, state).x.numpy()
    weights = read_weights()
    ours = answer(lambda x: efficientnet_lite0(normalized(x, mean=MEAN, scale=SCALE), weights), pixels)
    np.testing.assert_allclose(ours, exact, atol=1e-4)


def test_torch_as_an_engine_has_nearly_the_same_vectors(encoder, pixels):
    network = Lite0Network(read_weights, device="cpu")
    features = np.concatenate(list(network.map([pixels[:1], pixels[1:]])))
    assert features.dtype == np.float32
    vectors = features / np.linalg.norm(features, axis=1, keepdims=True)
    with_torch = EfficientNetLite0Encoder(device="cpu", engine="torch")
    np.testing.assert_allclose(with_torch.encode(load_sample_images().images), vectors, atol=1e-3)
    assert np.sum(encoder.encode(load_sample_images().images) * vectors, axis=1) == pytest.approx(1, abs=5e-3)
    assert network.precision in ("torch.bfloat16", "float32")
    assert with_torch.digest.split()[1] == network.precision
    assert with_torch.digest.split()[0] == encoder.digest.split()[0]


def test_split_anywhere_it_computes_the_same_features(encoder):
    backbone = precise(encoder.backbone())
    network = Lite0Network(read_weights, device="cpu")
    vars(network)["_compute"] = PRECISE
    state = backbone.together(backbone.prepare(PIXELS[:2]))
    pixels = state.x.permute(0, 2, 3, 1).contiguous().numpy()
    expected = torch.from_numpy(next(network.map([pixels])))
    assert composition_gap(backbone, state, expected) < 1e-6


def test_from_scratch_the_batch_norms_learn_their_statistics():
    backbone = precise(from_scratch(EfficientNetLite0Encoder(device="cpu").backbone(), random_state=0))
    rest = split(backbone, "stage7").rest.train()
    norms = [module for module in rest.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    rest(State(torch.rand(2, 192, 7, 7) + 1))
    assert all(norm.num_batches_tracked == 1 for norm in norms)


def test_loading_does_not_advance_torchs_random_generator():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    EfficientNetLite0Encoder(device="cpu").backbone()
    torch.testing.assert_close(torch.rand(3), expected)
