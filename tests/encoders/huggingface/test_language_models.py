"""Tiny random text models of transformers, compared with transformers' own forward pass and pooling by hand."""

import sys
from subprocess import run

import numpy as np
import pytest
import torch
from sklearn.base import clone
from tokenizers import pre_tokenizers

from anyshot.base.protocols import Digested, Encoder
from anyshot.encoders.huggingface.language_models import LanguageModelEncoder
from anyshot.encoders.registry import load_encoder
from anyshot.errors import BadItemError, MissingWeightsError, UnknownEncoderError
from tiny_language_models import MODELS, TEXTS, expected_vectors, saved, tokenizer_for


@pytest.fixture
def exact(monkeypatch):
    """Pretend that the CPU has no bfloat16, so that vectors are exact."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)


@pytest.mark.parametrize("kind", MODELS)
def test_vectors_are_the_pooled_states_of_transformers(kind, tmp_path, exact):
    folder, model = saved(kind, tmp_path)
    encoder = load_encoder(f"hf:{folder}", device="cpu", download="never", engine="torch")
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, Digested)
    assert (encoder.modality, encoder.width) == ("text", 16)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected_vectors(kind, model), atol=2e-6)


@pytest.mark.parametrize("kind", MODELS)
def test_bfloat16_changes_vectors_little(kind, tmp_path):
    folder, model = saved(kind, tmp_path)
    vectors = LanguageModelEncoder(folder, device="cpu").encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors * expected_vectors(kind, model)).sum(axis=1).min() > 0.999


@pytest.mark.parametrize(("kind", "n_tokens"), [("bert", 12), ("roberta", 12), ("distilbert", 12), ("gpt2", 12)])
def test_long_texts_are_truncated(kind, n_tokens, tmp_path, exact):
    folder, _ = saved(kind, tmp_path)
    encoder = LanguageModelEncoder(folder, device="cpu")
    fits = n_tokens if kind == "gpt2" else n_tokens - 2
    whole, longer = encoder.encode(["card " * fits, "card " * 30])
    np.testing.assert_allclose(whole, longer, atol=1e-6)


def test_an_empty_list_returns_an_empty_array(tmp_path):
    folder, _ = saved("bert", tmp_path)
    assert LanguageModelEncoder(folder).encode([]).shape == (0, 16)


def test_a_text_without_a_token_is_reported_with_its_row(tmp_path):
    folder, _ = saved("gpt2", tmp_path)
    tokenizer = tokenizer_for("gpt2")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.CharDelimiterSplit("_")
    tokenizer.save_pretrained(folder)
    with pytest.raises(BadItemError, match="returned no tokens for the text in row 1"):
        LanguageModelEncoder(folder).encode(["card", "___"])


def test_an_empty_text_is_reported_with_its_row(tmp_path):
    folder, _ = saved("bert", tmp_path)
    with pytest.raises(BadItemError, match="row 1 is empty"):
        LanguageModelEncoder(folder).encode(["card", " "])


def test_missing_weights_are_refused_not_initialized_at_random(tmp_path):
    folder, model = saved("bert", tmp_path)
    weights = {name: value for name, value in model.state_dict().items() if "layer.1.output" not in name}
    model.save_pretrained(folder, state_dict=weights)
    with pytest.raises(MissingWeightsError, match=r"lacks \d+ of the weights .*encoder\.layer\.1\.output"):
        LanguageModelEncoder(folder)


def test_weights_of_another_shape_are_refused(tmp_path):
    folder, _ = saved("bert", tmp_path)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"intermediate_size": 24', '"intermediate_size": 40'))
    with pytest.raises(MissingWeightsError, match=r"has the weights .* in the shape .*24.*asks for .*40"):
        LanguageModelEncoder(folder)


@pytest.mark.parametrize("missing", ["*token*", "tokenizer.json"])
def test_a_folder_without_a_tokenizer_is_refused(tmp_path, missing):
    folder, _ = saved("bert", tmp_path)
    for file in folder.glob(missing):
        file.unlink()
    with pytest.raises(MissingWeightsError, match="has no tokenizer"):
        LanguageModelEncoder(folder)


def test_a_damaged_tokenizer_is_named(tmp_path):
    folder, _ = saved("bert", tmp_path)
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(UnknownEncoderError, match=r"tokenizer\.json cannot be read as JSON"):
        LanguageModelEncoder(folder)


def test_the_digest_identifies_the_model(tmp_path):
    folder, _ = saved("bert", tmp_path / "one")
    other, _ = saved("roberta", tmp_path / "two")
    first = LanguageModelEncoder(folder).digest
    assert LanguageModelEncoder(folder).digest == first
    assert LanguageModelEncoder(other).digest != first


def test_clone_returns_the_same_object(tmp_path):
    encoder = LanguageModelEncoder(saved("bert", tmp_path)[0])
    assert clone(encoder, safe=False) is encoder


def test_nothing_is_written_to_the_terminal(tmp_path, capfd):
    folder, _ = saved("gpt2", tmp_path)
    capfd.readouterr()
    load_encoder(f"hf:{folder}").encode(["card " * 50])
    assert capfd.readouterr() == ("", "")


@pytest.mark.full
def test_nothing_is_written_to_the_terminal_by_the_first_import(tmp_path):
    folder, _ = saved("gpt2", tmp_path)
    code = f"from anyshot.encoders import load_encoder; load_encoder({f'hf:{folder}'!r}).encode(['card ' * 50])"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
