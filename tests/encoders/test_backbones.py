"""Assembled models compute the formula of their docstring, and are copies."""

import numpy as np
import torch
from scipy.special import softmax

from anyshot.encoders.backbones import Assembled, WholeNetwork
from anyshot.encoders.stages import Backbone, Compute, Mapped, TextPreparation

LINEAR = torch.nn.Linear(4, 3, bias=False)
PREPARATION = TextPreparation(lambda texts, row: [[1] for _ in texts])
BACKBONE = Backbone(
    "one layer",
    3,
    "digest",
    Compute(torch.device("cpu"), torch.float32),
    {"layer": Mapped(LINEAR)},
    PREPARATION,
    dict,
)
COEF = np.array([[1.0, 0.0, 2.0], [0.0, -1.0, 1.0]], dtype=np.float32)
INTERCEPT = np.array([0.5, 0.0], dtype=np.float32)
X = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def whole(center: np.ndarray | None) -> WholeNetwork:
    return WholeNetwork(Assembled(BACKBONE, BACKBONE.network, COEF, INTERCEPT, np.array(["a", "b"]), center))


def test_scores_and_probabilities_follow_the_formula():
    z = unit(X.numpy() @ LINEAR.weight.detach().numpy().T)
    for center in (None, np.array([0.3, 0.0, -0.2], dtype=np.float32)):
        moved = z if center is None else unit(z - center)
        scores, probabilities = whole(center)(X)
        assert np.allclose(scores, moved @ COEF.T + INTERCEPT, atol=1e-6)
        assert np.allclose(probabilities, softmax(moved @ COEF.T + INTERCEPT, axis=1), atol=1e-6)


def test_a_center_of_zeros_changes_nothing():
    assert torch.equal(whole(np.zeros(3, dtype=np.float32))(X)[0], whole(None)(X)[0])


def test_the_network_is_a_copy_that_is_not_trained():
    network = whole(None)
    assert not any(weights.requires_grad for weights in network.parameters())
    assert LINEAR.weight.requires_grad
    before = network(X)[0].clone()
    with torch.no_grad():
        LINEAR.weight.mul_(2.0).add_(1.0)
    assert torch.equal(network(X)[0], before)


def test_the_head_is_the_last_stage():
    assert BACKBONE.stages == ("layer", "head")
    assert BACKBONE.modality == "text"
