"""Output files of commands: whether they can be written is tested before any work."""

import os
from collections.abc import Sequence
from pathlib import Path

from anyshot.base.files import check_writable
from anyshot.base.model_folder import check_replaceable
from anyshot.base.validation import extra
from anyshot.errors import DataFileError, InputError, ModelFolderError

TABLES = (".csv", ".jsonl", ".parquet")
PICTURES = (".png", ".svg", ".pdf")


def check_out(out: Path | None, suffixes: Sequence[str], *sources: str | Path | None) -> None:
    """Raise an error if a file cannot be written, or is one of the input files or the table of an input folder.

    Raises
    ------
    DataFileError
        Its name does not end in one of the suffixes, its folder is missing or read-only, or it is a folder.
    InputError
        It would overwrite an input.
    MissingExtraError
        It is a Parquet file, and pyarrow is not installed.
    """
    if out is None:
        return
    if out.suffix.lower() not in suffixes:
        endings = suffixes[0] if len(suffixes) == 1 else f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise DataFileError(f"{out} cannot be written: its name must end in {endings}.")
    for source in sources:
        for path in () if source is None else (str(source), os.path.join(source, "labels.csv")):
            if os.path.isfile(path) and out.exists() and out.samefile(path):
                raise InputError(f"--out {out} would overwrite the input {path}. Choose another name for --out.")
    if out.suffix.lower() == ".parquet":
        extra("pyarrow", "tables", purpose="Writing Parquet files")
    check_writable(out)


def check_model_out(folder: Path) -> None:
    """Raise ModelFolderError if a model cannot be written to a folder."""
    check_replaceable(folder)
    parent = next(one for one in folder.resolve().parents if one.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ModelFolderError(f"The model cannot be written to {folder}: {parent} is not a folder you may write to.")
