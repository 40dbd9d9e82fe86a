import numpy as np
import pytest

from anyshot.zero_shot.compatibility import ranking_gradient, violation_weights, violations


def loss_by_hand(W, X, y, S, loss, margin):
    total = 0.0
    for x, label in zip(X, y, strict=True):
        excess = [max(0.0, margin + x @ W @ S[k] - x @ W @ S[label]) for k in range(len(S)) if k != label]
        rank = sum(value > 0 for value in excess)
        if loss == "sje":
            total += max(excess)
        elif loss == "devise":
            total += sum(excess)
        elif rank:
            total += sum(1 / i for i in range(1, rank + 1)) / rank * sum(excess)
    return total / len(X)


@pytest.mark.parametrize("loss", ["devise", "ale", "sje"])
def test_the_gradient_equals_a_finite_difference_of_the_loss(loss):
    random = np.random.default_rng(0)
    W, X, S, y = random.normal(size=(4, 3)), random.normal(size=(6, 4)), random.normal(size=(5, 3)), np.arange(6) % 5
    slope, step = np.empty_like(W), 1e-6
    for cell in np.ndindex(W.shape):
        ahead, behind = W.copy(), W.copy()
        ahead[cell] += step
        behind[cell] -= step
        rise = loss_by_hand(ahead, X, y, S, loss, 0.5) - loss_by_hand(behind, X, y, S, loss, 0.5)
        slope[cell] = rise / (2 * step)
    np.testing.assert_allclose(ranking_gradient(W, X, y, S, margin=0.5, loss=loss), slope, atol=1e-6)


def test_weights_of_three_violations():
    excess = violations(np.array([[1.0, 2.0, 0.8, 1.1]]), np.array([0]), margin=0.3)
    np.testing.assert_allclose(excess, [[0.0, 1.3, 0.1, 0.4]])
    np.testing.assert_allclose(violation_weights(excess, loss="devise"), [[0, 1, 1, 1]])
    np.testing.assert_allclose(violation_weights(excess, loss="sje"), [[0, 1, 0, 0]])
    np.testing.assert_allclose(violation_weights(excess, loss="ale"), np.array([[0, 1, 1, 1]]) * (11 / 6 / 3))


def test_an_item_without_violations_has_no_weight():
    for loss in ("devise", "ale", "sje"):
        assert not violation_weights(np.zeros((1, 3)), loss=loss).any()
