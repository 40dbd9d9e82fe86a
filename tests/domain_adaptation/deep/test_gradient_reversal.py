import numpy as np
import pytest
import torch

from anyshot.domain_adaptation.deep.gradient_reversal import (
    Critic,
    conditioned,
    domain_accuracy,
    domain_loss,
    reversed_gradient,
)


def test_a_reversal_changes_nothing_on_the_way_there():
    x = torch.tensor([1.0, -2.0])
    assert torch.equal(reversed_gradient(x, 3.0), x)


def test_a_reversal_turns_the_gradient_on_the_way_back():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    (reversed_gradient(x, 3.0) * torch.tensor([1.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [-3.0, -15.0]


def test_what_the_critic_sees_is_the_outer_product():
    features, answers = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.25, 0.75]])
    assert conditioned(features, answers).tolist() == [[0.25, 0.75, 0.5, 1.5]]


def test_no_gradient_reaches_the_network_by_the_answers():
    scores = torch.zeros(1, 2, requires_grad=True)
    features = torch.ones(1, 2, requires_grad=True)
    conditioned(features, scores.softmax(dim=1)).sum().backward()
    assert scores.grad is None
    assert features.grad is not None


def test_a_critic_that_says_nothing_loses_a_bit():
    assert float(domain_loss(torch.zeros(3), torch.zeros(5))) == pytest.approx(np.log(2))


def test_both_domains_count_the_same_however_many_they_are():
    one = domain_loss(torch.tensor([2.0]), torch.tensor([1.0]))
    many = domain_loss(torch.tensor([2.0]), torch.tensor([1.0] * 9))
    assert float(one) == pytest.approx(float(many))


def test_items_count_by_their_weight():
    ours, theirs = torch.tensor([4.0, -4.0]), torch.tensor([0.0])
    weighted = domain_loss(ours, theirs, weights=(torch.tensor([2.0, 0.0]), torch.tensor([1.0])))
    assert float(weighted) == pytest.approx(float(domain_loss(ours[:1], theirs)))


def test_accuracy_counts_both_domains():
    assert domain_accuracy(torch.tensor([1.0, -1.0]), torch.tensor([-1.0, -2.0, -3.0])) == pytest.approx(0.75)


def test_a_critic_cannot_change_faster_than_its_input():
    torch.manual_seed(0)
    critic = Critic(4)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.mul_(100)
    for _ in range(50):
        critic(torch.randn(2, 4))  # the norms are found by a power step each time
    critic.eval()
    a, b = torch.randn(64, 4), torch.randn(64, 4)
    change = (critic(a) - critic(b)).abs() / (a - b).norm(dim=1)
    assert float(change.detach().max()) <= 1.01
