import numpy as np
import pytest

from anyshot.errors import NotEnoughLabelsError
from anyshot.training.sampling import draw_pairs, episodes_of, similar_lengths

INDEX = np.repeat(np.arange(6), 4)
LENGTHS = np.random.default_rng(0).integers(1, 60, size=500)
ALPHABET = np.repeat([0, 0, 0, 0, 1, 1], 4)


def generator(seed=0):
    return np.random.default_rng(seed)


def test_an_episode_has_different_items_of_different_classes():
    rows = episodes_of(INDEX, n_classes=5, n_each=3).draw(generator())
    assert rows.shape == (5, 3)
    assert len(np.unique(rows)) == 15
    assert (INDEX[rows] == INDEX[rows[:, :1]]).all()
    assert len(np.unique(INDEX[rows[:, 0]])) == 5


def test_a_group_is_sampled_in_proportion_to_its_number_of_classes():
    episodes, draws = episodes_of(INDEX, n_classes=3, n_each=2, groups=ALPHABET), generator()
    drawn = [episodes.draw(draws) for _ in range(300)]
    alphabets = [np.unique(ALPHABET[rows]) for rows in drawn]
    assert all(len(one) == 1 for one in alphabets)
    assert np.mean([one[0] == 0 for one in alphabets]) == pytest.approx(4 / 6, abs=0.1)
    assert {len(rows) for rows in drawn} == {2, 3}  # the smaller group gives all that it has


def test_unlabeled_items_and_small_classes_are_never_sampled():
    index = np.where(INDEX == 2, -1, INDEX)
    index[1:4] = -1  # class 0 keeps one item
    episodes, draws = episodes_of(index, n_classes=6, n_each=2), generator()
    seen = {int(one) for _ in range(30) for one in index[episodes.draw(draws)].ravel()}
    assert seen == {1, 3, 4, 5}


def test_the_same_seed_gives_the_same_episode():
    episodes = episodes_of(INDEX, n_classes=3, n_each=2)
    np.testing.assert_array_equal(episodes.draw(generator(3)), episodes.draw(generator(3)))


def test_too_few_items_for_an_episode_are_refused():
    with pytest.raises(NotEnoughLabelsError, match=r"two classes with 5 items each; the largest of 6 classes has 4"):
        episodes_of(INDEX, n_classes=2, n_each=5)
    with pytest.raises(NotEnoughLabelsError, match="in one group"):
        episodes_of(INDEX, n_classes=2, n_each=2, groups=INDEX)


def test_half_of_the_pairs_are_of_the_same_class_and_no_item_is_paired_with_itself():
    pairs = draw_pairs(INDEX, n_pairs=40, generator=generator())
    np.testing.assert_array_equal(INDEX[pairs.left] == INDEX[pairs.right], pairs.same)
    assert pairs.same.sum() == 20
    assert (pairs.left != pairs.right).all()


def test_a_rare_class_is_in_as_many_pairs_as_a_common_one():
    index = np.array([0] * 50 + [1] * 2)
    pairs = draw_pairs(index, n_pairs=400, generator=generator())
    assert index[pairs.left[pairs.same]].mean() == pytest.approx(0.5, abs=0.1)


def test_single_items_give_only_pairs_of_different_classes():
    assert not draw_pairs(np.arange(3), n_pairs=8, generator=generator()).same.any()


def test_pairs_need_two_classes():
    with pytest.raises(NotEnoughLabelsError, match="at least two classes; there is 1"):
        draw_pairs(np.array([0, 0, -1]), n_pairs=4, generator=generator())


def test_every_row_is_in_one_batch_of_similar_lengths():
    rows = np.arange(3, 480)
    result = similar_lengths(LENGTHS, rows, batch_size=16, generator=np.random.default_rng(0))
    assert sorted(np.concatenate(result).tolist()) == rows.tolist()
    assert all(len(batch) <= 16 for batch in result)
    assert len(result) == 30


def test_batches_of_similar_lengths_need_little_padding():
    rows = np.arange(500)
    result = similar_lengths(LENGTHS, rows, batch_size=16, generator=np.random.default_rng(0))
    padded = sum(LENGTHS[batch].max() * len(batch) for batch in result)
    assert padded < 1.15 * LENGTHS.sum()


def test_the_generator_determines_the_batches_and_epochs_differ():
    first, again = (
        similar_lengths(LENGTHS, np.arange(500), batch_size=8, generator=np.random.default_rng(1)) for _ in "ab"
    )
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    rng = np.random.default_rng(1)
    epochs = [similar_lengths(LENGTHS, np.arange(500), batch_size=8, generator=rng) for _ in range(2)]
    assert {frozenset(batch.tolist()) for batch in epochs[0]} != {frozenset(batch.tolist()) for batch in epochs[1]}


def test_items_of_one_length_are_shuffled():
    result = similar_lengths(np.ones(100), np.arange(100), batch_size=10, generator=np.random.default_rng(0))
    assert np.concatenate(result).tolist() != list(range(100))
    assert all(np.ptp(batch) > 20 for batch in result)


def test_without_rows_there_are_no_batches():
    assert similar_lengths(LENGTHS, np.arange(0), batch_size=4, generator=np.random.default_rng(0)) == []
