"""What a column of a table holds, whatever its type: numbers, dates, durations or categories."""

import datetime
import numbers
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype, is_timedelta64_dtype

from anyshot.base.columns import python_value
from anyshot.base.messages import named_rows
from anyshot.base.number_columns import check_size
from anyshot.base.validation import Floats
from anyshot.data.cells import is_no_text
from anyshot.data.month_names import date_in_numbers, is_short_year
from anyshot.data.year_first import CLOCK, date_in_digits, date_of_year_first, is_season, time_of_24_hours
from anyshot.errors import InputError

Kind: TypeAlias = Literal["number", "date", "day first", "month first", "duration", "category"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

NUMBER: Final = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?(\s?%)?")
"""A number as text; 007 is a code."""
_MEASURE: Final = re.compile(r"[+-]?([$€£¥₹]?)\s?[+-]?\d[\d.,']*\s?(\D{0,12})")  # a currency or a unit, "5 kg"
_WRITTEN: Final = re.compile(
    r"\(?[+\u2212-]?(\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+(,\d+)?|\d{1,3}(['\u2019\u00a0\u202f]\d{3})+([.,]\d+)?"
    r"|\d{1,3}( \d{3})+[.,]\d+|\d+([.,]\d+)?)[)-]?"
)
"""A number as programs show it: with separators of thousands, in brackets or with another minus."""
UNCLEAR: Final = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}(\s?%)?")
"""A number whose mark separates thousands or decimals: 5,111 or 5.111."""
_MANY: Final = 10  # so many different texts are hardly categories
_LEAST_DATES: Final = 3  # fewer different numbers may look like dates by chance
_COMMA: Final = re.compile(r"[+-]?\d+(,\d+)?")
_TIME: Final = re.compile(rf"{CLOCK}(?: ?[AP]M)?", re.IGNORECASE)
_DATE: Final = re.compile(
    rf"(\d{{1,2}})([./-]|\. )(\d{{1,2}})\2(\d{{4}})((?:,? |T){CLOCK}(?: ?[AP]M)?)?", re.IGNORECASE
)
_SHORT_YEAR: Final = re.compile(r"(0?[1-9]|[12]\d|3[01])([./-])(0?[1-9]|[12]\d|3[01])\2\d{2}")
_FORMATS: Final[dict[Kind, str]] = {"day first": "%d{0}%m{0}%Y", "month first": "%m{0}%d{0}%Y"}
_DAY: Final = 86_400.0  # seconds
_NOT: Final = {"number": "no number", "date": "no date", "duration": "no time of day or duration"}


def kind_of(column: "pd.Series[Any]") -> Kind:
    """Return what a column holds.

    Objects and texts count as what they represent: numbers (also Decimals), dates or durations. Numbers with leading
    zeros are codes, and thus categories.

    Raises InputError if the column holds lists or other collections, numbers with a decimal comma or a unit, or dates
    that may be read in two ways.
    """
    kind = column.dtype
    if getattr(kind, "kind", None) == "c":
        own = f"table[{column.name!r}]"
        raise InputError(f"Column {column.name!r} holds complex numbers. Give numpy.real({own}) and numpy.imag({own}).")
    if is_numeric_dtype(kind) or is_bool_dtype(kind):
        return "category" if isinstance(kind, pd.CategoricalDtype) else _kind_of_numbers(column.dropna())
    if is_datetime64_any_dtype(kind) or isinstance(kind, pd.PeriodDtype):
        return "date"
    if is_timedelta64_dtype(kind):
        return "duration"
    if isinstance(kind, pd.CategoricalDtype):
        return "category"
    values = [value for value in map(python_value, column.astype(object)[column.notna()]) if not is_no_text(value)]
    if not values:
        return "category"
    if all(isinstance(value, str) for value in values):
        return _kind_of_texts(values, column.name)
    _check_scalars(values, column.name)
    stripped = {value.strip() if isinstance(value, str) else value for value in values}
    for (_, found), (_, is_one, _) in zip(_OBJECTS, _MEASURED, strict=True):
        if all(map(is_one, stripped)):  # also as text, as spreadsheets store some numbers
            texts = [value for value in values if isinstance(value, str)]
            if found == "number":
                _check_percent(stripped, column.name)
                return _kind_of_numbers(stripped)
            return _kind_of_texts(texts, column.name) if found == "date" and texts else found
    _check_exceptions(stripped, column.name)
    return "category"


def likely_kind(column: "pd.Series[Any]") -> Kind:
    """Return what a column holds, apart from a few texts among many numbers or dates; raise InputError as `kind_of`."""
    try:
        return kind_of(column)
    except InputError:
        return kind_of(pd.Series(_without_exceptions(column.tolist()), dtype=object, name=column.name))


def plain_kind(kind: Kind) -> Literal["number", "date", "duration", "category"]:
    """Return the kind of a column, where dates as text are dates in any order of day and month."""
    return "date" if kind == "day first" or kind == "month first" else kind


def _check_exceptions(values: set[Any], name: object) -> None:
    """Raise InputError if many different numbers, or dates, are mixed with a few texts: they are no categories.

    A question mark among numbers would make each of them a category.
    """
    for what, is_one, convert in _MEASURED:
        others = [value for value in values if not is_one(value)]
        if _MANY * len(others) <= len(values) - len(others) and len(values) - len(others) > _MANY:
            shown = ", ".join(map(repr, sorted(map(str, others))[:3]))
            raise InputError(
                f"Column {name!r} holds {what}, but also {shown}. Correct such cells, empty them, or leave the column "
                f"out. In Python: {convert.format(f'table[{name!r}]')} empties them; if the column holds categories, "
                'convert it by astype("category").'
            )


def _without_exceptions(values: Sequence[Any]) -> list[Any]:
    """Return the values of a column without a few texts beside many numbers, dates or durations."""
    for _, is_one, _ in _MEASURED:
        good = [one for one in values if one is None or is_one(one.strip() if isinstance(one, str) else one)]
        if len(good) < len(values) and are_few(len(values) - len(good), sum(one is not None for one in good)):
            return good
    return list(values)


def are_few(n_others: int, n_good: int) -> bool:
    """Return whether texts among numbers or dates are so few that they are mistakes."""
    return not n_others or (n_good > _MANY and _MANY * n_others <= n_good)


def as_numbers(column: "pd.Series[Any]", kind: Kind) -> Floats:
    """Return numbers, or dates and durations in days, as floats (n,), NaN for missing ones.

    Raises InputError if the column does not hold what its kind says, or holds infinity.
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    found = _vectorized(column, kind)
    check_size(found, f"Column {column.name!r}", names=column.index.to_numpy())
    return found


def read_numbers(column: "pd.Series[Any]", kind: Kind) -> tuple[Floats, dict[int, str]]:
    """Return the numbers of cells (n,) as `as_numbers` does, NaN also for those that are none; and the faults of these.

    >>> read_numbers(pd.Series(["31", None, "old"], name="age"), "number")
    (array([31., nan, nan]), {2: "age: 'old' is no number"})
    """
    try:
        return as_numbers(column, kind), {}
    except InputError:  # one by one, to find which cells cannot be read
        cells = [None if missing else cell for cell, missing in zip(column, column.isna(), strict=True)]
    known = {str(cell): _number_or_nan(cell, kind) for cell in cells if not is_no_text(cell)}
    found = np.array([known.get(str(cell), np.nan) for cell in cells])
    bad = [row for row in np.flatnonzero(np.isnan(found)).tolist() if not is_no_text(cells[row])]
    return found, {row: f"{column.name}: {str(cells[row])[:40]!r} is {_NOT[plain_kind(kind)]}" for row in bad}


def is_of_other_order(cell: object, kind: Kind) -> bool:
    """Return whether a cell that is no date of a column's kind is one if day and month are exchanged."""
    if plain_kind(kind) != "date" or not isinstance(cell, str) or _is_clear_date(cell.strip()):
        return False
    return any(_is_moment(cell.strip(), order) for order in _FORMATS)


def _is_moment(text: str, kind: Kind) -> bool:
    try:
        _moment(text, kind)
    except ValueError:
        return False
    return True


def _number_or_nan(cell: Any, kind: Kind) -> float:
    try:
        return float(as_numbers(pd.Series([cell], dtype=object), kind)[0])
    except InputError:
        return float("nan")


def from_numbers(values: Floats, kind: Kind) -> list[Any]:
    """Return the numbers, dates or durations that `as_numbers` returned as floats (n,), to the second.

    >>> from_numbers(np.array([2.5]), "number"), from_numbers(np.array([19727.5]), "date")[0].isoformat()
    ([2.5], '2024-01-05T12:00:00')
    """
    if kind == "number":
        return list(map(float, values))
    seconds = np.round(np.asarray(values) * _DAY)
    found = pd.to_timedelta(seconds, unit="s") if kind == "duration" else pd.to_datetime(seconds, unit="s")
    return list(found)


def _vectorized(column: "pd.Series[Any]", kind: Kind) -> Floats:
    """Return the numbers of a column at once where its type says what it holds, else one by one."""
    if kind == "number" and is_numeric_dtype(column.dtype):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    numpys = isinstance(column.dtype, np.dtype | pd.DatetimeTZDtype)  # pyarrow refuses nanoseconds as seconds
    if numpys and kind not in ("number", "duration") and is_datetime64_any_dtype(column.dtype):
        moments = pd.to_datetime(column, utc=True)
        return np.asarray((moments - pd.Timestamp(0, tz="UTC")).dt.total_seconds() / _DAY, dtype=np.float64)
    values = [None if missing else python_value(value) for value, missing in zip(column, column.isna(), strict=True)]
    values = [None if is_no_text(value) else value for value in values]
    found = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        try:
            found[row] = np.nan if value is None else _number(value, kind)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(_not_as_in_fit(column.name, value, kind, named_rows([column.index[row]]))) from error
    return found


def _not_as_in_fit(name: object, value: object, kind: Kind, where: str) -> str:
    """Return the message for a value that is none of a column's kind; where: its row."""
    given = f"{str(value)[:40]!r}"
    if is_of_other_order(value, kind):
        unclear = "of which the order of day and month is not clear"
        fault = unclear if kind == "date" else f"but in `fit` dates were {kind}"
        return f"Column {name!r} has the date {given} in {where}, {fault}. Write dates as 2024-12-31."
    if plain_kind(kind) == "date" and isinstance(value, str) and _is_date(value.strip()):
        return (
            f"Column {name!r} has {given} in {where}, a date or time that does not exist, or one after the year 2261. "
            "Correct it, or empty the cell."
        )
    held = "was numeric" if kind == "number" else "held durations" if kind == "duration" else "held dates"
    fault = f"Column {name!r} {held} in `fit` and is not now: {where} has {given}."
    return f"{fault} Write a value like those in `fit`, or none."


_OBJECTS: Final[tuple[tuple[Any, Kind], ...]] = (
    ((numbers.Number,), "number"),  # Decimal is one
    ((datetime.date,), "date"),
    ((datetime.timedelta, datetime.time), "duration"),
)


def _is_number(value: object) -> bool:
    return bool(NUMBER.fullmatch(value)) if isinstance(value, str) else isinstance(value, numbers.Number)


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return isinstance(value, datetime.date)
    return _is_clear_date(value) or _DATE.fullmatch(value) is not None


def _is_clear_date(text: str) -> bool:
    """Return whether a text is a date of which the order of day and month is clear."""
    return date_of_year_first(text) is not None or date_in_numbers(text) is not None


def _is_time(value: object) -> bool:
    return bool(_TIME.fullmatch(value)) if isinstance(value, str) else isinstance(value, _OBJECTS[2][0])


_MEASURED: Final = (
    ("numbers", _is_number, "pandas.to_numeric({0}, errors='coerce')"),
    ("dates", _is_date, "pandas.to_datetime({0}, errors='coerce')"),
    ("durations", _is_time, "pandas.to_timedelta({0}, errors='coerce')"),
)


def _number(value: Any, kind: Kind) -> float:
    """Return a value of a column of this kind as a number."""
    value = value.strip() if isinstance(value, str) else value
    if kind == "number":
        return float(value.removesuffix("%")) / 100 if _is_share(value) else float(value)
    if _is_number(value):  # pandas would take it for nanoseconds, or a year
        value = date_in_digits(value) if kind == "date" else None
        if value is None:
            raise TypeError("a number is no date or duration")
    if kind == "duration":
        value = str(value) if isinstance(value, datetime.time) else value
        plain = time_of_24_hours(value) if isinstance(value, str) else value
        return float(pd.Timedelta(plain).total_seconds()) / _DAY
    moment = _moment(value, kind) if isinstance(value, str) else pd.Timestamp(value)
    moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment
    return float((moment - pd.Timestamp(0, tz="UTC")).total_seconds()) / _DAY


@lru_cache(maxsize=4096)  # the dates of many rows are the same
def _moment(text: str, kind: Kind) -> pd.Timestamp:
    """Return a date; raise ValueError if its order is neither clear nor that of the column."""
    if (numbered := date_of_year_first(text) or date_in_numbers(text)) is not None:
        return pd.Timestamp(numbered)
    if (parts := _DATE.fullmatch(text)) is None:
        raise ValueError(f"{text!r} is no date")
    order = _kind_of_dates([parts], "date") if kind == "date" else kind  # "date": there were real dates in `fit`
    day = pd.to_datetime(text.removesuffix(parts[5] or ""), format=_FORMATS[order].format(parts[2]), utc=True)
    return day if parts[5] is None else pd.Timestamp(f"{day.date()} {parts[5].strip(' ,tT')}")


def _kind_of_texts(texts: list[str], name: object) -> Kind:
    stripped = {text.strip() for text in texts}
    if all(NUMBER.fullmatch(text) for text in stripped):
        _check_percent(stripped, name)
        return _kind_of_numbers(stripped)
    if all(map(is_season, stripped)):
        return "category"
    if all(map(_is_clear_date, stripped)):
        return "date"
    if all(_TIME.fullmatch(text) for text in stripped):
        return "duration"
    commas = sorted(text for text in stripped if "," in text)
    if commas and all(_COMMA.fullmatch(text) for text in stripped):
        if all(map(UNCLEAR.fullmatch, commas)):
            raise _not_plain(max(commas, key=len), name)
        raise InputError(
            f"Column {name!r} holds numbers with a decimal comma, such as {min(commas, key=len)!r}. Write "
            'them with a decimal point. In Python: read the file with pandas.read_csv(..., decimal=",").'
        )
    if len(stripped) > _MANY and all(_SHORT_YEAR.fullmatch(text) or is_short_year(text) for text in stripped):
        raise InputError(
            f"Column {name!r} holds dates such as {min(stripped)!r}, whose years have two digits. Write them as "
            "2024-12-31, or leave the column out."
        )
    dates = [_DATE.fullmatch(text) for text in stripped]
    if not all(dates):
        _check_units(stripped, name)
        _check_exceptions({*stripped}, name)
    return _kind_of_dates([found for found in dates if found], name) if all(dates) else "category"


def _kind_of_numbers(values: Iterable[Any]) -> Kind:
    """Return "date" for numbers such as 20240503, if all are dates and three or more differ."""
    if date_in_digits(python_value(next(iter(values), None))) is None:
        return "number"  # at once, as most
    distinct = set(map(python_value, values))
    return "date" if len(distinct) >= _LEAST_DATES and all(map(date_in_digits, distinct)) else "number"


def _is_share(value: object) -> bool:
    return isinstance(value, str) and value.endswith("%")


def _check_percent(values: set[Any], name: object) -> None:
    """Raise InputError if only some numbers other than 0 have a percent sign: 5 beside 7 % may mean 5 % or 500 %."""
    shares = [value for value in values if _is_share(value)]
    others = [value for value in values.difference(shares) if float(value)] if shares else []
    if shares and others:
        raise InputError(
            f"Column {name!r} holds numbers with a percent sign and without, such as {min(shares)!r} and "
            f"{min(map(str, others))!r}. Write all of them with one, or all without."
        )


def _check_units(texts: set[str], name: object) -> None:
    """Raise InputError if many texts are numbers with the same unit or currency: they are no categories."""
    measures = [_MEASURE.fullmatch(text) for text in texts]
    units = {found.groups() if found else None for found in measures}
    if len(texts) > _MANY and len(units) == 1 and units != {None} and units != {("", "")}:
        raise InputError(
            f"Column {name!r} holds numbers with a unit, such as {min(texts)!r}. Write them as numbers alone, with a "
            "decimal point and without separators of thousands, or leave the column out. In Python: if they are "
            'categories, convert the column by astype("category").'
        )
    others = [text for text in texts if not _WRITTEN.fullmatch(text)]
    shown = sorted(text for text in texts.difference(others) if not NUMBER.fullmatch(text))
    are_codes = any(re.match(r"\D*0\d", text) for text in texts)
    if len(shown) > _MANY and are_few(len(others), len(texts) - len(others)) and not are_codes:
        raise _not_plain(max(shown, key=len), name)


def _not_plain(number: str, name: object) -> InputError:
    """Return the error for a column of numbers such as 1,234.50 and (99)."""
    return InputError(
        f"Column {name!r} holds numbers with separators of thousands or signs, such as '{number}'. Write them as "
        "-1234.5 is written, or leave the column out. In Python: if they are categories, convert the column by "
        'astype("category").'
    )


def _kind_of_dates(dates: list[re.Match[str]], name: object) -> Kind:
    """Return the order of day and month, which a dot or a number above 12 shows."""
    first, second = max(int(date[1]) for date in dates), max(int(date[3]) for date in dates)
    if second <= 12 and (first > 12 or all(date[2].startswith(".") for date in dates)):
        return "day first"
    if first <= 12 < second:
        return "month first"
    raise InputError(
        f"Column {name!r} holds dates such as {dates[0][0]!r}, in which the order of day and month is not clear. Write "
        "them as 2024-12-31. In Python: pandas.to_datetime(column, dayfirst=True), or False, converts them."
    )


def _check_scalars(values: list[Any], name: object) -> None:
    """Raise InputError if a value is a vector or another collection."""
    several = next((value for value in values if isinstance(value, _COLLECTION) or hasattr(value, "shape")), None)
    if several is not None:
        expanded = f"pandas.DataFrame(table[{name!r}].tolist(), table.index).add_prefix('v')"
        raise InputError(
            f"Column {name!r} holds a {type(several).__name__} in each row. Make a column of each of its values, or "
            f"leave it out. In Python: give vectors alone, as numpy.stack(table[{name!r}]), or "
            f"table.drop(columns={name!r}).join({expanded})."
        )


_COLLECTION: Final = (list, tuple, set, dict)
