"""Models in Hugging Face layout: where they are, whether they may be downloaded, and of which sort they are."""

import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from transformers.models.auto import modeling_auto as known

from anyshot.errors import InputError, MissingWeightsError, UnknownEncoderError

Download: TypeAlias = Literal["allow", "never"]
Sort: TypeAlias = Literal["sentences", "text", "image", "image-text"]

SWITCH: Final = "ANYSHOT_DOWNLOAD"
WEIGHTS: Final = ("model*.safetensors", "*/model*.safetensors")
SETTINGS: Final = ("*.json", "*.txt", "*.model", "*.jinja")
PICKLES: Final = frozenset({".bin", ".pt", ".pth", ".pkl", ".ckpt"})
OTHER_ENGINES: Final = ("onnx/*", "openvino/*")

IMAGE_TEXT: Final = frozenset(known.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES)
IMAGE: Final = (
    frozenset(known.MODEL_FOR_IMAGE_MAPPING_NAMES)
    | frozenset(known.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES)
    | frozenset(known.MODEL_FOR_MASKED_IMAGE_MODELING_MAPPING_NAMES)
    | {"clip_vision_model"}  # CLIP's image tower on its own, of which transformers' tables say nothing
)
CAUSAL: Final = frozenset(known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
MASKED: Final = frozenset(known.MODEL_FOR_MASKED_LM_MAPPING_NAMES)
TEXT: Final = (
    frozenset(known.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES)
    | frozenset(known.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES)
    | MASKED
    | CAUSAL
)

log = logging.getLogger(__name__)


def download_switch(download: str | None) -> Download:
    """Return whether the network may be used: the argument, else the environment's ANYSHOT_DOWNLOAD, else "allow".

    Raises
    ------
    InputError
        It is neither "allow" nor "never".
    """
    asked = download if download is not None else os.environ.get(SWITCH) or "allow"
    for choice in get_args(Download):
        if asked == choice:
            return choice  # type: ignore[no-any-return]  # get_args forgets the type
    where = "download" if download is not None else f"The environment variable {SWITCH}"
    raise InputError(f'{where} is {asked!r}; it must be "allow" or "never".')


def model_folder(source: str | Path, *, download: str | None = None) -> Path:
    """Return the folder that holds a model's settings and weights, downloaded first where it must be and may be.

    source: a folder, which never touches the network, or a model's id on the Hugging Face hub, "owner/name".

    Raises
    ------
    MissingWeightsError
        It is not on this machine and may not or cannot be downloaded, or it has no weights in safetensors.
    UnknownEncoderError
        There is no such folder and no such model.
    """
    folder = _fetched(source, (*SETTINGS, *WEIGHTS), download=download_switch(download))
    _check_weights(folder, source)
    return folder


def sort_of(source: str | Path, *, download: str | None = None) -> Sort:
    """Tell of which sort a model is, from its settings alone: no weights are fetched, and no code of its own is run.

    "sentences" is a text model in sentence-transformers' layout, which states its pooling; "text" any other.

    Raises
    ------
    UnknownEncoderError
        It turns neither texts nor images into vectors, or says nothing that can be understood.
    """
    folder = _fetched(source, SETTINGS, download=download_switch(download))
    if (folder / "modules.json").is_file():
        return _sort_of_modules(folder, source)
    kind = read_settings(folder / "config.json").get("model_type")
    sorts: tuple[tuple[Sort, frozenset[str]], ...] = (("image-text", IMAGE_TEXT), ("image", IMAGE), ("text", TEXT))
    for sort, kinds in sorts:
        if kind in kinds:
            return sort
    raise UnknownEncoderError(
        f"{source} is a model of type {kind!r}, which makes vectors of neither texts nor images, as far as "
        "transformers tells. Give a text, image or image-text model."
    )


def digest_of_folder(folder: Path, *settings: str) -> str:
    """Return one digest of the files that shape a model's vectors, names and contents, and of `settings`."""
    files = sorted({file for pattern in (*SETTINGS, *WEIGHTS) for file in folder.rglob(pattern) if file.is_file()})
    seen = hashlib.sha256()
    for file in files:
        place = file.relative_to(folder)
        if any(part.startswith(".") or part in {"onnx", "openvino"} for part in place.parts):
            continue
        with file.open("rb") as opened:
            seen.update(f"{place.as_posix()} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    seen.update("\n".join(settings).encode())
    return seen.hexdigest()


def read_settings(file: Path) -> Any:
    """Return what a JSON file of a model says.

    Raises
    ------
    UnknownEncoderError
        It is not there, or is no JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnknownEncoderError(f"{file.parent} is no model: it has no {file.name}.") from error
    except (OSError, ValueError) as error:
        raise UnknownEncoderError(f"{file} cannot be read as JSON: {error}. Fetch the model again.") from error


def _sort_of_modules(folder: Path, source: str | Path) -> Sort:
    """Tell the sort of a folder in sentence-transformers' layout; a class from elsewhere is refused, not imported."""
    for module in read_settings(folder / "modules.json"):
        kind = str(module.get("type"))
        if not kind.startswith("sentence_transformers."):
            raise UnknownEncoderError(
                f"{source} needs code of its own, {kind}, which is never run. Take a model made of "
                "sentence-transformers' own modules."
            )
        if "clip" in kind.lower():
            raise UnknownEncoderError(
                f"{source} is an image-text model in sentence-transformers' layout. Give it in transformers' own: "
                f"hf:{folder / str(module.get('path'))}, or the model it was made from."
            )
    return "sentences"


def _fetched(source: str | Path, patterns: tuple[str, ...], *, download: Download) -> Path:
    """Return the local folder of a model, with the files that match `patterns`."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if isinstance(source, Path) or source.startswith((".", "/", "~", "\\")) or source.count("/") > 1:
        raise UnknownEncoderError(f"There is no folder {folder}. Give a model's folder, or its id: owner/name.")
    remedy = f"Fetch it with: hf download {source}"
    try:
        with _bar_in_terminals_only():
            return Path(
                snapshot_download(
                    source,
                    allow_patterns=list(patterns),
                    ignore_patterns=list(OTHER_ENGINES),
                    local_files_only=download == "never",
                )
            )
    except HFValidationError as error:
        raise UnknownEncoderError(f"{source!r} is neither a folder nor a model's id, owner/name: {error}") from error
    except GatedRepoError as error:
        raise MissingWeightsError(f"{source} asks for consent: give it on its page, then: hf auth login") from error
    except RepositoryNotFoundError as error:
        raise UnknownEncoderError(
            f"The hub has no model {source!r} that you may read. Look for typing errors."
        ) from error
    except (HfHubHTTPError, OSError) as error:  # no network, no such entry in the cache, no space
        why = (
            "and download is 'never'"
            if download == "never"
            else f"and the hub cannot be reached ({_first_line(error)})"
        )
        raise MissingWeightsError(f"The model {source} is not on this machine, {why}. {remedy}") from error


def _check_weights(folder: Path, source: str | Path) -> None:
    """Raise unless there are weights in safetensors, all the parts that the index names, and no pickle beside them."""
    weights = [file for pattern in WEIGHTS for file in folder.glob(pattern)]
    if not weights:
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
        if pickles:
            raise MissingWeightsError(
                f"{source} has its weights in {pickles[0]} only, a pickle, which is never opened. "
                "Save it as safetensors: model.save_pretrained(folder, safe_serialization=True)."
            )
        raise MissingWeightsError(f"{source} has no model.safetensors in {folder}. Fetch it with: hf download {source}")
    index = folder / "model.safetensors.index.json"
    parts = set(read_settings(index).get("weight_map", {}).values()) if index.is_file() else set()
    missing = sorted(part for part in parts if not (folder / part).is_file())
    if missing:
        raise MissingWeightsError(f"{source} lacks {missing[0]} in {folder}. Fetch it with: hf download {source}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def _bar_in_terminals_only() -> Iterator[None]:
    """Let the hub show its bar of what it downloads, but never in a pipe."""
    if sys.stderr.isatty() or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
