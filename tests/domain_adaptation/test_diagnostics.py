import numpy as np
import pytest

from anyshot.domain_adaptation.diagnostics import diagnose, effective_number

EVEN = np.full(4, 0.25)


def one_hot(*classes):
    return np.eye(4)[list(classes)]


def test_a_good_adaptation_has_no_warnings():
    found = diagnose(one_hot(0, 1, 2, 3), one_hot(0, 1, 2, 2), EVEN, domain_accuracies=[0.7, 0.5])
    assert found.messages == ()
    assert found.disagreement == 0.25
    assert found.domain_accuracy == 0.5  # back to chance after it had learned: that is the aim
    assert str(found) == "No warnings."


@pytest.mark.parametrize(("accuracies", "message"), [([0.52, 0.5], "about chance"), ([0.8, 1.0], "are not aligned")])
def test_a_useless_critic_gives_a_warning(accuracies, message):
    found = diagnose(one_hot(0, 1, 2, 3), one_hot(0, 1, 2, 3), EVEN, domain_accuracies=accuracies)
    assert len(found.messages) == 1
    assert message in found.messages[0]


def test_collapsed_predictions_give_a_warning():
    found = diagnose(one_hot(0, 0, 0, 1), one_hot(0, 0, 0, 1), EVEN)
    assert "have collapsed" in str(found)
    assert found.effective_classes == pytest.approx(np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25)))


def test_the_number_of_classes_is_relative_to_the_source():
    assert not diagnose(one_hot(0, 0, 0, 1), one_hot(0, 0, 0, 1), np.array([0.75, 0.25, 0, 0])).messages


def test_disagreement_with_the_source_model_gives_a_warning():
    found = diagnose(one_hot(0, 1, 2, 3), one_hot(1, 0, 2, 3), EVEN)
    assert "50 % of the target predictions differ from the source model's" in str(found)


def test_the_effective_number_of_equally_frequent_classes_is_their_number():
    assert effective_number(np.array([0.5, 0.5, 0.0])) == pytest.approx(2)
    assert effective_number(np.array([1.0, 0.0])) == pytest.approx(1)
