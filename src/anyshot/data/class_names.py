"""Lists of classes as people type them: names between commas, or the name of a file that has them."""

import os
import re
from pathlib import Path
from typing import Final

from anyshot.base.labels import clean_name
from anyshot.data.separated import ParseError, parse
from anyshot.data.text_files import suffix_of
from anyshot.errors import DataFileError, InputError

CLASS_TABLES: Final = (".csv", ".tsv", ".xlsx", ".jsonl", ".parquet")
CLASS_FILES: Final = (*CLASS_TABLES, ".json", ".txt")


def is_class_file(text: str) -> bool:
    """Return whether a list of classes is the name of a file, by its end.

    >>> is_class_file("classes.json"), is_class_file("billing,delivery")
    (True, False)
    """
    return suffix_of(Path(text)) in CLASS_FILES


def listed_classes(text: str) -> list[str]:
    """Return the names between commas; one with a comma is in double quotes.

    >>> listed_classes('"sports, games",news')
    ['sports, games', 'news']
    """
    if re.fullmatch(r"\s*(\[.*\]|\{.*\}|\([^()]*\))\s*", text, re.DOTALL):
        raise InputError(f"The classes {text!r} are in brackets. Write names between commas alone: a,b,c.")
    if '"' not in text:
        names = [clean_name(name) for name in text.split(",")]
        if len(names) == 1 and os.path.isfile(text):
            raise DataFileError(f"{text} cannot be read as a list of classes. Supported: {', '.join(CLASS_FILES)}.")
        if len(names) == 1 and re.search(r"[;|/\s]", text.strip()):
            raise InputError(f"The classes {text!r} are one name, without a comma. Put commas between names: a,b,c.")
        return _none_empty(names, text)
    try:
        names = parse(text, tabs=False).fields[0]
    except ParseError as error:
        raise InputError(f'The classes {text!r} cannot be read. Write "a, b",c for a name with a comma.') from error
    return _none_empty([clean_name(name) for name in names], text)


def _none_empty(names: list[str], text: str) -> list[str]:
    """Return the names; raise InputError if one of several between commas is empty, or there is none."""
    if not all(names):
        raise InputError(f"The classes {text!r} have an empty name. Write names between commas: a,b,c.")
    return names
