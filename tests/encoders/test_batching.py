"""Texts in windows and batches."""

import numpy as np
import pytest

from anyshot.encoders.batching import batches, windows


def test_windows_cover_every_text_once_in_order():
    texts = ["a" * n for n in range(1, 30)]
    cut = list(windows(texts, at_most=4, letters=50))
    assert [text for window in cut for text in texts[window]] == texts


def test_a_window_holds_at_most_so_many_texts_and_letters():
    assert list(windows(["ab"] * 5, at_most=2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert list(windows(["ab", "abc", "a", "abcdefg", "a"], letters=5)) == [
        slice(0, 2),
        slice(2, 3),
        slice(3, 4),
        slice(4, 5),
    ]


def test_no_texts_make_no_window_and_no_batch():
    assert list(windows([])) == []
    assert list(batches([], budget=10)) == []


def test_batches_worked_by_hand():
    assert [rows.tolist() for rows in batches([3, 1, 9, 2, 20], budget=9)] == [[1, 3, 0], [2], [4]]


@pytest.mark.parametrize("budget", [1, 40, 10_000])
def test_batches_hold_every_row_once_the_shortest_first_within_the_budget(budget):
    lengths = np.random.default_rng(0).integers(1, 60, size=200)
    made = list(batches(lengths.tolist(), budget=budget))
    rows = np.concatenate(made)
    assert sorted(rows) == list(range(200))
    assert (np.diff(lengths[rows]) >= 0).all()
    assert all(len(part) == 1 or len(part) * lengths[part].max() <= budget for part in made)
