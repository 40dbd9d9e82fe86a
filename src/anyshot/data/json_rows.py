"""Read the rows of JSON lines, of a JSON list, and of a JSON object that holds one column, or one row, each."""

import json
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from anyshot.base.columns import TEXT_COLUMNS
from anyshot.base.messages import note
from anyshot.base.terminal import whole_characters
from anyshot.errors import DataFileError

_NUMBER: Final = re.compile(r"\d+")
_ONE_VALUE: Final = re.compile(r"\s*(\[(?!.*\]\s*\n\s*\[)|\{\s*\n)")
"""How a list, or an object over several lines, begins; lines that are lists do not."""
_ESCAPED: Final = re.compile(r"\\u[dD][89a-fA-F]")  # half of a character, which the other half may follow

log = logging.getLogger(__name__)


def parse_json(text: str, path: Path, *, line: int = 1) -> Any:
    """Parse JSON that starts in `line` of the file; repeated names in one object are refused."""

    def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        if repeated:
            raise DataFileError(f"{path}, line {line}: an object has the name {repeated[0]!r} twice. Remove one.")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique_names)
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        remedy = "Correct it, or remove that line."
        if is_cut:
            remedy = "It is cut off there, as where a program was stopped. Write the file again, or remove that part."
        elif error.msg == "Extra data":
            remedy = "Write each object in one line, without a comma behind it, or all of them in one list, [...]."
        raise DataFileError(f"{path}, line {line + error.lineno - 1}: invalid JSON: {error.msg}. {remedy}") from error


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """Return the nonempty lines with their numbers; other line separators than newlines may be part of a text."""
    return [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def json_rows(text: str, path: Path) -> tuple[list[dict[str, Any]], list[int] | None]:
    """Return the rows of JSON lines with their line numbers, or those of one JSON value, which have none.

    One value is a list of objects, or an object as `to_json` and `to_dict` of pandas and Hugging Face write it. Halves
    of characters, as texts that were cut off have them, become U+FFFD, which is logged.

    Raises DataFileError if the text is no JSON, or holds something else than rows.
    """
    lines: list[int] | None = None
    if _ONE_VALUE.match(text):
        parsed = parse_json(text, path)
        rows = parsed if isinstance(parsed, list) else [parsed]
    else:
        numbered = numbered_lines(text)
        rows = [parse_json(line, path, line=number) for number, line in numbered]
        lines = [number for number, _ in numbered]
    if _ESCAPED.search(text):
        rows = _with_whole_characters(rows, path, lines)
    in_list = lines is None and text.lstrip().startswith("[")
    if len(rows) == 1 and isinstance(rows[0], dict) and not in_list:
        found = _rows_of_object(rows[0], path)
        if found is not None:
            return found, None
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            at = f"data row {number + 1}" if lines is None else f"line {lines[number]}"
            raise DataFileError(f'{path}, {at}: an object is needed, like {{"text": "...", "label": "..."}}.')
    return rows, lines


def _rows_of_object(given: Mapping[str, Any], path: Path) -> list[dict[str, Any]] | None:
    """Return the rows of an object that is a whole table, or None if it is one row.

    {"text": {"0": "a"}}, {"0": {"text": "a"}}, {"text": ["a"]} and {"columns": ["text"], "index": [0], "data": [["a"]]}
    are tables; an object with a text is a row, whose other columns may be lists. Names and addresses are no texts.
    """
    values, columns, cells = list(given.values()), given.get("columns"), given.get("data")
    if not values or any(isinstance(one, str) and (" " in one or name in TEXT_COLUMNS) for name, one in given.items()):
        return None
    if isinstance(columns, list) and isinstance(cells, list) and set(given) <= {"columns", "index", "data"}:
        width = len(set(map(str, columns)))  # a name that is repeated would hide a column
        if cells and all(isinstance(row, list) and len(row) == len(columns) == width for row in cells):
            return [dict(zip(map(str, columns), row, strict=True)) for row in cells]
    inner = next((name for name, value in given.items() if _are_objects(value)), None)
    if inner is not None:
        raise DataFileError(f"{path} is one object with a list of rows as {inner!r}. Write that list alone, [...].")
    if all(isinstance(value, dict) for value in values):
        if all(map(_NUMBER.fullmatch, given)):
            return values
        return _by_row(given) if all(map(_NUMBER.fullmatch, values[0])) and _same(map(set, values)) else None
    if all(isinstance(value, list) for value in values) and _same(map(len, values)):
        return _by_row({name: dict(enumerate(value)) for name, value in given.items()})
    return None


def _by_row(columns: Mapping[str, Mapping[Any, Any]]) -> list[dict[str, Any]]:
    rows = next(iter(columns.values()))
    return [{name: column[row] for name, column in columns.items()} for row in rows]


def _are_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _same(values: Any) -> bool:
    first, *rest = values
    return all(one == first for one in rest)


def _with_whole_characters(rows: Sequence[Any], path: Path, lines: Sequence[int] | None) -> list[Any]:
    """Return rows without halves of characters, and log how many had one."""
    cleaned = [_cleaned(row) for row in rows]
    changed = [number for number, (row, clean) in enumerate(zip(rows, cleaned, strict=True)) if row != clean]
    if changed:
        first = f"data row {changed[0] + 1}" if lines is None else f"line {lines[changed[0]]}"
        note(
            log,
            f"{path}: half of a character, as of an emoji that was cut off, was read as \ufffd in {len(changed)} of "
            f"{len(rows)} rows, the first of them {first}",
        )
    return cleaned


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return {_cleaned(name): _cleaned(one) for name, one in value.items()} if isinstance(value, dict) else value
