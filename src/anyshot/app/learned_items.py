"""The labeled items that a model keeps, and which items are equal to them."""

from typing import Any

from anyshot.base.labels import Label


def learned_items(model: Any) -> list[tuple[str | bytes, Label]]:
    """Return the labeled items that a model keeps, as `item_keys` returns them, and their labels."""
    try:
        fitted = model.any_shot_model()
    except AttributeError:  # a model of another kind; or NotFittedError, as no item was encoded yet
        return []
    data = fitted.data
    keys = data.examples if _reads_texts(fitted) else [vector.tobytes() for vector in data.vectors]
    return list(zip(keys, data.classes[data.index].tolist(), strict=True))


def item_keys(model: Any, items: Any) -> list[str | bytes]:
    """Return what is the same for equal items of a model: the text itself, or the vector of an image or row."""
    fitted = model.any_shot_model()
    return list(items) if _reads_texts(fitted) else [vector.tobytes() for vector in fitted.embedder.encode(items)]


def _reads_texts(fitted: Any) -> bool:
    encoder = fitted.embedder.encoder
    return encoder is not None and encoder.modality == "text"
