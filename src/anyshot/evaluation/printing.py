"""Results that print as text in a terminal and as HTML in a notebook."""

import html
import io
from abc import ABC, abstractmethod

import pandas as pd
from rich.console import Console, Group
from rich.text import Text

from anyshot.base.terminal import escaped, rich_table

PLAIN_WIDTH = 100  # columns of text outside a terminal


class Printable(ABC):
    """A result that prints its heading, its tables and its notes."""

    def _heading(self) -> tuple[str, ...]:
        """Return the lines before the tables; the first is bold."""
        return ()

    @abstractmethod
    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        """Return the tables with their titles."""

    def _notes(self) -> tuple[str, ...]:
        """Return the lines after the tables."""
        return ()

    def __str__(self) -> str:
        page = io.StringIO()
        Console(file=page, width=PLAIN_WIDTH, color_system=None, legacy_windows=False).print(self)
        return "\n".join(line.rstrip() for line in page.getvalue().splitlines()).strip("\n")

    __repr__ = __str__

    def __rich__(self) -> Group:
        heading = [Text(escaped(line), style="" if row else "bold") for row, line in enumerate(self._heading())]
        space = [Text("")] if heading else []
        tables = [_rich_table(frame, title=title) for title, frame in self._tables()]
        return Group(*heading, *space, *tables, *(Text(escaped(note)) for note in self._notes()))

    def _repr_html_(self) -> str:
        tables = [_html_table(frame, title=title) for title, frame in self._tables()]
        return _html_lines(self._heading()) + "".join(tables) + _html_lines(self._notes())


def _rich_table(frame: pd.DataFrame, *, title: str) -> Group:
    columns, rows = list(map(str, frame.columns)), (list(map(str, cells)) for cells in frame.itertuples(index=False))
    table = rich_table(columns, rows, numbers=columns[1:])
    return Group(Text(title, style="bold"), table)  # rich would wrap a table's own title at the table's width


def _html_table(frame: pd.DataFrame, *, title: str) -> str:
    return f"<p><b>{html.escape(title)}</b></p>{frame.to_html(index=False, escape=True, border=0)}"


def _html_lines(lines: tuple[str, ...]) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)
