"""The disk cache: each distinct item is encoded once, and what frozen layers compute of it is computed once."""

import math
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot import base
from anyshot.base import progress
from anyshot.base.columns import numeric_array
from anyshot.base.items import Items, check_images, check_texts
from anyshot.base.protocols import Digested, Encoder, TextAligned
from anyshot.base.user_folders import cache_folder
from anyshot.base.validation import Vectors, is_number, unit
from anyshot.base.warning import warn
from anyshot.errors import BadItemError, CacheError, EncoderError, InputError
from anyshot.store import database
from anyshot.store.database import Database, FileEntry, Key, PackedActivations
from anyshot.store.memory_cache import KeepsVectors, checked_vectors

SLICE: Final = 2048
"""Items encoded and stored together; an interrupted run resumes at the last slice."""

LIMIT_MB: Final = 2048.0
"""Default size limit [MB, 1e6 bytes]."""

_ROUNDING: Final = 1e-5  # of a squared length: more than float32 leaves


class CacheSize(NamedTuple):
    """The size of the cache."""

    vectors: int
    activations: int  # items with activations
    bytes: int  # on disk


class VectorCache:
    """A disk cache of vectors and activations that several processes may use at once.

    Vectors are rows of a SQLite database. Activations are memory-mapped files, which the database lists.

    Parameters
    ----------
    folder : str or path, optional
        Where the cache is stored. Default: the environment variable ANYSHOT_CACHE, else the platform's user cache
        folder.
    limit : float, optional
        Maximum size [MB, 1e6 bytes]; the entries that were used longest ago are deleted first. Default: the environment
        variable ANYSHOT_CACHE_LIMIT, else 2048.

    Attributes
    ----------
    folder : Path
        Where the cache is stored; created by the first write.
    file : Path
        The database. Its name includes the number of the format.

    Raises
    ------
    InputError
        The limit is not a number, or is negative.

    Notes
    -----
    Every entry has a checksum. A damaged entry is not returned, and its vector or activation is computed again. A
    database that is damaged, or that another program wrote, is renamed to ".broken" with a warning. Any other error in
    reading or writing is raised as `CacheError`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, limit: float | None = None) -> None:
        if not isinstance(folder, str | os.PathLike | None):
            raise InputError(f"folder must be a path; it is {folder!r}.")
        self.folder = Path(folder).expanduser() if folder else cache_folder()
        if limit is not None and not (is_number(limit) and limit >= 0):
            raise InputError(f"limit must be a number of MB, 0 or more; it is {limit!r}.")
        self.limit = default_limit() if limit is None else limit
        self.file = self.folder / "cache-2.sqlite"
        self._database = Database(self.file)
        self._files = self.folder / "activations-2"

    def size(self) -> CacheSize:
        """Return the number of vectors, the number of items with activations, and the size [bytes]."""
        if not self.file.is_file():
            return CacheSize(0, 0, 0)
        vectors, activations, size = self._database.run("read", database.count)
        return CacheSize(vectors, activations, size + self.file.stat().st_size)

    def clear(self) -> None:
        """Delete everything, including damaged databases and caches of earlier versions."""
        if self.file.is_file():
            self._database.run("cleared", partial(database.clear, folder=self._files))
        try:
            for name in (self._database.broken.name, "vectors-1.sqlite", "vectors-1.broken"):
                (self.folder / name).unlink(missing_ok=True)
            shutil.rmtree(self.folder / "activations-1", ignore_errors=True)
        except OSError as error:
            raise self._database.error("cleared", error) from error

    def get_many(self, keys: Sequence[Key], *, width: int) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return the vectors (n, width) of `keys` (n,), zeros where unknown, and which are known (n,)."""
        if not keys or not self.file.is_file():
            return np.zeros((len(keys), width), dtype=np.float32), np.zeros(len(keys), dtype=bool)
        return self._database.run("read", partial(database.read_vectors, keys=keys, width=width))

    def put_many(self, keys: Sequence[Key], vectors: Vectors) -> None:
        """Store `vectors` (n, width) under `keys` (n,), 2,048 at a time: each slice completely or not at all."""
        vectors = checked_vectors(keys, vectors)
        write = partial(database.write_vectors, limit=self.limit * 1e6, folder=self._files)
        for start in range(0, len(keys), SLICE):
            part = slice(start, start + SLICE)
            self._database.run("written", partial(write, keys=keys[part], vectors=vectors[part]))

    def get_activations(self, trunk: str, keys: Collection[Key]) -> list[PackedActivations]:
        """Return the stored activations after the frozen layers of digest `trunk` that include some of `keys`."""
        if not self.file.is_file():
            return []
        wanted, found = set(keys), []
        for number, entry in self._database.run("read", partial(database.list_files, trunk=trunk)):
            if wanted.isdisjoint(entry.split_keys()):
                continue
            packed = entry.read(self._files)
            if packed is not None:
                found.append(packed)
                continue
            with suppress(CacheError):  # a cache that cannot be written can still be read
                delete = partial(database.delete_slices, slices=[number], folder=self._files)
                self._database.run("written", delete)
        return found

    def put_activations(self, trunk: str, packed: PackedActivations) -> PackedActivations:
        """Store activations after the frozen layers of digest `trunk`; return them mapped from their file."""
        number = int.from_bytes(os.urandom(7), "little")
        file = self._files / database.file_name(number)
        write = partial(database.write_file, trunk=trunk, limit=self.limit * 1e6, folder=self._files)
        try:
            self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
            with ExitStack() as undo:
                undo.callback(file.unlink, missing_ok=True)
                mapped = packed.mapped_from(file)
                self._database.run("written", partial(write, entry=FileEntry.of(packed, number)))
                undo.pop_all()
        except OSError as error:
            raise self._database.error("written", error) from error
        return mapped


def default_limit() -> float:
    """Return the size limit [MB]: the environment variable ANYSHOT_CACHE_LIMIT, else 2048.

    Raises
    ------
    InputError
        The variable is not a number, or is negative.
    """
    text = os.environ.get("ANYSHOT_CACHE_LIMIT") or str(LIMIT_MB)
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not limit >= 0:
        raise InputError(f"ANYSHOT_CACHE_LIMIT is {text!r}; it must be a number of megabytes, 0 or more.")
    return limit


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
    width: int,
    cache: KeepsVectors | None,
    counts: EncodingCounts | None = None,
) -> Vectors:
    """Return the vectors (n, width) that an image encoder gives `texts` (n,), as `encode_once` does."""
    task = _Task(encoder.encode_texts, "text among images", _digest(encoder), width, type(encoder).__name__)
    return _encode_distinct(task, check_texts(texts), cache, counts)


def cached_texts(
    texts: Items, *, digest: str, width: int, cache: KeepsVectors, counts: EncodingCounts
) -> Vectors | None:
    """Return the vectors (n, width) of texts if the cache has all of them, else None; no encoder is needed.

    digest: of the text encoder; what was found is added to `counts`.
    """
    keys = _text_keys(check_texts(texts), kind="text", digest=digest)
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

    def keys(self, items: Sequence[Any]) -> list[Key]:
        """Return the key of each item (n,)."""
        if self.kind == "image":
            start = _key_start(self.kind, self.digest)
            return [sha256(start + base.content_of(image, row=row)).digest() for row, image in enumerate(items)]
        return _text_keys(items, kind=self.kind, digest=self.digest)


def _key_start(kind: str, digest: str | None) -> bytes:
    """Return the bytes that are hashed before every item."""
    return sha256(f"{kind}\n{digest}".encode()).digest()


def _text_keys(texts: Sequence[str], *, kind: str, digest: str | None) -> list[Key]:
    start = _key_start(kind, digest)
    return [sha256(start + text.encode("utf-8", "surrogatepass")).digest() for text in texts]


def _digest(encoder: object) -> str | None:
    return encoder.digest or None if isinstance(encoder, Digested) else None


def _encode_distinct(
    task: _Task, items: list[Any], cache: KeepsVectors | None, counts: EncodingCounts | None
) -> Vectors:
    counts = EncodingCounts() if counts is None else counts
    index_of: dict[Key, int] = {}
    index = [index_of.setdefault(key, len(index_of)) for key in task.keys(items)]
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
    warn(f"{error} Vectors are computed and not stored.")


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
