import numpy as np
import pytest
import torch

from anyshot.domain_adaptation.deep.critic import (
    Critic,
    critic_accuracy,
    critic_loss,
    outer_product,
    reverse_gradient,
)


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
