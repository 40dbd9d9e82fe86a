"""Keras models as image encoders, with Keras 3 on its torch backend.

Keras reads the environment variable KERAS_BACKEND when it is first imported; the default is TensorFlow. If Keras has
not been imported and the variable is not set, it is set to "torch" during the import, which is logged at level INFO. If
the variable has another value, or Keras already runs on another backend, an error is raised.
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
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anyshot.base.lazy import extra
from anyshot.base.pixels import Pixels
from anyshot.base.validation import Vectors
from anyshot.encoders.huggingface.files import download_switch
from anyshot.encoders.images import RESIZED_BY, SIDE, ImageEncoder, center_square
from anyshot.encoders.stages import choose_compute
from anyshot.errors import EncoderError, MissingWeightsError, UnknownEncoderError, first_line

BACKEND: Final = "KERAS_BACKEND"
PURPOSE: Final = "An encoder of Keras"

log = logging.getLogger(__name__)


class KerasEncoder(ImageEncoder):
    """Encoder of a Keras model of images. Feature maps are averaged over height and width; the model is not changed.

    Parameters
    ----------
    model : keras.Model
        A model on Keras's torch backend with square inputs (n, h, w, 3); inputs of any size become 224 x 224.
    preprocess : callable, optional
        Applied to the pixels (n, h, w, 3), float32 from 0 to 255, such as the `preprocess_input` of a Keras
        application. Default: none, for models that scale their inputs.

    Attributes
    ----------
    width : int
        Number of dimensions of a vector.
    digest : str
        Hash of architecture, weights and preprocessing; it changes whenever the vectors would.

    Raises
    ------
    EncoderError
        `model` is not a Keras model, its input is not a square RGB image, it has more than one output, or Keras runs on
        another backend.
    """

    def __init__(self, model: Any, *, preprocess: Callable[[Any], Any] | None = None) -> None:
        keras = keras_on_torch()
        if not isinstance(model, keras.Model):
            raise EncoderError(f"model must be a Keras model, not {type(model).__name__}.")
        self.model, self.preprocess = model, preprocess
        self._side = _side(model)
        self.width = self._features(np.zeros((1, self._side, self._side, 3), np.uint8)).shape[1]

    @cached_property
    def digest(self) -> str:
        """Hash of architecture, weights and preprocessing."""
        weights = hashlib.sha256()
        for variable in self.model.weights:
            weights.update(np.ascontiguousarray(variable.value.detach().cpu().numpy()).data)
        scaling = "as they are" if self.preprocess is None else f"{self.preprocess.__module__}.{_name(self.preprocess)}"
        architecture = json.dumps(_without_names(self.model.get_config()), sort_keys=True, default=str)
        parts = ("keras, 1", architecture, weights.hexdigest(), scaling, str(self._side))
        hashed = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return f"{hashed} {RESIZED_BY}"

    def _prepare(self, pixels: Pixels) -> Pixels:
        return center_square(pixels, side=self._side)

    def _map(self, batches: Iterator[Pixels]) -> Iterator[Vectors]:
        return map(self._features, batches)

    def _features(self, pixels: Pixels) -> Vectors:
        """Return features (n, width) of pixels (n, side, side, 3)."""
        x: NDArray[np.float32] = pixels.astype(np.float32)
        x = x if self.preprocess is None else np.asarray(self.preprocess(x), dtype=np.float32)
        device = next((weights.device for weights in self.model.parameters()), torch.device("cpu"))
        with torch.inference_mode():
            output = self.model(torch.from_numpy(np.ascontiguousarray(x)).to(device), training=False)
        if not isinstance(output, Tensor) or output.ndim < 2:
            what = f"{len(output)} outputs" if isinstance(output, list | tuple | dict) else f"a {type(output).__name__}"
            raise EncoderError(
                f"The Keras model {self.model.name!r} must have one output, vectors or feature maps, but has {what}. "
                "Choose one: keras.Model(model.inputs, model.outputs[0])."
            )
        pooled = output if output.ndim == 2 else output.flatten(1, -2).mean(dim=1)  # of (n, h w, width)
        return pooled.float().cpu().numpy()


def load_keras_model(source: str, *, device: str = "auto", download: str | None = None) -> KerasEncoder:
    """Return the encoder of a model of `keras.applications`, with weights that are downloaded or read from a file.

    source: "MobileNetV2", for ImageNet weights that Keras downloads to ~/.keras/models if they are not there; or
    "MobileNetV2:FILE", for weights without the top layers, as Keras publishes and `save_weights` writes them.

    Raises
    ------
    UnknownEncoderError
        Keras has no application with that name.
    MissingWeightsError
        There is no file and download is "never", the file cannot be read, or the download fails.
    EncoderError
        Keras has another backend than torch.
    MissingExtraError
        Keras is not installed.
    """
    keras = keras_on_torch()
    name, _, file = source.partition(":")
    builder = _application(keras, name)
    if not file and download_switch(download) == "never":
        raise MissingWeightsError(
            f"The weights of keras:{name} may need a download, and download is 'never'. Use keras:{name}:FILE, or set "
            "download='allow'."
        )
    if file and not Path(file).expanduser().is_file():
        raise MissingWeightsError(f"There is no file {file} with weights of keras:{name}. Check the path.")
    keras_device = "gpu:0" if choose_compute(device).device.type == "cuda" else "cpu"
    with _Downloading(name), redirect_stdout(sys.stderr), keras.device(keras_device):  # Keras prints what it downloads
        model = builder(include_top=False, pooling="avg", weights=None if file else "imagenet", **_shape(builder))
        if file:
            _load(model, Path(file).expanduser(), name)
    return KerasEncoder(model, preprocess=importlib.import_module(builder.__module__).preprocess_input)


def keras_on_torch() -> Any:
    """Return the module keras, on its torch backend; see the docstring of this module.

    Raises EncoderError if Keras has another backend. Raises MissingExtraError if Keras is not installed.
    """
    asked = os.environ.get(BACKEND)
    if "keras" not in sys.modules and asked not in (None, "", "torch"):
        raise EncoderError(
            f"The environment variable {BACKEND} is {asked!r}, but encoders of Keras need the torch backend. Set it to "
            "'torch' or unset it, and restart Python."
        )
    with _asking_for_torch():
        keras = extra("keras", "keras", purpose=PURPOSE)
    if keras.backend.backend() != "torch":
        raise EncoderError(
            f"Keras was already imported on its {keras.backend.backend()} backend, which cannot be changed in a "
            f"running process. Set {BACKEND}=torch before Keras is first imported, and restart Python."
        )
    return keras


@contextmanager
def _asking_for_torch() -> Iterator[None]:
    """Set KERAS_BACKEND during the first import of Keras if it is not set, and restore it afterward."""
    if "keras" in sys.modules or os.environ.get(BACKEND):
        yield
        return
    before = os.environ.get(BACKEND)
    os.environ[BACKEND] = "torch"
    try:
        yield
        log.info("keras was imported with its torch backend; %s was set during the import only", BACKEND)
    finally:
        if before is None:
            del os.environ[BACKEND]
        else:
            os.environ[BACKEND] = before


class _Downloading:
    """Raises MissingWeightsError if a download by Keras fails, for which Keras raises a bare Exception."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is Exception and error is not None and isinstance(error.__context__, OSError):
            raise MissingWeightsError(
                f"The weights of keras:{self.name} are not on this machine and cannot be downloaded: {error}. "
                f"Download the file on another machine, and use keras:{self.name}:FILE."
            ) from error


def _application(keras: Any, name: str) -> Any:
    """Return the function of keras.applications that builds a model."""
    known = [one for one in dir(keras.applications) if one[0].isupper() and callable(getattr(keras.applications, one))]
    if name in known:
        return getattr(keras.applications, name)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    remedy = f"Did you mean 'keras:{near[0]}'? " if near else ""
    raise UnknownEncoderError(f"keras.applications has no {name!r}. {remedy}Choose one of: {', '.join(known)}.")


def _shape(builder: Any) -> dict[str, Any]:
    """Return the shape of the input, without which NASNet and MobileNet guess it with a warning."""
    sides = {"InceptionV3": 299, "InceptionResNetV2": 299, "Xception": 299, "NASNetLarge": 331}
    side = sides.get(builder.__name__, SIDE)
    return {"input_shape": (side, side, 3)}


def _load(model: Any, file: Path, name: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns if it leaves layers uninitialized
            model.load_weights(str(file))
    except (OSError, ValueError, KeyError, TypeError, UserWarning) as error:
        raise MissingWeightsError(
            f"{file} does not hold the weights of keras:{name} without its top layers: {first_line(error)}. Save them "
            "with model.save_weights('NAME.weights.h5')."
        ) from error


def _side(model: Any) -> int:
    """Return the side of the model's input [pixels]."""
    shape = getattr(model, "input_shape", None)
    if shape is None:
        raise EncoderError(
            f"The Keras model {model.name!r} has no input shape: it is not built, or is a subclass of keras.Model. "
            f"Add one: keras.Sequential([keras.Input(({SIDE}, {SIDE}, 3)), model])."
        )
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2]:
        raise EncoderError(
            f"The Keras model {model.name!r} has input shape {shape}; an image encoder needs (None, h, w, 3), square, "
            "channels last."
        )
    return int(shape[1] or SIDE)


def _without_names(config: Any) -> Any:
    """Return a model's config with the names of layers numbered in order of appearance.

    Keras's own names depend on the models that were built before in the same process.
    """
    number_of: dict[str, str] = {}
    for name in _names_in(config):
        number_of.setdefault(name, f"layer {len(number_of)}")

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: renamed(value) for key, value in part.items()}
        if isinstance(part, list | tuple):
            return [renamed(value) for value in part]
        return number_of.get(part, part) if isinstance(part, str) else part

    return renamed(config)


def _names_in(config: Any) -> Iterator[str]:
    """Yield the values of "name" in a model's config, in order."""
    if isinstance(config, dict) and isinstance(config.get("name"), str):
        yield config["name"]
    for part in config.values() if isinstance(config, dict) else config if isinstance(config, list | tuple) else ():
        yield from _names_in(part)


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))
