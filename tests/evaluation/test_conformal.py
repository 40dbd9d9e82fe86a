"""Prediction sets and intervals have the coverage that was asked for."""

import numpy as np
import pytest
from scipy.special import softmax

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.conformal import (
    ConformalThreshold,
    conformal_threshold,
    cross_conformal_interval,
    prediction_sets,
    threshold_of,
)
from drawn_scores import drawn


def test_sets_have_the_stated_coverage():
    # The classifier is overconfident: coverage must hold for any model. 400 draws of 60 items to calibrate, 50 to test.
    covered = []
    for seed in range(400):
        scores, y = drawn(110, temperature=2.0, seed=seed)
        table = softmax(scores, axis=1)
        sets = prediction_sets(table[60:], conformal_threshold(table[:60], y[:60], 0.9))
        covered.append(sets[np.arange(50), y[60:]].mean())
    # Exact: ceil(61 x 0.9) / 61 = 0.9016; the standard error of the simulated mean is about 0.003.
    assert np.mean(covered) == pytest.approx(55 / 61, abs=0.01)


def test_the_threshold_by_hand():
    # Strangeness of the truth 0.1, 0.2, ..., 0.9; of 10 ranks, 0.8 needs ceil(10 x 0.8) = the 8th.
    top = 1 - np.arange(1, 10) / 10
    threshold = conformal_threshold(np.stack([top, 1 - top], axis=1), [0] * 9, 0.8)
    assert threshold.value == pytest.approx(0.8)
    assert (threshold.n, threshold.coverage) == (9, 0.8)


def test_with_too_few_items_sets_contain_every_class():
    table = softmax(np.eye(3), axis=1)
    threshold = conformal_threshold(table, [0, 1, 2], 0.9)
    assert threshold.value == np.inf
    assert prediction_sets(table, threshold).all()


def test_no_class_is_in_a_set_where_none_is_probable_enough():
    threshold = ConformalThreshold(value=0.3, coverage=0.9, n=100)
    table = [[0.8, 0.2], [0.4, 0.6]]
    assert prediction_sets(table, threshold).tolist() == [[True, False], [False, False]]


def test_a_coverage_of_one_and_items_without_labels_are_refused():
    with pytest.raises(InputError, match=r"above 0 and below 1; it is 1\.0"):
        conformal_threshold([[0.5, 0.5]], [0], 1.0)
    with pytest.raises(NotEnoughLabelsError, match="none of the 1 items has a label"):
        conformal_threshold([[0.5, 0.5]], [-1], 0.9)


def test_an_interval_by_hand():
    # Four labels in two folds: at 0.6 the third smallest upper end and the third largest lower one count.
    answers, folds, residuals = [[10.0, 20.0]], [0, 0, 1, 1], [1.0, -2.0, 3.0, -4.0]
    # upper ends 11, 12, 23, 24; lower ends 9, 8, 17, 16
    assert cross_conformal_interval(answers, folds, residuals, coverage=0.6).tolist() == [[9.0, 23.0]]
    assert cross_conformal_interval(answers, folds, residuals, coverage=0.8).tolist() == [[8.0, 24.0]]


def test_an_interval_from_too_few_labels_is_infinite():
    assert np.isinf(cross_conformal_interval([[1.0]], [0, 0], [0.1, 0.2], coverage=0.9)).all()
    with pytest.raises(InputError, match="coverage must be above 0 and below 1"):
        cross_conformal_interval([[1.0]], [0], [0.1], coverage=1.0)
    with pytest.raises(InputError, match=r"coverage must be above 0 and below 1; it is '0\.9'"):
        threshold_of([0.1, 0.2], "0.9")
