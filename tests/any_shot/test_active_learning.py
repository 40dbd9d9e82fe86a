"""What to label next stands for many uncertain items, and for other ones than what stands already."""

import numpy as np
import pytest

from anyshot.any_shot import active_learning
from anyshot.any_shot.active_learning import looked_at, suggest
from anyshot.base.validation import generator, unit
from anyshot.errors import InputError

NONE = np.zeros((0, 2), np.float32)


def at_angles(*degrees):
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def doubtful(n):
    return np.full((n, 2), 0.5)


def test_the_middle_of_a_cluster_comes_first():
    pool = at_angles(0, 10, 20, 30, 40)
    assert suggest(pool, doubtful(5), 1, labeled=NONE).tolist() == [2]


def test_the_larger_cluster_comes_first_and_then_the_other_one():
    pool = at_angles(0, 5, 85, 90, 95)
    first, second = suggest(pool, doubtful(5), 2, labeled=NONE)
    assert first in (2, 3, 4)
    assert second in (0, 1)


def test_what_is_labeled_already_needs_no_second_label():
    pool = at_angles(0, 5, 85, 90, 95)
    assert suggest(pool, doubtful(5), 1, labeled=at_angles(90))[0] in (0, 1)


def test_what_the_model_is_sure_of_counts_for_little():
    pool = at_angles(0, 5, 85, 90, 95)
    sure_of_the_larger = np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0], [1.0, 0], [1.0, 0]])
    assert suggest(pool, sure_of_the_larger, 1, labeled=NONE)[0] in (0, 1)


def test_doubt_is_between_the_two_likeliest_classes():
    pool = at_angles(0, 90)
    torn, spread = [0.5, 0.5, 0.0], [0.6, 0.2, 0.2]
    assert suggest(pool, np.array([spread, torn]), 1, labeled=NONE).tolist() == [1]


def test_the_choice_is_the_one_of_looking_at_every_item_in_every_step():
    random = generator(1)
    pool, probabilities = unit(random.normal(size=(60, 5))), random.dirichlet(np.ones(4), size=60)
    labeled = unit(random.normal(size=(3, 5)))
    top = np.sort(probabilities, axis=1)
    doubt, likeness = (1 - top[:, -1] + top[:, -2]) ** 2, np.maximum(pool @ pool.T, 0) ** 3
    covered, expected = np.maximum((pool @ labeled.T).max(axis=1), 0) ** 3, []
    for _ in range(12):
        gains = np.maximum(likeness - covered, 0) @ doubt
        gains[expected] = -1
        expected.append(int(gains.argmax()))
        covered = np.maximum(covered, likeness[expected[-1]])
    assert suggest(pool, probabilities, 12, labeled=labeled).tolist() == expected


def test_permuting_the_pool_permutes_the_suggestions():
    random = generator(0)
    pool, probabilities = unit(random.normal(size=(30, 4))), random.dirichlet(np.ones(3), size=30)
    order = random.permutation(30)
    straight = suggest(pool, probabilities, 5, labeled=pool[:0])
    mixed = suggest(pool[order], probabilities[order], 5, labeled=pool[:0])
    np.testing.assert_array_equal(order[mixed], straight)


@pytest.mark.parametrize(("asked", "given"), [(0, 0), (2, 2), (9, 3)])
def test_each_item_is_suggested_once_and_no_more_than_there_are(asked, given):
    pool = at_angles(0, 0, 0)  # copies: the second stands for nobody new
    rows = suggest(pool, doubtful(3), asked, labeled=NONE)
    assert len(rows) == len(set(rows.tolist())) == given


def test_of_a_large_pool_a_random_part_is_looked_at(monkeypatch):
    monkeypatch.setattr(active_learning, "CANDIDATES", 4)
    drawn = {tuple(looked_at(30, 4, generator(seed)).tolist()) for seed in range(3)}
    assert {len(rows) for rows in drawn} == {4}
    assert len(drawn) == 3
    assert tuple(looked_at(30, 4, generator(0)).tolist()) in drawn
    assert looked_at(4, 9, generator(0)).tolist() == [0, 1, 2, 3]
    with pytest.raises(InputError, match="9 items are to be suggested; 4 at once are the most"):
        looked_at(30, 9, generator(0))
