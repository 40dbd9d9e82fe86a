import numpy as np
import pytest

from anyshot.evaluation.curve_picture import Line, curve_picture, spread_apart


def test_heights_that_are_far_enough_apart_stay():
    np.testing.assert_allclose(spread_apart(np.array([0.9, 0.1, 0.5]), gap=0.2), [0.9, 0.1, 0.5])


def test_heights_that_meet_are_moved_apart_evenly_and_keep_their_order():
    np.testing.assert_allclose(spread_apart(np.array([0.5, 0.5, 2.0]), gap=0.2), [0.4, 0.6, 2.0])
    moved = spread_apart(np.array([0.55, 0.5, 0.6]), gap=0.2)
    np.testing.assert_allclose(moved, [0.55, 0.35, 0.75])


def test_a_single_point_and_one_without_spread_can_be_drawn(tmp_path):
    lines = [
        Line("zero", ["0"], np.array([0.5]), np.array([np.nan])),
        Line("all $x", ["1", "all"], np.array([0.6, 0.8]), np.array([0.1, np.nan])),
    ]
    figure = curve_picture(lines, places=["0", "1", "all"], title="Curve", note="note")
    figure.savefig(tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").stat().st_size > 1000
    assert [text.get_text() for text in figure.axes[0].texts[1:]] == ["zero  50.0", "all $x  80.0"]


@pytest.mark.parametrize("n_lines", [1, 9])
def test_more_lines_than_colors_can_be_drawn(n_lines):
    lines = [Line(str(n), ["1", "2"], np.array([0.5, 0.6]), np.array([0.1, 0.1])) for n in range(n_lines)]
    assert len(curve_picture(lines, places=["1", "2"], title="t", note="n").axes[0].texts) == n_lines + 1
