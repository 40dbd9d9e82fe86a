"""Active learning suggests items that represent many uncertain ones and are unlike the labeled ones."""

import numpy as np
import pytest

from anyshot.base.validation import generator, unit
from anyshot.errors import InputError
from anyshot.training import active_learning
from anyshot.training.active_learning import candidates, suggest

NONE = np.zeros((0, 2), np.float32)
NO_LABELS = np.zeros(2)


def at_angles(*degrees):
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def uncertain(n):
    return np.full((n, 2), 0.5)


def test_the_middle_of_a_cluster_is_suggested_first():
    assert suggest(at_angles(0, 10, 20, 30, 40), uncertain(5), 1, labeled=NONE, counts=NO_LABELS).tolist() == [2]


def test_the_larger_cluster_comes_first_and_the_other_one_second():
    first, second = suggest(at_angles(0, 5, 85, 90, 95), uncertain(5), 2, labeled=NONE, counts=NO_LABELS)
    assert first in (2, 3, 4)
    assert second in (0, 1)


def test_items_near_a_labeled_one_are_not_suggested():
    pool = at_angles(0, 5, 85, 90, 95)
    assert suggest(pool, uncertain(5), 1, labeled=at_angles(90), counts=np.array([0, 1]))[0] in (0, 1)


def test_confident_predictions_count_for_little():
    confident = np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0], [1.0, 0], [1.0, 0]])
    assert suggest(at_angles(0, 5, 85, 90, 95), confident, 1, labeled=NONE, counts=NO_LABELS)[0] in (0, 1)


def test_items_of_classes_with_few_labels_come_first():
    unsure = np.array([[0.6, 0.4], [0.4, 0.6]])
    assert suggest(at_angles(0, 90), unsure, 1, labeled=NONE, counts=np.array([0, 3])).tolist() == [0]
    assert suggest(at_angles(0, 90), unsure, 1, labeled=NONE, counts=np.array([3, 0])).tolist() == [1]


def test_uncertainty_is_measured_between_the_two_most_probable_classes():
    two, three = [0.5, 0.5, 0.0], [0.6, 0.2, 0.2]
    assert suggest(at_angles(0, 90), np.array([three, two]), 1, labeled=NONE, counts=np.zeros(3)).tolist() == [1]


def test_the_lazy_search_equals_evaluating_every_item_in_every_step():
    random = generator(1)
    pool, probabilities = unit(random.normal(size=(60, 5))), random.dirichlet(np.ones(4), size=60)
    labeled, counts = unit(random.normal(size=(3, 5))), np.array([2, 0, 1, 0])
    top = np.sort(probabilities, axis=1)
    uncertainty = (1 - top[:, -1] + top[:, -2]) ** 2 / (1 + counts[probabilities.argmax(axis=1)])
    similarity = np.maximum(pool @ pool.T, 0) ** 3
    covered, expected = np.maximum((pool @ labeled.T).max(axis=1), 0) ** 3, []
    for _ in range(12):
        gains = np.maximum(similarity - covered, 0) @ uncertainty
        gains[expected] = -1
        expected.append(int(gains.argmax()))
        covered = np.maximum(covered, similarity[expected[-1]])
    assert suggest(pool, probabilities, 12, labeled=labeled, counts=counts).tolist() == expected


def test_permuting_the_pool_permutes_the_suggestions():
    random = generator(0)
    pool, probabilities = unit(random.normal(size=(30, 4))), random.dirichlet(np.ones(3), size=30)
    order = random.permutation(30)
    straight = suggest(pool, probabilities, 5, labeled=pool[:0], counts=np.zeros(3))
    permuted = suggest(pool[order], probabilities[order], 5, labeled=pool[:0], counts=np.zeros(3))
    np.testing.assert_array_equal(order[permuted], straight)


@pytest.mark.parametrize(("n", "n_found"), [(0, 0), (2, 2), (9, 3)])
def test_each_item_is_suggested_at_most_once(n, n_found):
    rows = suggest(at_angles(0, 0, 0), uncertain(3), n, labeled=NONE, counts=NO_LABELS)  # copies of one item
    assert len(rows) == len(set(rows.tolist())) == n_found


def test_a_large_pool_is_sampled(monkeypatch):
    monkeypatch.setattr(active_learning, "MAX_CANDIDATES", 4)
    samples = {tuple(candidates(30, 4, generator(seed)).tolist()) for seed in range(3)}
    assert {len(rows) for rows in samples} == {4}
    assert len(samples) == 3
    assert tuple(candidates(30, 4, generator(0)).tolist()) in samples
    assert candidates(4, 9, generator(0)).tolist() == [0, 1, 2, 3]
    with pytest.raises(InputError, match="n=9 is too large: at most 4 items are suggested at once"):
        candidates(30, 9, generator(0))
