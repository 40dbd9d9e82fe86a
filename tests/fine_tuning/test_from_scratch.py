"""What transfer bought: both runs, side by side."""

import numpy as np
import pytest

import tiny_language_models as tiny
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.from_scratch import compare_with_scratch
from anyshot.fine_tuning.tuning import Tuning

WORDS = ["where", "is", "my", "please", "late"]
X = [f"{one} {word}" for word in ("card", "refund") for one in WORDS]
Y = ["card"] * 5 + ["refund"] * 5


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder, _ = tiny.saved("bert", tmp_path_factory.mktemp("bert"))
    tuning = Tuning(cache=False, batch_size=4)
    model = FineTunedClassifier(f"hf:{folder}", epochs=2, learning_rate=1e-2, tuning=tuning, random_state=0)
    return compare_with_scratch(
        model, X, Y, ["late card", "my refund", "refund"], ["card", "refund", "refund"], epochs=4
    )


def test_the_table_holds_both_and_the_commonest_class(compared):
    table = compared.table
    assert table.index.tolist() == ["fine-tuned", "from random weights", "always the commonest class"]
    assert table.epochs.tolist() == [2, 4, 0]
    assert table.accuracy["always the commonest class"] == pytest.approx(1 / 3)
    assert table.accuracy.between(0, 1).all()
    assert (table.cpu_seconds[:2] > 0).all()


def test_the_accuracy_is_the_fitted_models_own(compared):
    answers = compared.model.predict(["late card", "my refund", "refund"])
    assert compared.table.accuracy["fine-tuned"] == np.mean(answers == ["card", "refund", "refund"])


def test_it_says_in_points_what_transfer_bought_and_draws_both_curves(compared):
    gain = 100 * (compared.table.accuracy["fine-tuned"] - compared.table.accuracy["from random weights"])
    assert f"is worth {gain:.1f} points" in str(compared)
    labels = {line.get_label() for line in compared.plot().axes[0].lines}
    assert {"fine-tuned", "from random weights"} <= labels


def test_a_head_alone_has_nothing_to_compare():
    with pytest.raises(InputError, match="random weights with method='probe'"):
        compare_with_scratch(FineTunedClassifier(method="probe"), X, Y, X, Y)


def test_what_says_nothing_of_fine_tuning_is_refused():
    with pytest.raises(InputError, match=r"model says how to fine-tune: FineTunedClassifier\(.*A str was given"):
        compare_with_scratch("minilm", ["a"], ["a"], ["a"], ["a"])


class Unaffordable(FineTunedClassifier):
    """What must be refused before anything is trained."""

    def fit(self, X, y):
        raise AssertionError("trained")


@pytest.mark.parametrize(
    ("test", "error", "message"),
    [
        ((X, Y[:1]), InputError, "There are 10 items and 1 labels"),
        ((X[:3], Y), InputError, "There are 3 items and 10 labels"),
        ((X, [None] * 10), NotEnoughLabelsError, "None of the 10 test items has a label"),
        (([], []), NotEnoughLabelsError, "None of the 0 test items has a label"),
        ((X, ["weather"] * 10), ValueError, "'weather' is not among the 2 classes"),
    ],
)
def test_test_items_that_cannot_be_used_are_refused_before_training(test, error, message):
    with pytest.raises(error, match=message):
        compare_with_scratch(Unaffordable(), X, Y, *test)


@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_epochs_of_training_from_random_weights_are_a_whole_number(epochs):
    with pytest.raises(InputError, match="epochs must be a"):
        compare_with_scratch(Unaffordable(), X, Y, X, Y, epochs=epochs)
