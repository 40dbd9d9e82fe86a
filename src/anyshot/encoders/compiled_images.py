"""Encoders of image models and of image-text models in Hugging Face layout that openvino runs, without torch."""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from anyshot.base.lazy import extra
from anyshot.base.pixels import Pixels
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import Vectors
from anyshot.encoders import huggingface
from anyshot.encoders.engines.choice import UnsupportedModelError
from anyshot.encoders.engines.image_models import FAMILIES, image_network
from anyshot.encoders.engines.image_text_models import TYPES, TextHalf, image_half, learned_number
from anyshot.encoders.engines.images import Config, ImageGraph, image_graph, image_precision
from anyshot.encoders.engines.layers import ACTIVATIONS, Node
from anyshot.encoders.engines.openvino import Precision
from anyshot.encoders.engines.weights import Weights, read_safetensors
from anyshot.encoders.huggingface.files import digest_of_folder, read_settings, refuse_code, weight_files
from anyshot.encoders.image_processing import ImageProcessing, fitting, read_image_processing
from anyshot.encoders.images import ImageEncoder, ImageTextMixin
from anyshot.encoders.texts import Rows

if TYPE_CHECKING:  # it loads torch, which is needed only if an encoder is trained
    from anyshot.encoders.stages import Backbone, Staged


class _Compiled(ImageEncoder):
    """Base of both encoders."""

    _kind: ClassVar[str]  # hashed with the files, with the version of the preprocessing

    def __init__(self, folder: Path, *, threads: int | None = None, precision: Precision | None = None) -> None:
        config, self._processing = read_supported(folder)
        self._folder, self._threads, self._precision = folder, threads, precision or image_precision()
        self._key = digest_of_folder(folder, self._kind)
        network = self._open(config, read_safetensors(weight_files(folder), source=folder))
        with fitting(folder):
            about = self._processing
            graph = image_graph(network, side=about.side, mean=about.mean, scale=about.scale)
            self.width = graph.output(0).get_partial_shape()[1].get_length()
        self._graph = ImageGraph(lambda: graph, key=f"{self._key} images", precision=self._precision, threads=threads)
        # In bfloat16 the vectors depend on the engine, as torch rounds at other places.
        self.digest = f"{self._key} {self._precision}" + (" openvino" if self._precision == "bfloat16" else "")

    @staticmethod
    def check(folder: Path) -> None:
        """Raise UnsupportedModelError if openvino cannot run the model in a folder. No weights are read."""
        read_supported(folder)

    def backbone(self) -> "Backbone":
        """Return the network that reads images in stages, opened by torch, with the weights read again in float32.

        Raises
        ------
        MissingExtraError
            torch or transformers is not installed.
        """
        extra("transformers", "torch", purpose="Training a network")
        return self._staged().backbone()

    def _prepare(self, pixels: Pixels) -> Pixels:
        return self._processing(pixels)

    def _map(self, batches: Iterator[Pixels]) -> Iterator[Vectors]:
        return self._graph.map(batches)

    @abstractmethod
    def _open(self, config: Config, weights: Weights) -> Callable[[Node], Node]:
        """Return the network: maps the node of normalized pixels (n, 3, side, side) to that of features (n, width)."""

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
    _kind = "image model, 1"

    def _open(self, config: Config, weights: Weights) -> Callable[[Node], Node]:
        network, classifier = image_network(config, weights)
        if classifier is not None:
            self.classifier = classifier
        return network

    def _staged(self) -> "Staged":
        staged: Staged = huggingface.TransformersImageEncoder(self._folder)
        return staged


class CompiledImageTextEncoder(ImageTextMixin, _Compiled):
    """Encoder of a CLIP or SigLIP in Hugging Face layout, run by openvino on the CPU, with one vector space for both.

    Parameters are those of `CompiledImageEncoder`; the folder has a tokenizer.json, too.

    Attributes
    ----------
    width : int
        Number of dimensions of a vector.
    digest : str
        Hash of the model's files, and the precision; it changes whenever the vectors would.
    logit_scale, logit_bias : float or None
        The factor of cosines in the model's softmax or sigmoid, and the number added after that, which SigLIP has.

    Raises
    ------
    EncoderError
        openvino cannot run the model, it lacks a file, or its weights do not fit its config.json.

    References
    ----------
    Radford et al. Learning Transferable Visual Models From Natural Language Supervision. ICML 2021.
    Zhai et al. Sigmoid Loss for Language Image Pre-Training. ICCV 2023.
    """

    _kind = "image-text model, 1"

    def _open(self, config: Config, weights: Weights) -> Callable[[Node], Node]:
        self._texts = TextHalf(
            self._folder, config, weights,
            key=f"{self._key} texts", precision=self._precision, threads=self._threads,
        )  # fmt: skip
        self.logit_scale = learned_number(weights, "logit_scale", math.exp)
        self.logit_bias = learned_number(weights, "logit_bias")
        return image_half(config, weights)

    def _map_texts(self, texts: list[str]) -> Iterator[tuple[Rows, Vectors]]:
        return self._texts.map(texts)

    def _staged(self) -> "Staged":
        staged: Staged = huggingface.ImageTextEncoder(self._folder)
        return staged


def read_supported(folder: Path) -> tuple[Config, ImageProcessing]:
    """Return the config and image processing of a model. No weights are read.

    Raises UnsupportedModelError if openvino cannot run the model. Raises EncoderError if the folder lacks config.json
    or preprocessor_config.json, or they cannot be read.
    """
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
    return config, read_image_processing(folder, model_type=str(kind))
