"""The figures of a report, and their SVG."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from anyshot.evaluation.report.figures import (
    MAX_NAME,
    MAX_POINTS,
    MAX_ROWS,
    closeness_figure,
    confusion_figure,
    coverage_figure,
    fit_figure,
    group_figure,
    inline_svg,
    reliability_figure,
    residual_figure,
)


def names_of(figure):
    figure.draw_without_rendering()
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def svg(name="one", label="日本 $x$ <b>"):
    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#0072b2")
    axes.set_xlabel(label, parse_math=False)
    return inline_svg(figure, name=name, description='says "all"')


def test_confusions_are_named_without_math_and_long_names_are_cut():
    table = pd.DataFrame({"truth": ["$a$ _x_", "y" * 99], "answer": ["b", "c"], "n": [5, 2]})
    assert names_of(confusion_figure(table))[0] == "$a$ _x_ → b"
    assert len(names_of(confusion_figure(table))[1]) <= MAX_NAME + 4
    many = pd.concat([table] * 20, ignore_index=True)
    assert len(names_of(confusion_figure(many))) == MAX_ROWS


def test_a_group_is_named_with_its_size_and_drawn_at_its_accuracy():
    table = pd.DataFrame({"group": ["a"], "n": [1200], "accuracy": [0.5], "lower": [0.4], "upper": [0.6]})
    figure = group_figure(table, overall=0.7)
    assert names_of(figure) == ["a (1,200)"]
    assert figure.axes[0].collections[-1].get_offsets()[0].tolist() == [0.5, 0.0]
    low, high = figure.axes[0].get_ylim()
    assert low < -0.3 < 0.3 < high  # the marks are inside the axes
    errors = group_figure(table.rename(columns={"accuracy": "rmse"}), overall=0.7)
    assert errors.axes[0].get_xlim()[0] == 0


def test_histograms_of_known_and_unknown_items_each_sum_to_one():
    figure = closeness_figure(np.array([0.1, 0.5, 0.9]), np.array([False, True, True]), threshold=0.3)
    bars = figure.axes[0].containers
    assert [round(sum(bar.get_height() for bar in container), 6) for container in bars] == [1, 1]
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert figure.bbox.x0 <= legend.get_window_extent().x0
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_the_reliability_figure_shows_each_bin_and_the_number_of_items():
    table = pd.DataFrame(
        {"low": [0.5, 0.9], "high": [0.6, 1.0], "n": [3, 7], "confidence": [0.55, 0.95], "accuracy": [0.5, 1.0],
         "lower": [0.2, 0.7], "upper": [0.8, 1.0]}
    )  # fmt: skip
    upper, lower = reliability_figure(table, error=0.032).axes
    assert "3.2 percentage points" in upper.get_title(loc="left")
    assert [bar.get_height() for bar in lower.patches] == [3, 7]


def test_very_many_points_are_thinned():
    many = np.arange(10.0 * MAX_POINTS)
    points = fit_figure(many, many).axes[0].collections[0].get_offsets()
    assert MAX_POINTS <= len(points) < 2 * MAX_POINTS


def test_errors_are_drawn_beside_their_histogram():
    left, right = residual_figure(np.array([1.0, 2.0]), np.array([0.5, -0.5])).axes
    assert left.collections[0].get_offsets()[:, 1].tolist() == [0.5, -0.5]
    assert sum(bar.get_width() for bar in right.patches) == 2


def test_low_coverage_is_inside_the_axes():
    table = pd.DataFrame({"stated": [0.9], "covered": [0.1], "lower": [0.05], "upper": [0.2]})
    assert coverage_figure(table).axes[0].get_ylim()[0] < 0.05


def test_svg_is_one_element_with_alternative_text():
    root = ElementTree.fromstring(svg())
    assert root.attrib["aria-label"] == 'says "all"'
    assert root.attrib["role"] == "img"
    assert "width" not in root.attrib
    assert "viewBox" in root.attrib


def test_svg_uses_the_colors_and_the_font_of_the_page_and_keeps_text():
    drawing = svg()
    assert "#0072b2" not in drawing
    assert "#000000" not in drawing
    assert "var(--accent)" in drawing
    assert "var(--sans)" in drawing
    assert "日本 $x$ &lt;b&gt;" in drawing


def test_two_figures_share_no_id_and_all_references_resolve():
    ids = [set(re.findall(r'\bid="([^"]*)"', svg(name))) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r'(?:url\(#|href="#)([^")]*)', svg())) <= ids[0]


def test_the_same_figure_gives_the_same_svg():
    assert svg() == svg()
