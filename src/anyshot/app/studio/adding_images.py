"""Adding images to a project: files, and those in folders and zip files."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

from anyshot.app.studio.adding import Added, adding_change, batch_row, insert_item, insert_row
from anyshot.app.studio.classes import existing
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.items import IMAGES, THUMBNAILS
from anyshot.app.studio.project import Project
from anyshot.base.files import atomic_file, write_synced
from anyshot.base.items import IMAGE_SUFFIXES
from anyshot.base.pixels import jpeg_of
from anyshot.base.zips import BROKEN_ZIP
from anyshot.data.image_folders import image_fault
from anyshot.errors import BadItemError, DataFileError, InputError

MAX_UNPACKED: Final = 4 * 2**30
"""Most bytes that a zip may unpack to."""
IMAGES_AT_ONCE: Final = 32
"""Images that are added in one transaction, so that they appear while others are read."""
THUMBNAIL_SIDE: Final = 320  # pixels
FOLDERS: Final = "the names of the folders are not taken as classes"
NOT_IMAGE: Final = "the file is not an image, by the end of its name"

_Copied: TypeAlias = tuple[str, tuple[bytes, str]]  # the name of an image; its digest, and its file in the project


def add_images(
    project: Project,
    paths: Sequence[str | Path],
    *,
    names: Sequence[str] | None = None,
    source: str | None = None,
    label: int | None = None,
    entry: Entry | None = None,
) -> Added:
    """Add image files, and those in folders and zip files; their bytes are copied into the project.

    names: what the files are called, if the paths are copies; label: the id of their class, if all have one; entry:
    that of an earlier call, with which these are undone. Files that are no images, and images that cannot be read, are
    listed as faults, and the rest is taken. All that were added are undone together; InputError if they are undone
    before the last one is added.
    """
    if project.kind != "images":
        raise InputError("This project holds no images. Create a project of images for photographs.")
    with tempfile.TemporaryDirectory(prefix="anyshot-") as scratch:
        added = Added(entry=entry)
        named = names or [Path(path).name for path in paths]
        files = list(_image_files(list(zip(map(Path, paths), named, strict=True)), Path(scratch), added))
        folders = {PurePosixPath(name).parts[:-1] for _, name in files}
        if len(folders) > 1 or any(len(parts) > 1 for parts in folders):
            added.read.append(FOLDERS)
        for start in range(0, len(files), IMAGES_AT_ONCE):
            some = files[start : start + IMAGES_AT_ONCE]
            copied = [(name, copy) for path, name in some if (copy := _copied(project, path, name, added)) is not None]
            if copied:
                _add_copied(project, copied, added, source or named[0], label)
    return added


def _image_files(files: Sequence[tuple[Path, str]], scratch: Path, added: Added) -> Iterator[tuple[Path, str]]:
    """Yield the paths and names of image files, also those in folders and zip files; list what is none."""
    for path, name in files:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
            yield from _image_files([(one, str(one.relative_to(path))) for one in inside], scratch, added)
        elif name.lower().endswith(".zip"):
            yield from _image_files(_unpacked(path, name, scratch, added), scratch, added)
        elif Path(name).suffix.lower() in (".heic", ".heif"):
            added.faults.append((name, "HEIC photographs cannot be read; export them as JPEG on the telephone"))
        elif Path(name).suffix.lower() not in IMAGE_SUFFIXES:
            added.faults.append((name, NOT_IMAGE))
        else:
            yield path, name


def _unpacked(path: Path, name: str, scratch: Path, added: Added) -> list[tuple[Path, str]]:
    """Unpack the files of a zip, but no zip in it, under numbers, so that none leads out of the folder.

    Each keeps the names of its folders, as the files of a folder do.
    """
    found: list[tuple[Path, str]] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [(own, one) for one in archive.infolist() if not one.is_dir() and (own := _name_of(one))]
            if sum(one.file_size for _, one in members) > MAX_UNPACKED:
                raise DataFileError(f"{name} would unpack to more than {MAX_UNPACKED / 2**30:.0f} GB. Split it.")
            for own, member in members:
                if own.lower().endswith(".zip"):
                    added.faults.append((own, NOT_IMAGE))
                    continue
                target = scratch / f"{len(os.listdir(scratch))}{Path(own).suffix.lower()}"
                with archive.open(member) as packed:
                    target.write_bytes(packed.read(member.file_size + 1))
                found.append((target, own))
    except (OSError, *BROKEN_ZIP) as error:
        added.faults.append((name, f"the zip cannot be read: {error}"))
    return found


def _name_of(member: zipfile.ZipInfo) -> str:
    """Return the name of a file of a zip with its folders, without steps that lead out of it; "" if it is hidden."""
    parts = [part for part in PurePosixPath(member.filename.replace("\\", "/")).parts if part not in ("/", "..")]
    return "" if any(part.startswith(".") or part == "__MACOSX" for part in parts) else "/".join(parts)


def _add_copied(project: Project, copied: Sequence[_Copied], added: Added, source: str, label: int | None) -> None:
    """Add images that were copied into the project, as one change with those that were added before."""
    n_before = added.n_items
    with adding_change(project.database, source, added.entry) as (transaction, facts):
        if label is not None:  # its class may have been removed in another window
            existing(transaction, label)
        batch = facts.get("batch") or transaction.insert("batches", batch_row(source, [], None))
        for name, (digest, file) in copied:
            insert_row(transaction, batch, insert_item(transaction, digest, file, name, label, added, name))
        transaction.refresh_items(batch)
        facts.update(batch=batch, count=facts["count"] + added.n_items - n_before)
    added.entry = transaction.entry


def _copied(project: Project, path: Path, name: str, added: Added) -> tuple[bytes, str] | None:
    """Copy an image into the project, with a small JPEG of it; return its digest and file, None if it is no image."""
    fault = None if path.suffix.lower() == Path(name).suffix.lower() else f"{name!r} has another suffix than its file"
    fault = fault or image_fault(path)
    if fault is None:
        content = path.read_bytes()
        digest = hashlib.sha256(content)
        target = project.folder / IMAGES / f"{digest.hexdigest()}{path.suffix.lower()}"
        small = project.folder / THUMBNAILS / f"{digest.hexdigest()}.jpg"
        try:
            thumbnail = jpeg_of(path, THUMBNAIL_SIDE)
        except BadItemError as error:
            fault = str(error).replace(str(path), name).rstrip(".")
        else:
            for file, own in ((target, content), (small, thumbnail)):
                file.parent.mkdir(exist_ok=True)
                with atomic_file(file) as part:
                    write_synced(part, own)  # on the disk before the item is
            return digest.digest(), target.name
    added.faults.append((name, fault))
    return None
