"""How a result prints: one table of texts, for a terminal and for a notebook."""

import html
import io
import math

import pandas as pd
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 100  # columns of text where no terminal says otherwise


def percent(share: float | None) -> str:
    """Write a share as per cent with one decimal, "-" where there is none."""
    return "-" if share is None or math.isnan(share) else f"{100 * share:.1f}"


def number(value: float | None) -> str:
    """Write a number with four digits, a large one in full, "-" where there is none."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def rich_table(frame: pd.DataFrame, *, title: str) -> Group:
    """Return `frame` as a table for the terminal; its cells are shown as they stand, markup included."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(frame.columns):
        table.add_column(Text(str(name)), justify="left" if place == 0 else "right", overflow="fold")
    for cells in frame.itertuples(index=False):
        table.add_row(*(Text(str(cell)) for cell in cells))
    return Group(Text(title, style="bold"), table)  # a table's own title would wrap at its width


def html_table(frame: pd.DataFrame, *, title: str) -> str:
    """Return `frame` as an HTML table; every cell is escaped."""
    return f"<p><b>{html.escape(title)}</b></p>{frame.to_html(index=False, escape=True, border=0)}"


def html_lines(lines: tuple[str, ...]) -> str:
    """Return one paragraph for each line; every line is escaped."""
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def as_text(shown: RenderableType) -> str:
    """Return what the terminal would show, without color."""
    page = io.StringIO()
    Console(file=page, width=PLAIN_WIDTH, color_system=None, legacy_windows=False).print(shown)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines()).strip("\n")
