"""Read lists of classes, with descriptions: from text, or a file."""

from pathlib import Path
from typing import Final

from anyshot.base.names import clean_name, clean_names
from anyshot.data.item_columns import listed_columns
from anyshot.data.separated import ParseError, parse
from anyshot.data.tables import Table, parse_json, read_table
from anyshot.data.text_files import existing, read_text, suffix_of
from anyshot.errors import DataFileError, InputError

CLASS_COLUMNS: Final = ("class", "label", "name", "category")
DESCRIPTION_COLUMNS: Final = ("description", "descriptions")


def read_classes(text: str) -> list[str] | dict[str, list[str]]:
    """Return the classes that `text` lists ("a,b,c"), or those in the file with this path.

    A .txt file has one name per line; a .json file has a list of names, or an object from names to a description or a
    list of them; a table (.csv, .tsv, .xlsx, ...) has a column class and optionally a column description (a class in
    several rows has several descriptions).

    >>> read_classes("billing, delivery,login")
    ['billing', 'delivery', 'login']
    >>> read_classes('"sports, games",news')
    ['sports, games', 'news']
    """
    path = Path(text)
    suffix = suffix_of(path)
    if suffix in (".csv", ".tsv", ".xlsx", ".jsonl", ".parquet"):
        return _classes_of_table(read_table(path))
    if suffix == ".json":
        return _classes_of_json(parse_json(read_text(existing(path))[0], path), path)
    if suffix == ".txt":
        lines = read_text(existing(path))[0].split("\n")
        return clean_names((line.strip() for line in lines if line.strip()), what=f"classes in {path.name}")
    return _listed(text)


def _listed(text: str) -> list[str]:
    """Return the names between commas; one with a comma is in double quotes."""
    if '"' not in text:
        return [clean_name(name) for name in text.split(",")]
    try:
        (names, *_), _ = parse(text, tabs=False)
    except ParseError as error:
        raise InputError(f'The classes {text!r} cannot be read. Write "a, b",c for a name with a comma.') from error
    return [clean_name(name) for name in names]


def _classes_of_table(table: Table) -> list[str] | dict[str, list[str]]:
    columns = {str(column).casefold(): str(column) for column in reversed(table.frame.columns)}
    name = next((columns[usual] for usual in CLASS_COLUMNS if usual in columns), None)
    described = next((columns[usual] for usual in DESCRIPTION_COLUMNS if usual in columns), None)
    if name is None:
        raise DataFileError(f"{table.path} needs a column named class. Its columns: {listed_columns(table)}.")
    names = clean_names(("" if value is None else str(value).strip() for value in table.values(name)), what="classes")
    if described is None:
        return names
    classes: dict[str, list[str]] = {one: [] for one in names}
    for one, text in zip(names, table.values(described), strict=True):
        if text and text.strip():
            classes[one].append(text.strip())
    return classes


def _classes_of_json(given: object, path: Path) -> list[str] | dict[str, list[str]]:
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return given
    if isinstance(given, dict):
        classes = {name: [texts] if isinstance(texts, str) else texts for name, texts in given.items()}
        if all(isinstance(texts, list) and all(isinstance(t, str) for t in texts) for texts in classes.values()):
            return classes
    raise DataFileError(
        f'{path} must contain a list of names, ["a", "b"], or names with one or more descriptions, {{"a": "..."}}.'
    )
