"""Read lists of classes, with descriptions and words: from text, or a file."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

from anyshot.base.class_words import Words
from anyshot.base.labels import clean_names
from anyshot.base.messages import note, shortened
from anyshot.data.class_names import CLASS_TABLES, listed_classes
from anyshot.data.item_columns import listed_columns
from anyshot.data.json_rows import parse_json
from anyshot.data.tables import Table, read_table
from anyshot.data.text_files import existing, read_text, suffix_of
from anyshot.errors import ClassesError, DataFileError, InputError

log = logging.getLogger(__name__)

Described: TypeAlias = dict[str, list[str | Words]]  # descriptions of each class, and its words

CLASS_COLUMNS: Final = ("class", "label", "name", "category")
DESCRIPTION_COLUMNS: Final = ("description", "descriptions")
WORD_COLUMNS: Final = ("words", "keywords")


def read_classes(text: str) -> list[str] | Described:
    """Return the classes that `text` lists ("a,b,c"), or those in the file with this path.

    A .txt file has one name per line; a .json file has a list of names, or an object from names to a description, a
    list of them, or an object with description and words; a table (.csv, .tsv, .xlsx, ...) has a column class and
    optionally columns description and words (a class in several rows has several descriptions). Among words, +word is
    added to those that are found for the name and -word is dropped.

    >>> read_classes("billing, delivery,login")
    ['billing', 'delivery', 'login']
    """
    if not isinstance(text, str | os.PathLike):
        raise InputError(f'A text of names, "a,b,c", or the path of a file is needed; got a {type(text).__name__}.')
    path = Path(text)
    suffix = suffix_of(path)
    if suffix in CLASS_TABLES:
        return _classes_of_table(read_table(path))
    if suffix == ".json":
        return _classes_of_json(parse_json(read_text(existing(path))[0], path), path)
    if suffix == ".txt":
        lines = [line.strip() for line in read_text(existing(path))[0].split("\n")]
        _check_lines(lines, path)
        return clean_names(filter(None, lines), what=f"classes in {path.name}")
    return listed_classes(text)


def _check_lines(lines: Sequence[str], path: Path) -> None:
    """Raise DataFileError for a comment or a bullet before a name; log that descriptions after colons are no such."""
    for number, line in enumerate(lines, start=1):
        if line.startswith(("# ", "//")):
            raise DataFileError(f"{path}, line {number}: {line!r} reads as a comment. Remove it.")
        if line.startswith(("- ", "* ", "\u2022", "\u2013 ", "\u00b7 ")):
            raise DataFileError(
                f"{path}, line {number}: {line!r} begins with a bullet. Write the name of a class alone."
            )
    names = list(filter(None, lines))
    if all(": " in name for name in names):
        note(
            log,
            f"{path}: each line is the name of a class, such as {shortened(names[0])!r}. If a description follows the "
            "colon, write a table with the columns class and description, and let its name end in .csv",
        )


def _classes_of_table(table: Table) -> list[str] | Described:
    columns = {str(column).casefold(): str(column) for column in reversed(table.frame.columns)}
    name, described, words = (
        next((columns[usual] for usual in names if usual in columns), None)
        for names in (CLASS_COLUMNS, DESCRIPTION_COLUMNS, WORD_COLUMNS)
    )
    if name is None:
        raise DataFileError(f"{table.path} needs a column named class. Its columns: {listed_columns(table)}.")
    others = [one for one in columns.values() if one not in (name, described, words)]
    if others:
        note(
            log,
            f"{table.path}: classes were read from {name!r}; not used: {', '.join(map(repr, others))}. Descriptions "
            "are read from a column 'description', words from 'words'; class_prior (--class-prior) gives shares",
        )
    names = clean_names(("" if value is None else str(value).strip() for value in table.values(name)), what="classes")
    if described is None and words is None:
        return names
    own, own_words = (_cells(names, table, column) for column in (described, words))
    return {one: _with_words(one, own[one], own_words[one], table.path) for one in own}


def _cells(names: Sequence[str], table: Table, column: str | None) -> dict[str, list[str]]:
    """Return the cells of each class that are not empty; none if there is no such column."""
    cells: dict[str, list[str]] = {one: [] for one in names}
    for one, value in zip(names, [] if column is None else table.values(column), strict=column is not None):
        if value is not None and str(value).strip():
            cells[one].append(str(value).strip())
    return cells


def _classes_of_json(given: object, path: Path) -> list[str] | Described:
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return given
    at = ""
    if isinstance(given, dict):
        parts = {name: one if isinstance(one, dict) else {"description": one} for name, one in given.items()}
        own, words = ({n: _texts(one.get(key)) for n, one in parts.items()} for key in ("description", "words"))
        known = {name for name, one in parts.items() if set(one) <= {"description", "words"}}
        wrong = [name for name in parts if name not in known or None in (own[name], words[name])]
        if not wrong:
            # A text is split into words, a list is one word or expression each.
            given_words = {name: [one["words"]] if words[name] else [] for name, one in parts.items()}
            return {name: _with_words(name, own[name] or [], given_words[name], path) for name in parts}
        at = f" Class {wrong[0]!r} has something else."
    raise DataFileError(
        f'{path} must contain a list of names, ["a", "b"], or names with one or more descriptions, {{"a": "..."}}, or '
        f'with words, {{"a": {{"description": "...", "words": ["...", "..."]}}}}.{at}'
    )


def _texts(given: object) -> list[str] | None:
    """Return one text, a list of texts, or nothing (null) as a list; None for anything else."""
    listed = [] if given is None else [given] if isinstance(given, str) else given
    return listed if isinstance(listed, list) and all(isinstance(one, str) for one in listed) else None


def _with_words(
    name: str, descriptions: Sequence[str], words: Sequence[str | list[str]], path: Path
) -> list[str | Words]:
    """Return the descriptions of a class, followed by its words if it has any."""
    if not words:
        return list(descriptions)
    try:
        return [*descriptions, Words.read(*words)]
    except ClassesError as error:
        raise DataFileError(f"{path}: the words of class {name!r} cannot be used. {error}") from error
