"""Tables in a terminal: their cells, and control characters of texts."""

import io

from anyshot.app.cli.tables import SafeConsole, table_of


def shown(what):
    page = io.StringIO()
    SafeConsole(file=page, width=80, color_system=None).print(what)
    return page.getvalue()


def test_cells_are_written_for_people_and_the_last_column_is_at_the_end():
    rows = [
        {"text": "a", "share": 0.125, "here": True, "MB": None, "proba": {"x": 0.125, "y": 0.875}},
        {"text": "b", "share": 1.0, "here": False, "MB": 3, "proba": {}},
    ]
    header, _line, first, second = (line.split() for line in shown(table_of(rows, last="text")).strip().splitlines())
    assert header == ["share", "here", "MB", "proba", "text"]
    assert [first, second] == [["0.12", "yes", "-", "y", "0.88,", "x", "0.12", "a"], ["1.00", "no", "3", "b"]]


def test_control_characters_and_markup_of_texts_are_shown():
    assert r"\x1b[31m [bold]" in shown(table_of([{"text": "\x1b[31m [bold]"}]))
    assert r"\u202e" in shown("\u202e")
