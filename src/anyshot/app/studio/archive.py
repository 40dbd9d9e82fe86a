"""Projects from elsewhere: a project as a zip file, and a saved model as a new project."""

import hashlib
import json
import re
import secrets
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from anyshot import data
from anyshot.app.studio.adding import Added, batch_row, insert_item, insert_row
from anyshot.app.studio.adding_rows import keys_of, stored_values
from anyshot.app.studio.classes import add_class
from anyshot.app.studio.database import FILE_NAME
from anyshot.app.studio.feature_items import Columns, stored_columns, stored_row
from anyshot.app.studio.imported_file import check_file
from anyshot.app.studio.items import IMAGE_FILE, IMAGES, THUMBNAILS
from anyshot.app.studio.kinds import KINDS, Kind
from anyshot.app.studio.project import Project
from anyshot.app.studio.transactions import Transaction
from anyshot.base.class_words import Words
from anyshot.base.files import atomic_file, check_writable, rename
from anyshot.base.model_folder import read_model
from anyshot.base.zips import BROKEN_ZIP
from anyshot.data.image_folders import is_image
from anyshot.data.text_files import existing
from anyshot.errors import AnyshotError, ClassesError, DataFileError, InputError, ModelFolderError, ProjectError
from anyshot.tasks.loading import load

MAX_UNPACKED: Final = 20 * 2**30
"""Most bytes that a project may unpack to."""
_MEMBER: Final = re.compile(rf"{FILE_NAME}|({IMAGES}|{THUMBNAILS})/{IMAGE_FILE.pattern}")
_MODEL_MEMBER: Final = re.compile(r"(?:[^/\\]+/)?(model\.json|arrays\.safetensors|README\.md)")
_KIND_OF: Final[dict[str, Kind]] = {facts.modality: kind for kind, facts in KINDS.items()}
_COPIED: Final = 2**20  # bytes copied at once


def save_project(project: Project, path: str | Path) -> None:
    """Write a project to a zip file, as it is now; others may go on to change it."""
    target = Path(path)
    check_writable(target)
    copy = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.sqlite")
    try:
        with closing(sqlite3.connect(copy)) as snapshot:
            project.database.copy_to(snapshot)
        with atomic_file(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(copy, FILE_NAME)
            for folder in (IMAGES, THUMBNAILS):
                for file in sorted((project.folder / folder).glob("[!.]*")):  # no image that is being written
                    archive.write(file, f"{folder}/{file.name}", zipfile.ZIP_STORED)  # images are compressed already
    finally:
        copy.unlink(missing_ok=True)


def import_project(path: str | Path, folder: str | Path, *, source: str | None = None) -> Project:
    """Open the zip of a project or of a saved model, which may come from anyone, as a project in a new folder.

    A model gives the project its classes, and its labeled texts if it keeps any. source: the name of the file, if
    `path` is a copy of it.

    Raises
    ------
    DataFileError
        The file is no zip, or holds neither a project nor a model that can be read, or an image that was changed.
    ProjectError
        The folder has files already, or the database is not one of this program.
    """
    file, target = existing(Path(path)), Path(folder)
    name = source or file.name
    if file.is_dir():
        raise DataFileError(f"{file} is a folder, and no zip. Open it as it is, or choose the zip.")
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise ProjectError(f"{target} is not empty. Choose another folder.")
    with _beside(target) as scratch:
        try:
            with zipfile.ZipFile(file) as archive:
                is_model = any(_MODEL_MEMBER.fullmatch(one) for one in archive.namelist())
                (_unpack_model if is_model else _unpack)(archive, name, scratch)
        except BROKEN_ZIP as error:
            raise DataFileError(f"{name} cannot be read as a zip: {error}.") from error
        if is_model:
            return project_from_copy(scratch, target, name=target.name, source=name)
        check_file(scratch / FILE_NAME)
        if target.exists():
            target.rmdir()
        rename(scratch, target)
    project = Project.open(target)
    with project.database.transaction() as transaction:
        transaction.connection.execute("delete from answers")  # they are found again, and need not be trusted
    return project


def is_zip_of_images(path: Path) -> bool:
    """Return whether a file is a zip that has images, and is neither a project nor a model."""
    return not is_exported(path) and any(is_image(Path(name)) for name in _names_in(path))


def is_exported(path: Path) -> bool:
    """Return whether a file is the zip of a project or a model."""
    return any(name == FILE_NAME or _MODEL_MEMBER.fullmatch(name) for name in _names_in(path))


def _names_in(path: Path) -> list[str]:
    """Return the names of what is in a zip; none for another file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, *BROKEN_ZIP):
        return []


def project_from_model(model: str | Path, folder: str | Path, *, name: str | None = None) -> Project:
    """Create a project with the classes of a saved AnyShotClassifier, and its labeled texts or rows if it keeps any.

    Rows are computed from the numbers that the model keeps, and are as exact as these.

    Raises
    ------
    ModelFolderError
        There is no model in the folder that can be read.
    InputError
        The model classifies neither texts, images nor the rows of a table.
    """
    clf = load(model, download="never")
    if type(clf).__name__ != "AnyShotClassifier" or not all(isinstance(one, str) for one in clf.classes_.tolist()):
        raise InputError(f"{model} holds a model that the studio cannot go on with: it needs classes with names.")
    facts_of_model: dict[str, Any] = read_model(model).facts
    of_encoder = facts_of_model["encoder"]
    kind = _KIND_OF.get("table" if of_encoder.get("name") == "table" else of_encoder.get("modality"))
    columns, contents, labels = _labeled_rows(clf) if kind == "rows" else ({}, *_labeled_texts(clf))
    if kind is None or (kind == "rows" and not columns):
        raise InputError(
            f"{model} classifies neither texts, images nor rows with named columns, which the studio shows."
        )
    encoder = str(facts_of_model["parameters"]["encoder"])
    source = name or Path(model).name
    project = Project.create(folder, name=source, kind=kind, encoder=encoder)
    try:
        _fill(project, clf, contents, labels, source, columns)
    except AnyshotError:
        project.close()
        shutil.rmtree(project.folder)
        raise
    return project


def project_from_copy(model: Path, folder: Path, *, name: str, source: str) -> Project:
    """Create a project as `project_from_model` from a copy of a model; source: what errors call the model."""
    try:
        return project_from_model(model, folder, name=name)
    except (ClassesError, InputError, ModelFolderError) as error:
        reason = str(error).replace(str(model), source)
        raise DataFileError(f"{source} holds no model that can be read: {reason}") from error


# --- private --------------------------------------------------------------------------------------------------------


def _labeled_texts(clf: Any) -> tuple[list[str], list[Any]]:
    """Return the labeled texts that a model keeps, and their labels."""
    examples = clf.training_examples()
    return ([], []) if examples is None else (list(examples[0]), list(examples[1]))


def _labeled_rows(clf: Any) -> tuple[Columns, list[str], list[Any]]:
    """Return the columns of a model of rows, none if they have no names, its labeled rows and their labels."""
    model = clf.any_shot_model()
    table, training_set = model.embedder.table, model.data
    rows = None if table is None else table.inverse_transform(training_set.vectors)
    if rows is None:
        return {}, [], []
    columns = {name: data.plain_kind(table.columns.kinds_.get(name, "category")) for name in table.columns.columns_}
    values = stored_values(rows, columns, {})
    return columns, list(map(stored_row, values)), training_set.classes[training_set.index].tolist()


def _fill(
    project: Project, clf: Any, contents: Sequence[str], labels: Sequence[Any], source: str, columns: Columns
) -> None:
    """Insert the classes and the labeled texts or rows of a model into a new project."""
    described: Mapping[Any, Any] = clf.classes if isinstance(clf.classes, Mapping) else {}
    names = dict.fromkeys([*described, *clf.classes_.tolist()])  # the order given; `classes_` are sorted
    keys = keys_of(contents) if columns else contents
    with project.database.change("add_items", source=source) as (transaction, facts):
        ids = {one: _insert_class(transaction, one, described.get(one)) for one in names}
        chosen = stored_columns(columns) if columns else None
        batch = transaction.insert("batches", batch_row(source, [], chosen))
        added = Added()
        for content, key, label in zip(contents, keys, labels, strict=True):
            digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
            item = insert_item(transaction, digest, content, "", ids[label], added, content[:40])
            insert_row(transaction, batch, item)
        transaction.refresh_items(batch)
        facts["count"] = added.n_items


def _unpack(archive: zipfile.ZipFile, source: str, scratch: Path) -> None:
    """Unpack the members, each of which must have a name that a project's file has; no more bytes than allowed."""
    names = [member.filename for member in archive.infolist()]
    strange = next((name for name in names if not _MEMBER.fullmatch(name)), None)
    if strange is not None or FILE_NAME not in names or len(set(names)) < len(names):
        what = f"it holds {strange!r}" if strange else f"it has no {FILE_NAME}"
        raise DataFileError(
            f"{source} is not a project that was saved as a zip: {what}. Save one by Export, or unpack the zip and "
            "choose its files."
        )
    left = MAX_UNPACKED
    for name in names:
        file = scratch / name
        file.parent.mkdir(exist_ok=True)
        digest = _copy(archive, name, file, left)
        left -= file.stat().st_size
        if name.startswith(f"{IMAGES}/") and digest != file.stem:
            raise DataFileError(f"{source} has been changed: {name} is not the image that its name says.")


def _unpack_model(archive: zipfile.ZipFile, source: str, scratch: Path) -> None:
    """Unpack the files of a model, which lie in a folder or at the top; reading the model checks their contents."""
    left = MAX_UNPACKED
    for name in archive.namelist():
        found = _MODEL_MEMBER.fullmatch(name)
        if found is None or (scratch / found[1]).exists():
            if name.endswith("/"):
                continue
            raise DataFileError(f"{source} is not a model that was saved as a zip: it holds {name!r}.")
        _copy(archive, name, scratch / found[1], left)
        left -= (scratch / found[1]).stat().st_size


def _copy(archive: zipfile.ZipFile, name: str, file: Path, allowed: int) -> str:
    """Unpack one member, of at most `allowed` bytes, and return its digest."""
    digest = hashlib.sha256()
    with archive.open(name) as packed, file.open("xb") as unpacked:
        while block := packed.read(_COPIED):
            allowed -= len(block)
            if allowed < 0:
                where = Path(str(archive.filename)).name
                raise DataFileError(f"{where} would unpack to more than {MAX_UNPACKED / 2**30:.0f} GB.")
            digest.update(block)
            unpacked.write(block)
    return digest.hexdigest()


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a new folder beside the target, which is deleted unless it was renamed."""
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        scratch.mkdir(parents=True)
        yield scratch
    except ProjectError:  # it is an OSError, too
        raise
    except OSError as error:
        raise ProjectError(f"{target} cannot be created: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _insert_class(transaction: Transaction, name: str, given: Any) -> int:
    """Insert a class as a saved classifier describes it: texts of which the first is the name, and words."""
    parts = [given] if isinstance(given, str | Words) else list(given or ())
    words = next((part for part in parts if isinstance(part, Words)), None)
    texts = [part for part in parts if isinstance(part, str) and part.casefold() != name.casefold().replace("_", " ")]
    number = add_class(transaction, name, "; ".join(texts))
    if words is not None:
        transaction.update("classes", number, words=json.dumps(words.facts(), ensure_ascii=False))
    return number
