"""The labeled items that a model keeps, and which items are equal to them."""

from typing import Any

from anyshot.base.labels import Label
from anyshot.base.validation import Vectors


def learned_items(model: Any) -> list[tuple[str | bytes, Label]]:
    """Return the labeled items that a model keeps, as `item_keys` returns them, and their labels."""
    try:
        fitted = model.any_shot_model()
    except AttributeError:  # a model of another kind; or NotFittedError, as no item was encoded yet
        return []
    data = fitted.data
    keys = data.examples if _reads_texts(fitted) else [vector.tobytes() for vector in data.vectors]
    return list(zip(keys, data.classes[data.index].tolist(), strict=True))


def item_keys(model: Any, items: Any, vectors: Vectors | None = None) -> list[str | bytes]:
    """Return what is the same for equal items of a model: the text itself, or the vector of an image or row.

    vectors (n, d): of the items, if they are encoded already.
    """
    fitted = model.any_shot_model()
    if _reads_texts(fitted):
        return list(items)
    return [vector.tobytes() for vector in (fitted.embedder.encode(items) if vectors is None else vectors)]


def _reads_texts(fitted: Any) -> bool:
    encoder = fitted.embedder.encoder
    return encoder is not None and encoder.modality == "text"
