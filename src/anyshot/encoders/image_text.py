"""Image-text models, CLIP, SigLIP and their like: images and texts in one space."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import torch
from torch import Tensor
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from anyshot.base import progress
from anyshot.base.items import Items, check_texts
from anyshot.base.pixels import Pixels
from anyshot.base.validation import Vectors, unit
from anyshot.encoders.hub import digest_of_folder, model_folder
from anyshot.encoders.image_model import open_part, open_weights, prepared_by
from anyshot.encoders.images import encode_images
from anyshot.encoders.language_model import fresh_model
from anyshot.encoders.stages import Backbone, ImagePreparation, Network, choose
from anyshot.encoders.stages_image import Whole, clip_stages
from anyshot.errors import EncoderError

TEXTS: Final = 64
"""Texts run together."""


class ImageTextEncoder:
    """An image-text model of transformers: its images' and texts' vectors lie in the same space.

    Parameters
    ----------
    folder : Path
        A model in Hugging Face layout, its weights in safetensors.
    device : str, default="auto"
        Where it runs: "auto", "cpu", "cuda", "mps".

    Attributes
    ----------
    width : int
        d of the vectors, after the model's projection.
    digest : str
        Changes whenever the vectors would.
    logit_scale : float or None
        What the model multiplies a cosine by before its softmax or sigmoid, where it states it.
    logit_bias : float or None
        What it then adds; SigLIP has one.

    References
    ----------
    Radford et al. Learning Transferable Visual Models From Natural Language Supervision. ICML 2021.
    Zhai et al. Sigmoid Loss for Language Image Pre-Training. ICCV 2023.
    """

    modality: Literal["image"] = "image"

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        self._folder = folder
        self._compute = choose(device)
        self.digest = self._compute.marked(digest_of_folder(folder, "image-text model, 1"))
        self._model, unpooled = open_weights(AutoModel, folder)
        if unpooled or not all(hasattr(self._model, name) for name in ("get_image_features", "get_text_features")):
            raise EncoderError(
                f"{folder} holds a {type(self._model).__name__}, which does not place images and texts in one space. "
                "Take a model like CLIP or SigLIP."
            )
        self._processor = open_part(AutoImageProcessor, folder, backend="pil")
        self._tokenizer = open_part(AutoTokenizer, folder)
        self.logit_scale = _scalar(self._model, "logit_scale", exponential=True)
        self.logit_bias = _scalar(self._model, "logit_bias")
        self._model.to(self._compute.device, self._compute.dtype)
        self.width = self.encode_texts(["a photo"]).shape[1]

    def encode(self, inputs: Items) -> Vectors:
        """Return unit-length vectors (n, width) of images: paths, PIL images or uint8 arrays.

        Raises
        ------
        BadItemError
            An image cannot be read; it is named by its path and row.
        """
        return encode_images(inputs, prepare=self._prepare, forward=self._image_features, width=self.width)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit-length vectors (n, width) of texts, in the space of the images.

        Raises
        ------
        BadItemError
            A text is empty; it is named by its row.
        """
        listed = check_texts(texts)

        def chunks() -> Iterator[tuple[int, Vectors]]:
            for first in range(0, len(listed), TEXTS):
                part = listed[first : first + TEXTS]
                with torch.inference_mode():
                    yield len(part), self._text_features(part).float().cpu().numpy()

        parts = list(progress.track(chunks(), total=len(listed), description="Encoding texts"))
        return unit(np.concatenate(parts)) if parts else np.empty((0, self.width), dtype=np.float32)

    def backbone(self) -> Backbone:
        """Return the images' network in stages, its weights read again in float32; texts have none."""
        model, _ = open_weights(AutoModel, self._folder)

        def fresh() -> Network:
            return _image_tower(fresh_model(model.config))

        return Backbone(
            name=f"hf:{self._folder}",
            width=self.width,
            digest=self.digest,
            compute=self._compute,
            network=_image_tower(model.float()),
            preparation=ImagePreparation(self._prepare, about=json.loads(self._processor.to_json_string())),
            fresh=fresh,
        )

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: scikit-learn's clone would copy the weights for nothing

    def _prepare(self, pixels: Pixels) -> Tensor:
        return prepared_by(self._processor, pixels)

    def _image_features(self, inputs: Tensor) -> Tensor:
        x = inputs.to(self._compute.device, self._compute.dtype)
        return _projected(self._model.get_image_features(pixel_values=x))

    def _text_features(self, texts: Sequence[str]) -> Tensor:
        config = self._model.config
        tokens = self._tokenizer(list(texts), return_tensors="pt", **_lengths(config)).to(self._compute.device)
        # SigLIP was trained to read its padding.
        mask = None if _is_siglip(config) else tokens.get("attention_mask")
        return _projected(self._model.get_text_features(input_ids=tokens["input_ids"], attention_mask=mask))


def load_image_text_model(source: str | Path, *, device: str = "auto", download: str | None = None) -> ImageTextEncoder:
    """Return the encoder of an image-text model of transformers: CLIP, SigLIP and their like.

    source: a folder in Hugging Face layout, or a model's id. A folder never touches the network, and no code of the
    model's own is ever run.

    Raises
    ------
    MissingWeightsError
        The model is not on this machine and may not be fetched, has no weights in safetensors, or lacks some.
    EncoderError
        It is no image-text model that transformers knows.
    """
    return ImageTextEncoder(model_folder(source, download=download), device=device)


def _image_tower(model: Any) -> Network:
    """Return the stages of what reads images."""
    if model.config.model_type == "clip":
        return clip_stages(model.vision_model, projection=model.visual_projection)
    return {"network": Whole(model, _tower_features)}


def _tower_features(model: Any, x: Tensor) -> Tensor:
    return _projected(model.get_image_features(pixel_values=x))


def _lengths(config: Any) -> Mapping[str, Any]:
    """Return how texts are cut and filled up: SigLIP was trained on texts of full length, the others were not."""
    longest = getattr(config.text_config, "max_position_embeddings", None)
    return {
        "padding": "max_length" if _is_siglip(config) else True,
        "truncation": longest is not None,
        "max_length": longest,
    }


def _is_siglip(config: Any) -> bool:
    return str(config.model_type).startswith("siglip")


def _projected(output: Any) -> Tensor:
    """Return the projected features (n, width): transformers 4 returns them alone, 5 among the tower's outputs."""
    features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    return features


def _scalar(model: Any, name: str, *, exponential: bool = False) -> float | None:
    """Return a number that the model learned, if it has one of that name."""
    learned: Tensor | None = getattr(model, name, None)
    if learned is None:
        return None
    number = learned.detach().float().reshape(())
    return float(number.exp() if exponential else number)
