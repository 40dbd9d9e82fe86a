import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.training.recipe import (
    Recipe,
    balanced_weights,
    by_depth,
    constant,
    cosine,
    cross_entropy,
    linear,
    warmed,
)

SCORES = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [0.0, 3.0, 1.0]])
INDEX = torch.tensor([0, 2, 1])


@pytest.mark.parametrize(
    ("schedule", "start", "middle", "end"), [(cosine, 1, 0.5, 0), (linear, 1, 0.5, 0), (constant, 1, 1, 1)]
)
def test_schedules_at_start_middle_and_end(schedule, start, middle, end):
    assert [schedule(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([start, middle, end])


def test_the_warm_up_rises_from_0_to_the_start_of_the_schedule():
    rates = [warmed(linear, progress, warm_up=0.2) for progress in (0.0, 0.1, 0.2, 0.6, 1.0)]
    assert rates == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_without_warm_up_the_schedule_is_followed_from_the_start():
    assert warmed(cosine, 0.25, warm_up=0) == cosine(0.25)


def test_a_warm_up_over_the_whole_run_ignores_the_schedule():
    assert warmed(cosine, 0.5, warm_up=1) == 0.5
    assert warmed(cosine, 1.0, warm_up=1) == 1.0


def test_earlier_stages_have_lower_rates_and_start_later():
    stages = [(name, nn.Linear(1, 1)) for name in ("first", "second", "third")]
    groups = by_depth(stages, decay=0.5, unfreeze_every=2)
    assert [(group.name, group.rate, group.starts) for group in groups] == [
        ("first", 0.25, 4),
        ("second", 0.5, 2),
        ("third", 1, 0),
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1; it is 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"warm_up": 2.0}, "warm_up must be between 0 and 1"),
        ({"accumulate": 0}, "accumulate must be at least 1"),
        ({"clip": 0.0}, "clip must be above 0"),
        ({"precision": "float16"}, "precision must be 'float32' or 'bfloat16'; it is 'float16'"),
        ({"epochs": 2.5}, "epochs must be an integer; it is 2.5"),
        ({"epochs": "3"}, "epochs must be an integer; it is '3'"),
        ({"learning_rate": "fast"}, "learning_rate must be a number; it is 'fast'"),
        ({"weight_decay": float("nan")}, "weight_decay must be finite and at least 0"),
    ],
)
def test_a_recipe_with_a_value_out_of_range_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Recipe(**{"epochs": 1, "learning_rate": 0.1, **wrong})


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_equals_that_of_torch(smoothing):
    expected = functional.cross_entropy(SCORES, INDEX, label_smoothing=smoothing)
    assert cross_entropy(SCORES, INDEX, smoothing=smoothing) == pytest.approx(expected)


def test_the_loss_of_equal_scores_is_the_log_of_the_number_of_classes():
    assert cross_entropy(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])) == pytest.approx(np.log(3))


def test_the_weight_of_an_item_does_not_depend_on_its_batch():
    weights = torch.tensor([2.0, 0.5, 1.0])
    alone = [cross_entropy(SCORES[row : row + 1], INDEX[row : row + 1], weights=weights) for row in range(3)]
    assert cross_entropy(SCORES, INDEX, weights=weights) == pytest.approx(sum(alone) / 3)


def test_an_item_of_half_the_weight_has_half_the_loss():
    losses = torch.stack([cross_entropy(SCORES[row : row + 1], INDEX[row : row + 1]) for row in range(3)])
    half = torch.tensor([1.0, 0.5, 1.0])
    assert cross_entropy(SCORES, INDEX, item_weights=half) == pytest.approx((losses * half).sum() / 3)


def test_balanced_weights_give_classes_equal_influence():
    index = np.array([0, 0, 0, 2])
    weights = balanced_weights(index, 3)
    np.testing.assert_allclose(weights, [4 / 6, 0, 2])
    assert weights[index].mean() == pytest.approx(1)
    np.testing.assert_allclose(balanced_weights(index, 3, np.array([1, 1, 2, 0.5])), [4.5 / 8, 0, 4.5])


def test_balancing_needs_labels():
    with pytest.raises(NotEnoughLabelsError, match="without labels"):
        balanced_weights(np.array([], dtype=np.intp), 3)


def test_smoothing_spreads_over_the_given_classes():
    scores, index = torch.tensor([[2.0, 1.0, -50.0]]), torch.tensor([0])
    logs = torch.log_softmax(scores, dim=1)[0]
    expected = -(0.9 * logs[0] + 0.1 * (logs[0] + logs[1]) / 2)
    spread = torch.tensor([True, True, False])
    assert cross_entropy(scores, index, smoothing=0.1, spread_over=spread).item() == pytest.approx(expected.item())
