"""Read folders of texts that have a file each, such as letters."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from anyshot.base.messages import collecting, count, first_of, note
from anyshot.data.image_folders import files_below, is_image, labels_of_folders
from anyshot.data.tables import Table, read_table
from anyshot.data.text_files import suffix_of
from anyshot.errors import DataFileError

log = logging.getLogger(__name__)


def texts_of_folder(folder: Path, *, encoding: str | None = None) -> Table | None:
    """Return the .txt files of a folder, a text each, with their names; None if it has images, or no such file.

    The texts in subfolders have the names of these as their labels. Hidden files are ignored. A file that cannot be
    read, such as a PDF, is one of the `unread` rows.

    Raises
    ------
    DataFileError
        There are files of other types among them.
    """
    files = list(files_below(folder))
    texts = [file for file in files if suffix_of(file) == ".txt"]
    if not texts or any(map(is_image, files)):
        return None
    if others := [str(file.relative_to(folder)) for file in files if suffix_of(file) != ".txt"]:
        raise DataFileError(
            f"{folder} contains .txt files, each of which is read as one text, and others: "
            f"{first_of(others, at_most=3)}. Give a folder that contains .txt files only."
        )
    note(log, f"{folder} has {count(len(texts), '.txt file')}, and each is read as one text")
    names, labels = [file.relative_to(folder).as_posix() for file in texts], labels_of_folders(folder, texts)
    found, unread = _texts_of(texts, encoding)
    columns = {"name": names, "text": found}
    frame = pd.DataFrame(columns if labels is None else {**columns, "label": labels}, dtype=object)
    return Table(folder, frame, files=names, unread=unread)


def _texts_of(files: Sequence[Path], encoding: str | None) -> tuple[list[str], dict[int, str]]:
    """Return the text of each file, empty if it cannot be read, and why it cannot, by rows.

    What is noted of several files, such as their encoding, is logged once.
    """
    texts: list[str] = []
    unread: dict[int, str] = {}
    noted: dict[str, list[str]] = {}
    for file in files:
        with collecting() as notes:
            try:
                texts.append(_text_of(file, encoding))
            except DataFileError as error:
                unread[len(texts)] = str(error).removeprefix(str(file)).lstrip(", :").removesuffix(".")
                texts.append("")
        for one in map(str, notes):
            noted.setdefault(one.replace(str(file), ""), []).append(one)
    for first, *others in noted.values():
        note(log, f"{first}. The same holds for {count(len(others), 'other file')}" if others else first)
    return texts, unread


def _text_of(file: Path, encoding: str | None) -> str:
    """Return the text of a file; an empty one is refused later, with all others that cannot be used."""
    if not file.read_bytes().strip():
        return ""
    return str(read_table(file, encoding=encoding, whole=True).frame["text"].iloc[0])
