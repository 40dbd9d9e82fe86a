"""The network of the default text encoder in torch, split into stages."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from anyshot.encoders import texts as encoder_texts
from anyshot.encoders.backbones import split
from anyshot.encoders.minilm import MiniLMEncoder
from anyshot.encoders.networks import minilm as module

pytestmark = pytest.mark.torch

TEXTS = [
    "I was charged twice for one order.",
    "ok",
    "Où est mon colis ?",
    "Where do I change my password?",
    "word " * 400,
]


@pytest.fixture
def exact(monkeypatch) -> MiniLMEncoder:
    """The encoder run by torch on a CPU without bfloat16."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    return MiniLMEncoder(device="cpu", engine="torch")


def test_minilm_split_anywhere_computes_the_same_vectors(exact):
    backbone = exact.backbone()
    state = backbone.together(backbone.prepare(TEXTS[:4]))
    assert not state.mask.all()
    for n_frozen in range(len(backbone.stages)):
        trunk, rest = split(backbone, n_frozen)
        with torch.no_grad():
            vectors = functional.normalize(rest.eval()(trunk(state)))
        np.testing.assert_allclose(vectors, exact.encode(TEXTS[:4]), atol=1e-6)


def test_a_vector_does_not_depend_on_the_rest_of_the_batch(exact):
    alone = np.concatenate([exact.encode([item]) for item in TEXTS])
    np.testing.assert_allclose(exact.encode(TEXTS), alone, atol=2e-6)


def test_window_and_batch_sizes_do_not_change_the_vectors(exact, monkeypatch):
    expected = exact.encode(TEXTS)
    monkeypatch.setattr(encoder_texts, "windows", lambda texts: [slice(n, n + 2) for n in range(0, len(texts), 2)])
    monkeypatch.setattr(module, "BATCH_TOKENS", {"cpu": 8})
    np.testing.assert_allclose(exact.encode(TEXTS), expected, atol=2e-6)


def test_bfloat16_changes_cosine_by_less_than_2e_4(exact):
    runner = module.MiniLMRunner(
        exact._runner.tokenizer, exact._weights, module.Compute(torch.device("cpu"), torch.bfloat16)
    )
    assert (runner.encode(TEXTS) * exact.encode(TEXTS)).sum(axis=1).min() > 1 - 2e-4


def test_random_weights_have_the_published_shapes(exact):
    ours = {name: stage.state_dict() for name, stage in exact.backbone().network.items()}
    for name, stage in module.fresh().items():
        assert {key: value.shape for key, value in stage.state_dict().items()} == {
            key: value.shape for key, value in ours[name].items()
        }
