"""Any image model of transformers, its preprocessing and pooling as the model states."""

import json
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageClassification

from anyshot.base.items import Items
from anyshot.base.pixels import Pixels
from anyshot.base.protocols import LinearClassifier
from anyshot.base.validation import Vectors
from anyshot.encoders.hub import digest_of_folder, model_folder
from anyshot.encoders.images import encode_images, imagenet_class_names
from anyshot.encoders.language_model import fresh_model, quiet
from anyshot.encoders.stages import Backbone, ImagePreparation, Network, choose
from anyshot.encoders.stages_image import image_stages
from anyshot.errors import EncoderError, MissingWeightsError


class TransformersImageEncoder:
    """An image model of transformers, prepared and pooled as the model states.

    Of a classifier, the vectors are what its last layer reads; of a bare trunk, its pooled output, else its class
    token, else the mean over its places.

    Parameters
    ----------
    folder : Path
        A model in Hugging Face layout, its weights in safetensors.
    device : str, default="auto"
        Where it runs: "auto", "cpu", "cuda", "mps".

    Attributes
    ----------
    width : int
        d of the vectors.
    digest : str
        Changes whenever the vectors would.
    classifier : LinearClassifier
        Its last layer and its classes' names; only where it has at least the 1000 classes of ImageNet.
    """

    modality: Literal["image"] = "image"
    classifier: LinearClassifier  # set where there is one: `Classifying` asks whether it is there

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        self._folder = folder
        self._compute = choose(device)
        self.digest = self._compute.marked(digest_of_folder(folder, "image model, 1"))
        self._processor = open_part(AutoImageProcessor, folder, backend="pil")
        self._model, head = _open_model(folder)
        names = None if head is None else _class_names(self._model.config, classes=head.out_features)
        if head is not None and names is not None:
            self.classifier = LinearClassifier(head.weight.detach().float().numpy(), names)
        self._model.to(self._compute.device, self._compute.dtype, memory_format=torch.channels_last)
        blank = np.zeros((64, 64, 3), dtype=np.uint8)
        with torch.inference_mode():
            self.width = self._features(self._prepare(blank)[None]).shape[1]

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width) of images: paths, PIL images or uint8 arrays.

        Raises
        ------
        BadItemError
            An image cannot be read; it is named by its path and row.
        """
        return encode_images(inputs, prepare=self._prepare, forward=self._features, width=self.width)

    def backbone(self) -> Backbone:
        """Return the network in stages, its weights read again in float32."""
        model = _open_model(self._folder)[0].float()

        def fresh() -> Network:
            return image_stages(fresh_model(model.config), features=_features)

        return Backbone(
            name=f"hf:{self._folder}",
            width=self.width,
            digest=self.digest,
            compute=self._compute,
            network=image_stages(model, features=_features),
            preparation=ImagePreparation(self._prepare, about=json.loads(self._processor.to_json_string())),
            fresh=fresh,
        )

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: scikit-learn's clone would copy the weights for nothing

    def _prepare(self, pixels: Pixels) -> Tensor:
        return prepared_by(self._processor, pixels)

    def _features(self, inputs: Tensor) -> Tensor:
        """Return features (n, width) of inputs (n, 3, h, w)."""
        x = inputs.to(self._compute.device, self._compute.dtype, memory_format=torch.channels_last)
        return _features(self._model, x)


def load_image_model(
    source: str | Path, *, device: str = "auto", download: str | None = None
) -> TransformersImageEncoder:
    """Return the encoder of an image model of transformers: ResNet, MobileNet, ViT, DINOv2, ConvNeXt, Swin and others.

    source: a folder in Hugging Face layout, or a model's id. A folder never touches the network, and no code of the
    model's own is ever run.

    Raises
    ------
    MissingWeightsError
        The model is not on this machine and may not be fetched, has no weights in safetensors, or lacks some.
    EncoderError
        It is no image model that transformers knows.
    """
    return TransformersImageEncoder(model_folder(source, download=download), device=device)


def prepared_by(processor: Any, pixels: Pixels) -> Tensor:
    """Return one image (h, w, 3) as a model's own image processor makes it, (3, side, side)."""
    made: Tensor = processor(images=Image.fromarray(pixels), return_tensors="pt")["pixel_values"][0]
    return made


def open_part(auto: Any, folder: Path, **options: Any) -> Any:
    """Return what one of transformers' Auto classes reads from `folder`, offline and running no code from it."""
    try:
        with quiet():
            return auto.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EncoderError(f"{folder} cannot be opened as an image model of transformers: {why}") from error


def open_weights(auto: Any, folder: Path) -> tuple[Any, set[str]]:
    """Return a model, ready to be run, and the names of its pooler's weights that the folder lacks.

    Raises
    ------
    MissingWeightsError
        Other weights are missing: transformers would have filled them at random.
    """
    model, loaded = open_part(auto, folder, use_safetensors=True, output_loading_info=True)
    missing = set(loaded["missing_keys"]) | {name for name, *_ in loaded["mismatched_keys"]}
    unpooled = {name for name in missing if "pooler" in name.split(".")}
    if missing - unpooled:
        shown = ", ".join(sorted(missing - unpooled)[:3])
        raise MissingWeightsError(
            f"{folder} lacks {len(missing - unpooled)} of the weights that {type(model).__name__} needs ({shown}). "
            "Fetch the model again, or take one saved whole."
        )
    return model.eval().requires_grad_(False), unpooled


def _open_model(folder: Path) -> tuple[Any, nn.Linear | None]:
    """Return the model and its last layer, taken off it, where it is a classifier."""
    stated = open_part(AutoConfig, folder).architectures or [""]
    if not stated[0].endswith("ForImageClassification"):
        model, unpooled = open_weights(AutoModel, folder)
        if unpooled:
            model.pooler = None
        return model, None
    model, _ = open_weights(AutoModelForImageClassification, folder)
    linear = [name for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    head = model.get_submodule(linear[-1]) if linear else None
    if head is None or head.out_features != model.config.num_labels:
        return model.base_model, None
    model.set_submodule(linear[-1], nn.Identity())  # so that what it reads is what the model returns
    return model, head


def _features(model: nn.Module, x: Tensor) -> Tensor:
    """Return features (n, width) of inputs (n, 3, h, w)."""
    return _pooled(model, model(x))


def _pooled(model: nn.Module, output: Any) -> Tensor:
    """Return one vector an image (n, width) of what the model returned."""
    if "logits" in output:
        features: Tensor = output.logits  # the last layer is off: what it would have read
        return features
    pooled: Tensor | None = output.get("pooler_output")
    if pooled is not None:
        return pooled.flatten(1)
    states: Tensor = output.last_hidden_state
    if states.ndim == 4:
        return states.mean(dim=(2, 3))  # (n, width, h, w)
    has_class_token = any(name.endswith("cls_token") for name, _ in model.named_parameters())
    return states[:, 0] if has_class_token else states.mean(dim=1)  # (n, places, width)


def _class_names(config: Any, *, classes: int) -> tuple[tuple[str, ...], ...] | None:
    """Return the synonyms of the model's classes, where it is a classifier of everyday things."""
    labels = [str(config.id2label.get(row, f"LABEL_{row}")) for row in range(classes)]
    if all(label == f"LABEL_{row}" for row, label in enumerate(labels)):
        return imagenet_class_names() if classes == len(imagenet_class_names()) else None
    if classes < len(imagenet_class_names()):
        return None
    return tuple(tuple(name.strip() for name in label.split(",")) for label in labels)
