"""The sections on the fit and the errors of a regressor."""

import numpy as np
from sklearn.linear_model import LinearRegression

from anyshot.evaluation.report import number_sections
from anyshot.evaluation.report.collect import Inputs, collect_numbers


def numbers(truth, predicted):
    X = np.array(predicted, dtype=float)[:, None]
    return collect_numbers(Inputs(model=LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), X=X, y=truth))


def test_equal_true_values_and_bad_predictions_are_named():
    assert "All true values are equal" in number_sections.fit(numbers([2.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0])).lead
    assert "R² is below 0" in number_sections.fit(numbers([1.0, 2.0, 3.0], [9.0, 9.0, 9.0])).lead


def test_a_bias_larger_than_chance_is_named():
    truth = np.linspace(0, 4, 40)
    section = number_sections.residuals(numbers(truth, truth - 1))
    assert section.lead == "On average its predictions are 1 too low, which is more than chance explains."
    assert section.tables["residuals"]["n"].sum() == 40
