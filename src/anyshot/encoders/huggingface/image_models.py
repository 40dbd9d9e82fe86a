"""Encoders of image models and of image-text models (CLIP, SigLIP) that transformers runs with torch."""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageClassification

from anyshot.base.pixels import Pixels
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import Vectors
from anyshot.encoders.huggingface.base import (
    HuggingFaceEncoder,
    open_part,
    open_tokenizer,
    open_weights,
    random_model,
)
from anyshot.encoders.huggingface.stages import WholeModel, clip_stages, image_stages
from anyshot.encoders.image_processing import fitting, require_processing
from anyshot.encoders.images import ImageEncoder, ImageTextMixin, classes_of_labels
from anyshot.encoders.stages import ImagePreparation, Network, State
from anyshot.errors import EncoderError

BATCH_TEXTS: Final = 64  # texts encoded together
PROCESSING: Final = ("preprocessor_config.json", "processor_config.json")


class _ImageEncoder(ImageEncoder, HuggingFaceEncoder):
    """Base of both image encoders, which use the model's own image processor."""

    def _map(self, batches: Iterator[NDArray[np.float32]]) -> Iterator[Vectors]:
        for batch in batches:
            with torch.inference_mode():
                yield self._features(torch.from_numpy(batch)).float().cpu().numpy()

    def _open_processor(self) -> None:
        require_processing(self._folder, *PROCESSING)
        self._processor = open_part(AutoImageProcessor, self._folder, backend="pil")
        self._preparation = ImagePreparation(self._prepared, about=json.loads(self._processor.to_json_string()))

    def _prepare(self, pixels: Pixels) -> NDArray[np.float32]:
        array: NDArray[np.float32] = self._prepared(pixels).numpy()
        return array

    def _prepared(self, pixels: Pixels) -> Tensor:
        """Return one image (h, w, 3) as the model's own processor prepares it, (3, side, side)."""
        prepared: Tensor = self._processor(images=Image.fromarray(pixels), return_tensors="pt")["pixel_values"][0]
        return prepared

    def _width_of_images(self) -> int:
        """Return the number of features, from an image that the processor and the network are tried on."""
        with torch.inference_mode(), fitting(self._folder):
            return self._features(self._prepared(np.zeros((64, 64, 3), np.uint8))[None]).shape[1]

    @abstractmethod
    def _features(self, inputs: Tensor) -> Tensor:
        """Return features (n, width) of inputs (n, 3, h, w)."""


class TransformersImageEncoder(_ImageEncoder):
    """Encoder of an image model of transformers: ResNet, MobileNet, ViT, DINOv2, ConvNeXt, Swin and others.

    The vector is the input of a classifier's last layer; for a model without a classifier, its pooled output, or else
    its class token, or else the mean over its patches. Parameters and attributes are those of `HuggingFaceEncoder`.

    Attributes
    ----------
    classifier : LinearClassifier
        The last layer and the names of its classes; only if it has at least the 1000 classes of ImageNet.
    """

    classifier: LinearClassifier  # set only if there is one, which the protocol `Classifying` checks

    def _open(self) -> None:
        self._open_processor()
        self._settings = ("image model, 1",)
        self._model, head = _open_image_model(self._folder)
        names = None if head is None else _class_names(self._model.config, n_classes=head.out_features)
        if head is not None and names is not None:
            self.classifier = LinearClassifier(head.weight.detach().float().numpy(), names)
        self._model.to(self._compute.device, self._compute.dtype, memory_format=torch.channels_last)
        self.width = self._width_of_images()

    def _stages(self) -> Network:
        return image_stages(_open_image_model(self._folder)[0].float(), features=_pooled_features)

    def _random_stages(self) -> Network:
        return image_stages(random_model(self._model.config), features=_pooled_features)

    def _features(self, inputs: Tensor) -> Tensor:
        x = inputs.to(self._compute.device, self._compute.dtype, memory_format=torch.channels_last)
        return _pooled_features(self._model, State(x))


class ImageTextEncoder(ImageTextMixin, _ImageEncoder):
    """Encoder of an image-text model of transformers, such as CLIP and SigLIP, with one vector space for both.

    Parameters are those of `HuggingFaceEncoder`, and attributes those of `CompiledImageTextEncoder`.
    """

    def _open(self) -> None:
        self._settings = ("image-text model, 1",)
        self._model, is_complete = open_weights(AutoModel, self._folder)
        if not is_complete or not all(
            hasattr(self._model, name) for name in ("get_image_features", "get_text_features")
        ):
            raise EncoderError(
                f"{self._folder} contains a {type(self._model).__name__}, which has no shared vectors of images and "
                "texts. Use a model such as CLIP or SigLIP."
            )
        self._open_processor()
        self._tokenizer = open_tokenizer(self._folder)
        self.logit_scale = _scalar(self._model, "logit_scale", exponential=True)
        self.logit_bias = _scalar(self._model, "logit_bias")
        self._model.to(self._compute.device, self._compute.dtype)
        self.width = self._width_of_images()

    def _stages(self) -> Network:
        return _image_half(open_weights(AutoModel, self._folder)[0].float())

    def _random_stages(self) -> Network:
        return _image_half(random_model(self._model.config))

    def _features(self, inputs: Tensor) -> Tensor:
        return _image_features(self._model, State(inputs.to(self._compute.device, self._compute.dtype)))

    def _map_texts(self, texts: list[str]) -> Iterator[tuple[slice, Vectors]]:
        for first in range(0, len(texts), BATCH_TEXTS):
            rows = slice(first, first + BATCH_TEXTS)
            with torch.inference_mode():
                yield rows, self._text_features(texts[rows]).float().cpu().numpy()

    def _text_features(self, texts: list[str]) -> Tensor:
        config = self._model.config
        tokens = self._tokenizer(texts, return_tensors="pt", **_padding(config)).to(self._compute.device)
        mask = None if _is_siglip(config) else tokens.get("attention_mask")  # SigLIP was trained to read its padding
        return _projected(self._model.get_text_features(input_ids=tokens["input_ids"], attention_mask=mask))


def _open_image_model(folder: Path) -> tuple[Any, nn.Linear | None]:
    """Return the model, and the last layer that was removed from it if it is a classifier."""
    architecture = (open_part(AutoConfig, folder).architectures or [""])[0]
    if not architecture.endswith("ForImageClassification"):
        model, has_pooler = open_weights(AutoModel, folder)
        if not has_pooler:
            model.pooler = None
        return model, None
    model, _ = open_weights(AutoModelForImageClassification, folder)
    linear = [name for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    head = model.get_submodule(linear[-1]) if linear else None
    if head is None or head.out_features != model.config.num_labels:
        return model.base_model, None
    model.set_submodule(linear[-1], nn.Identity())  # the model then returns the input of its last layer
    return model, head


def _pooled_features(model: Any, state: State) -> Tensor:
    """Return one vector per image (n, width) of pixels (n, 3, h, w)."""
    output = model(state.x)
    if "logits" in output:
        features: Tensor = output.logits  # the last layer was removed
        return features
    pooled: Tensor | None = output.get("pooler_output")
    if pooled is not None:
        return pooled.flatten(1)
    states: Tensor = output.last_hidden_state
    if states.ndim == 4:
        return states.mean(dim=(2, 3))  # of (n, width, h, w)
    has_class_token = any(name.endswith("cls_token") for name, _ in model.named_parameters())
    return states[:, 0] if has_class_token else states.mean(dim=1)  # of (n, patches, width)


def _class_names(config: Any, *, n_classes: int) -> tuple[tuple[str, ...], ...] | None:
    """Return the synonyms of the model's classes, or None if they are fewer than ImageNet's or have no names."""
    return classes_of_labels([str(config.id2label.get(row, f"LABEL_{row}")) for row in range(n_classes)])


def _image_half(model: Any) -> Network:
    """Return the stages of the part of an image-text model that reads images."""
    if model.config.model_type == "clip":
        return clip_stages(model.vision_model, projection=model.visual_projection)
    return {"network": WholeModel(model, _image_features)}


def _image_features(model: Any, state: State) -> Tensor:
    return _projected(model.get_image_features(pixel_values=state.x))


def _projected(output: Any) -> Tensor:
    """Return the projected features (n, width), which transformers 5 returns among other outputs."""
    features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    return features


def _padding(config: Any) -> Mapping[str, Any]:
    """Return the tokenizer's options; SigLIP was trained on texts padded to full length."""
    longest = getattr(config.text_config, "max_position_embeddings", None)
    padding = "max_length" if _is_siglip(config) else True
    return {"padding": padding, "truncation": longest is not None, "max_length": longest}


def _is_siglip(config: Any) -> bool:
    return str(config.model_type).startswith("siglip")


def _scalar(model: Any, name: str, *, exponential: bool = False) -> float | None:
    """Return a learned number of the model, or None if it has none of that name."""
    learned: Tensor | None = getattr(model, name, None)
    if learned is None:
        return None
    number = learned.detach().float().reshape(())
    return float(number.exp() if exponential else number)
