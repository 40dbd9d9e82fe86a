"""The pictures that only a report draws."""

import numpy as np
import pandas as pd

from anyshot.evaluation.report.figures import (
    LONGEST_NAME,
    MOST_ROWS,
    closeness_picture,
    confusion_picture,
    group_picture,
)


def names_of(figure):
    figure.draw_without_rendering()
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_the_largest_confusions_are_named_as_they_stand_and_cut():
    table = pd.DataFrame({"truth": ["$a$ _x_", "y" * 99], "answer": ["b", "c"], "n": [5, 2]})
    assert names_of(confusion_picture(table))[0] == "$a$ _x_ → b"
    assert len(names_of(confusion_picture(table))[1]) <= LONGEST_NAME + 4
    many = pd.concat([table] * 20, ignore_index=True)
    assert len(names_of(confusion_picture(many))) == MOST_ROWS


def test_a_group_is_named_with_its_size_and_stands_at_its_share():
    table = pd.DataFrame({"group": ["a"], "n": [1200], "accuracy": [0.5], "lower": [0.4], "upper": [0.6]})
    figure = group_picture(table, overall=0.7)
    assert names_of(figure) == ["a (1,200)"]
    assert figure.axes[0].collections[-1].get_offsets()[0].tolist() == [0.5, 0.0]
    low, high = figure.axes[0].get_ylim()
    assert low < -0.3 < 0.3 < high  # the marks stand whole within the axes


def test_known_and_unknown_items_each_add_to_one():
    figure = closeness_picture(np.array([0.1, 0.5, 0.9]), np.array([False, True, True]), threshold=0.3)
    bars = figure.axes[0].containers
    assert [round(sum(bar.get_height() for bar in container), 6) for container in bars] == [1, 1]
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert figure.bbox.x0 <= legend.get_window_extent().x0
    assert legend.get_window_extent().x1 <= figure.bbox.x1
