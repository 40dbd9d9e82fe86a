"""The comparison of fine-tuning with training from random weights: its table, its text and its errors."""

import numpy as np
import pytest

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.fine_tuning.classifier import FineTunedClassifier
from anyshot.fine_tuning.from_scratch import compare_with_scratch
from anyshot.fine_tuning.tuning import Tuning

WORDS = ["where", "is", "my", "please", "late"]
X = [f"{one} {word}" for word in ("card", "refund") for one in WORDS]
Y = ["card"] * 5 + ["refund"] * 5


@pytest.fixture(scope="module")
def compared(bert):
    tuning = Tuning(cache=False, batch_size=4)
    model = FineTunedClassifier(bert, epochs=2, learning_rate=1e-2, tuning=tuning, random_state=0)
    return compare_with_scratch(
        model, X, Y, ["late card", "my refund", "refund"], ["card", "refund", "refund"], epochs=4
    )


def test_the_table_has_both_models_and_the_most_frequent_class(compared):
    table = compared.table
    assert table.index.tolist() == ["fine-tuned", "from random weights", "most frequent class"]
    assert table.epochs.tolist() == [2, 4, 0]
    assert table.accuracy["most frequent class"] == pytest.approx(1 / 3)
    assert table.accuracy.between(0, 1).all()
    assert (table.cpu_seconds[:2] > 0).all()


def test_the_accuracy_is_that_of_the_fitted_model(compared):
    predicted = compared.model.predict(["late card", "my refund", "refund"])
    assert compared.table.accuracy["fine-tuned"] == np.mean(predicted == ["card", "refund", "refund"])


def test_it_prints_the_difference_in_points_and_plots_both_runs(compared):
    gain = 100 * (compared.table.accuracy["fine-tuned"] - compared.table.accuracy["from random weights"])
    assert f"change the accuracy by {gain:+.1f} points" in str(compared)
    labels = {line.get_label() for line in compared.plot().axes[0].lines}
    assert {"fine-tuned", "from random weights"} <= labels


def test_weights_count_in_both_trainings(bert):
    model = FineTunedClassifier(bert, epochs=1, learning_rate=1e-2, tuning=Tuning(cache=False), random_state=0)
    weights = [1] * 5 + [3] + [0] * 4
    found = compare_with_scratch(model, X, Y, X[:2], Y[:2], sample_weight=weights, random_state=0)
    rows = np.repeat(np.arange(10), weights)
    copied = compare_with_scratch(
        model, [X[row] for row in rows], [Y[row] for row in rows], X[:2], Y[:2], random_state=0
    )
    losses = {
        name: [
            [record.loss for record in history.records if record.epoch] for history in (history, copied.histories[name])
        ]
        for name, history in found.histories.items()
    }
    for name, (weighted, of_copies) in losses.items():
        assert weighted == pytest.approx(of_copies, rel=1e-3), name


def test_comparing_a_probe_is_an_error():
    with pytest.raises(InputError, match="method='probe' learns nothing"):
        compare_with_scratch(FineTunedClassifier(method="probe"), X, Y, X, Y)


def test_a_model_of_another_type_is_an_error():
    with pytest.raises(InputError, match=r"model must be a FineTunedClassifier, .*; got a str"):
        compare_with_scratch("minilm", ["a"], ["a"], ["a"], ["a"])


class NeverFitted(FineTunedClassifier):
    """A model that must not be trained."""

    def fit(self, X, y):
        raise AssertionError("fit was called")


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
def test_invalid_test_items_are_an_error_before_training(test, error, message):
    with pytest.raises(error, match=message):
        compare_with_scratch(NeverFitted(), X, Y, *test)


@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_the_number_of_epochs_must_be_a_positive_integer(epochs):
    with pytest.raises(InputError, match="epochs must be a"):
        compare_with_scratch(NeverFitted(), X, Y, X, Y, epochs=epochs)
