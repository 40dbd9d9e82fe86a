import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel

from anyshot.domain_adaptation.deep.losses import (
    DEFAULT_WEIGHTS,
    KERNEL_WIDTHS,
    AlignmentLoss,
    Critic,
    coral_loss,
    critic_accuracy,
    critic_loss,
    entropy,
    entropy_weights,
    mcc_loss,
    mmd_loss,
    outer_product,
    ramp,
    reverse_gradient,
)


@pytest.fixture
def vectors():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(12, 3)))


def test_mcc_of_certain_predictions_is_zero():
    scores = 1000 * torch.eye(3)[[0, 1, 2, 0]]
    assert float(mcc_loss(scores)) == pytest.approx(0)


def test_mcc_of_uniform_predictions_is_that_of_chance():
    assert float(mcc_loss(torch.zeros(5, 4))) == pytest.approx(1 - 1 / 4)


def test_mcc_is_the_formula_of_the_paper():
    scores = np.random.default_rng(1).normal(size=(6, 3))
    y = np.exp(scores / 2.5) / np.exp(scores / 2.5).sum(axis=1, keepdims=True)
    uncertain = -(y * np.log(y)).sum(axis=1)
    w = 6 * (1 + np.exp(-uncertain)) / (1 + np.exp(-uncertain)).sum()
    C = y.T @ np.diag(w) @ y
    C = C / C.sum(axis=1, keepdims=True)
    expected = sum(C[j, k] for j in range(3) for k in range(3) if j != k) / 3
    assert float(mcc_loss(torch.from_numpy(scores))) == pytest.approx(expected)


def test_mcc_does_not_depend_on_the_order_of_the_classes():
    scores = torch.from_numpy(np.random.default_rng(2).normal(size=(6, 3)))
    assert float(mcc_loss(scores[:, [2, 0, 1]])) == pytest.approx(float(mcc_loss(scores)))


def test_entropy_of_uniform_and_of_certain_predictions():
    predicted = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(entropy(predicted), [np.log(2), 0], atol=1e-6)


def test_entropy_weights_favor_certain_predictions_and_have_mean_1():
    weights = entropy_weights(torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    assert weights[1] > weights[0]
    assert float(weights.mean()) == pytest.approx(1)


@pytest.mark.parametrize("loss", [coral_loss, mmd_loss])
def test_the_distance_of_a_domain_to_itself_is_zero(loss, vectors):
    assert float(loss(vectors, vectors)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", [coral_loss, mmd_loss])
def test_the_distance_does_not_depend_on_the_order_of_the_items(loss, vectors):
    other = 2 * vectors + 1
    assert float(loss(vectors, other[torch.arange(11, -1, -1)])) == pytest.approx(float(loss(vectors, other)))


def test_coral_loss_of_an_example_solved_by_hand():
    source = torch.tensor([[0.0, 0.0], [2.0, 0.0]])  # covariance [[2, 0], [0, 0]]
    target = torch.tensor([[0.0, 0.0], [0.0, 4.0]])  # [[0, 0], [0, 8]]
    assert float(coral_loss(source, target)) == pytest.approx((4 + 64) / (4 * 4))


def test_a_shift_of_the_mean_changes_mmd_but_not_coral(vectors):
    assert float(coral_loss(vectors, vectors + 3)) == pytest.approx(0, abs=1e-12)
    assert float(mmd_loss(vectors, vectors + 3)) > 0.1


def test_mmd_is_the_mean_over_its_kernels(vectors):
    source, target = vectors.numpy()[:5], vectors.numpy()[5:] + 1
    both = np.vstack([source, target])
    width = ((both[:, None] - both[None]) ** 2).sum(axis=2).mean()

    def mean(a, b):
        return np.mean([rbf_kernel(a, b, gamma=1 / (factor * width)).mean() for factor in KERNEL_WIDTHS])

    expected = mean(source, source) + mean(target, target) - 2 * mean(source, target)
    assert float(mmd_loss(torch.from_numpy(source), torch.from_numpy(target))) == pytest.approx(expected)


@pytest.mark.parametrize("loss", [coral_loss, mmd_loss])
def test_a_gradient_step_reduces_the_distance(loss, vectors):
    target = (3 * vectors + 1).requires_grad_(True)
    before = loss(vectors, target)
    (slope,) = torch.autograd.grad(before, target)
    assert float(loss(vectors, (target - 0.05 * slope / slope.norm()).detach())) < float(before.detach())


@pytest.fixture
def outputs():
    torch.manual_seed(0)
    source, target = torch.randn(6, 4, requires_grad=True), torch.randn(6, 4, requires_grad=True)
    return (source, source[:, :3]), (target, target[:, 1:])


def test_the_ramp_rises_from_0_to_1():
    assert ramp(0) == 0
    assert 0 < ramp(0.1) < ramp(0.5) < ramp(1) < 1
    assert ramp(1) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("align", "expected"),
    [
        ("mcc", lambda source, target: mcc_loss(target[1])),
        ("mmd", lambda source, target: mmd_loss(source[0], target[0])),
        ("deep-coral", lambda source, target: coral_loss(source[0], target[0])),
    ],
)
def test_losses_without_a_critic_are_multiplied_by_the_weight(align, expected, outputs):
    alignment = AlignmentLoss(align, 4, 3)
    assert alignment.critic is None
    with torch.no_grad():
        assert float(alignment(*outputs, 0.5)) == pytest.approx(0.5 * float(expected(*outputs)))


@pytest.mark.parametrize("align", ["dann", "cdan"])
def test_with_weight_0_the_critic_learns_and_the_network_does_not(align, outputs):
    alignment = AlignmentLoss(align, 4, 3)
    alignment.begin_epoch()
    alignment(*outputs, 0.0).backward()
    assert float(outputs[0][0].grad.abs().sum()) == 0
    assert sum(float(p.grad.abs().sum()) for p in alignment.critic.parameters()) > 0
    assert len(alignment.accuracies) == 1
    assert 0 <= alignment.accuracies[0] <= 1


@pytest.mark.parametrize("align", ["dann", "cdan"])
def test_the_network_increases_the_loss_of_the_critic(align, outputs):
    alignment = AlignmentLoss(align, 4, 3)
    alignment.begin_epoch()
    alignment.critic.eval()  # its spectral norms are not updated
    alignment(*outputs, 0.5).backward()
    slope = outputs[1][0].grad
    moved = (outputs[1][0] - 0.1 * slope / slope.norm(), outputs[1][1])
    with torch.no_grad():
        assert float(alignment(outputs[0], moved, 0.5)) > float(alignment(*outputs, 0.5))


def test_every_loss_has_a_default_weight():
    assert all(DEFAULT_WEIGHTS[align] > 0 for align in ("mcc", "mmd", "deep-coral", "cdan", "dann"))


def test_gradient_reversal_is_the_identity_in_the_forward_pass():
    x = torch.tensor([1.0, -2.0])
    assert torch.equal(reverse_gradient(x, 3.0), x)


def test_gradient_reversal_negates_the_gradient():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    (reverse_gradient(x, 3.0) * torch.tensor([1.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [-3.0, -15.0]


def test_outer_product_of_features_and_probabilities():
    features, predicted = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.25, 0.75]])
    assert outer_product(features, predicted).tolist() == [[0.25, 0.75, 0.5, 1.5]]


def test_the_outer_product_has_no_gradient_through_the_probabilities():
    scores = torch.zeros(1, 2, requires_grad=True)
    features = torch.ones(1, 2, requires_grad=True)
    outer_product(features, scores.softmax(dim=1)).sum().backward()
    assert scores.grad is None
    assert features.grad is not None


def test_the_loss_of_an_undecided_critic_is_one_bit():
    assert float(critic_loss(torch.zeros(3), torch.zeros(5))) == pytest.approx(np.log(2))


def test_both_domains_have_the_same_weight_in_the_loss():
    one = critic_loss(torch.tensor([2.0]), torch.tensor([1.0]))
    many = critic_loss(torch.tensor([2.0]), torch.tensor([1.0] * 9))
    assert float(one) == pytest.approx(float(many))


def test_items_are_weighted_in_the_loss():
    ours, theirs = torch.tensor([4.0, -4.0]), torch.tensor([0.0])
    weighted = critic_loss(ours, theirs, weights=(torch.tensor([2.0, 0.0]), torch.tensor([1.0])))
    assert float(weighted) == pytest.approx(float(critic_loss(ours[:1], theirs)))


def test_the_accuracy_is_balanced():
    assert critic_accuracy(torch.tensor([1.0, -1.0]), torch.tensor([-1.0, -2.0, -3.0])) == pytest.approx(0.75)


def test_the_critic_is_1_lipschitz():
    torch.manual_seed(0)
    critic = Critic(4)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.mul_(100)
    for _ in range(50):
        critic(torch.randn(2, 4))  # a power iteration of the spectral norms
    critic.eval()
    a, b = torch.randn(64, 4), torch.randn(64, 4)
    change = (critic(a) - critic(b)).abs() / (a - b).norm(dim=1)
    assert float(change.detach().max()) <= 1.01
