r"""Text that a terminal shows without obeying it.

An item, a class name or a file name may contain control characters. A terminal obeys some of them: an escape sequence
can move the cursor, set the window's title or write to the clipboard, and a bidirectional override shows letters in
another order. They are shown as Python writes them in a string, such as \x1b.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # it is loaded by who prints a table
    from rich.table import Table

_ENDS_A_LINE: Final = "\u2028\u2029"
_SETS_DIRECTION: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# C0 without tab and newline, DEL, C1, and surrogates, which no output can encode.
_CONTROL: Final = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{_ENDS_A_LINE}{_SETS_DIRECTION}]")

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Return a text with its control characters escaped; tabs and newlines stay.

    >>> print(escaped("red \x1b[31m alert"))
    red \x1b[31m alert
    """
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def escaped_json(line: str) -> str:
    r"""Return a line of JSON with control characters inside its strings escaped, which means the same.

    >>> print(escaped_json('{"item": "\u202e"}'))
    {"item": "\u202e"}
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", line)


def rich_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[str] = (), framed: bool = False
) -> "Table":
    """Return a table of texts for `rich.print`; markup and control characters in it are shown, not obeyed.

    numbers: the columns that are aligned at the right; framed: whether lines stand around all cells, as of long texts.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True) if framed else Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(Text(escaped(name)), justify="right" if name in numbers else "left", overflow="fold")
    for cells in rows:
        table.add_row(*(Text(escaped(cell)) for cell in cells))
    return table


def html_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a table of texts as HTML.

    >>> html_table(["a"], [["<b>\n2"]])
    '<table><tr><th>a</th></tr><tr><td>&lt;b&gt;<br>2</td></tr></table>'
    """
    lines = ["".join(f"<th>{escape(name)}</th>" for name in columns)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in cells).replace("\n", "<br>") for cells in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def whole_characters(text: str) -> str:
    r"""Return a text in which each unpaired surrogate, half of a character, is U+FFFD.

    >>> whole_characters("late \ud83d") == "late \N{REPLACEMENT CHARACTER}"
    True
    """
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
