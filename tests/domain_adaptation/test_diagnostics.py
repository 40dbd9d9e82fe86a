import numpy as np
import pytest

from anyshot.domain_adaptation.diagnostics import alarms_of, effective_number

EVEN = np.full(4, 0.25)


def answers(*classes):
    return np.eye(4)[list(classes)]


def test_a_sound_adaptation_raises_none():
    found = alarms_of(answers(0, 1, 2, 3), answers(0, 1, 2, 2), EVEN, domain_accuracies=[0.7, 0.5])
    assert found.messages == ()
    assert found.disagreement == 0.25
    assert found.domain_accuracy == 0.5  # it told the domains, and then could not any more: that is the aim
    assert str(found) == "No alarm."


@pytest.mark.parametrize(
    ("accuracies", "said"), [([0.52, 0.5], "as guessing would"), ([0.8, 1.0], "did not come together")]
)
def test_a_critic_that_is_stuck_is_told(accuracies, said):
    found = alarms_of(answers(0, 1, 2, 3), answers(0, 1, 2, 3), EVEN, domain_accuracies=accuracies)
    assert len(found.messages) == 1
    assert said in found.messages[0]


def test_collapsed_classes_are_told():
    found = alarms_of(answers(0, 0, 0, 1), answers(0, 0, 0, 1), EVEN)
    assert "have collapsed" in str(found)
    assert found.effective_classes == pytest.approx(np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25)))


def test_a_source_of_few_classes_expects_no_more():
    assert not alarms_of(answers(0, 0, 0, 1), answers(0, 0, 0, 1), np.array([0.75, 0.25, 0, 0])).messages


def test_disagreement_with_the_source_model_is_told():
    found = alarms_of(answers(0, 1, 2, 3), answers(1, 0, 2, 3), EVEN)
    assert "50% of the target's items are answered otherwise than by the source model" in str(found)


def test_the_effective_number_of_equal_classes_is_their_number():
    assert effective_number(np.array([0.5, 0.5, 0.0])) == pytest.approx(2)
    assert effective_number(np.array([1.0, 0.0])) == pytest.approx(1)
