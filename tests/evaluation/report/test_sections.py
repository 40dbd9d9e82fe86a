"""The learning curve that a report measures on training data."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.report.collect import Inputs, collect_classes
from anyshot.evaluation.report.sections import measure_curve

X, Y = np.array([[0.0], [1.0], [3.0], [4.0]]), ["low", "low", "high", "high"]


@pytest.fixture(scope="module")
def model():
    return LogisticRegression().fit(X, Y)


def results_of(model, X=X, y=Y):
    return collect_classes(Inputs(model=model, X=X, y=y))


def test_one_training_class_has_no_curve(model):
    with pytest.raises(NotEnoughLabelsError, match='all are of "low"'):
        measure_curve(results_of(model), (X, ["low"] * 4))


@pytest.mark.filterwarnings("ignore:None of the labels")
def test_the_curve_leaves_out_test_items_of_unknown_classes(model):
    with_unknown = results_of(model, np.vstack([X, [[9.0]] * 4]), [*Y, *["other"] * 4])
    curve = measure_curve(with_unknown, (X, Y))
    assert curve.n_test == len(X)
    np.testing.assert_array_equal(curve.scores["accuracy"], measure_curve(results_of(model), (X, Y)).scores["accuracy"])
    with pytest.raises(NotEnoughLabelsError, match="test items of the training classes; there are none"):
        measure_curve(results_of(model, X, ["other"] * 4), (X, Y))
