"""Find the images of a folder and their labels: in subfolders of classes, or listed in a table."""

import logging
import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from anyshot.base.columns import IMAGE_COLUMNS, LABEL_COLUMNS
from anyshot.base.item_remedies import unreadable_image
from anyshot.base.items import IMAGE_SUFFIXES
from anyshot.base.labels import Label, clean_names
from anyshot.base.messages import count, first_of, note, shortened
from anyshot.base.pixels import read_pixels
from anyshot.base.user_folders import local_path, web_address
from anyshot.data.item_columns import ColumnNames, find_column, find_labels, listed_columns, read_labels
from anyshot.data.tables import Table, read_table
from anyshot.errors import BadItemError, DataFileError

LABELS: Final = tuple(f"labels{suffix}" for suffix in (".csv", ".tsv", ".xlsx", ".xlsm", ".jsonl", ".json", ".parquet"))
SHEETS: Final = (*LABELS, "metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Names of a table in a folder that lists its images; the last three are those of Hugging Face data sets."""

_USUAL: Final = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".jfif", ".avif", ".jp2")
"""Suffixes of images that tables leave out."""
_SPLITS: Final = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev"})
_SYSTEM: Final = (".", "__macosx", "@eadir", "thumbs.db", "desktop.ini")

log = logging.getLogger(__name__)


class ImageFolder(NamedTuple):
    """The images of a folder."""

    images: list[Path]
    labels: list[Label] | None
    skipped: list[tuple[str, str]]  # (path, reason) of each file that is not an image, and of each folder without one
    encoding: str | None = None  # of the table that lists the images


def read_folder(folder: Path, columns: ColumnNames, *, with_labels: bool, encoding: str | None) -> ImageFolder:
    """Return all images of a folder, with labels from its table or the names of its subfolders."""
    entries = [entry for entry in sorted(folder.iterdir()) if not _is_hidden(entry.name)]
    inside = {entry.name: list(files_below(entry)) for entry in entries if entry.is_dir()}
    loose = [entry for entry in entries if not entry.is_dir()]
    sheet = next((entry for name in SHEETS for entry in loose if entry.name.lower() == name), None)
    files = [*loose, *(file for own in inside.values() for file in own)]
    images = [file for file in files if is_image(file)]
    others = [
        (str(file), unreadable_image(file) or "not an image by its suffix")
        for file in files
        if not is_image(file) and file != sheet
    ]
    if sheet is not None:
        table = read_table(sheet, encoding=encoding)
        if sheet.name.lower() in LABELS or not with_labels or _has_labels(table, columns):
            return _from_table(folder, table, images, columns, with_labels=with_labels)._replace(skipped=others)
    if not images:
        kinds = ", ".join(sorted({file.suffix.lower() or file.name for file in files})[:8])
        raise DataFileError(
            f"{folder} contains no images. Found: {kinds or 'nothing'}. A folder is read as one of images; give texts "
            "in one file, such as a CSV, or as a folder of .txt files."
        )
    full = [name for name, own in inside.items() if any(map(is_image, own))]
    labels = labels_of_folders(folder, images) if with_labels else None
    empty = [(str(folder / name), "the folder contains no images") for name in inside if name not in full]
    return ImageFolder(images, labels, [*others, *empty])


def labels_of_folders(folder: Path, files: Sequence[Path]) -> list[Label] | None:
    """Return the label of each file, the name of its subfolder, None beside these; None if there is no subfolder."""
    places = [file.relative_to(folder).parts for file in files]
    full = sorted({place[0] for place in places if len(place) > 1})
    if not full:
        return None
    if {name.casefold() for name in full} <= _SPLITS:
        raise DataFileError(f"{folder} is divided into {', '.join(full)}, which are not classes. Give one of them.")
    deeper = sorted({place[1] for place in places if len(place) > 2}) if len(full) == 1 else []
    if len(deeper) > 1:
        note(
            log,
            f"All files of {folder} are in its folder {full[0]!r}, which is taken for their class. If the folders in "
            f"it ({first_of(deeper, at_most=5)}) are the classes, give {folder / full[0]}",
        )
    names = dict(zip(full, clean_names(full, what=f"folders in {folder}"), strict=True))
    return [names.get(place[0]) for place in places]


def is_image(path: Path) -> bool:
    """Return whether a file has the suffix of an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def image_fault(path: Path, *, decode: bool = False) -> str | None:
    """Return why a file cannot be used as an image, or None; decode: whether to read all of it."""
    if str(path).startswith("data:"):
        return f"'{str(path)[:20]}…' is an image written as text; save it as a file, and give its path"
    address = web_address(path)
    if address is not None:
        return f"{address} is an address, and nothing is downloaded; download the image, and give its path"
    if os.path.isdir(path):
        return "the path is empty, or that of a folder"
    if not is_image(path):
        return unreadable_image(path) or f"{shortened(path.name)!r} does not have an image suffix, such as .jpg or .png"
    if not os.path.isfile(path):
        return f"there is no file {path}"
    if not path.stat().st_size:
        return "the image file is empty"
    if decode:
        try:
            read_pixels(path)
        except BadItemError as error:
            return str(error).rstrip(".")
    return None


def listed_image(folder: Path, written: object) -> Path:
    r"""Return the path of an image as a table lists it, relative to the table's folder.

    Tables of other systems write "\" between folders, spaces around paths, and accents in another form than the file's
    name: of the paths that differ in that, the first that exists is returned. A name without the suffix, such as an
    identifier, is that of the only image with this name. An address stays as it is.
    """
    text = os.path.expanduser("" if written is None else local_path(str(written)))
    if "://" in text or text.startswith("data:"):
        return Path(text)
    forms = [form for own in (text, text.strip()) for form in (own, own.replace("\\", "/"))]
    forms += [unicodedata.normalize(form, own) for own in forms for form in ("NFC", "NFD")]
    found = next((folder / own for own in forms if own and os.path.exists(folder / own)), None)
    if found is None and text and not is_image(Path(text)):
        named = [folder / f"{text}{end}" for suffix in _USUAL for end in (suffix, suffix.upper())]
        there = [path for path in named if os.path.exists(path)]  # a name may be too long for Path.exists
        found = there[0] if len(there) == 1 else None
    return found or folder / text.strip()


def _from_table(
    folder: Path, table: Table, images: Sequence[Path], columns: ColumnNames, *, with_labels: bool
) -> ImageFolder:
    """Return the images that a table lists, followed by the others, without a label."""
    image = find_column(table, IMAGE_COLUMNS, columns.image, option="image_column")
    of_labels = find_labels(table, columns.label, items=image or "") if with_labels else None
    labels = read_labels(table, of_labels, given=columns.label)
    if image is None or (with_labels and labels is None):
        missing, option = ("file", "image-column") if image is None else ("label", "label-column")
        raise DataFileError(
            f"{table.path} needs the columns file and label; {missing} is missing. Its columns: "
            f"{listed_columns(table)}. Give {option.replace('-', '_')} (--{option})."
        )
    files = [listed_image(folder, name) for name in table.values(image)]
    known = set(files)
    rest = [path for path in images if path not in known]
    all_labels = None if labels is None else [*labels, *([None] * len(rest))]
    if rest and with_labels:
        note(
            log,
            f"{table.path} does not list {count(len(rest), 'image')} of {folder}, read without a label: "
            f"{first_of([path.name for path in rest], at_most=3)}",
        )
    return ImageFolder([*files, *rest], all_labels, [], table.encoding)


def _has_labels(table: Table, columns: ColumnNames) -> bool:
    return find_column(table, LABEL_COLUMNS, columns.label, option="label_column") is not None


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder, its subfolders, and folders that are linked from there, each folder once.

    A link to a folder above is not followed: it would give the images of other classes the name of this one.
    """
    seen = {os.path.realpath(above) for above in folder.absolute().parents}
    found = []
    for place, subfolders, names in os.walk(folder, followlinks=True):
        where = os.path.realpath(place)
        if where in seen:
            subfolders.clear()
            continue
        seen.add(where)
        subfolders[:] = [name for name in subfolders if not _is_hidden(name)]
        found += [Path(place, name) for name in names if not _is_hidden(name)]
    yield from sorted(found)


def _is_hidden(name: str) -> bool:
    return name.casefold().startswith(_SYSTEM)
