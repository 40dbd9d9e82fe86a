"""What a table holds, before its rows are added: its columns, first rows, and what they probably are."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from anyshot import data
from anyshot.app.studio.adding import DATES
from anyshot.app.studio.feature_choice import Feature, features_of
from anyshot.app.studio.kinds import Kind
from anyshot.base.columns import LABEL_COLUMNS, TEXT_COLUMNS
from anyshot.base.messages import collecting, note
from anyshot.data.unconfirmed_labels import exported_columns
from anyshot.errors import AnyshotError, DataFileError

if TYPE_CHECKING:
    from anyshot.data.tables import Table

N_ROWS: Final = 5
"""Rows that are shown, and by whose lengths texts are found."""
MOST_CELLS: Final = 100_000
"""Cells of a table that are looked at, to propose what its columns are."""
MANY_WORDS: Final = 3
"""Mean number of words from which the values of a column are texts, rather than categories."""
_NUMBER: Final = re.compile(r"[+-]?\d[\d.,:/-]*\s?%?")
"""A number, a date or a time, by its characters."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preview:
    """The columns of a table with its first rows, to choose the column of the texts from, or those of features.

    text_column, label_column: what is probably meant, None if nothing is; labels: those of the latter, the most
    frequent first; notes: how the file was read, where that may not be what was meant; sheets: those of a workbook that
    have values; has_names: whether the first row holds the names of the columns, None if the file has no such row;
    features: what each column holds; kind: whether the items are probably texts or rows of features; class_column:
    that of the classes of such rows; class_is_guess: whether only its values say so.
    """

    columns: list[str]
    rows: list[list[str]]
    n_rows: int
    text_column: str | None
    label_column: str | None
    labels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)
    has_names: bool | None = None
    features: list[Feature] = field(default_factory=list)
    kind: Kind = "texts"
    class_column: str | None = None
    class_is_guess: bool = False


def read_named(path: Path, *, source: str | None, sheet: str | None, whole: bool = False) -> tuple["Table", list[str]]:
    """Read a table, and return it with how it was read; errors and notes call a copy by the name of its source."""

    def named(message: object) -> str:
        parts = f"{re.escape(str(path))}|{re.escape(path.name)}"
        return str(message) if source is None else re.sub(parts, lambda _: source, str(message))

    with collecting() as notes:
        try:
            table = data.read_table(path, sheet=sheet, whole=whole)
        except AnyshotError as error:
            if source is None:
                raise
            raise DataFileError(named(error)) from error
        if (exported := exported_columns(table)) is not None:
            note(
                log,
                f"{path}: where {exported[2]!r} is 'no', {exported[0]!r} is an answer of the studio, and no label",
            )
    if whole and "name" in table.frame and source is not None:
        table.frame["name"] = source
    return table, list(map(named, notes))


def preview(
    path: str | Path,
    *,
    sheet: str | None = None,
    has_names: bool | None = True,
    whole: bool = False,
    source: str | None = None,
) -> Preview:
    """Return the columns and the first rows of a table.

    sheet: of a workbook, by default the first visible one that has rows; has_names: whether the first row holds the
    names of the columns, None if it does only where one of them is usual, such as "text", or stands above numbers;
    whole: whether a .txt file is one text, rather than a text per line; source: the name of the file, if `path` is a
    copy of it.

    Raises
    ------
    DataFileError
        The file cannot be read.
    """
    table, notes = read_named(Path(path), source=source, sheet=sheet, whole=whole)
    if has_names is None:
        has_names = any(map(_is_name, _column_names(table), table.columns()))
    table = headed(table, has_names)
    columns, text = list(table.frame.columns), likely_text_column(table)
    label = _likely_labels(table, text, has_names=has_names)
    part = table.rows(range(min(len(table.frame), max(100, MOST_CELLS // len(columns)))))
    with collecting() as of_cells:
        features, named = features_of(part, columns), data.named_class_column(columns)
        class_column = named or data.likely_class_column(data.feature_rows(part, columns))
    return Preview(
        columns,
        _first_rows(table),
        len(table.frame),
        text,
        label,
        labels=[] if label is None else _frequent(table.values(label)),
        notes=list(dict.fromkeys([*notes, *map(str, of_cells)])),
        sheets=list(table.sheets),
        has_names=None if table.numbers is None else has_names,
        features=features,
        kind=_likely_kind(part, features, text),
        class_column=class_column,
        class_is_guess=named is None,
    )


def _is_name(first: str, others: Sequence[Any]) -> bool:
    """Return whether the first cell of a column names it, rather than being one of its values."""
    given = [str(cell).strip() for cell in others if cell is not None and str(cell).strip()]
    above_numbers = bool(given) and all(map(_NUMBER.fullmatch, given))
    is_usual = first.strip().casefold() in (*TEXT_COLUMNS, *LABEL_COLUMNS)
    return is_usual or (above_numbers and not _NUMBER.fullmatch(first.strip()))


def headed(table: "Table", has_names: bool) -> "Table":
    """Return a table whose columns all have names; its first row is one of its rows, unless it holds these names."""
    if has_names or table.numbers is None:
        return replace(table, frame=table.frame.set_axis(_column_names(table), axis=1))
    names = [name or None for name in table.frame.columns]
    cells = [names, *table.frame.itertuples(index=False, name=None)]
    lines = table.lines and [table.lines[0] - 1 - sum(name.count("\n") for name in names if name), *table.lines]
    own = [f"Column {number}" for number in range(1, len(names) + 1)]
    frame = pd.DataFrame(cells, columns=own, dtype=object)
    return replace(table, frame=frame, lines=lines, numbers=[table.numbers[0] - 1, *table.numbers])


def likely_text_column(table: "Table") -> str:
    """Return the column that probably has the texts: by its name, or the one with the longest texts."""
    columns = list(table.frame.columns)
    text = next((name for usual in TEXT_COLUMNS for name in columns if name.strip().casefold() == usual), None)
    if text is not None:
        return text
    shown = _first_rows(table)
    lengths = [sum(len(row[k]) for row in shown) for k in range(len(columns))]
    others = [k for k in range(len(columns)) if columns[k] != _usual_label(columns)]
    return columns[max(others, key=lambda k: lengths[k])] if others else columns[0]


def _likely_labels(table: "Table", text: str, *, has_names: bool) -> str | None:
    """Return the column that probably has the labels: by its name, or the other of two if its values are repeated."""
    columns, exported = list(table.frame.columns), exported_columns(table)
    label = _usual_label(columns) if exported is None else exported.of_class
    if has_names or label not in (None, text) or len(columns) != 2:
        return None if label == text else label
    other = 1 - columns.index(text)
    values = [value for value in table.columns()[other] if value]
    return str(columns[other]) if 0 < len(set(values)) <= len(values) / 2 else None


def _frequent(values: Sequence[Any]) -> list[str]:
    """Return the different values of a column, the most frequent first."""
    given = Counter(str(value).strip() for value in values if value is not None)
    return [value for value, _ in given.most_common() if value]


def _first_rows(table: "Table") -> list[list[str]]:
    """Return the beginnings of the cells of the first rows."""
    midnight = " 00:00:00"  # of a date without a time
    return [
        ["" if value is None else str(value).removesuffix(midnight)[:200] for value in row]
        for row in rows_of(table, N_ROWS)
    ]


def _usual_label(columns: Sequence[str]) -> str | None:
    return next((name for name in columns if name.strip().casefold() in LABEL_COLUMNS), None)


def _likely_kind(table: "Table", features: Sequence[Feature], text: str) -> Kind:
    """Return whether a table holds texts, mostly different ones of several words, or rows of features."""
    values = [str(value) for value in table.values(text) if value is not None]
    words = sum(len(value.split()) for value in values) / max(1, len(values))
    holds = next(one.kind for one in features if one.name == text) in ("category", None)
    is_usual = text.strip().casefold() in TEXT_COLUMNS
    if holds and (is_usual or words >= MANY_WORDS) and 2 * len(set(values)) > len(values):
        return "texts"
    return "rows" if any(one.is_proposed and one.kind != "category" for one in features) else "texts"


def _column_names(table: "Table") -> list[str]:
    """Return the names of a table's columns; those without one are called by their place, as "Column 2"."""
    given = [str(name) for name in table.frame.columns]
    own = [f"Column {number}" for number in range(1, len(given) + 1)]
    return [name or (f"{other} (no name)" if other in given else other) for name, other in zip(given, own, strict=True)]


def rows_of(table: "Table", limit: int | None = None) -> Iterator[list[Any]]:
    """Yield the rows of a table as Python values that `stored_cells` can hold."""
    part = table if limit is None else table.rows(range(min(limit, len(table.frame))))
    for row in zip(*part.columns(), strict=True):
        yield [_plain(value) for value in row]


def _plain(value: Any) -> Any:
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, tuple(DATES.values())):  # a spreadsheet has no time zones
        return value if getattr(value, "tzinfo", None) is None else str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
