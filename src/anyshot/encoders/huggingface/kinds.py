"""Kinds of models, texts or images or both, by the types that transformers gives them."""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from anyshot.base.lazy import extra

Kind: TypeAlias = Literal["sentences", "text", "image", "image-text"]

OF_ENGINE: Final[Mapping[str, Kind]] = {
    "bert": "text",
    "camembert": "text",
    "distilbert": "text",
    "mpnet": "text",
    "roberta": "text",
    "xlm-roberta": "text",
    "efficientnet": "image",
    "mobilenet_v2": "image",
    "resnet": "image",
    "vit": "image",
    "clip": "image-text",
    "siglip": "image-text",
}
"""The types that openvino runs, for which transformers is not asked."""


def kind_of_type(model_type: object) -> Kind | None:
    """Return the kind of models of a type, or None if transformers does not list it as encoding texts or images.

    Raises MissingExtraError if only transformers can know, and it is not installed.
    """
    if model_type in OF_ENGINE:
        return OF_ENGINE[str(model_type)]
    tables = _tables(f"A model of type {model_type!r}")
    kinds: tuple[tuple[Kind, frozenset[str]], ...] = (
        ("image-text", _names(tables, "ZERO_SHOT_IMAGE_CLASSIFICATION")),
        # CLIP's image model alone is not in transformers' tables
        ("image", _names(tables, "IMAGE", "IMAGE_CLASSIFICATION", "MASKED_IMAGE_MODELING") | {"clip_vision_model"}),
        ("text", _names(tables, "TEXT_ENCODING", "SEQ_TO_SEQ_CAUSAL_LM", "MASKED_LM", "CAUSAL_LM")),
    )
    return next((kind for kind, model_types in kinds if model_type in model_types), None)


def is_causal_type(model_type: str) -> bool:
    """Return whether models of a type only read from left to right."""
    tables = _tables(f"A model of type {model_type!r}")
    return model_type in _names(tables, "CAUSAL_LM") - _names(tables, "MASKED_LM")


@cache
def _tables(purpose: str) -> Any:
    """Return transformers' tables of models."""
    extra("transformers", "torch", purpose=purpose)
    return importlib.import_module("transformers.models.auto.modeling_auto")


def _names(tables: Any, *tasks: str) -> frozenset[str]:
    """Return the types of models that transformers lists for tasks."""
    return frozenset().union(*(getattr(tables, f"MODEL_FOR_{task}_MAPPING_NAMES") for task in tasks))
