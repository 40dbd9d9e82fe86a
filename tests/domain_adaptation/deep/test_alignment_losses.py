import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel

from anyshot.domain_adaptation.deep.alignment_losses import (
    WIDTHS,
    coral_loss,
    entropy,
    entropy_weights,
    mcc_loss,
    mmd_loss,
)


@pytest.fixture
def vectors():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(12, 3)))


def test_sure_answers_are_confused_with_nothing():
    scores = 1000 * torch.eye(3)[[0, 1, 2, 0]]
    assert float(mcc_loss(scores)) == pytest.approx(0)


def test_answers_that_say_nothing_are_confused_as_much_as_chance():
    assert float(mcc_loss(torch.zeros(5, 4))) == pytest.approx(1 - 1 / 4)


def test_class_confusion_is_the_papers_written_out():
    scores = np.random.default_rng(1).normal(size=(6, 3))
    y = np.exp(scores / 2.5) / np.exp(scores / 2.5).sum(axis=1, keepdims=True)
    uncertain = -(y * np.log(y)).sum(axis=1)
    w = 6 * (1 + np.exp(-uncertain)) / (1 + np.exp(-uncertain)).sum()
    C = y.T @ np.diag(w) @ y
    C = C / C.sum(axis=1, keepdims=True)
    expected = sum(C[j, k] for j in range(3) for k in range(3) if j != k) / 3
    assert float(mcc_loss(torch.from_numpy(scores))) == pytest.approx(expected)


def test_class_confusion_does_not_ask_which_class_is_called_what():
    scores = torch.from_numpy(np.random.default_rng(2).normal(size=(6, 3)))
    assert float(mcc_loss(scores[:, [2, 0, 1]])) == pytest.approx(float(mcc_loss(scores)))


def test_entropy_is_the_logarithm_of_the_number_of_equal_answers():
    answers = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(entropy(answers), [np.log(2), 0], atol=1e-6)


def test_sure_items_count_more_and_one_on_average():
    weights = entropy_weights(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    assert weights[1] > weights[0]
    assert float(weights.mean()) == pytest.approx(1)


@pytest.mark.parametrize("loss", [coral_loss, mmd_loss])
def test_a_domain_is_as_far_from_itself_as_nothing(loss, vectors):
    assert float(loss(vectors, vectors)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", [coral_loss, mmd_loss])
def test_the_order_of_the_items_does_not_count(loss, vectors):
    other = 2 * vectors + 1
    assert float(loss(vectors, other[torch.arange(11, -1, -1)])) == pytest.approx(float(loss(vectors, other)))


def test_covariances_are_compared_as_solved_by_hand():
    source = torch.tensor([[0.0, 0.0], [2.0, 0.0]])  # covariance [[2, 0], [0, 0]]
    target = torch.tensor([[0.0, 0.0], [0.0, 4.0]])  # [[0, 0], [0, 8]]
    assert float(coral_loss(source, target)) == pytest.approx((4 + 64) / (4 * 4))


def test_covariances_do_not_see_a_shifted_mean_and_mean_discrepancy_does(vectors):
    assert float(coral_loss(vectors, vectors + 3)) == pytest.approx(0, abs=1e-12)
    assert float(mmd_loss(vectors, vectors + 3)) > 0.1


def test_mean_discrepancy_is_that_of_its_kernels(vectors):
    source, target = vectors.numpy()[:5], vectors.numpy()[5:] + 1
    both = np.vstack([source, target])
    width = ((both[:, None] - both[None]) ** 2).sum(axis=2).mean()

    def mean(a, b):
        return np.mean([rbf_kernel(a, b, gamma=1 / (factor * width)).mean() for factor in WIDTHS])

    expected = mean(source, source) + mean(target, target) - 2 * mean(source, target)
    assert float(mmd_loss(torch.from_numpy(source), torch.from_numpy(target))) == pytest.approx(expected)


@pytest.mark.parametrize("loss", [coral_loss, mmd_loss])
def test_going_down_the_gradient_brings_domains_together(loss, vectors):
    target = (3 * vectors + 1).requires_grad_(True)
    before = loss(vectors, target)
    (slope,) = torch.autograd.grad(before, target)
    assert float(loss(vectors, (target - 0.05 * slope / slope.norm()).detach())) < float(before.detach())
