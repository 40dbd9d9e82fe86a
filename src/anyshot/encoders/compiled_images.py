"""Encoders of image models and of image-text models in Hugging Face layout that openvino runs, without torch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from anyshot.base.extras import extra
from anyshot.base.items import Items, check_texts
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import Vectors, unit
from anyshot.encoders import huggingface
from anyshot.encoders.engines.choice import UnsupportedModelError
from anyshot.encoders.engines.image_models import FAMILIES, OpenvinoImageModel
from anyshot.encoders.engines.image_text_models import TYPES, OpenvinoImageTextModel
from anyshot.encoders.engines.images import OpenvinoModel
from anyshot.encoders.engines.layers import ACTIVATIONS
from anyshot.encoders.engines.openvino import Precision
from anyshot.encoders.huggingface.files import digest_of_folder, read_settings, refuse_code
from anyshot.encoders.image_processing import read_image_processing
from anyshot.encoders.images import encode_images
from anyshot.encoders.texts import collect

if TYPE_CHECKING:  # it loads torch, which is needed only if an encoder is trained
    from anyshot.encoders.stages import Backbone, Staged


class _Compiled(ABC):
    """Base of both encoders."""

    modality: Literal["image"] = "image"
    _opens: ClassVar[Callable[..., OpenvinoModel]]
    _kind: ClassVar[str]  # hashed with the files, with the version of the preprocessing

    def __init__(self, folder: Path, *, threads: int | None = None, precision: Precision | None = None) -> None:
        check_compiled(folder)
        digest = digest_of_folder(folder, self._kind)
        self._folder = folder
        self._model = self._opens(folder, key=digest, threads=threads, precision=precision)
        self.width: int = self._model.width
        self.digest: str = _with_precision(digest, self._model.graph.precision)

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width) of images: paths, PIL images or uint8 arrays.

        Raises
        ------
        BadItemError
            An image cannot be read; the message names its path and row.
        """
        return encode_images(inputs, prepare=self._model.processing, encode=self._model.graph.map, width=self.width)

    def backbone(self) -> "Backbone":
        """Return the network that reads images in stages, opened by torch, with the weights read again in float32.

        Raises
        ------
        MissingExtraError
            torch or transformers is not installed.
        """
        extra("transformers", "torch", purpose="Training a network")
        return self._staged().backbone()

    def __sklearn_clone__(self) -> Self:
        return self  # never changed after construction, so that a clone need not copy the weights

    @abstractmethod
    def _staged(self) -> "Staged":
        """Return the encoder of the same model that torch runs."""


class CompiledImageEncoder(_Compiled):
    """Encoder of a ViT, ResNet, MobileNetV2 or EfficientNet in Hugging Face layout, run by openvino on the CPU.

    The vector is the input of a classifier's last layer; for a model without a classifier, its pooled output, or else
    its class token.

    Parameters
    ----------
    folder : Path
        A model in Hugging Face layout, with weights in safetensors and a preprocessor_config.json.
    threads : int, optional
        Number of threads. Default: the processors that the process may use.
    precision : {"float32", "bfloat16"}, optional
        Precision of the products. Default: bfloat16 if the processor multiplies it.

    Attributes
    ----------
    width : int
        Number of dimensions of a vector.
    digest : str
        Hash of the model's files, and the precision; it changes whenever the vectors would.
    classifier : LinearClassifier
        The last layer and the names of its classes; only if it has at least the 1000 classes of ImageNet.

    Raises
    ------
    EncoderError
        openvino cannot run the model, it lacks a file, or its weights do not fit its config.json.
    """

    classifier: LinearClassifier  # set only if there is one, which the protocol `Classifying` checks

    _model: OpenvinoImageModel
    _opens, _kind = OpenvinoImageModel, "image model, 1"

    def __init__(self, folder: Path, *, threads: int | None = None, precision: Precision | None = None) -> None:
        super().__init__(folder, threads=threads, precision=precision)
        if self._model.classifier is not None:
            self.classifier = self._model.classifier

    def _staged(self) -> "Staged":
        staged: Staged = huggingface.TransformersImageEncoder(self._folder)
        return staged


class CompiledImageTextEncoder(_Compiled):
    """Encoder of a CLIP or SigLIP in Hugging Face layout, run by openvino on the CPU, with one vector space for both.

    Parameters are those of `CompiledImageEncoder`; the folder has a tokenizer.json, too.

    Attributes
    ----------
    width : int
        Number of dimensions of a vector.
    digest : str
        Hash of the model's files, and the precision; it changes whenever the vectors would.
    logit_scale : float or None
        The factor of cosines in the model's softmax or sigmoid, if the model has one.
    logit_bias : float or None
        The number added after that; SigLIP has one.

    Raises
    ------
    EncoderError
        openvino cannot run the model, it lacks a file, or its weights do not fit its config.json.

    References
    ----------
    Radford et al. Learning Transferable Visual Models From Natural Language Supervision. ICML 2021.
    Zhai et al. Sigmoid Loss for Language Image Pre-Training. ICCV 2023.
    """

    _model: OpenvinoImageTextModel
    _opens, _kind = OpenvinoImageTextModel, "image-text model, 1"

    def __init__(self, folder: Path, *, threads: int | None = None, precision: Precision | None = None) -> None:
        super().__init__(folder, threads=threads, precision=precision)
        self.logit_scale, self.logit_bias = self._model.logit_scale, self._model.logit_bias

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit-length vectors (n, width) of texts, in the same space as the images'.

        Raises
        ------
        BadItemError
            A text is empty; the message names its row.
        """
        checked = check_texts(texts)
        parts = ((rows, unit(part)) for rows, part in self._model.map_texts(checked))
        return collect(parts, n_texts=len(checked), width=self.width)

    def _staged(self) -> "Staged":
        staged: Staged = huggingface.ImageTextEncoder(self._folder)
        return staged


def _with_precision(digest: str, precision: str) -> str:
    """Return a digest of files with the precision; in bfloat16 also with the engine, as torch rounds elsewhere."""
    return f"{digest} {precision}" if precision == "float32" else f"{digest} {precision} openvino"


def why_not_compiled(folder: Path) -> str | None:
    """Return why openvino cannot run the image model in a folder, as a clause; None if it can. No weights are read.

    Raises
    ------
    EncoderError
        The folder lacks config.json or preprocessor_config.json, or they cannot be read.
    """
    try:
        check_compiled(folder)
    except UnsupportedModelError as error:
        return str(error)
    return None


def check_compiled(folder: Path) -> None:
    """Raise UnsupportedModelError, with the reason, if openvino cannot run the image model in a folder."""
    config = read_settings(folder / "config.json")
    refuse_code(config, folder)
    kind = config.get("model_type")
    if kind not in (*FAMILIES, *TYPES):
        known = ", ".join((*FAMILIES, *TYPES))
        raise UnsupportedModelError(f"models of type {kind!r} are not among those that openvino runs here ({known})")
    halves = [config, config.get("vision_config") or {}, config.get("text_config") or {}]
    acts = {str(half["hidden_act"]) for half in halves if "hidden_act" in half} - set(ACTIVATIONS)
    if acts:
        raise UnsupportedModelError(f"it has the activation {acts.pop()!r}, which is none of {', '.join(ACTIVATIONS)}")
    if not halves[1].get("vision_use_head", True):
        raise UnsupportedModelError("it has no vector for a whole image")
    if kind in TYPES and not (folder / "tokenizer.json").is_file():
        raise UnsupportedModelError("it has no tokenizer.json")
    read_image_processing(folder, model_type=kind)
