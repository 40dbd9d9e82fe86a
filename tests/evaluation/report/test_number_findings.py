"""What a report asks of a model that answers with numbers."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.report.number_findings import COVERAGES, ask_for_numbers
from anyshot.tasks.regression import AnyShotRegressor

X, Y = np.arange(40.0)[:, None], np.arange(40.0)


def test_a_model_without_intervals_is_asked_for_none():
    found = ask_for_numbers(LinearRegression().fit(X, Y), X, [*Y[:-1], None])
    assert found.intervals == {}
    assert len(found.known) == 39
    assert found.learned is None


def test_intervals_are_asked_at_several_coverages():
    found = ask_for_numbers(AnyShotRegressor().fit(X, Y), X, Y)
    assert tuple(found.intervals) == COVERAGES
    assert found.intervals[0.9].shape == (40, 2)


def test_the_worst_mistakes_come_first():
    truth = Y.copy()
    truth[[3, 7]] += [5, -9]
    assert ask_for_numbers(LinearRegression().fit(X, Y), X, truth).mistakes()[:2].tolist() == [7, 3]


def test_a_sample_keeps_items_and_numbers_together():
    found = ask_for_numbers(LinearRegression().fit(X, Y), X, Y, most=10, groups={"g": list(range(40))})
    assert len(found.truth) == 10
    assert found.items[:, 0].tolist() == found.truth.tolist() == list(found.question.groups["g"])


def test_what_cannot_be_compared_is_refused():
    model = LinearRegression().fit(X, np.stack([Y, Y], axis=1))
    with pytest.raises(InputError, match="one number an item"):
        ask_for_numbers(model, X, Y)
    with pytest.raises(NotEnoughLabelsError, match="None of the 40 items has a number"):
        ask_for_numbers(LinearRegression().fit(X, Y), X, [None] * 40)
    with pytest.raises(InputError, match="40 items and 39 labels"):
        ask_for_numbers(LinearRegression().fit(X, Y), X, Y[1:])
