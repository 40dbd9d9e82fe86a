"""Results that print in a terminal and in a notebook."""

import pandas as pd
import pytest

from anyshot.evaluation.printing import Printable

HOSTILE = pd.DataFrame({"[red]name[/red]": ["<b>bold</b>", "[bold]x[/bold]"], "n": [1, 2]})


class Result(Printable):
    def _heading(self):
        return ("[bold]heading[/bold]", "<script>")

    def _tables(self):
        return [("Many [bold]words[/bold] over a narrow table", HOSTILE)]

    def _notes(self):
        return ("a note",)


def test_text_keeps_markup_as_it_is():
    text = str(Result())
    assert text == repr(Result())
    assert text.startswith("[bold]heading[/bold]\n<script>\n\nMany [bold]words[/bold] over a narrow table\n")
    assert "[red]name[/red]" in text
    assert "[bold]x[/bold]" in text
    assert text.endswith("a note")


def test_a_result_without_tables_cannot_be_made():
    class Empty(Printable):
        pass

    with pytest.raises(TypeError, match="_tables"):
        Empty()


def test_html_is_escaped():
    page = Result()._repr_html_()
    assert "<script>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<p>a note</p>" in page
