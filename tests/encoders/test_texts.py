"""Texts before they are encoded: tokens, windows and batches."""

import itertools

import numpy as np
import pytest

from anyshot.encoders.texts import batches, chunks, collect, windows


def test_windows_contain_every_text_once_in_order():
    texts = ["a" * n for n in range(1, 30)]
    cut = list(windows(texts, at_most=4))
    assert [text for window in cut for text in texts[window]] == texts


def test_a_window_is_limited_in_texts_and_characters():
    assert list(windows(["ab"] * 5, at_most=2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    parts = chunks(["ab", "abc", "a", "abcdefg", "a"], characters=5)
    assert list(parts) == [["ab", "abc"], ["a"], ["abcdefg"], ["a"]]


def test_without_texts_there_are_no_windows_and_no_batches():
    assert list(windows([])) == []
    assert list(batches([], budget=10)) == []


def test_batches_of_a_small_example():
    assert [rows.tolist() for rows in batches([3, 1, 9, 2, 20], budget=9)] == [[1, 3, 0], [2], [4]]


@pytest.mark.parametrize("budget", [1, 40, 10_000])
def test_batches_contain_every_row_once_sorted_by_length_within_the_budget(budget):
    lengths = np.random.default_rng(0).integers(1, 60, size=200)
    result = list(batches(lengths.tolist(), budget=budget))
    rows = np.concatenate(result)
    assert sorted(rows) == list(range(200))
    assert (np.diff(lengths[rows]) >= 0).all()
    assert all(len(part) == 1 or len(part) * lengths[part].max() <= budget for part in result)


@pytest.mark.parametrize("n", [1, 20, 8192])
def test_less_than_a_tenth_of_batches_of_mixed_lengths_is_padding(n):
    lengths = np.random.default_rng(n).integers(3, 257, size=n)
    filled = sum(len(rows) * lengths[rows].max() for rows in batches(lengths.tolist(), budget=1024))
    assert 1 - lengths.sum() / filled < 0.1


def test_chunks_are_read_from_an_endless_iterable_as_needed():
    texts = chunks(itertools.cycle(["ab", "abcdefgh", "a"]), characters=10)
    assert list(itertools.islice(texts, 3)) == [["ab", "abcdefgh"], ["a", "ab"], ["abcdefgh", "a"]]
    assert list(chunks(iter(["a"] * 7), at_most=3)) == [["a"] * 3, ["a"] * 3, ["a"]]
    assert list(chunks([])) == []


def test_chunks_pass_on_what_is_no_text():
    assert list(chunks(["a", None, 7], at_most=1)) == [["a"], [None], [7]]


def test_parts_are_collected_by_their_rows():
    parts = [(np.array([2, 0]), np.ones((2, 1), np.float32)), (slice(1, 2), np.zeros((1, 1), np.float32))]
    assert collect(iter(parts), n_texts=3, width=1).tolist() == [[1], [0], [1]]
    assert collect([], n_texts=0, width=4).shape == (0, 4)
