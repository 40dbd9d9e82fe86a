"""Saved models: a folder with model.json, arrays.safetensors and README.md. Loading runs no code from it.

Digests detect any change of facts and arrays. The model card, README.md, may be edited or deleted: it is not read.
Files that operating systems leave in folders (.DS_Store, Thumbs.db, desktop.ini) are ignored.
"""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from anyshot.base.files import (
    finish_replacement,
    folder_lock,
    leads_to_blob,
    readable_folder,
    replace_folder,
    restore_folder,
)
from anyshot.base.json_values import JSON, json_value
from anyshot.base.messages import shortened
from anyshot.base.user_folders import local_path, web_address
from anyshot.errors import AnyshotError, InputError, ModelFolderError

FORMAT: Final = 2
"""Number of the folder's format; folders with a larger one are refused."""

RENAMED_SINCE_FORMAT_1: Final = {
    "centring": "centering",
    "evidence": "training_set",
    "learned": "from_source",
    "said": "class_embeddings",
    "scorer.coef": "coef",
    "scorer.intercept": "intercept",
    "steps": "strengths",
    "tuned_centre": "tuned_center",
    "unlabelled": "unlabeled",
    **{f"deviation.{number}.V": f"delta.{number}.coef" for number in range(5)},
    **{f"deviation.{number}.b": f"delta.{number}.intercept" for number in range(5)},
}
"""Facts and arrays that the first edition named differently; they are translated on reading."""

RUNS_CODE: Final = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt", ".dill"})
"""Suffixes of files that may run code when loaded; a folder that contains one is refused."""

MODEL_FILE, ARRAYS_FILE, _CARD = "model.json", "arrays.safetensors", "README.md"
_NUMBERS: Final = frozenset({"bool", "float16", "float32", "float64"}) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
LONGEST_FOLDER_NAME: Final = 230
"""Bytes of the name of a model's folder: temporary names beside it are longer, and file systems allow 255."""
_SYSTEM_FILES: Final = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_VERSION: Final = re.compile(r"[0-9][0-9A-Za-z.+!-]{0,40}")
_ATTEMPTS: Final = 20  # to read a folder that other processes keep replacing


@dataclass(frozen=True)
class SavedModel:
    """The content of a model folder."""

    facts: dict[str, JSON]  # parameters, classes, versions, digests of encoders
    arrays: dict[str, NDArray[Any]]
    version: str  # of anyshot when it was written
    download: str = "never"  # "allow": whether the model's encoder may be downloaded


def write_model(
    folder: str | os.PathLike[str], *, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], card: str
) -> None:
    """Write a model folder atomically: the folder always contains the old model or the new one.

    Parameters
    ----------
    folder : str or path
        Where to write. A model in it is replaced, with its card and any system files. Other files are never deleted:
        a folder that contains some is refused.
    facts : mapping of str to JSON values
        Numpy scalars and arrays become numbers and lists, tuples become lists; the order is preserved.
    arrays : mapping of str to ndarray
        Numbers or bools, of any shape.
    card : str
        The model card, in Markdown.

    Raises
    ------
    InputError
        `facts` contains NaN, infinity or a type that JSON does not have, or `arrays` contains a non-numeric array.
    ModelFolderError
        The folder contains other files, or cannot be written.

    Notes
    -----
    Other writers wait meanwhile; readers do not, see `files.replace_folder`.
    """
    content = {ARRAYS_FILE: _array_bytes(arrays)}
    model = _model_bytes(json_value(facts, _saved, _saved_name), content)
    files = {**content, MODEL_FILE: model, _CARD: card.encode("utf-8", "replace")}
    target = _local(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with folder_lock(target):
            restore_folder(target)
            check_replaceable(target)
            replace_folder(target, files)
    except OSError as error:
        fault = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        raise ModelFolderError(
            f"The model cannot be written to {folder}: {fault}. Free some disk space, or choose another folder."
        ) from error


def read_model(folder: str | os.PathLike[str]) -> SavedModel:
    """Return what `write_model` wrote to `folder`, after checking the digests of facts and arrays.

    If a process was killed while it replaced the folder, the old model that it left beside is restored or deleted.

    Raises ModelFolderError if it is not a folder or not an anyshot model, has a newer format, is incomplete, or was
    changed since it was written (other than its card). Files that may run code are refused too, and symbolic links,
    except for those of the Hugging Face cache into its own blobs.
    """
    target = _local(folder)
    found = _read_at_rest(target)
    finish_replacement(target)
    return found


def _read_at_rest(target: Path) -> SavedModel:
    """Return what is in a folder; it is read again if another process replaces it meanwhile."""
    for _ in range(_ATTEMPTS - 1):
        before = _identity(target)
        try:
            return _read(target)
        except ModelFolderError:
            if _identity(target) == before:
                raise
    return _read(target)


@contextmanager
def opened_model(folder: str | os.PathLike[str], *, kind: str | None = None) -> Iterator[SavedModel]:
    """Yield what `read_model` reads; errors in the block caused by its content become a ModelFolderError.

    A valid digest shows that nothing changed since the folder was written, not that this version wrote it.

    kind: of the model, if it must be of one. Raises ModelFolderError as `read_model`, and if the model is of another
    kind, or its facts or arrays are not those of a model of this version.
    """
    saved = read_model(folder)
    found = saved.facts.get("kind")
    if kind not in (None, found):
        raise ModelFolderError(f"{folder} contains a {found!r}, not a {kind}. Use anyshot.load.")
    try:
        yield saved
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, AnyshotError):
            raise
        what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ModelFolderError(
            f"{folder} is not a model that anyshot {anyshot_version()} can read: {what}. It was written by anyshot "
            f"{saved.version}, or by hand. Fit and save the model again."
        ) from error


def _local(folder: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a folder, "~" expanded, or raise ModelFolderError for an address or no path."""
    if not isinstance(folder, str | os.PathLike):
        raise ModelFolderError(f"The path of a folder is needed; got a {type(folder).__name__}, {folder!r}.")
    path = Path(os.path.expanduser(local_path(os.fspath(folder))))
    address = web_address(path)
    if address is not None:
        raise ModelFolderError(f"{address} is an address; models are kept in folders of this machine. Give a folder.")
    return path.resolve()


def _read(target: Path) -> SavedModel:
    folder = readable_folder(target)
    try:
        _check_files(folder)
        document = _document(folder)
        contents = {name: _verified(folder / name, digest) for name, digest in document["files"].items()}
        arrays = safetensors.numpy.load(contents[ARRAYS_FILE])
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"The model in {folder} cannot be read: {error}. Restore it from a copy.") from error
    facts: dict[str, JSON] = document["facts"]
    if document["format"] == 1:
        facts = _renamed(facts)
        arrays = {RENAMED_SINCE_FORMAT_1.get(name, name): array for name, array in arrays.items()}
    return SavedModel(facts, arrays, _version_in(document))


def _renamed(facts: Any) -> Any:
    """Return facts of the first edition with today's names, at any depth."""
    if isinstance(facts, dict):
        return {RENAMED_SINCE_FORMAT_1.get(name, name): _renamed(value) for name, value in facts.items()}
    return [_renamed(value) for value in facts] if isinstance(facts, list) else facts


def _identity(target: Path) -> tuple[Path, int, int] | None:
    """Return what changes when the folder is replaced; the inode alone may be reused."""
    with suppress(OSError):
        folder = readable_folder(target)
        return folder, folder.stat().st_ino, folder.stat().st_mtime_ns
    return None


def _check_files(folder: Path) -> None:
    """Raise ModelFolderError for a missing folder, a symbolic link out of it, or a file that may run code."""
    if not folder.exists():
        raise ModelFolderError(f"There is no folder {folder}. Give the folder of a saved model.")
    if not folder.is_dir():
        raise ModelFolderError(f"{folder} is a file. Give the folder of a saved model, unpacked if it is an archive.")
    for path in sorted(folder.iterdir()):
        if path.is_symlink() and not (path.is_file() and leads_to_blob(path, folder)):
            raise ModelFolderError(
                f"{folder} contains a symbolic link, {path.name}. Replace the link with the file it points to."
            )
        if path.suffix.lower() in RUNS_CODE or (path.suffix.lower() == ".npy" and _has_objects(path)):
            raise ModelFolderError(
                f"{folder} contains {path.name}, a type of file that may run code when loaded. An anyshot model has "
                "none: do not trust this folder, or remove that file."
            )


def _has_objects(path: Path) -> bool:
    try:
        np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        return True
    return False


def _document(folder: Path) -> dict[str, Any]:
    """Return the content of model.json after checking its format and digest."""
    path = folder / MODEL_FILE
    if not path.is_file():
        raise ModelFolderError(
            f"{folder} is not an anyshot model: it has no {MODEL_FILE}. Give the folder of a saved model."
        )
    try:
        document: dict[str, Any] = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
        foreign = not isinstance(document, dict) or not {"anyshot", "format"} <= document.keys()
        digest = "" if foreign else _digest_of(document)
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(
            f"{path} is incomplete or damaged: {error}. Restore it from a copy, or fit and save the model again."
        ) from error
    if foreign:
        raise ModelFolderError(f"{folder} is not an anyshot model: its {MODEL_FILE} was written by another program.")
    if document["format"] not in range(1, FORMAT + 1):
        wrote = _version_in(document)
        upgrade = f' with pip install "anyshot>={wrote}"' if _VERSION.fullmatch(wrote) else ""
        raise ModelFolderError(
            f"{folder} was written by anyshot {wrote} in format {document['format']!r}; this is "
            f"anyshot {anyshot_version()}, which reads formats up to {FORMAT}. Upgrade{upgrade}, or fit and save "
            "the model again."
        )
    if document.get("digest") != digest or not _is_complete(document):
        raise ModelFolderError(_changed(path))
    return document


def _version_in(document: Mapping[str, Any]) -> str:
    """Return the version that wrote a model; anything else in its place is not repeated in messages."""
    wrote = str(document["anyshot"])
    return wrote if _VERSION.fullmatch(wrote) else "of unknown version"


def _is_complete(document: dict[str, Any]) -> bool:
    """Return whether a document has all parts; one with a valid digest may still have been edited."""
    facts, files = document.get("facts"), document.get("files")
    return isinstance(facts, dict) and isinstance(files, dict) and files.keys() == {ARRAYS_FILE}


def _changed(path: Path) -> str:
    return (
        f"{path} was changed after the model was saved: its digest differs. If you do not know who changed it, do not "
        "trust it; restore it from a copy, or fit and save the model again."
    )


def _verified(path: Path, digest: str) -> bytes:
    """Return a file's content after checking its digest."""
    if not path.is_file():
        raise ModelFolderError(
            f"{path.parent} lacks {path.name}: the model is incomplete. Copy the whole folder, or fit and save again."
        )
    content = path.read_bytes()
    if sha256(content).hexdigest() != digest:
        raise ModelFolderError(_changed(path))
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it contains {name}")


def _digest_of(document: Mapping[str, Any]) -> str:
    signed = {name: value for name, value in document.items() if name != "digest"}
    return sha256(json.dumps(signed, allow_nan=False, separators=(",", ":")).encode()).hexdigest()


def _model_bytes(facts: JSON, files: Mapping[str, bytes]) -> bytes:
    digests = {name: sha256(content).hexdigest() for name, content in files.items()}
    document = {"anyshot": anyshot_version(), "format": FORMAT, "facts": facts, "files": digests}
    document["digest"] = _digest_of(document)
    # "surrogatepass", as json.loads reads it: a name that was decoded wrongly must not prevent saving.
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def _saved(value: Any, path: str) -> JSON:
    """Return a value inside of facts, as it can be read again; `path` names it in errors."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"facts{path} is {value}, which cannot be saved. Store a finite number, or None.")
    if value is None or isinstance(value, (str, int, float)):
        return str(value) if isinstance(value, str) else value
    raise InputError(
        f"facts{path} is a {type(value).__name__}, which cannot be saved. Store numbers, strings, lists or dicts."
    )


def _saved_name(name: Any, path: str) -> str:
    if not isinstance(name, str):
        raise InputError(f"facts{path} has the key {name!r}; the keys of a saved model must be strings.")
    return str(name)


def _array_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in ordered.items():
        if array.dtype.name not in _NUMBERS:
            raise InputError(f"arrays[{name!r}] has dtype {array.dtype}; numbers are needed. Put names into facts.")
    return safetensors.numpy.save(ordered)


def check_replaceable(folder: str | os.PathLike[str]) -> None:
    """Raise ModelFolderError if writing a model to a folder would delete anything but a model."""
    target = _local(folder)
    if (length := len(os.fsencode(target.name))) > LONGEST_FOLDER_NAME:
        raise ModelFolderError(
            f"The name of the model's folder, {shortened(target.name)!r}, has {length} bytes; at most "
            f"{LONGEST_FOLDER_NAME} are possible. Choose a shorter one."
        )
    if not target.exists():
        return
    if not target.is_dir():
        raise ModelFolderError(f"{target} is a file. Choose another name for the model's folder.")
    if target == Path.cwd():
        raise ModelFolderError(f"{target} is the working directory, which saving would replace. Name a folder in it.")
    names = {path.name for path in target.iterdir() if not (path.name.lower() in _SYSTEM_FILES and path.is_file())}
    if not names:
        return
    try:
        ours = {MODEL_FILE, _CARD, *_document(target)["files"]}
    except ModelFolderError as error:
        raise ModelFolderError(
            f"{target} is not empty and has no model that this anyshot can read: {error} Nothing was written; choose "
            "another folder, or empty this one."
        ) from error
    if names - ours:
        raise ModelFolderError(
            f"{target} contains a model and other files: {', '.join(sorted(names - ours)[:5])}. Saving would delete "
            "them; move them, or choose another folder."
        )


def anyshot_version() -> str:
    """Return the version of this package."""
    from importlib import metadata  # here, since it takes longer to load than to read a model

    try:
        return metadata.version("anyshot")
    except metadata.PackageNotFoundError:
        return "of unknown version"  # run from source, not installed
