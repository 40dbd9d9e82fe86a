"""Tiny random text models of sentence-transformers, compared with the library and with pooling by hand."""

import sys
from subprocess import run

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from anyshot.base.protocols import Digested, Encoder
from anyshot.encoders.huggingface.base import quiet
from anyshot.encoders.huggingface.sentence_models import SentenceModelEncoder
from anyshot.encoders.registry import load_encoder
from anyshot.errors import BadItemError, MissingWeightsError
from tiny_language_models import TEXTS, expected_vectors, saved_sentences


@pytest.fixture
def exact(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # a CPU without bfloat16


def test_mean_pooling_is_the_mean_over_tokens(tmp_path, exact):
    folder, bert = saved_sentences(tmp_path)
    encoder = load_encoder(f"hf:{folder}", device="cpu", download="never", engine="torch")
    assert isinstance(encoder, SentenceModelEncoder)
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert (encoder.modality, encoder.width) == ("text", 16)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected_vectors("bert", bert), atol=2e-6)


@pytest.mark.parametrize(("pooling", "narrowed", "width"), [("cls", False, 16), ("max", False, 16), ("mean", True, 5)])
def test_all_modules_of_the_model_are_used(tmp_path, exact, pooling, narrowed, width):
    folder, _ = saved_sentences(tmp_path, pooling=pooling, narrowed=narrowed)
    with quiet():
        library = SentenceTransformer(str(folder), device="cpu")
        expected = library.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    encoder = SentenceModelEncoder(folder, device="cpu")
    assert encoder.width == width
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=2e-6)


def test_bfloat16_changes_vectors_little(tmp_path):
    folder, bert = saved_sentences(tmp_path)
    vectors = SentenceModelEncoder(folder, device="cpu").encode(TEXTS)
    assert vectors.dtype == np.float32
    assert (vectors * expected_vectors("bert", bert)).sum(axis=1).min() > 0.999


def test_tokens_are_counted_and_long_texts_found(tmp_path):
    encoder = SentenceModelEncoder(saved_sentences(tmp_path)[0], device="cpu")
    texts = ["card", "card " * 30, "x" * 1_000_000]
    assert encoder.n_tokens(texts).tolist() == [3, encoder.max_tokens, 3]  # with those at both ends
    assert encoder.is_cut(texts).tolist() == [False, True, True]
    assert sum(len(vectors) for vectors in encoder.stream(texts)) == 3


def test_an_empty_text_is_reported_with_its_row(tmp_path):
    with pytest.raises(BadItemError, match="row 1 is empty"):
        SentenceModelEncoder(saved_sentences(tmp_path)[0]).encode(["card", ""])


def test_a_modules_weights_in_a_pickle_are_refused(tmp_path):
    folder, _ = saved_sentences(tmp_path, narrowed=True)
    dense = next(folder.glob("2_*"))
    (dense / "model.safetensors").rename(dense / "pytorch_model.bin")
    with pytest.raises(MissingWeightsError, match=r"only in the pickle .*pytorch_model\.bin, which is never opened"):
        load_encoder(f"hf:{folder}", engine="torch")


def test_the_digest_changes_with_the_pooling(tmp_path):
    mean = SentenceModelEncoder(saved_sentences(tmp_path / "one")[0]).digest
    assert SentenceModelEncoder(saved_sentences(tmp_path / "two", pooling="cls")[0]).digest != mean


@pytest.mark.full
def test_nothing_is_written_to_the_terminal(tmp_path):
    folder, _ = saved_sentences(tmp_path)
    name = f"hf:{folder}"
    code = f"from anyshot.encoders import load_encoder; load_encoder({name!r}, engine='torch').encode(['card ' * 50])"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
