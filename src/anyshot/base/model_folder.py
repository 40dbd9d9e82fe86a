"""Saved models: a folder of JSON, safetensors and a model card. Loading runs no code from it.

The numbers and the facts bear digests and must stay as they were saved. The card, README.md, is the person's to edit,
or to delete: loading does not read it. Files that systems leave behind in a folder they show are passed over.
"""

import glob
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from anyshot.base.folder_lock import sole_writer
from anyshot.errors import AnyshotError, InputError, ModelFolderError

JSON: TypeAlias = str | int | float | bool | list["JSON"] | dict[str, "JSON"] | None

FORMAT: Final = 2
"""Number of the folder's format; a folder with a larger one is refused."""

RENAMED_SINCE_FORMAT_1: Final = {
    "centring": "centering",
    "tuned_centre": "tuned_center",
    "unlabelled": "unlabeled",
}
"""Names of facts and arrays that the first edition wrote otherwise; they are translated when a folder is read."""

RUNS_CODE: Final = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt", ".dill"})
"""Endings of files that may run code when they are loaded; none has a place in a model folder."""

_MODEL, _ARRAYS, _CARD = "model.json", "arrays.safetensors", "README.md"
_NUMBERS: Final = frozenset({"bool", "float16", "float32", "float64"}) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_LEFT_BY_SYSTEMS: Final = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_LEFTOVER: Final = 3600  # seconds after which a temporary folder can belong to no running process
_ATTEMPTS: Final = 20  # to read a folder that is being replaced meanwhile, again and again by busy writers


@dataclass(frozen=True)
class SavedModel:
    """What a model folder holds."""

    facts: dict[str, JSON]  # parameters, classes, versions, digests of encoders
    arrays: dict[str, NDArray[Any]]
    version: str  # of the anyshot that wrote it


def write_model(
    folder: str | os.PathLike[str], *, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], card: str
) -> None:
    """Write a model folder in one step: whatever happens, either the old model stands there or the new one.

    Parameters
    ----------
    folder : str or path
        Where to write. A model that stands there is replaced, with its card, edited or not, and with what systems left
        behind (.DS_Store, Thumbs.db, desktop.ini); any other files are left alone, and refused.
    facts : mapping of str to JSON values
        Numpy scalars and arrays in it become plain values and lists, tuples become lists; order is kept.
    arrays : mapping of str to ndarray
        Numbers or bools, of any shape.
    card : str
        The model card, Markdown.

    Raises
    ------
    InputError
        `facts` holds NaN, infinity or what JSON cannot hold, or `arrays` holds something else than numbers.
    ModelFolderError
        The folder holds other files than a model's, or cannot be written.

    Notes
    -----
    The new folder is written beside the old one and forced to disk; two renames then change them. Between the two the
    old model bears another name, under which `read_model` finds it and the next `write_model` puts it back. Meanwhile
    other writers wait, and readers do not.
    """
    guarded = {_ARRAYS: _array_bytes(arrays)}
    model = _model_bytes(_plain(facts, "facts"), guarded)
    files = {**guarded, _MODEL: model, _CARD: card.encode("utf-8", "replace")}
    target = Path(folder).resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with sole_writer(target):
            _replace(target, files)
    except OSError as error:
        raise ModelFolderError(
            f"The model cannot be written to {folder}: {error}. Free some room, or choose a folder that can be written."
        ) from error


def _replace(target: Path, files: Mapping[str, bytes]) -> None:
    if not target.exists() and _old(target).is_dir():
        _old(target).rename(target)
    _check_replaceable(target)
    with _temporary_beside(target) as fresh:
        for name, content in files.items():
            _write(fresh / name, content)
        _sync(fresh)
        _swap(fresh, target)


def read_model(folder: str | os.PathLike[str]) -> SavedModel:
    """Return what `write_model` wrote to `folder`, after checking the digests of facts and arrays.

    Raises
    ------
    ModelFolderError
        It is no folder, no anyshot model, of a newer format, incomplete, changed since it was written (other than in
        its card), or holds a symbolic link or a file that may run code.
    """
    target = Path(folder).resolve()
    for _ in range(_ATTEMPTS - 1):
        before = _identity(target)
        try:
            return _read(target)
        except ModelFolderError:
            if _identity(target) == before:
                raise  # else it was replaced while it was read
    return _read(target)


@contextmanager
def opened_model(folder: str | os.PathLike[str]) -> Iterator[SavedModel]:
    """Give what `read_model` reads; what the block finds lacking or unusable in it is said of the folder.

    A sound digest tells that nothing changed since the folder was written, not that this version wrote it.

    Raises
    ------
    ModelFolderError
        As `read_model`; or the facts or numbers are not those of a model of this version.
    """
    saved = read_model(folder)
    try:
        yield saved
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, AnyshotError):
            raise
        what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ModelFolderError(
            f"{folder} holds no model that this anyshot {_version()} reads: {what}. It was written by anyshot "
            f"{saved.version}, or by hand. Fit and save the model again."
        ) from error


def _read(target: Path) -> SavedModel:
    folder = _standing(target)
    try:
        _check_harmless(folder)
        document = _document(folder)
        contents = {name: _verified(folder / name, digest) for name, digest in document["files"].items()}
        arrays = safetensors.numpy.load(contents[_ARRAYS])
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"The model in {folder} cannot be read: {error}. Restore it from a copy.") from error
    facts: dict[str, JSON] = document["facts"]
    if document["format"] == 1:
        facts = _renamed(facts)
        arrays = {RENAMED_SINCE_FORMAT_1.get(name, name): array for name, array in arrays.items()}
    return SavedModel(facts, arrays, str(document["anyshot"]))


def _renamed(facts: Any) -> Any:
    """Return facts of the first edition, at any depth, under the names of today."""
    if isinstance(facts, dict):
        return {RENAMED_SINCE_FORMAT_1.get(name, name): _renamed(value) for name, value in facts.items()}
    return [_renamed(value) for value in facts] if isinstance(facts, list) else facts


def _standing(target: Path) -> Path:
    """Return the folder to read: `target`, or the old model where a crash came between the two renames."""
    return _old(target) if not target.exists() and _old(target).is_dir() else target


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.anyshot-old")


def _identity(target: Path) -> tuple[Path, int, int] | None:
    with suppress(OSError):  # a folder is read by its name, and the number of one that is gone is given to the next
        folder = _standing(target)
        return folder, folder.stat().st_ino, folder.stat().st_mtime_ns
    return None


def _check_harmless(folder: Path) -> None:
    if not folder.exists():
        raise ModelFolderError(f"There is no folder {folder}. Give the folder that a model was saved to.")
    if not folder.is_dir():
        raise ModelFolderError(f"{folder} is a file. Give the folder that a model was saved to.")
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            raise ModelFolderError(
                f"{folder} holds a symbolic link, {path.name}; a model's files must lie in its folder. Replace the "
                "link by the file it points to."
            )
        if path.suffix.lower() in RUNS_CODE or (path.suffix.lower() == ".npy" and _holds_objects(path)):
            raise ModelFolderError(
                f"{folder} holds {path.name}, a kind of file that may run code when it is loaded. An anyshot model has "
                "none: do not trust this folder, or take that file out of it."
            )


def _holds_objects(path: Path) -> bool:
    try:
        np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        return True
    return False


def _document(folder: Path) -> dict[str, Any]:
    """Return what model.json says, its format and its own digest checked."""
    path = folder / _MODEL
    if not path.is_file():
        raise ModelFolderError(f"{folder} is no anyshot model: it holds no {_MODEL}. Give the folder of a saved model.")
    try:
        document: dict[str, Any] = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
        foreign = not isinstance(document, dict) or not {"anyshot", "format"} <= document.keys()
        digest = "" if foreign else _digest_of(document)
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(
            f"{path} is half written or damaged: {error}. Restore it from a copy, or fit and save the model again."
        ) from error
    if foreign:
        raise ModelFolderError(f"{folder} is no anyshot model: its {_MODEL} was written by another program.")
    if document["format"] not in range(1, FORMAT + 1):
        raise ModelFolderError(_other_format(folder, document))
    if document.get("digest") != digest or not _complete(document):
        raise ModelFolderError(_changed(path))
    return document


def _complete(document: dict[str, Any]) -> bool:
    """Tell whether a document with a sound digest also has our parts; whoever wrote it may have computed the digest."""
    facts, files = document.get("facts"), document.get("files")
    return isinstance(facts, dict) and isinstance(files, dict) and files.keys() == {_ARRAYS}


def _other_format(folder: Path, document: dict[str, Any]) -> str:
    wrote = document["anyshot"]
    return (
        f"{folder} was written by anyshot {wrote} in format {document['format']}; this is anyshot {_version()}, which "
        f"reads format {FORMAT}. Upgrade, pip install 'anyshot>={wrote}', or fit and save the model again here."
    )


def _changed(path: Path) -> str:
    return (
        f"{path} was changed after the model was saved: its digest differs. If you do not know who changed it, do not "
        "trust it; restore it from a copy, or fit and save the model again."
    )


def _verified(path: Path, digest: str) -> bytes:
    """Return a file's content if it is what was saved; what is checked is what is used."""
    if not path.is_file():
        raise ModelFolderError(
            f"{path.parent} lacks {path.name}: the model is incomplete. Copy the whole folder, or fit and save anew."
        )
    content = path.read_bytes()
    if sha256(content).hexdigest() != digest:
        raise ModelFolderError(_changed(path))
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}")


def _digest_of(document: Mapping[str, Any]) -> str:
    guarded = {name: value for name, value in document.items() if name != "digest"}
    return sha256(json.dumps(guarded, allow_nan=False, separators=(",", ":")).encode()).hexdigest()


def _model_bytes(facts: JSON, files: Mapping[str, bytes]) -> bytes:
    digests = {name: sha256(content).hexdigest() for name, content in files.items()}
    document = {"anyshot": _version(), "format": FORMAT, "facts": facts, "files": digests}
    document["digest"] = _digest_of(document)
    # "surrogatepass", as json.loads reads: a name from a badly decoded file must not keep a model from being saved.
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def _plain(value: Any, place: str) -> JSON:
    """Return `value` as JSON has it; `place` says where it stands, for the error."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if not np.isfinite(value):
            raise InputError(f"{place} is {value}, which a saved model cannot hold. Store a number, or None.")
        return value
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise InputError(f"{place} has the key {name!r}; a saved model's keys are strings.")
        return {str(name): _plain(inner, f"{place}[{name!r}]") for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, f"{place}[{row}]") for row, inner in enumerate(value)]
    raise InputError(
        f"{place} is a {type(value).__name__}, which a saved model cannot hold. Store numbers, strings, lists or dicts."
    )


def _array_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in ordered.items():
        if array.dtype.name not in _NUMBERS:
            raise InputError(f"arrays[{name!r}] is of type {array.dtype}; numbers are needed. Names belong into facts.")
    return safetensors.numpy.save(ordered)


def _check_replaceable(target: Path) -> None:
    """Refuse to write where something else than a model would be lost."""
    if not target.exists():
        return
    if not target.is_dir():
        raise ModelFolderError(f"{target} is a file. Choose another name for the model's folder.")
    if target == Path.cwd():
        raise ModelFolderError(f"{target} is the working directory, which saving would replace. Name a folder in it.")
    names = {path.name for path in target.iterdir() if not _left_by_a_system(path)}
    if not names:
        return
    try:
        ours = {_MODEL, _CARD, *_document(target)["files"]}
    except ModelFolderError as error:
        raise ModelFolderError(
            f"{target} is not empty and holds no model that this anyshot can read: {error} Nothing was written; choose "
            "another folder, or empty this one."
        ) from error
    if names - ours:
        raise ModelFolderError(
            f"{target} holds a model and other files: {', '.join(sorted(names - ours)[:5])}. Saving would delete them; "
            "move them away, or choose another folder."
        )


def _left_by_a_system(path: Path) -> bool:
    return path.name.lower() in _LEFT_BY_SYSTEMS and path.is_file()


@contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    start = f".{target.name}.anyshot-new-"
    for leftover in target.parent.glob(f"{glob.escape(start)}*"):
        if time.time() - leftover.stat().st_mtime > _LEFTOVER:
            shutil.rmtree(leftover, ignore_errors=True)
    fresh = target.with_name(start + secrets.token_hex(4))
    fresh.mkdir()
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # it bears another name by now, unless something failed


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Force a folder's list of names to disk; Windows keeps no such list open to us."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(fresh: Path, target: Path) -> None:
    old = _old(target)
    if old.exists():
        shutil.rmtree(old)  # the model in `target` is whole, so this is what a crash left behind
    if not target.exists():
        fresh.rename(target)
    elif not any(target.iterdir()):
        target.rmdir()
        fresh.rename(target)
    else:
        target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            old.rename(target)
            raise
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _version() -> str:
    try:
        return version("anyshot")
    except PackageNotFoundError:
        return "of unknown version"  # run from its source, never installed
