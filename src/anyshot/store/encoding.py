"""Encoding: each distinct item is encoded once, and its vector is kept in a cache."""

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np

from anyshot import base
from anyshot.base import progress
from anyshot.base.columns import numeric_array
from anyshot.base.items import Items, check_images, check_texts
from anyshot.base.messages import warn
from anyshot.base.protocols import Digested, Encoder, TextAligned
from anyshot.base.validation import Vectors, unit
from anyshot.errors import BadItemError, CacheError, EncoderError, InputError
from anyshot.store.memory_cache import SLICE, KeepsVectors

_ROUNDING: Final = 1e-5  # of a squared length: more than float32 leaves


@dataclass
class EncodingCounts:
    """How many items were to be encoded, and how many of them the cache or an equal item answered."""

    requested: int = 0
    duplicates: int = 0  # equal to another item of the same call
    cached: int = 0  # distinct items found in the cache
    encoded: int = 0  # distinct items encoded
    calls: int = 0  # of the encoder
    cut: int = 0  # texts of which the encoder read the beginning only

    def __sub__(self, earlier: "EncodingCounts") -> "EncodingCounts":
        """Return what was counted since `earlier`."""
        return EncodingCounts(**{name: value - getattr(earlier, name) for name, value in vars(self).items()})


def encode_once(
    encoder: Encoder, items: Items, *, cache: KeepsVectors | None, counts: EncodingCounts | None = None
) -> Vectors:
    """Return the vectors (n, width) of `items` (n,), encoding each distinct item that is not in the cache.

    The vectors have unit length, whatever the encoder returns. Vectors of an encoder without a `digest` are not stored.
    If the cache cannot be read or written, there is a warning, and the vectors are computed.

    Parameters
    ----------
    encoder : Encoder
        Encodes the items.
    items : sequence of str, or of images
        The items.
    cache : VectorCache, MemoryCache or None
        Where vectors are stored.
    counts : EncodingCounts, optional
        What was encoded and what was found is added to these counts.

    Raises
    ------
    BadItemError
        An item cannot be used; the message names its row in `items`.
    EncoderError
        The encoder does not return one finite vector of its width for each item.
    """
    if isinstance(encoder, str):
        raise EncoderError(f"An encoder is needed; got the name {encoder!r}. Pass load_encoder({encoder!r}).")
    if isinstance(cache, str | os.PathLike):
        raise InputError(f"cache must be a VectorCache or None; got {cache!r:.60}. Write VectorCache(folder).")
    task = _Task(encoder.encode, encoder.modality, _digest(encoder), encoder.width, type(encoder).__name__)
    checked = check_texts(items) if encoder.modality == "text" else list(check_images(items))
    return _encode_distinct(task, checked, cache, counts)


def encode_texts_once(
    encoder: TextAligned,
    texts: Sequence[str],
    *,
    cache: KeepsVectors | None,
    counts: EncodingCounts | None = None,
) -> Vectors:
    """Return the vectors (n, width) that an image encoder gives `texts` (n,), as `encode_once` does."""
    task = _Task(encoder.encode_texts, "text among images", _digest(encoder), encoder.width, type(encoder).__name__)
    return _encode_distinct(task, check_texts(texts), cache, counts)


def cached_texts(
    texts: Sequence[str], *, digest: str, width: int, cache: KeepsVectors, counts: EncodingCounts
) -> Vectors | None:
    """Return the vectors (n, width) of texts if the cache has all of them, else None; no encoder is needed.

    texts: from `check_texts`; digest: of the text encoder; what was found is added to `counts`.
    """
    keys = _keys(texts, kind="text", digest=digest)
    row_of = {key: row for row, key in enumerate(dict.fromkeys(keys))}
    try:
        table, known = cache.get_many(list(row_of), width=width)
    except CacheError:
        return None  # encoding the texts will warn
    if not known.all():
        return None
    counts.requested += len(keys)
    counts.duplicates += len(keys) - len(row_of)
    counts.cached += len(row_of)
    return table[[row_of[key] for key in keys]]


@dataclass(frozen=True)
class _Task:
    """What encodes the items, and what identifies their vectors in the cache."""

    encode: Callable[[Sequence[Any]], Vectors]
    kind: str  # of input: equal bytes of another kind have another key
    digest: str | None  # of the encoder; None: vectors are not stored
    width: int
    name: str  # of the encoder, for errors


def _keys(items: Sequence[Any], *, kind: str, digest: str | None) -> list[bytes]:
    """Return the key of each item (n,)."""
    start = sha256(sha256(f"{kind}\n{digest}".encode()).digest())

    def key(content: bytes) -> bytes:
        hashed = start.copy()
        hashed.update(content)  # without a copy, since an image may have 150 MB
        return hashed.digest()

    if kind == "image":
        return [key(base.content_of(image, row=row)) for row, image in enumerate(items)]
    return [key(text.encode("utf-8", "surrogatepass")) for text in items]


def _digest(encoder: object) -> str | None:
    return encoder.digest or None if isinstance(encoder, Digested) else None


def _encode_distinct(
    task: _Task, items: list[Any], cache: KeepsVectors | None, counts: EncodingCounts | None
) -> Vectors:
    counts = EncodingCounts() if counts is None else counts
    index_of: dict[bytes, int] = {}
    index = [index_of.setdefault(key, len(index_of)) for key in _keys(items, kind=task.kind, digest=task.digest)]
    distinct = list(index_of)
    store = cache if task.digest is not None else None
    table, known = np.zeros((len(distinct), task.width), dtype=np.float32), np.zeros(len(distinct), dtype=bool)
    if store is not None:
        try:
            table, known = store.get_many(distinct, width=task.width)
        except CacheError as error:
            store = None
            _warn_not_stored(error)
    first_rows = np.unique(index, return_index=True)[1] if len(distinct) < len(items) else np.arange(len(items))
    missing = np.flatnonzero(~known)
    counts.requested += len(items)
    counts.duplicates += len(items) - len(distinct)
    counts.cached += len(distinct) - len(missing)
    description = "Encoding images" if task.kind == "image" else "Encoding texts"
    several = len(missing) > SLICE  # one slice shows its own bar, if it takes long
    with progress.job(total=len(missing), description=description) if several else nullcontext():
        for start in range(0, len(missing), SLICE):
            part = missing[start : start + SLICE]
            table[part] = _encoded(task, items, first_rows[part].tolist())
            counts.encoded += len(part)
            counts.calls += 1
            if store is not None:
                try:
                    store.put_many([distinct[row] for row in part], table[part])
                except CacheError as error:
                    store = None
                    _warn_not_stored(error)
    return table if len(distinct) == len(items) else table[index]


def _warn_not_stored(error: CacheError) -> None:
    """Warn once a call: every further try would warn again, and might wait for a lock again."""
    warn(f"Vectors are computed and not stored. {error}")


def _encoded(task: _Task, items: list[Any], rows: list[int]) -> Vectors:
    """Encode some rows of `items`, and check the result (len(rows), width)."""
    try:
        answer = task.encode([items[row] for row in rows])
    except BadItemError:
        if task.kind == "image":
            for row in rows:
                # The encoder counts rows within its slice; this raises the right one.
                base.read_pixels(items[row], row=row)
        raise
    try:
        vectors = numeric_array(answer, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EncoderError(
            f"The encoder {task.name} returned a {type(answer).__name__} that is no table of numbers: {error}. It must "
            "return one vector for each item."
        ) from error
    if vectors.shape != (len(rows), task.width):
        raise EncoderError(
            f"The encoder {task.name} returned an array of shape {vectors.shape} for {len(rows)} items; it must return "
            f"({len(rows)}, {task.width}), one vector of its width for each item."
        )
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise EncoderError(
            f"The encoder {task.name} returned NaN or infinity for row {rows[bad[0]]}. Drop that item, or run the "
            "encoder in float32."
        )
    return _of_unit_length(vectors)


def _of_unit_length(vectors: Vectors) -> Vectors:
    """Scale the rows of `vectors` (n, d) to length 1; rows that have it, up to rounding, are returned unchanged."""
    squared = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)  # (n,)
    off = np.abs(squared - 1) > _ROUNDING
    return np.where(off[:, None], unit(vectors), vectors) if off.any() else vectors
