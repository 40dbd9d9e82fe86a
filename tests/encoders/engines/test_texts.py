"""Texts to vectors by an engine: order, truncation, and rows of tokens with little padding."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from anyshot.encoders import texts as encoder_texts
from anyshot.encoders.engines import texts as module
from anyshot.encoders.engines.layers import embedding, integers, mean_over, model, ops
from anyshot.encoders.engines.openvino import Engine
from anyshot.encoders.engines.texts import (
    TextEngine,
    bias_between_texts,
    halves_of_rows,
    row_inputs,
    row_length,
    share_rows,
    token_nodes,
)
from anyshot.encoders.texts import TextTokenizer
from anyshot.errors import BadItemError, EncoderError

WORDS = ["<unk>", "my", "card", "is", "late"]
TABLE = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
TEXTS = ["my card", "card is late is late is late", "late", "my my card is"]
ROWS = [[[7, 8, 9], [5, 6]], [[4] * 4]]


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


def test_long_texts_are_truncated():
    vectors = engine_of(max_tokens=3).encode(TEXTS)
    np.testing.assert_allclose(vectors, expected([" ".join(text.split()[:3]) for text in TEXTS]), atol=1e-6)


def test_a_text_without_a_token_is_reported_with_its_row(monkeypatch):
    monkeypatch.setattr(encoder_texts, "windows", lambda texts: [slice(0, 2), slice(2, 3)])
    with pytest.raises(BadItemError, match="returned no tokens for the text in row 2"):
        engine_of().encode(["my", "card", "\t"])


def test_a_token_that_the_network_does_not_know_is_reported():
    with pytest.raises(EncoderError, match="a token with the number 4, but the network knows only 4"):
        engine_of(vocabulary=4).encode(["late"])


def test_no_texts_are_no_vectors():
    assert engine_of().encode([]).shape == (0, 3)


def test_rows_have_few_lengths():
    assert [row_length(n) for n in (1, 32, 33, 48, 49, 256)] == [32, 32, 48, 48, 64, 256]


def test_texts_fill_rows_the_longest_first():
    assert share_rows([20, 12, 5, 30, 3, 40]) == [[5, 3, 0, 1, 2, 4]]  # 110 of 120, room for three of 40
    assert share_rows([20, 20, 20, 20]) == [[3, 2, 1], [0]]  # 60 of 64
    assert share_rows([]) == []


@pytest.mark.parametrize("longest", [10, 60, 300])
def test_every_text_is_in_one_row_and_little_is_padding(longest):
    lengths = np.random.default_rng(0).integers(1, longest, size=1000).tolist()
    rows = share_rows(lengths)
    assert sorted(number for row in rows for number in row) == list(range(1000))
    filled = [sum(lengths[number] for number in row) for row in rows]
    assert max(filled) <= row_length(max(128, longest))
    assert sum(filled) > 0.95 * sum(map(row_length, filled))


def test_arrays_say_where_each_text_is():
    inputs = row_inputs(ROWS, padding=1)
    assert inputs["ids"][:, :6].tolist() == [[7, 8, 9, 5, 6, 1], [4, 4, 4, 4, 1, 1]]
    assert inputs["positions"][:, :6].tolist() == [[0, 1, 2, 0, 1, 0], [0, 1, 2, 3, 0, 0]]
    assert inputs["texts"][:, :6].tolist() == [[1, 1, 1, 2, 2, 0], [1, 1, 1, 1, 0, 0]]
    assert inputs["ids"].shape == (2, 32)
    texts = [ids[kept == 1].tolist() for ids, kept in zip(of_texts(inputs), inputs["mask"], strict=True)]
    assert texts == [[7, 8, 9], [5, 6], [4] * 4]


def test_halves_of_rows_hold_the_same_texts():
    inputs = row_inputs([*ROWS, [[2], [3]]], padding=0)
    halves = halves_of_rows(inputs)
    expected = of_texts(inputs) * inputs["mask"]
    actual = np.concatenate([of_texts(half) * half["mask"] for half in halves])
    np.testing.assert_array_equal(actual, expected)
    assert [len(half["ids"]) for half in halves] == [1, 2]
    assert halves_of_rows(halves[0]) == []


def test_the_graph_takes_texts_from_their_rows():
    inputs = row_inputs(ROWS, padding=0)
    states = np.stack([inputs["ids"], inputs["positions"]], axis=-1)

    def build():
        tokens = token_nodes()
        both = ops.concat([ops.unsqueeze(node, integers(2)) for node in (tokens.ids, tokens.positions)], 2)
        return model(tokens.of_texts(ops.convert(both, "f32")), list(tokens))

    np.testing.assert_array_equal(Engine(build, threads=1)(**inputs), states.reshape(-1, 2)[inputs["places"]])


def test_no_token_sees_another_text():
    texts = np.array([[1, 1, 2, 0]], np.int32)

    def build():
        tokens = token_nodes()
        return model(bias_between_texts(tokens.texts), [tokens.texts])

    seen = Engine(build, threads=1)(texts=texts)[0, 0] == 0
    assert seen.astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def of_texts(inputs):
    """Return the ids (m, l) of the texts in rows, by their places."""
    return inputs["ids"].reshape(-1)[inputs["places"]]
