import math

import pandas as pd
import pytest

from anyshot.evaluation.printing import as_text, html_lines, html_table, percent, rich_table

HOSTILE = pd.DataFrame({"class": ["[red]a[/red]", "<b>&"], "f1": ["1.0", "-"]})


@pytest.mark.parametrize(("share", "written"), [(0.1234, "12.3"), (1.0, "100.0"), (None, "-"), (math.nan, "-")])
def test_a_share_is_written_in_per_cent(share, written):
    assert percent(share) == written


def test_markup_in_a_cell_is_shown_as_it_stands_in_the_terminal():
    shown = as_text(rich_table(HOSTILE, title="Many [bold]words[/bold] over a narrow table"))
    assert shown.splitlines()[0] == "Many [bold]words[/bold] over a narrow table"
    assert "[red]a[/red]" in shown


def test_cells_titles_and_lines_are_escaped_in_html():
    written = html_table(HOSTILE, title="<i>") + html_lines(("<script>",))
    assert "&lt;b&gt;&amp;" in written
    assert "<i>" not in written
    assert "<script>" not in written
