"""Text models cut into stages: put together again at any freeze point, they are the originals."""

from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

import tiny_language_models as tiny
from anyshot.encoders.backbones import split
from anyshot.encoders.freeze import from_scratch
from anyshot.encoders.language_model import load_language_model, quiet
from anyshot.encoders.registry import load_encoder
from splits import composition_gap, precise


@pytest.mark.parametrize("kind", tiny.MODELS)
def test_a_text_model_split_anywhere_is_the_original(kind, tmp_path):
    folder, model = tiny.saved(kind, tmp_path)
    backbone = precise(load_language_model(folder, device="cpu").backbone())
    expected_stages = ("network", "head") if kind == "t5" else ("embeddings", "layer1", "layer2", "pooling", "head")
    assert backbone.stages == expected_stages
    state = backbone.together(backbone.prepare(tiny.TEXTS))
    assert not state.mask.all()  # texts of several lengths, so that what fills them up could do harm
    expected = torch.from_numpy(tiny.expected_vectors(kind, model))
    for place in range(len(backbone.stages)):
        trunk, rest = split(backbone, place)
        with torch.no_grad():
            made = torch.nn.functional.normalize(rest.eval()(trunk(state)))
        assert torch.allclose(made, expected, atol=1e-6)


@pytest.mark.parametrize("narrowed", [False, True])
def test_a_sentence_model_split_anywhere_is_the_original(narrowed, tmp_path):
    folder, _ = saved_sentences(tmp_path, narrowed=narrowed)
    backbone = precise(load_encoder(f"hf:{folder}", device="cpu").backbone())
    assert backbone.stages == ("embeddings", "layer1", "layer2", "pooling", "head")
    with quiet():
        library = SentenceTransformer(str(folder), device="cpu")
        expected = torch.from_numpy(library.encode(tiny.TEXTS, show_progress_bar=False))
    assert composition_gap(backbone, backbone.together(backbone.prepare(tiny.TEXTS)), expected) < 1e-6
    fresh = from_scratch(backbone, random_state=0)
    assert split(fresh, 0).rest(fresh.together(fresh.prepare(tiny.TEXTS))).shape == expected.shape


def saved_sentences(place: Path, *, narrowed: bool) -> tuple[Path, torch.nn.Module]:
    folder, bert = tiny.saved("bert", place / "bert")
    with quiet():
        modules = [Transformer(str(folder)), Pooling(16, pooling_mode="mean")]
        modules += [Dense(16, 5, activation_function=torch.nn.Tanh())] if narrowed else []
        SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(place / "sentences"))
    return place / "sentences", bert
