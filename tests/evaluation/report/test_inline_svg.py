"""Figures inside a page."""

import re
from xml.etree import ElementTree

from matplotlib.figure import Figure

from anyshot.evaluation.report.inline_svg import inline_svg


def drawn(name="one", label="日本 $x$ <b>"):
    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#0072b2")
    axes.set_xlabel(label, parse_math=False)
    return inline_svg(figure, name=name, description='says "all"')


def test_it_is_one_svg_element_with_a_text_for_those_who_cannot_see_it():
    root = ElementTree.fromstring(drawn())
    assert root.attrib["aria-label"] == 'says "all"'
    assert root.attrib["role"] == "img"
    assert "width" not in root.attrib
    assert "viewBox" in root.attrib


def test_its_colors_follow_the_page_and_its_words_stay_words():
    drawing = drawn()
    assert "#0072b2" not in drawing
    assert "#000000" not in drawing
    assert "var(--accent)" in drawing
    assert "日本 $x$ &lt;b&gt;" in drawing


def test_two_pictures_share_no_id():
    ids = [set(re.findall(r'\bid="([^"]*)"', drawn(name))) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_everything_referred_to_is_there():
    drawing = drawn()
    named = set(re.findall(r'\bid="([^"]*)"', drawing))
    assert set(re.findall(r'(?:url\(#|href="#)([^")]*)', drawing)) <= named


def test_the_same_figure_gives_the_same_drawing():
    assert drawn() == drawn()
