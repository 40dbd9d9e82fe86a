"""The table of encoders by name, and how they are loaded.

The modules of encoders import what runs them, openvino or torch, so they are imported only when an encoder is loaded.
"""

import difflib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from numbers import Integral
from pathlib import Path
from typing import Any, Final

from anyshot.base.items import Items, by_position, modality_of, refuse_files, refuse_missing_images
from anyshot.base.lazy import load_path
from anyshot.base.protocols import Encoder, EncodesWords
from anyshot.base.threads import lock_of
from anyshot.base.user_folders import WEIGHTS
from anyshot.encoders.published_files import PUBLISHED, is_here
from anyshot.errors import InputError, UnknownEncoderError

PREFIX: Final = "hf:"
KERAS: Final = "keras:"
FIRST_LAYERS: Final = re.compile(r"(?P<name>.+)\[:(?P<n_layers>\d+)\]")


@dataclass(frozen=True)
class Entry:
    """A row of the table: how an encoder is loaded, and its description."""

    loader: str  # module:class or module:function
    modality: str
    width: int | None  # None: depends on the model
    megabytes: int | None
    license: str
    about: str
    published: str = ""  # name of its files in PUBLISHED
    fetch: str = ""  # command that gets the weights
    options: Mapping[str, Any] = field(default_factory=dict)  # of the loader
    trained_as: str = ""  # the encoder whose network is trained in its place


_LITE0: Final = Entry(
    loader="anyshot.encoders.efficientnet:EfficientNetLite0Encoder",
    modality="image",
    width=1280,
    megabytes=19,
    license="Apache-2.0",
    about="EfficientNet-Lite0, trained on ImageNet; the default for images",
    published="efficientnet-lite0",
    fetch="anyshot fetch efficientnet-lite0",
)

_MINILM: Final = Entry(
    loader="anyshot.encoders.minilm:MiniLMEncoder",
    modality="text",
    width=384,
    megabytes=91,
    license="Apache-2.0",
    about="all-MiniLM-L6-v2 without the words; the default for texts where the network is trained",
    published="minilm",
    fetch="anyshot fetch minilm",
)

ENCODERS: Final[dict[str, Entry]] = {
    "minilm-words": replace(
        _MINILM,
        width=512,
        about="all-MiniLM-L6-v2, English sentences and the words in them; the default for texts",
        options={"word_layer": True},
        trained_as="minilm",
    ),
    "minilm": _MINILM,
    "efficientnet-lite0": _LITE0,
    "efficientnet-lite0-even": replace(
        _LITE0,
        about="the same for X-rays and scans: each image gets the same brightness and contrast first",
        options={"lighting": "even"},
    ),
    PREFIX: Entry(
        loader="anyshot.encoders.registry:load_from_hub",
        modality="text or image",
        width=None,
        megabytes=None,
        license="depends on the model",
        about="hf:ID or hf:FOLDER, a text, image or image-text model in Hugging Face layout",
        fetch="hf download ID",
    ),
    KERAS: Entry(
        loader="anyshot.encoders.keras:load_keras_model",
        modality="image",
        width=None,
        megabytes=None,
        license="depends on the model",
        about="keras:NAME or keras:NAME:FILE, a model of keras.applications; Keras downloads the weights or reads FILE",
        fetch='pip install "anyshot[keras]"',
    ),
}

HUGGING_FACE: Final[dict[str, str]] = {
    "sentences": "anyshot.encoders.huggingface.sentence_models:SentenceModelEncoder",
    "text": "anyshot.encoders.huggingface.language_models:LanguageModelEncoder",
    "image": "anyshot.encoders.huggingface.image_models:TransformersImageEncoder",
    "image-text": "anyshot.encoders.huggingface.image_models:ImageTextEncoder",
}
"""The class that opens a model in Hugging Face layout with torch, by the model's kind."""

COMPILED: Final[dict[str, str]] = {
    "sentences": "anyshot.encoders.compiled_texts:CompiledTextEncoder",
    "text": "anyshot.encoders.compiled_texts:CompiledTextEncoder",
    "image": "anyshot.encoders.compiled_images:CompiledImageEncoder",
    "image-text": "anyshot.encoders.compiled_images:CompiledImageTextEncoder",
}
"""The class that opens it with openvino, unless its `check` says why it cannot."""

_FOLLOWED_BY: Final = {PREFIX: "ID-or-folder", KERAS: "NAME"}


@dataclass(frozen=True)
class Available:
    """An encoder as `anyshot models` lists it."""

    name: str
    modality: str
    width: int | None
    megabytes: int | None
    license: str
    on_this_machine: bool | None  # None: depends on the model
    fetch: str
    about: str


def load_encoder(
    encoder: object,
    *,
    device: str = "auto",
    download: str | None = None,
    engine: str = "auto",
    threads: int | None = None,
) -> Encoder:
    """Return the encoder with a name, loaded; an encoder is returned unchanged.

    A built-in encoder is loaded once in a process, and all who ask for it share it.

    Parameters
    ----------
    encoder : str or Encoder
        "minilm-words", "minilm", "efficientnet-lite0", "hf:" followed by a model's id or folder, or "keras:" followed
        by the name of a model of `keras.applications`; the name of a text encoder followed by "[:n]", as in
        "minilm[:2]", for the sentence vectors of its first n layers; or an object with `modality`, `width` and
        `encode`; or a Keras model.
    device : str, default="auto"
        Device to run on; "auto" is that of the environment variable ANYSHOT_DEVICE, or else the GPU if torch is
        installed and finds one, else the CPU.
    download : {"allow", "never"}, optional
        Whether downloads are allowed. Default: the environment variable ANYSHOT_DOWNLOAD, or else "allow".
    engine : {"auto", "openvino", "torch"}, default="auto"
        What runs the network. "auto" is torch on a GPU and for a network that is not built for openvino, and openvino
        otherwise.
    threads : int, optional
        Number of threads of openvino. Default: the processors that the process may use.

    Raises
    ------
    InputError
        There is no such engine, or `threads` is not at least 1.
    EncoderError
        openvino was asked for and cannot run the encoder.
    MissingExtraError
        The encoder needs torch or keras, which is not installed.
    UnknownEncoderError
        There is no encoder with that name, or the object is not an encoder.
    MissingWeightsError
        The weights are not on this machine and cannot be downloaded, or are not the published ones.
    """
    if device == "auto":
        device = os.environ.get("ANYSHOT_DEVICE") or device
    if _is_keras_model(encoder):
        return _checked(load_path("anyshot.encoders.keras:KerasEncoder")(encoder))
    if not isinstance(encoder, str):
        return _checked(encoder)
    if first_layers := FIRST_LAYERS.fullmatch(encoder):
        whole = load_encoder(first_layers["name"], device=device, download=download, engine=engine, threads=threads)
        return _checked(load_path("anyshot.encoders.first_layers:FirstLayers")(whole, int(first_layers["n_layers"])))
    if encoder.startswith(KERAS):
        load = load_path(ENCODERS[KERAS].loader)
        return _checked(load(encoder.removeprefix(KERAS), device=device, download=download))
    if encoder.startswith(PREFIX):
        options = {"device": device, "download": download, "engine": engine, "threads": threads}
        return _checked(load_path(ENCODERS[PREFIX].loader)(encoder.removeprefix(PREFIX), **options))
    if encoder not in ENCODERS:
        raise UnknownEncoderError(_unknown(encoder))
    environment = tuple(os.environ.get(name) for name in (WEIGHTS, "OMP_NUM_THREADS"))
    with lock_of(_built_in):  # else, each of several threads that ask at once would load it
        return _built_in(encoder, device, engine, threads, environment)


@lru_cache(maxsize=4, typed=True)
def _built_in(name: str, device: str, engine: str, threads: int | None, environment: tuple[str | None, ...]) -> Encoder:
    """Return a built-in encoder, which never changes after it is made, so that threads and models can share it.

    environment: the variables that say where the weights are and how many threads there are.
    """
    entry = ENCODERS[name]
    return _checked(load_path(entry.loader)(device=device, engine=engine, threads=threads, **entry.options))


def load_from_hub(
    source: str, *, device: str = "auto", download: str | None = None, engine: str = "auto", threads: int | None = None
) -> Encoder:
    """Return the encoder of a model in Hugging Face layout, a folder or an id on the hub."""
    if not source:
        raise UnknownEncoderError("encoder='hf:' has no model. Use hf:ID or hf:FOLDER.")
    kind = load_path("anyshot.encoders.huggingface.files:kind_of")(source, download=download)
    folder = load_path("anyshot.encoders.huggingface.files:model_folder")(source, download=download)
    compiled = load_path(COMPILED[kind])
    choose_engine = load_path("anyshot.encoders.engines.choice:choose_engine")
    with load_path("anyshot.encoders.huggingface.files:usable_settings")(folder):
        if choose_engine(engine, device, check=partial(compiled.check, folder)) == "openvino":
            return _checked(compiled(folder, threads=threads))
    return _checked(load_path(HUGGING_FACE[kind])(folder, device=device))


def absolute_name(name: str) -> str:
    """Return an encoder's name with the path of a folder made absolute."""
    folder = Path(name.removeprefix(PREFIX))
    return f"{PREFIX}{folder.resolve()}" if name.startswith(PREFIX) and folder.is_dir() else name


def default_for(modality: str) -> str:
    """Return the name of the default encoder for "text" or "image"."""
    defaults = {"text": "minilm-words", "image": "efficientnet-lite0"}
    if modality not in defaults:
        raise InputError(f"There is no default encoder for modality {modality!r}. Choose 'text' or 'image'.")
    return defaults[modality]


def encoder_for(items: Items) -> str:
    """Return the name of the default encoder for the items: "minilm-words", "efficientnet-lite0" or "vectors"."""
    modality = modality_of(items)
    if modality == "text":
        refuse_missing_images(by_position(items))
        refuse_files(by_position(items))
    return "vectors" if modality == "vectors" else default_for(modality)


def trainable(encoder: object) -> Any:
    """Return the encoder whose network is trained in place of one: "minilm" for "minilm-words", any other unchanged.

    The vectors of "minilm-words" are those of two layers, so no layer can be trained that they all pass through.
    """
    if isinstance(encoder, str):
        return (encoder in ENCODERS and ENCODERS[encoder].trained_as) or encoder
    return encoder.without_words() if isinstance(encoder, EncodesWords) else encoder


def same_weights(one: str, other: str) -> bool:
    """Return whether two digests differ in the numeric precision at most, so that one's model works with the other."""
    return one.split()[0] == other.split()[0]


def card_facts(name: str) -> tuple[str | None, str | None]:
    """Return the modality of an encoder and its id on the Hugging Face hub, each None if unknown."""
    entry = ENCODERS.get(name)
    if entry is None:
        on_hub = re.fullmatch(rf"{PREFIX}[\w.-]+/[\w.-]+", name)
        return None, name.removeprefix(PREFIX) if on_hub else None
    return entry.modality, (entry.published and PUBLISHED[entry.published].on_hub) or None


def available() -> list[Available]:
    """Return a list of the encoders, without importing them."""
    return [
        Available(
            name=name,
            modality=entry.modality,
            width=entry.width,
            megabytes=entry.megabytes,
            license=entry.license,
            on_this_machine=is_here(entry.published) if entry.published else None,
            fetch=entry.fetch,
            about=entry.about,
        )
        for name, entry in ENCODERS.items()
    ]


def _checked(encoder: Any) -> Encoder:
    """Return `encoder` if it has the members of an encoder, else raise UnknownEncoderError."""
    missing = [member for member in ("modality", "width", "encode") if not hasattr(encoder, member)]
    if missing or isinstance(encoder, type):
        kind = f"the class {encoder.__name__}, not an object" if isinstance(encoder, type) else type(encoder).__name__
        lacks = f" It lacks {', '.join(missing)}." if missing else ""
        raise UnknownEncoderError(
            f"encoder is {kind}.{lacks} Use a name ({_names()}) or an object with modality ('text' or 'image'), "
            "width and encode(inputs)."
        )
    if encoder.modality not in ("text", "image"):
        raise UnknownEncoderError(f"The encoder's modality is {encoder.modality!r}; it must be 'text' or 'image'.")
    if not isinstance(encoder.width, Integral) or encoder.width < 1 or not callable(encoder.encode):
        raise UnknownEncoderError(
            f"The encoder's width is {encoder.width!r} and its encode {encoder.encode!r}; width must be a positive "
            "whole number, and encode a function of a list of items."
        )
    checked: Encoder = encoder
    return checked


def _is_keras_model(encoder: object) -> bool:
    """Return whether `encoder` is a Keras model, without importing Keras."""
    model = getattr(sys.modules.get("keras"), "Model", None)
    return isinstance(model, type) and isinstance(encoder, model)


def _names() -> str:
    return ", ".join(name + _FOLLOWED_BY.get(name, "") for name in ENCODERS)


def _unknown(name: str) -> str:
    names = [known for known in ENCODERS if known not in _FOLLOWED_BY]
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    if not near and ("/" in name or Path(name).is_dir()):
        hint = f" Did you mean {PREFIX + name!r}?"
    return f"Unknown encoder {name!r}.{hint} Choose one of: {_names()}."
