"""MiniLM in stages is MiniLM."""

import torch

from anyshot.encoders import minilm as text
from anyshot.encoders.backbones import split
from anyshot.encoders.minilm import MiniLMEncoder
from splits import PRECISE, precise


def test_minilm_split_anywhere_is_the_published_network():
    backbone = precise(MiniLMEncoder(device="cpu").backbone())
    texts = ["a parcel", "where is the parcel that I ordered last week", "refund"]
    network = text._network(text.model_folder(), device=PRECISE.device, dtype=PRECISE.dtype)
    tokens = backbone.prepare(texts)
    with torch.no_grad():
        expected = torch.cat([text.embed(ids, [(1, len(ids))], network) for ids in tokens])
    state = backbone.together(tokens)
    for place in range(len(backbone.stages)):
        trunk, rest = split(backbone, place)
        with torch.no_grad():
            made = torch.nn.functional.normalize(rest.eval()(trunk(state)))
        assert torch.allclose(made, expected, atol=1e-6)
