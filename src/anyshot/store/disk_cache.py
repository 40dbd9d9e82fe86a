"""Vectors kept on disk and looked up by content: each distinct input is encoded once."""

import json
import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from anyshot.base.items import Items, check_texts
from anyshot.base.pixels import content_of, read_pixels
from anyshot.base.protocols import Digested, Encoder, TextAligned
from anyshot.base.validation import Vectors, unit
from anyshot.errors import BadItemError, CacheError, EncoderError
from anyshot.store.location import default_folder, default_limit
from anyshot.store.tally import count

Key: TypeAlias = bytes  # sha256 of content, encoder digest and kind of input: 32 bytes
T = TypeVar("T")

SLICE: Final = 2048
"""Items encoded and stored together; an interrupted run resumes at the last slice."""

LOCK_PATIENCE: Final = 10.0
"""Seconds to wait for another process that writes."""

_APPLICATION: Final = 0x616E7973  # "anys" in the file's header: a database without it is not ours
# Of a sound file none of our statements asks what it has not, as SQLITE_ERROR says, such as a column.
_BROKEN: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
_LOOKED_UP: Final = 2048  # keys a query; larger answers only leave the processor's caches
_ROUNDING: Final = 1e-5  # of a squared length: more than float32 leaves
_MARKED_EVERY: Final = 3600  # seconds between two notes that a slice is in use

# Rows are numbered slice << 16 | place: a new slice is appended in one piece, which writes several times faster than
# rows in the order of their keys, and an old one is one range to delete. `key` is the first 63 bits of `digest`.
_TABLES: Final = (
    "create table if not exists slices (id integer primary key, used integer not null, bytes integer not null)",
    "create table if not exists vectors (id integer primary key, key integer not null unique, digest blob not null, "
    "checksum integer not null, vector blob not null)",
)
_LOOK_UP: Final = (
    "select wanted.key, digest, checksum, vector, vectors.id >> 16 "
    "from json_each(?) as wanted cross join vectors on vectors.key = wanted.value"
)


class VectorCache:
    """Vectors on disk, one SQLite file that several processes may use at once.

    Parameters
    ----------
    folder : str or path, optional
        Where the file lies. Default: the environment variable ANYSHOT_CACHE, else the platform's user cache folder.
    limit : float, optional
        Size the file is kept below [MB]; vectors not used for longest go first. Default: the environment variable
        ANYSHOT_CACHE_LIMIT, else 2048.

    Attributes
    ----------
    folder : Path
        Where the file lies; made at the first write.
    file : Path
        The file, which may not exist yet. Its name bears the format's number.

    Raises
    ------
    InputError
        The limit is no number, or below zero.

    Notes
    -----
    A damaged row is not returned. A file that is damaged, or not ours, is set aside (".broken", the last one is kept)
    with a warning. Whatever else keeps the file from being read or written is raised as `CacheError`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, limit: float | None = None) -> None:
        self.folder = Path(folder) if folder else default_folder()
        self.file = self.folder / "vectors-1.sqlite"
        self.limit = default_limit() if limit is None else limit

    def size(self) -> tuple[int, int]:
        """Return how many vectors the cache holds, and the size of its file [bytes]."""
        if not self.file.is_file():
            return 0, 0
        entries = self._run("read", partial(_number, query="select count(*) from vectors"))
        return entries, self.file.stat().st_size

    def clear(self) -> None:
        """Forget every vector and give the room back, also that of a file set aside."""
        if self.file.is_file():
            self._run("cleared", _clear)
        try:
            self._broken.unlink(missing_ok=True)
        except OSError as error:
            raise self._error("cleared", error) from error

    def get_many(self, keys: Sequence[Key], *, width: int) -> tuple[Vectors, NDArray[np.bool_]]:
        """Return the vectors (n, width) of `keys` (n,), and which of them are known (n,); unknown rows are zeros."""
        if not keys or not self.file.is_file():
            return np.zeros((len(keys), width), dtype=np.float32), np.zeros(len(keys), dtype=bool)
        return self._run("read", partial(_read, keys=keys, width=width))

    def put_many(self, keys: Sequence[Key], vectors: Vectors) -> None:
        """Keep `vectors` (n, width) under `keys` (n,), 2,048 rows at a time: each slice wholly, or not at all."""
        for start in range(0, len(keys), SLICE):
            part = slice(start, start + SLICE)
            self._run("written", partial(_write, keys=keys[part], vectors=vectors[part], limit=self.limit * 1e6))

    @property
    def _broken(self) -> Path:
        return self.file.with_suffix(".broken")

    def _run(self, doing: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` on the file, a second time on a fresh one where the first is damaged."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            known = self.file.stat().st_ino if self.file.exists() else None
            try:
                return _with_connection(self.file, work)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                # Text that is no UTF-8 is noticed by the module, not by SQLite, which has no code for it.
                if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _BROKEN:
                    raise
                self._set_aside(known, error)
                return _with_connection(self.file, work)
        except (OSError, sqlite3.Error) as error:
            raise self._error(doing, error) from error

    def _set_aside(self, known: int | None, error: Exception) -> None:
        if self.file.stat().st_ino != known:
            return  # another process did so first, and this is its new file
        self.file.replace(self._broken)
        self.file.with_name(self.file.name + "-journal").unlink(missing_ok=True)
        warnings.warn(
            f"The vector cache {self.file} is damaged ({error}). It was set aside as {self._broken.name} and a new one "
            "begun; vectors are computed again.",
            stacklevel=2,
        )

    def _error(self, doing: str, error: Exception) -> CacheError:
        return CacheError(
            f"The vector cache {self.file} cannot be {doing}: {error}. Free some room, set ANYSHOT_CACHE to a folder "
            "that can be written, or switch the cache off with cache=False."
        )


def encode_once(encoder: Encoder, items: Items, *, cache: VectorCache | None) -> Vectors:
    """Return the vectors (n, width) of `items` (n,), encoding each distinct one that the cache does not know.

    They are of unit length, whatever length the encoder gave them. An encoder without a `digest` is never cached on
    disk. What keeps the cache from being read or written becomes a warning, and the vectors are computed.

    Raises
    ------
    BadItemError
        An item is unusable; it is named by its row in `items`.
    EncoderError
        The encoder's answer is not one finite vector of its width an item.
    """
    task = _Task(encoder.encode, encoder.modality, _digest(encoder), encoder.width, type(encoder).__name__)
    if encoder.modality == "text":
        texts = check_texts(items)
        return _encode_distinct(task, texts, _text_keys(task, texts), cache)
    images = list(items)
    start = task.key_start()
    keys = [sha256(start + content_of(image, row=row)).digest() for row, image in enumerate(images)]
    return _encode_distinct(task, images, keys, cache)


def encode_texts_once(encoder: TextAligned, texts: Sequence[str], *, width: int, cache: VectorCache | None) -> Vectors:
    """Return the vectors (n, width) of `texts` (n,) among an image encoder's images, as `encode_once` does."""
    task = _Task(encoder.encode_texts, "text among images", _digest(encoder), width, type(encoder).__name__)
    checked = check_texts(texts)
    return _encode_distinct(task, checked, _text_keys(task, checked), cache)


@dataclass(frozen=True)
class _Task:
    """What is to be encoded, by what."""

    encode: Callable[[Sequence[Any]], Vectors]
    kind: str  # of input: equal bytes of another kind are another key
    digest: str | None  # of the encoder; None: nothing may be kept
    width: int
    name: str  # of the encoder, for errors

    def key_start(self) -> bytes:
        """Return the 32 bytes that begin what is hashed for every item."""
        return sha256(f"{self.kind}\n{self.digest}".encode()).digest()


def _digest(encoder: object) -> str | None:
    return encoder.digest or None if isinstance(encoder, Digested) else None


def _text_keys(task: _Task, texts: list[str]) -> list[Key]:
    start = task.key_start()
    return [sha256(start + text.encode("utf-8", "surrogatepass")).digest() for text in texts]


def _encode_distinct(task: _Task, items: list[Any], keys: list[Key], cache: VectorCache | None) -> Vectors:
    place_of: dict[Key, int] = {}
    places = [place_of.setdefault(key, len(place_of)) for key in keys]
    distinct = list(place_of)
    store = cache if task.digest is not None else None
    table, known = np.zeros((len(distinct), task.width), dtype=np.float32), np.zeros(len(distinct), dtype=bool)
    if store is not None:
        try:
            table, known = store.get_many(distinct, width=task.width)
        except CacheError as error:
            store = None
            _warn_unkept(error)
    first_rows = np.unique(places, return_index=True)[1] if len(distinct) < len(items) else np.arange(len(items))
    missing = np.flatnonzero(~known)
    count(asked=len(items), copies=len(items) - len(distinct), kept=len(distinct) - len(missing))
    for start in range(0, len(missing), SLICE):
        part = missing[start : start + SLICE]
        table[part] = _encoded(task, items, first_rows[part].tolist())
        count(encoded=len(part), calls=1)
        if store is not None:
            try:
                store.put_many([distinct[place] for place in part], table[part])
            except CacheError as error:
                store = None
                _warn_unkept(error)
    return table if len(distinct) == len(items) else table[places]


def _warn_unkept(error: CacheError) -> None:
    """Warn once a call: trying again at every slice would warn, and perhaps wait for a lock, every time."""
    warnings.warn(f"{error} Vectors are computed and not kept.", stacklevel=4)


def _encoded(task: _Task, items: list[Any], rows: list[int]) -> Vectors:
    """Encode some rows of `items` and check the answer (len(rows), width)."""
    try:
        answer = np.asarray(task.encode([items[row] for row in rows]), dtype=np.float32)
    except BadItemError:
        if task.kind == "image":
            for row in rows:
                read_pixels(items[row], row=row)  # the encoder counts from its slice; this names the row given
        raise
    if answer.shape != (len(rows), task.width):
        raise EncoderError(
            f"The encoder {task.name} answered {len(rows)} items with an array of shape {answer.shape}; "
            f"({len(rows)}, {task.width}) is needed, one vector of its stated width an item."
        )
    bad = np.flatnonzero(~np.isfinite(answer).all(axis=1))
    if bad.size:
        raise EncoderError(
            f"The encoder {task.name} answered row {rows[bad[0]]} with NaN or infinity. Drop that item, or use the "
            "encoder in float32."
        )
    return _of_unit_length(answer)


def _of_unit_length(vectors: Vectors) -> Vectors:
    """Bring the rows of `vectors` (n, d) to length 1; those that are, but for rounding, stay as they are."""
    squared = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)  # (n,)
    off = np.abs(squared - 1) > _ROUNDING
    return np.where(off[:, None], unit(vectors), vectors) if off.any() else vectors


def _with_connection(file: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Open the file for this one piece of work: a connection kept would not survive a fork or another thread."""
    with closing(sqlite3.connect(file, timeout=LOCK_PATIENCE, isolation_level=None)) as connection:
        if _number(connection, "pragma application_id") != _APPLICATION:
            _found(connection)
        return work(connection)


def _found(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty file; refuse another program's."""
    connection.execute("pragma page_size = 16384")  # ten vectors of 384 numbers; set before the first table, as is
    connection.execute("pragma auto_vacuum = incremental")
    with _transaction(connection):
        tables = _number(connection, "select count(*) from sqlite_master")
        if tables and _number(connection, "pragma application_id") != _APPLICATION:
            raise _damage("it is another program's database", sqlite3.SQLITE_NOTADB)
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"pragma application_id = {_APPLICATION}")


def _damage(what: str, code: int) -> sqlite3.DatabaseError:
    """Return an error that sets the file aside, as SQLite's own of that code do."""
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorcode = code
    return error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    finally:
        if connection.in_transaction:
            connection.execute("rollback")


def _read(connection: sqlite3.Connection, *, keys: Sequence[Key], width: int) -> tuple[Vectors, NDArray[np.bool_]]:
    table, known, used = _looked_up(connection, keys, width)
    _mark(connection, sorted(used))
    return table, known


def _looked_up(
    connection: sqlite3.Connection, keys: Sequence[Key], width: int
) -> tuple[Vectors, NDArray[np.bool_], set[int]]:
    """Return the vectors (n, width) of keys (n,), which of them are known and sound (n,), and their slices."""
    table, known = np.zeros((len(keys), width), dtype=np.float32), np.zeros(len(keys), dtype=bool)
    used: set[int] = set()
    for start in range(0, len(keys), _LOOKED_UP):
        wanted = keys[start : start + _LOOKED_UP]
        places, blobs = [], []
        for place, digest, checksum, vector, number in connection.execute(_LOOK_UP, [json.dumps(_numbers(wanted))]):
            sound = type(vector) is bytes and len(vector) == 4 * width and crc32(vector) == checksum
            if sound and digest == wanted[place]:
                places.append(start + place)
                blobs.append(vector)
                used.add(number)
        known[places] = True
        table[places] = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, width)
    return table, known, used


def _mark(connection: sqlite3.Connection, slices: list[int]) -> None:
    """Note that these slices are in use, at most once an hour each, so that reading hardly ever writes."""
    now = int(time.time())
    chosen = "from slices where used < ? and id in (select value from json_each(?))"
    stale = [now - _MARKED_EVERY, json.dumps(slices)]
    if not _number(connection, f"select count(*) {chosen}", stale):
        return
    connection.execute("pragma busy_timeout = 0")
    with suppress(sqlite3.OperationalError):  # locked, full or read-only: the vectors are read all the same
        connection.execute(f"update slices set used = ? where id in (select id {chosen})", [now, *stale])


def _write(connection: sqlite3.Connection, *, keys: Sequence[Key], vectors: Vectors, limit: float) -> None:
    blobs = [row.tobytes() for row in np.asarray(vectors, dtype="<f4")]
    with _transaction(connection):
        number = _number(connection, "select coalesce(max(id), 0) + 1 from slices")
        size = sum(map(len, blobs)) + 64 * len(blobs)
        connection.execute("insert into slices values (?, ?, ?)", [number, int(time.time()), size])
        ids = range(number << 16, (number << 16) + len(blobs))
        rows = zip(ids, _numbers(keys), keys, map(crc32, blobs), blobs, strict=True)
        connection.executemany("insert or replace into vectors values (?, ?, ?, ?, ?)", rows)
        # Where a page was lost, SQLite may write without a word what it cannot find again.
        if not _looked_up(connection, keys, vectors.shape[1])[1].all():
            raise _damage("what was written cannot be read again", sqlite3.SQLITE_CORRUPT)
        _evict(connection, limit)


def _evict(connection: sqlite3.Connection, limit: float) -> None:
    """Delete the slices used longest ago until the file fits `limit` [bytes], with a tenth to spare."""
    page = _number(connection, "pragma page_size")
    while (filled := page * (_pages(connection) - _number(connection, "pragma freelist_count"))) > limit:
        victims, freed = [], 0
        for number, size in connection.execute("select id, bytes from slices order by used, id"):
            victims.append(number)
            freed += size
            if freed >= filled - 0.9 * limit:
                break
        if not victims:
            break
        ranges = [(number << 16, number << 16 | 0xFFFF) for number in victims]
        connection.executemany("delete from vectors where id between ? and ?", ranges)
        connection.executemany("delete from slices where id = ?", [(number,) for number in victims])
    _shrink(connection, by=_pages(connection) - int(limit // page))


def _clear(connection: sqlite3.Connection) -> None:
    with _transaction(connection):
        connection.execute("delete from vectors")
        connection.execute("delete from slices")
        _shrink(connection, by=_pages(connection))


def _shrink(connection: sqlite3.Connection, *, by: int) -> None:
    """Give back at most `by` free pages: one a statement, since Python steps a statement without rows only once."""
    for _ in range(min(by, _number(connection, "pragma freelist_count"))):
        connection.execute("pragma incremental_vacuum(1)")


def _pages(connection: sqlite3.Connection) -> int:
    return _number(connection, "pragma page_count")


def _number(connection: sqlite3.Connection, query: str, values: Sequence[Any] = ()) -> int:
    return int(connection.execute(query, values).fetchone()[0])


def _numbers(keys: Sequence[Key]) -> list[int]:
    """Return the first 63 bits of each key, what SQLite's whole numbers hold."""
    numbers: list[int] = (np.frombuffer(b"".join(keys), dtype="<u8")[::4] >> np.uint64(1)).tolist()
    return numbers
