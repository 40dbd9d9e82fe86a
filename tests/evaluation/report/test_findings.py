"""Findings from training data and unlabeled items."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.report.collect import Inputs, collect_classes
from anyshot.evaluation.report.findings import measure_curve, next_to_label, spread_rows, training_errors

X, Y = np.array([[0.0], [1.0], [3.0], [4.0]]), ["low", "low", "high", "high"]


@pytest.fixture(scope="module")
def model():
    return LogisticRegression().fit(X, Y)


def results(model, X=X, y=Y):
    return collect_classes(Inputs(model=model, X=X, y=y))


def test_without_suggest_the_least_certain_items_come_first(model):
    suggestion = next_to_label(results(model), np.array([[0.0], [2.1], [9.0]]), n=1)
    assert suggestion.rows.tolist() == [1]
    assert "least certain" in suggestion.reason


def test_a_model_without_probabilities_suggests_nothing_and_finds_no_wrong_labels():
    class PredictOnly:
        def predict(self, X):
            return ["low"] * len(X)

    suggestion = next_to_label(results(PredictOnly()), X)
    assert suggestion.rows.tolist() == []
    assert "predict_proba" in suggestion.reason
    assert training_errors(results(PredictOnly()), (X, Y)) is None


def test_one_training_class_has_no_curve(model):
    with pytest.raises(NotEnoughLabelsError, match="there is 1"):
        measure_curve(results(model), (X, ["low"] * 4))


def test_the_curve_leaves_out_test_items_of_unknown_classes(model):
    with_unknown = results(model, np.vstack([X, [[9.0]] * 4]), [*Y, *["other"] * 4])
    curve = measure_curve(with_unknown, (X, Y))
    assert curve.n_test == len(X)
    np.testing.assert_array_equal(curve.scores["accuracy"], measure_curve(results(model), (X, Y)).scores["accuracy"])
    with pytest.raises(NotEnoughLabelsError, match="test items of the training classes; there are none"):
        measure_curve(results(model, X, ["other"] * 4), (X, Y))


def test_rows_are_spread_evenly_from_first_to_last():
    assert spread_rows(9, 3).tolist() == [0, 4, 8]
    assert spread_rows(2, 3).tolist() == [0, 1]
