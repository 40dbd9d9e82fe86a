"""Batches of texts that are about equally long, drawn at random all the same."""

import numpy as np

from anyshot.encoders.activation_batches import similar_lengths

LENGTHS = np.random.default_rng(0).integers(1, 60, size=500)


def test_every_row_is_drawn_once():
    rows = np.arange(3, 480)
    made = similar_lengths(LENGTHS, rows, batch_size=16, generator=np.random.default_rng(0))
    assert sorted(np.concatenate(made).tolist()) == rows.tolist()
    assert all(len(batch) <= 16 for batch in made)
    assert len(made) == 30


def test_little_is_spent_on_filling_up():
    rows = np.arange(500)
    made = similar_lengths(LENGTHS, rows, batch_size=16, generator=np.random.default_rng(0))
    filled = sum(LENGTHS[batch].max() * len(batch) for batch in made)
    assert filled < 1.15 * LENGTHS.sum()


def test_the_generator_decides_and_epochs_differ():
    first, again = (
        similar_lengths(LENGTHS, np.arange(500), batch_size=8, generator=np.random.default_rng(1)) for _ in "ab"
    )
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    drawn = np.random.default_rng(1)
    epochs = [similar_lengths(LENGTHS, np.arange(500), batch_size=8, generator=drawn) for _ in range(2)]
    assert {frozenset(batch.tolist()) for batch in epochs[0]} != {frozenset(batch.tolist()) for batch in epochs[1]}


def test_items_of_one_length_are_shuffled():
    made = similar_lengths(np.ones(100), np.arange(100), batch_size=10, generator=np.random.default_rng(0))
    assert np.concatenate(made).tolist() != list(range(100))
    assert all(np.ptp(batch) > 20 for batch in made)


def test_no_rows_are_no_batches():
    assert similar_lengths(LENGTHS, np.arange(0), batch_size=4, generator=np.random.default_rng(0)) == []
