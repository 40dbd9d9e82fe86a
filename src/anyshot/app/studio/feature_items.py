"""Items that are rows of features: their columns, and how a row is stored, shown, searched and given to a model."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, TypeAlias, get_args

import pandas as pd

Holds: TypeAlias = Literal["number", "date", "duration", "category"]
"""What a column holds; in a project, all dates are written alike."""
Columns: TypeAlias = dict[str, Holds]
"""The names of the columns, in their order, and what each holds."""

_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)( \d\d:\d\d:\d\d)?")
_GERMAN_DATE: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_GERMAN_NUMBER: Final = re.compile(r"(-?\d+),(\d+)")


def stored_columns(columns: Columns) -> str:
    """Return columns as JSON."""
    return json.dumps(columns, ensure_ascii=False)


def read_columns(stored: str) -> Columns:
    """Return columns that were stored as JSON; none from a file that was changed by hand."""
    try:
        found = json.loads(stored)
    except ValueError:
        return {}
    is_right = isinstance(found, dict) and all(kind in get_args(Holds) for kind in found.values())
    return found if is_right else {}


def stored_row(values: Sequence[str | float | None]) -> str:
    """Return the values of a row as JSON.

    Dates are "2024-12-31" or "2024-12-31 08:30:00", durations "08:30:00", long ones "15 days 02:00:00".

    >>> stored_row([31.0, 0.5, None, "Rome"])
    '[31, 0.5, null, "Rome"]'
    """
    whole = [int(one) if isinstance(one, float) and one.is_integer() else one for one in values]
    return json.dumps(whole, ensure_ascii=False)


def frame_of(columns: Columns, contents: Sequence[str], ids: Sequence[int]) -> pd.DataFrame:
    """Return rows of stored values (n, d) as a model takes them, named by their ids; each column has its type.

    What is not of its column's kind, as in a file that was changed by hand, is missing.
    """
    rows = [dict(zip(columns, _values(content), strict=False)) for content in contents]
    cells = {name: [row.get(name) for row in rows] for name in columns}
    return pd.DataFrame({name: _typed(cells[name], kind) for name, kind in columns.items()}).set_axis(list(ids))


def _values(content: str) -> list[Any]:
    try:
        found = json.loads(content)
    except ValueError:  # in a file that was changed by hand, as below
        return []
    return found if isinstance(found, list) else []


def _typed(values: list[Any], kind: Holds) -> "pd.Series[Any]":
    if kind == "number":
        return pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype(float)
    texts = pd.Series([value if isinstance(value, str) else None for value in values], dtype=object)
    if kind == "date":
        return pd.to_datetime(texts, errors="coerce", format="ISO8601")
    return pd.to_timedelta(texts, errors="coerce") if kind == "duration" else texts.astype("category")


def typed_cells(columns: Columns, content: str) -> list[tuple[str, Any]]:
    """Return the name and the value of each cell as a number, a date or a text, for a spreadsheet.

    >>> typed_cells({"age": "number", "since": "date"}, '[31, "2024-12-31"]')
    [('age', 31), ('since', datetime.date(2024, 12, 31))]
    """
    cells = zip(columns.items(), _values(content), strict=False)
    return [(name, _as_date(value) if kind == "date" else value) for (name, kind), value in cells]


def _as_date(value: Any) -> Any:
    try:
        return date.fromisoformat(value) if len(value) == len("2024-12-31") else datetime.fromisoformat(value)
    except (TypeError, ValueError):  # it is missing, or in a file that was changed by hand
        return value


def shown_cells(columns: Columns, content: str, language: str = "en") -> list[tuple[str, str]]:
    """Return the name and the value of each cell that is not empty, as a person reads them in a language.

    >>> shown_cells({"income": "number", "since": "date", "city": "category"}, '[1900.5, "2024-12-31", null]', "de")
    [('income', '1900,5'), ('since', '31.12.2024')]
    """
    cells = zip(columns.items(), _values(content), strict=False)
    return [(name, shown_value(value, kind, language)) for (name, kind), value in cells if value is not None]


def shown_value(value: Any, kind: Holds, language: str) -> str:
    """Return a value of a column as a person reads it in a language."""
    if kind == "number":
        text = f"{value:.10g}" if isinstance(value, float) else str(value)
        return text.replace(".", ",") if language == "de" else text
    if kind == "date" and language == "de":
        return _DATE.sub(r"\3.\2.\1\4", str(value))
    return str(value)


def shown_row(columns: Columns, content: str, language: str = "en") -> str:
    """Return a row on one line.

    >>> shown_row({"age": "number", "city": "category"}, '[31, "Rome"]')
    'age: 31, city: Rome'
    """
    return ", ".join(f"{name}: {value}" for name, value in shown_cells(columns, content, language))


def search_in_rows(words: Sequence[str], columns: Columns) -> Callable[[str], bool]:
    """Return whether a row has each word, in lower case, in a name or a value of its own; numbers count as a whole.

    >>> columns = {"age": "number", "since": "date", "income": "number", "city": "category"}
    >>> row = '[31, "2024-12-31", 1900.5, "Rome"]'
    >>> [search_in_rows([word], columns)(row) for word in ("rom", "31.12.2024", "1900,5", "9", "age")]
    [True, True, True, False, True]
    """
    names = [[place for place, name in enumerate(columns) if word in name.casefold()] for word in words]
    texts = [_GERMAN_DATE.sub(lambda own: f"{own[3]}-{own[2]:0>2}-{own[1]:0>2}", word) for word in words]
    numbers = [_as_number(word) for word in words]
    wanted = list(zip(names, texts, numbers, strict=True))

    def found(content: str) -> bool:
        values = _values(content)
        return all(
            any(
                value == number if isinstance(value, int | float) else text in str(value).casefold()
                for value in values
                if value is not None
            )
            or any(values[place] is not None for place in places if place < len(values))
            for places, text, number in wanted
        )

    return found


def _as_number(word: str) -> float | None:
    try:
        return float(_GERMAN_NUMBER.sub(r"\1.\2", word))
    except ValueError:
        return None
