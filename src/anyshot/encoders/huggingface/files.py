"""Find the files of models in Hugging Face layout, download them if allowed, and determine the kind of a model."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from anyshot.base.files import leads_to_blob
from anyshot.encoders import hub
from anyshot.encoders.engines.weights import check_weights
from anyshot.encoders.hub.cache import ID, snapshots
from anyshot.encoders.huggingface.kinds import Kind, kind_of_type
from anyshot.errors import AnyshotError, InputError, MissingWeightsError, UnknownEncoderError, first_line

Download: TypeAlias = Literal["allow", "never"]

SWITCH: Final = "ANYSHOT_DOWNLOAD"
WEIGHTS: Final = ("model*.safetensors", "*/model*.safetensors")
SETTINGS: Final = ("*.json", "*.txt", "*.model", "*.jinja")
CARD: Final = "README.md"
VOCABULARIES: Final = ("*.bpe", "*.spm", "*.tiktoken", "*.vocab")
INDEX: Final = "model.safetensors.index.json"  # of weights in several files
PICKLES: Final = frozenset({".bin", ".pt", ".pth", ".pkl", ".ckpt"})
OTHER_ENGINES: Final = ("onnx/*", "openvino/*")
_NOT_READ: Final = frozenset({"onnx", "openvino"})  # folders with weights for other engines


def download_switch(download: str | None) -> Download:
    """Return whether downloads are allowed: the argument, or else ANYSHOT_DOWNLOAD, or else "allow".

    Raises InputError if the value is neither "allow" nor "never".
    """
    value = download if download is not None else os.environ.get(SWITCH) or "allow"
    for choice in get_args(Download):
        if value == choice:
            return choice  # type: ignore[no-any-return]  # get_args forgets the type
    where = "download" if download is not None else f"The environment variable {SWITCH}"
    raise InputError(f'{where} is {value!r}; it must be "allow" or "never".')


def model_folder(source: str | Path, *, download: str | None = None) -> Path:
    """Return the folder with a model's settings and weights, after downloading it if it is needed and allowed.

    Its files were checked: see `check_files`.

    source: a folder, for which the network is never used, or the id of a model on the Hugging Face hub, "owner/name".

    Raises MissingWeightsError if the model is not on this machine and cannot be downloaded, or has no weights in
    safetensors, or damaged ones. Raises UnknownEncoderError if there is no such folder or model, or it refers to files
    outside of its folder.
    """
    folder = _fetched(source, (*SETTINGS, CARD, *WEIGHTS), download=download_switch(download))
    _check_weights(folder, source)
    check_files(folder)
    _check_numbers(folder)
    return folder


def check_files(folder: Path) -> None:
    """Refuse a model that would make its library open a pickle, or a file outside of its folder.

    Libraries prefer safetensors, but open pickles where an index, a module or an adapter names one. Links are followed
    only to the blobs of the same entry in the hub's cache.

    Raises MissingWeightsError if some weights are only in a pickle. Raises UnknownEncoderError if a file refers to one
    outside of the folder, to custom code, or to another model.
    """
    for file in _files_of(folder):
        if file.is_symlink() and not _stays_inside(file, folder):
            raise UnknownEncoderError(f"{file} is a link to a file outside of {folder}. Copy the file in its place.")
        if file.name == "adapter_config.json":
            raise UnknownEncoderError(
                f"{folder} is an adapter of another model. Merge them, and save the result: "
                "model.merge_and_unload().save_pretrained(folder)."
            )
        if file.name.endswith(".index.json"):
            for part in _parts_in(file) if file.name != "pytorch_model.bin.index.json" else ():  # that is never read
                _check_part(file, part)
        elif file.name == "modules.json":
            _check_modules(file, _types_of(read_modules(file)))
        elif file.name in ("router_config.json", "config.json"):
            _check_settings(file, read_settings(file))
        elif file.name == "pytorch_model.bin" and not _has_safetensors(file.parent):
            raise MissingWeightsError(_only_a_pickle(folder, file.relative_to(folder)))


def kind_of(source: str | Path, *, download: str | None = None) -> Kind:
    """Return the kind of a model from its settings, without downloading weights or running the model's code.

    "sentences" is a text model in sentence-transformers' layout, which specifies its pooling; "text" is any other.

    Raises UnknownEncoderError if the model encodes neither texts nor images, or its settings cannot be read.
    """
    folder = _fetched(source, SETTINGS, download=download_switch(download))
    if (folder / "modules.json").is_file():
        return _kind_of_modules(folder, source)
    config = read_settings(folder / "config.json")
    model_type = config.get("model_type")
    with usable_settings(folder):
        kind = kind_of_type(model_type)
    if kind is None:
        reason = (
            "needs custom code, which is never run"
            if "auto_map" in config
            else "transformers does not list as encoding texts or images"
        )
        raise UnknownEncoderError(
            f"{source} is a model of type {model_type!r}, which {reason}. Use a text, image or image-text model."
        )
    return kind


def weight_files(folder: Path) -> list[Path]:
    """Return the files of a model's weights: the one file, or else those that an index names, as transformers does."""
    one, index = folder / "model.safetensors", folder / INDEX
    return [folder / part for part in _parts_in(index)] if index.is_file() and not one.is_file() else [one]


def _parts_in(index: Path) -> list[str]:
    """Return the names of the files that an index of weights lists, sorted."""
    return sorted({str(part) for part in read_settings(index).get("weight_map", {}).values()})


def digest_of_folder(folder: Path, *settings: str) -> str:
    """Return one hash of the names and contents of the files that determine a model's vectors, and of `settings`."""
    hashed = hashlib.sha256()
    for file in _files_of(folder):
        if not any(file.match(pattern) for pattern in (*SETTINGS, *VOCABULARIES, "*.safetensors")):
            continue
        path = file.relative_to(folder)
        with file.open("rb") as opened:
            hashed.update(f"{path.as_posix()} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    hashed.update("\n".join(settings).encode())
    return hashed.hexdigest()


def read_settings(file: Path) -> dict[str, Any]:
    """Return the settings in a JSON file of a model.

    Raises UnknownEncoderError if the file does not exist, or is not an object in JSON.
    """
    settings = _read_json(file)
    if not isinstance(settings, dict):
        raise UnknownEncoderError(
            f"{file} is a {type(settings).__name__}, not settings by name. Download the model again."
        )
    return settings


def optional_settings(file: Path) -> dict[str, Any]:
    """Return the settings in a JSON file of a model as `read_settings` does; none if there is no such file."""
    return read_settings(file) if file.is_file() else {}


def read_modules(file: Path) -> list[dict[str, Any]]:
    """Return the modules of a model of sentence-transformers, as its modules.json lists them.

    Raises UnknownEncoderError if the file does not exist, or is no list of modules.
    """
    modules = _read_json(file)
    if not isinstance(modules, list) or not modules or not all(isinstance(module, dict) for module in modules):
        raise UnknownEncoderError(f"{file} is not a list of modules. Download the model again.")
    return modules


def language_of_model(folder: Path) -> str | None:
    """Return "English" if a model's README.md says that it is for English alone; None for others."""
    try:
        facts = re.match(r"---\n(.*?)\n---", (folder / CARD).read_text(encoding="utf-8-sig"), re.DOTALL)
    except (OSError, ValueError):
        return None
    lines = re.sub(r"(^|\s)#.*|\n\s*(?=\n)", "", facts[1]) if facts else ""  # without comments and empty lines
    named = re.search(r"^language:(.*(?:\n *-.*)*)", lines, re.MULTILINE)
    return "English" if named and set(re.findall(r"\w+", named[1].lower())) in ({"en"}, {"english"}) else None


@contextmanager
def usable_settings(folder: Path) -> Iterator[None]:
    """Raise UnknownEncoderError if a setting of a model has a value of another kind than the block expects."""
    try:
        yield
    except AnyshotError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise UnknownEncoderError(
            f"The settings of {folder} cannot be used ({type(error).__name__}: {first_line(error)}). Download the "
            "model again."
        ) from error


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UnknownEncoderError(f"{file.parent} is not a model: it has no {file.name}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UnknownEncoderError(f"{file} cannot be read as JSON: {error}. Download the model again.") from error


def refuse_code(config: Mapping[str, Any], folder: Path) -> None:
    """Raise UnknownEncoderError if a config.json asks for code of its own."""
    if config.get("auto_map"):
        named = config["auto_map"]
        code = ", ".join(sorted(map(str, named.values() if isinstance(named, Mapping) else [named])))
        raise UnknownEncoderError(
            f"{folder} needs its own code ({code}), which is never run. Use a model of an architecture that "
            "transformers contains."
        )


def _kind_of_modules(folder: Path, source: str | Path) -> Kind:
    """Return the kind of a model in sentence-transformers' layout; classes of other packages are refused."""
    modules = read_modules(folder / "modules.json")
    _check_modules(folder / "modules.json", _types_of(modules))
    for module in modules:
        kind = str(module.get("type"))
        if "clip" in kind.lower():
            raise UnknownEncoderError(
                f"{source} is an image-text model in sentence-transformers' layout. Use the model in transformers' "
                f"layout: hf:{folder / str(module.get('path'))}, or the model that it was made from."
            )
    return "sentences"


def _fetched(source: str | Path, patterns: tuple[str, ...], *, download: Download) -> Path:
    """Return the local folder of a model with the files that match `patterns`."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise UnknownEncoderError(
            f"{folder} is a file. Give the folder of a model in Hugging Face layout, with config.json and "
            "model.safetensors."
        )
    if isinstance(source, Path) or source.startswith((".", "/", "~", "\\")) or source.count("/") > 1:
        raise UnknownEncoderError(f"There is no folder {folder}. Use a model's folder or its id, owner/name.")
    for cached in snapshots(source):
        if download == "never" or _is_complete(cached):  # if nothing can be missing, the hub need not be asked
            return cached
    if download == "never" and ID.fullmatch(source):
        raise MissingWeightsError(
            f"The model {source} is not on this machine, and download is 'never'. Download it: hf download {source}"
        )
    downloaded: Path = hub.download_model(source, patterns, ignored=OTHER_ENGINES)
    return downloaded


def _is_complete(folder: Path) -> bool:
    """Return whether a folder has all files of a model.

    Without modules.json it may be a sentence model of which another program read the network alone, so that only image
    models are certain.
    """
    try:
        _check_weights(folder, folder)
        modules = folder / "modules.json"
        if modules.is_file():
            return all(_has_module(folder / str(one.get("path", "")), one) for one in read_modules(modules))
        is_image = kind_of_type(read_settings(folder / "config.json").get("model_type")) in ("image", "image-text")
        return is_image and (folder / "preprocessor_config.json").is_file()
    except AnyshotError:
        return False


def _has_module(folder: Path, module: Mapping[str, Any]) -> bool:
    """Return whether the folder of a module has its settings, and a tokenizer if it is a network of transformers."""
    kind = str(module.get("type")).rpartition(".")[2]
    needed = {"Normalize": [], "Transformer": ["config.json", "tokenizer.json"]}.get(kind, ["config.json"])
    return all((folder / name).is_file() for name in needed)


def _check_weights(folder: Path, source: str | Path) -> None:
    """Raise MissingWeightsError unless the weights are complete and in safetensors."""
    weights = [file for pattern in WEIGHTS for file in folder.glob(pattern)]
    if not weights:
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
        if pickles:
            raise MissingWeightsError(_only_a_pickle(source, pickles[0]))
        raise MissingWeightsError(f"{source} has no model.safetensors{_remedy(source, folder)}")
    parts = _parts_in(folder / INDEX) if (folder / INDEX).is_file() else []
    missing = [part for part in parts if not (folder / part).is_file()]
    if missing:
        raise MissingWeightsError(f"{source} lacks {missing[0]}{_remedy(source, folder)}")


def _remedy(source: str | Path, folder: Path) -> str:
    """Return the end of the message on a missing file: what to do for a model of the hub, or for a folder."""
    if folder == Path(source).expanduser():
        return ". Copy it there, or save the model again: model.save_pretrained(folder)."
    return f" in {folder}. Download it: hf download {source}"


def _check_numbers(folder: Path) -> None:
    """Raise MissingWeightsError if weights are damaged, or are not numbers from which vectors can be computed."""
    is_quantized = "quantization_config" in optional_settings(folder / "config.json")
    for file in sorted(file for pattern in WEIGHTS for file in folder.glob(pattern)):
        check_weights(file, is_quantized=is_quantized)


def _files_of(folder: Path) -> list[Path]:
    """Return the files that may be read, sorted: those outside of hidden folders and of folders of other engines."""
    return sorted(
        file
        for file in folder.rglob("*")
        if not any(part.startswith(".") or part in _NOT_READ for part in file.relative_to(folder).parts)
        and (file.is_symlink() or file.is_file())
    )


def _stays_inside(link: Path, folder: Path) -> bool:
    """Return whether a link leads into the folder, or to the blobs of the same entry in the hub's cache."""
    own = folder.resolve()
    return link.resolve().is_relative_to(own) or leads_to_blob(link, own)


def _check_part(file: Path, part: str) -> None:
    """Raise unless a part of the weights that a `file` names is in safetensors, in the same folder."""
    if not part.endswith(".safetensors"):
        raise MissingWeightsError(_only_a_pickle(file, part))
    if "/" in part or "\\" in part:
        raise UnknownEncoderError(f"{file} refers to weights outside of its folder, {part!r}.")


def _check_settings(file: Path, settings: Any) -> None:
    """Raise if settings name a file of weights or modules that are refused."""
    if "structure" in settings:  # of a Router
        _check_modules(file, settings.get("types", {}))
    weights = settings.get("transformers_weights")
    if weights is not None:
        _check_part(file, str(weights).removesuffix(".index.json"))


def _types_of(modules: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the class of each module, by the folder of the module."""
    return {str(module.get("path", "")): str(module.get("type")) for module in modules}


def _check_modules(file: Path, types: Mapping[str, object]) -> None:
    """Raise unless modules are those of sentence-transformers, in folders below that of the `file` naming them."""
    for path, kind in types.items():
        parts = path.replace("\\", "/").split("/")
        hidden = any(part.startswith(".") or part in _NOT_READ for part in parts)
        if hidden or path.startswith(("/", "~")) or ":" in path:
            raise UnknownEncoderError(f"{file} refers to a module outside of its folder, {path!r}.")
        if not str(kind).startswith("sentence_transformers."):
            raise UnknownEncoderError(
                f"{file.parent} needs custom code, {kind}, which is never run. Use a model that consists of the "
                "modules of sentence-transformers."
            )


def _has_safetensors(folder: Path) -> bool:
    """Return whether a library finds weights in safetensors before a pickle: only transformers follows an index."""
    if (folder / "model.safetensors").is_file():
        return True
    return "model_type" in optional_settings(folder / "config.json") and (folder / INDEX).is_file()


def _only_a_pickle(source: object, file: object) -> str:
    return (
        f"{source} has weights only in the pickle {file}, which is never opened. Save it as safetensors: "
        "model.save_pretrained(folder, safe_serialization=True)."
    )
