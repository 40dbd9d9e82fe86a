"""Cross-entropy against torch's own, and weights that balance."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from anyshot.errors import NotEnoughLabelsError
from anyshot.training.losses import balanced_weights, cross_entropy

SCORES = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [0.0, 3.0, 1.0]])
INDEX = torch.tensor([0, 2, 1])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_it_is_torchs_cross_entropy(smoothing):
    expected = functional.cross_entropy(SCORES, INDEX, label_smoothing=smoothing)
    assert cross_entropy(SCORES, INDEX, smoothing=smoothing) == pytest.approx(expected)


def test_scores_that_know_nothing_cost_the_log_of_the_number_of_classes():
    assert cross_entropy(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])) == pytest.approx(np.log(3))


def test_weights_count_an_item_the_same_in_any_batch():
    weights = torch.tensor([2.0, 0.5, 1.0])
    alone = [cross_entropy(SCORES[row : row + 1], INDEX[row : row + 1], weights=weights) for row in range(3)]
    assert cross_entropy(SCORES, INDEX, weights=weights) == pytest.approx(sum(alone) / 3)


def test_balanced_weights_let_every_class_count_the_same():
    index = np.array([0, 0, 0, 2])
    weights = balanced_weights(index, 3)
    np.testing.assert_allclose(weights, [4 / 6, 0, 2])
    assert weights[index].mean() == pytest.approx(1)


def test_nothing_can_be_balanced_without_labels():
    with pytest.raises(NotEnoughLabelsError, match="without a label"):
        balanced_weights(np.array([], dtype=np.intp), 3)


def test_smoothing_spreads_over_the_classes_it_is_told_to():
    scores, index = torch.tensor([[2.0, 1.0, -50.0]]), torch.tensor([0])
    logs = torch.log_softmax(scores, dim=1)[0]
    expected = -(0.9 * logs[0] + 0.1 * (logs[0] + logs[1]) / 2)
    spread = torch.tensor([True, True, False])
    assert cross_entropy(scores, index, smoothing=0.1, spread_over=spread).item() == pytest.approx(expected.item())
