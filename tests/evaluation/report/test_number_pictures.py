"""The pictures of a report on answers with numbers."""

import numpy as np
import pandas as pd

from anyshot.evaluation.report.number_pictures import (
    MOST_POINTS,
    agreement_picture,
    coverage_picture,
    number_curve_picture,
    residual_picture,
)


def test_very_many_points_are_thinned():
    many = np.arange(10.0 * MOST_POINTS)
    drawn = agreement_picture(many, many).axes[0].collections[0].get_offsets()
    assert MOST_POINTS <= len(drawn) < 2 * MOST_POINTS


def test_the_errors_are_drawn_beside_how_many_there_are_of_each_size():
    left, right = residual_picture(np.array([1.0, 2.0]), np.array([0.5, -0.5])).axes
    assert left.collections[0].get_offsets()[:, 1].tolist() == [0.5, -0.5]
    assert sum(bar.get_width() for bar in right.patches) == 2


def test_coverage_that_is_low_is_inside_the_picture():
    table = pd.DataFrame({"stated": [0.9], "covered": [0.1], "lower": [0.05], "upper": [0.2]})
    assert coverage_picture(table).axes[0].get_ylim()[0] < 0.05


def test_a_curve_names_each_number_of_labels():
    table = pd.DataFrame({"labels": [0, 1000], "mean": [2.0, 1.0], "sd": [np.nan, 0.1]})
    axes = number_curve_picture(table, note="On 3 items").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1,000"]
    assert axes.get_ylim()[0] == 0
