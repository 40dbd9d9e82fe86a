import pytest
import torch

from anyshot.domain_adaptation.deep.alignment_losses import coral_loss, mcc_loss, mmd_loss
from anyshot.domain_adaptation.deep.confusion_loss import WEIGHTS, Alignment, Side, ramp


@pytest.fixture
def sides():
    torch.manual_seed(0)
    source, target = torch.randn(6, 4, requires_grad=True), torch.randn(6, 4, requires_grad=True)
    return Side(source, source[:, :3]), Side(target, target[:, 1:])


def test_the_weight_comes_up_from_nothing():
    assert ramp(0) == 0
    assert 0 < ramp(0.1) < ramp(0.5) < ramp(1) < 1
    assert ramp(1) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("align", "expected"),
    [
        ("mcc", lambda source, target: mcc_loss(target.scores)),
        ("mmd", lambda source, target: mmd_loss(source.features, target.features)),
        ("deep-coral", lambda source, target: coral_loss(source.features, target.features)),
    ],
)
def test_a_measure_without_a_critic_is_weighted(align, expected, sides):
    alignment = Alignment(align, 4, 3)
    assert alignment.critic is None
    with torch.no_grad():
        assert float(alignment.loss(*sides, 0.5)) == pytest.approx(0.5 * float(expected(*sides)))


@pytest.mark.parametrize("align", ["dann", "cdan"])
def test_a_critic_learns_before_the_network_hears_of_it(align, sides):
    alignment = Alignment(align, 4, 3)
    alignment.begin_epoch()
    alignment.loss(*sides, 0.0).backward()
    assert float(sides[0].features.grad.abs().sum()) == 0
    assert sum(float(p.grad.abs().sum()) for p in alignment.critic.parameters()) > 0
    assert len(alignment.accuracies) == 1
    assert 0 <= alignment.accuracies[0] <= 1


@pytest.mark.parametrize("align", ["dann", "cdan"])
def test_the_network_goes_against_the_critic(align, sides):
    alignment = Alignment(align, 4, 3)
    alignment.begin_epoch()
    alignment.critic.eval()  # its spectral norms stay as they are
    alignment.loss(*sides, 0.5).backward()
    slope = sides[1].features.grad
    moved = Side(sides[1].features - 0.1 * slope / slope.norm(), sides[1].scores)
    with torch.no_grad():
        assert float(alignment.loss(sides[0], moved, 0.5)) > float(alignment.loss(*sides, 0.5))


def test_every_measure_has_a_usual_weight():
    assert all(WEIGHTS[align] > 0 for align in ("mcc", "mmd", "deep-coral", "cdan", "dann"))
