"""Texts to vectors by an engine: order, truncation, batches, and tokenizers that cannot be used."""

import logging

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from anyshot.encoders.engines import texts as module
from anyshot.encoders.engines.layers import embedding, mean_over
from anyshot.encoders.engines.texts import TextEngine, TextTokenizer, read_tokenizer
from anyshot.errors import BadItemError, EncoderError, MissingWeightsError

WORDS = ["<unk>", "my", "card", "is", "late"]
TABLE = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
TEXTS = ["my card", "card is late is late is late", "late", "my my card is"]


def tokenizer_of_words() -> Tokenizer:
    words = Tokenizer(models.WordLevel({word: row for row, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return words


def engine_of(*, vocabulary: int = 5, prompt: str = "", max_tokens: int = 100) -> TextEngine:
    """Return an engine whose vectors are the mean of the rows of `TABLE`, at length 1."""
    tokenizer = tokenizer_of_words()
    tokenizer.enable_truncation(max_tokens)
    return TextEngine(
        TextTokenizer(tokenizer, max_tokens, prompt=prompt),
        lambda tokens: mean_over(tokens.of_texts(embedding(tokens.ids, TABLE)), tokens.mask),
        width=3,
        vocabulary=vocabulary,
        key="mean of words",
        precision="float32",
        threads=2,
    )


def expected(texts):
    means = np.stack([TABLE[[WORDS.index(word) for word in text.split()]].mean(axis=0) for text in texts])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


@pytest.mark.parametrize("budget", [1, 8, 1024])
def test_vectors_are_in_the_order_of_the_texts(monkeypatch, budget):
    monkeypatch.setattr(module, "BATCH_TOKENS", budget)
    np.testing.assert_allclose(engine_of().encode(TEXTS * 20), expected(TEXTS * 20), atol=1e-6)


def test_a_prompt_is_put_before_each_text():
    np.testing.assert_allclose(
        engine_of(prompt="late ").encode(TEXTS), expected([f"late {text}" for text in TEXTS]), atol=1e-6
    )


def test_long_texts_are_truncated_and_counted(caplog):
    with caplog.at_level(logging.DEBUG, logger="anyshot"):
        vectors = engine_of(max_tokens=3).encode(TEXTS)
    np.testing.assert_allclose(vectors, expected([" ".join(text.split()[:3]) for text in TEXTS]), atol=1e-6)
    assert "2 of 4 texts are longer than 3 tokens and were truncated" in caplog.text


def test_a_text_without_a_token_is_reported_with_its_row(monkeypatch):
    monkeypatch.setattr(module, "windows", lambda texts: [slice(0, 2), slice(2, 3)])
    with pytest.raises(BadItemError, match="returned no tokens for the text in row 2"):
        engine_of().encode(["my", "card", "\t"])


def test_a_token_that_the_network_does_not_know_is_reported():
    with pytest.raises(EncoderError, match="a token with the number 4, but the network knows only 4"):
        engine_of(vocabulary=4).encode(["late"])


def test_no_texts_are_no_vectors():
    assert engine_of().encode([]).shape == (0, 3)


@pytest.mark.parametrize("is_published", [False, True])
def test_a_tokenizer_is_read_without_its_own_padding_and_limit(tmp_path, is_published):
    tokenizer = tokenizer_of_words()
    tokenizer.enable_padding(length=9)
    tokenizer.enable_truncation(1)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    for most, ids in ((2, [1, 2]), (4, [1, 2, 3])):
        read = read_tokenizer(tmp_path / "tokenizer.json", max_tokens=most, is_published=is_published)
        assert read.encode("my card is").ids == ids


def test_a_missing_tokenizer_is_reported(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"has no tokenizer\.json\. Download the model again, or save its"):
        read_tokenizer(tmp_path / "tokenizer.json", max_tokens=2)


@pytest.mark.parametrize("text", ["", '{"model": {"ty', "[]", '{"version": "1.0"}', '{"model": {"type": "Own"}}'])
def test_a_file_that_is_no_tokenizer_is_reported(tmp_path, text):
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(MissingWeightsError, match=r"tokenizer\.json is not a tokenizer: .*Download the model again"):
        read_tokenizer(tmp_path / "tokenizer.json", max_tokens=2)


@pytest.mark.parametrize("is_published", [False, True])
def test_a_tokenizer_that_cannot_be_read_is_reported(tmp_path, is_published):
    (tmp_path / "tokenizer.json").mkdir()
    with pytest.raises(MissingWeightsError, match=r"tokenizer\.json cannot be read"):
        read_tokenizer(tmp_path / "tokenizer.json", max_tokens=2, is_published=is_published)
