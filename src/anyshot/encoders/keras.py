"""Keras models as frozen image encoders, through Keras 3 on its torch backend.

Keras reads the environment's KERAS_BACKEND once, when it is first imported, and takes TensorFlow where that says
nothing. This library has torch only. So, where Keras has not been imported yet and KERAS_BACKEND says nothing, it is
set to "torch" for the moment of the import and taken back, which is logged at level INFO. A KERAS_BACKEND that says
otherwise, or a Keras that already runs on another backend, is refused: neither can be changed behind the user's back.
"""

import difflib
import hashlib
import importlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anyshot.base.items import Items
from anyshot.base.validation import Vectors, extra
from anyshot.encoders.huggingface_files import download_switch
from anyshot.encoders.images import center_square, encode_images
from anyshot.encoders.stages import choose
from anyshot.errors import EncoderError, MissingWeightsError, UnknownEncoderError

BACKEND: Final = "KERAS_BACKEND"
PURPOSE: Final = "An encoder of Keras"
SIDE: Final = 224  # of the input, where the model states none [pixels]

log = logging.getLogger(__name__)


class KerasEncoder:
    """A Keras model as a frozen image encoder: pixels in, its output, pooled, out.

    The model is only read. Feature maps are averaged over their places; an output that is a vector is taken as it is.

    Parameters
    ----------
    model : keras.Model
        On Keras's torch backend; its input (n, h, w, 3), square, or of any size, which is then taken as 224 x 224.
    preprocess : callable, optional
        What pixels (n, h, w, 3), float32 from 0 to 255, become before they go in, such as a model's own
        `preprocess_input`. Default: they go in as they are, for models that scale them themselves.

    Attributes
    ----------
    width : int
        d of the vectors.
    digest : str
        Changes whenever the vectors would.

    Raises
    ------
    EncoderError
        It is no Keras model, Keras runs on another backend, its input is no square RGB image, or its output is not one.
    """

    modality: Literal["image"] = "image"

    def __init__(self, model: Any, *, preprocess: Callable[[Any], Any] | None = None) -> None:
        keras = keras_on_torch()
        if not isinstance(model, keras.Model):
            raise EncoderError(f"A Keras model is needed; {type(model).__name__} was given.")
        self.model, self.preprocess = model, preprocess
        self._side = _side(model)
        blank = torch.zeros((1, 3, self._side, self._side), dtype=torch.uint8)
        with torch.inference_mode():
            self.width = int(self._features(blank).shape[1])

    @cached_property
    def digest(self) -> str:
        """Architecture, weights and preprocessing, hashed."""
        weights = hashlib.sha256()
        for variable in self.model.weights:
            weights.update(np.ascontiguousarray(variable.value.detach().cpu().numpy()).data)
        scaling = "as they are" if self.preprocess is None else f"{self.preprocess.__module__}.{_name(self.preprocess)}"
        architecture = json.dumps(_without_names(self.model.get_config()), sort_keys=True, default=str)
        parts = ("keras, 1", architecture, weights.hexdigest(), scaling, str(self._side))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width) of images: paths, PIL images or uint8 arrays.

        Raises
        ------
        BadItemError
            An image cannot be read; it is named by its path and row.
        """
        return encode_images(
            inputs, prepare=partial(center_square, side=self._side), forward=self._features, width=self.width
        )

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: scikit-learn's clone would copy the weights for nothing

    def _features(self, pixels: Tensor) -> Tensor:
        """Return features (n, width) of pixels (n, 3, side, side), uint8."""
        x: NDArray[np.float32] = pixels.permute(0, 2, 3, 1).float().numpy()
        x = x if self.preprocess is None else np.asarray(self.preprocess(x), dtype=np.float32)
        place = next((weights.device for weights in self.model.parameters()), torch.device("cpu"))
        made = self.model(torch.from_numpy(np.ascontiguousarray(x)).to(place), training=False)
        if not isinstance(made, Tensor) or made.ndim < 2:
            what = f"{len(made)} of them" if isinstance(made, list | tuple | dict) else f"a {type(made).__name__}"
            raise EncoderError(
                f"The Keras model {self.model.name!r} must have one output, vectors or maps of features; it has {what}."
                " Choose one: keras.Model(model.inputs, model.outputs[0])."
            )
        return made if made.ndim == 2 else made.flatten(1, -2).mean(dim=1)  # (n, places, width)


def load_keras_model(source: str, *, device: str = "auto", download: str | None = None) -> KerasEncoder:
    """Return the encoder of one of `keras.applications`, its ImageNet weights downloaded or read from a file.

    source: "MobileNetV2", whose weights Keras downloads to its own folder (~/.keras/models) where they are not there
    yet; or "MobileNetV2:FILE", weights without the top layers, as Keras publishes and `save_weights` writes them.

    Raises
    ------
    UnknownEncoderError
        Keras has no application of that name; the nearest is proposed.
    MissingWeightsError
        No file is given and download is "never", the file cannot be read, or the download fails.
    EncoderError
        Keras runs, or is asked to run, on another backend than torch.
    MissingExtraError
        Keras is not installed.
    """
    keras = keras_on_torch()
    name, _, file = source.partition(":")
    builder = _application(keras, name)
    if not file and download_switch(download) == "never":
        raise MissingWeightsError(
            f"The weights of keras:{name} may have to be fetched, and download is 'never'. Give their file: "
            f"keras:{name}:FILE, or allow it: download='allow'."
        )
    if file and not Path(file).expanduser().is_file():
        raise MissingWeightsError(f"There is no file {file} with weights of keras:{name}. Correct the path.")
    place = "gpu:0" if choose(device).device.type == "cuda" else "cpu"
    with _Fetching(name), redirect_stdout(sys.stderr), keras.device(place):  # Keras prints what it downloads
        model = builder(include_top=False, pooling="avg", weights=None if file else "imagenet", **_shape(builder))
        if file:
            _load(model, Path(file).expanduser(), name)
    return KerasEncoder(model, preprocess=importlib.import_module(builder.__module__).preprocess_input)


def keras_on_torch() -> Any:
    """Return the module keras, on its torch backend; see the top of this file for what that takes.

    Raises
    ------
    EncoderError
        It runs, or is asked to run, on another backend.
    MissingExtraError
        Keras is not installed.
    """
    asked = os.environ.get(BACKEND)
    if "keras" not in sys.modules and asked not in (None, "", "torch"):
        raise EncoderError(
            f"The environment variable {BACKEND} is {asked!r}, and {PURPOSE.lower()} runs on torch here. Set it to "
            "'torch', or unset it, and start Python again."
        )
    with _asking_for_torch():
        keras = extra("keras", "keras", purpose=PURPOSE)
    if keras.backend.backend() != "torch":
        raise EncoderError(
            f"Keras was already imported on its {keras.backend.backend()} backend, which cannot be changed in a "
            f"running process. Set {BACKEND}=torch before keras is first imported, and start Python again."
        )
    return keras


@contextmanager
def _asking_for_torch() -> Iterator[None]:
    """Set KERAS_BACKEND while Keras is imported for the first time, where it says nothing; then take it back."""
    if "keras" in sys.modules or os.environ.get(BACKEND):
        yield
        return
    before = os.environ.get(BACKEND)
    os.environ[BACKEND] = "torch"
    try:
        yield
        log.info("keras was imported on its torch backend; %s was set for that moment only", BACKEND)
    finally:
        if before is None:
            del os.environ[BACKEND]
        else:
            os.environ[BACKEND] = before


class _Fetching:
    """Names what was to be fetched where Keras fails to: it raises a bare Exception from the network's error."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is Exception and error is not None and isinstance(error.__context__, OSError):
            raise MissingWeightsError(
                f"The weights of keras:{self.name} are not on this machine and cannot be fetched: {error}. Fetch that "
                f"file elsewhere and give it: keras:{self.name}:FILE."
            ) from error


def _application(keras: Any, name: str) -> Any:
    """Return the function of keras.applications that makes a model."""
    known = [one for one in dir(keras.applications) if one[0].isupper() and callable(getattr(keras.applications, one))]
    if name in known:
        return getattr(keras.applications, name)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    remedy = f"Did you mean 'keras:{near[0]}'? " if near else ""
    raise UnknownEncoderError(f"keras.applications has no {name!r}. {remedy}There are: {', '.join(known)}.")


def _shape(builder: Any) -> dict[str, Any]:
    """Return the input's shape: NASNet and MobileNet warn, and guess, where it is not given."""
    sides = {"InceptionV3": 299, "InceptionResNetV2": 299, "Xception": 299, "NASNetLarge": 331}
    side = sides.get(builder.__name__, SIDE)
    return {"input_shape": (side, side, 3)}


def _load(model: Any, file: Path, name: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns where it leaves layers at random
            model.load_weights(str(file))
    except (OSError, ValueError, KeyError, TypeError, UserWarning) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MissingWeightsError(
            f"{file} does not hold the weights of keras:{name} without its top layers: {why}. Save them with "
            "model.save_weights('NAME.weights.h5')."
        ) from error


def _side(model: Any) -> int:
    """Return the side of the model's input [pixels]."""
    shape = getattr(model, "input_shape", None)
    if shape is None:
        raise EncoderError(
            f"The Keras model {model.name!r} does not say what it reads: it is not built yet, or of a class of its own."
            f" Say it: keras.Sequential([keras.Input(({SIDE}, {SIDE}, 3)), model])."
        )
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2]:
        raise EncoderError(
            f"The Keras model {model.name!r} reads {shape}; an encoder of images reads (None, h, w, 3), square, "
            "channels last."
        )
    return int(shape[1] or SIDE)


def _without_names(config: Any) -> Any:
    """Return a model's settings with its layers' names as numbers, in the order of their first appearance.

    Keras numbers the names that it gives by what was built before in the same process: the same model has others.
    """
    place_of: dict[str, str] = {}
    for name in _names_in(config):
        place_of.setdefault(name, f"layer {len(place_of)}")

    def told(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: told(value) for key, value in part.items()}
        if isinstance(part, list | tuple):
            return [told(value) for value in part]
        return place_of.get(part, part) if isinstance(part, str) else part

    return told(config)


def _names_in(config: Any) -> Iterator[str]:
    """Yield what is called "name" in a model's settings, in order."""
    if isinstance(config, dict) and isinstance(config.get("name"), str):
        yield config["name"]
    for part in config.values() if isinstance(config, dict) else config if isinstance(config, list | tuple) else ():
        yield from _names_in(part)


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))
