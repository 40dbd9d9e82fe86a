"""The SQLite database of the disk cache: its vectors, the list of its activation files, and when each was last used.

Entries are stored in slices: up to 2,048 vectors, or one file of activations. A slice is written in one transaction and
deleted as a whole.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeAlias, TypeVar
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from anyshot.base.files import delete_leftovers
from anyshot.base.messages import warn
from anyshot.base.validation import Vectors
from anyshot.errors import CacheError, InputError

KEY_BYTES: Final = 32  # of a sha256
Key: TypeAlias = bytes  # 32 bytes: sha256 of an item's content, and of what computed its vector
Lengths: TypeAlias = NDArray[np.int64]  # (n,), rows of each item
T = TypeVar("T")

LOCK_TIMEOUT: Final = 10.0
"""How long to wait for another process that writes [s]."""

SUFFIX: Final = ".act"  # of activation files

_APPLICATION: Final = 0x616E7973  # "anys" in the file's header; other programs' databases lack it
# SQLITE_ERROR means a missing table or column, which an intact database of this package has.
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
_BLOCK: Final = 2**20  # bytes read at once
_KEYS_PER_QUERY: Final = 2048  # larger results no longer fit the processor's caches
_USE_INTERVAL: Final = 3600  # seconds between two updates of when a slice was last used

# The id of a vector is slice << 16 | position: a slice is appended in one piece, which is several times faster than
# inserting in the order of the keys, and is deleted as one range. `key` is the first 63 bits of `digest`.
_TABLES: Final = (
    "create table slices (id integer primary key, used integer not null, bytes integer not null)",
    "create table vectors (id integer primary key, key integer not null unique, digest blob not null, "
    "checksum integer not null, vector blob not null)",
    "create table activations (id integer primary key, trunk text not null, file integer not null, "
    "checksum integer not null, header blob not null, keys blob not null, lengths blob not null)",
)
_FIND_VECTORS: Final = (
    "select wanted.key, digest, checksum, vector, vectors.id >> 16 "
    "from json_each(?) as wanted cross join vectors on vectors.key = wanted.value"
)


@dataclass(frozen=True)
class PackedActivations:
    """The activations of some items, as one array in which their rows follow one another."""

    keys: list[Key]
    lengths: Lengths  # (n,)
    rows: NDArray[Any]  # (sum of lengths, ...)
    dtype: str  # of the rows in torch: bfloat16 is stored as uint16
    layout: str  # "tokens", "feature maps" (channels last) or "pooled"

    @property
    def starts(self) -> Lengths:
        """Return the first row of each item (n,)."""
        return np.cumsum(self.lengths) - self.lengths

    def mapped_from(self, file: Path) -> Self:
        """Write the rows to a new file, and return the same activations with the rows mapped from it."""
        with file.open("xb") as opened:
            opened.write(np.ascontiguousarray(self.rows).data)
        return replace(self, rows=np.memmap(file, dtype=self.rows.dtype, mode="c", shape=self.rows.shape))


class FileEntry(NamedTuple):
    """The record of one file of activations."""

    file: int  # its number, which is its name
    checksum: int  # crc32 of header, keys, lengths and the file's content
    header: bytes  # JSON
    keys: bytes
    lengths: bytes

    @classmethod
    def of(cls, packed: PackedActivations, file: int) -> Self:
        """Describe activations that are written to a file of this number."""
        rows = np.ascontiguousarray(packed.rows)
        facts = {"dtype": packed.dtype, "layout": packed.layout, "stored": rows.dtype.str, "shape": rows.shape}
        header, keys = json.dumps(facts).encode(), b"".join(packed.keys)
        lengths = packed.lengths.astype("<i8").tobytes()
        return cls(file, crc32(rows.data, crc32(header + keys + lengths)), header, keys, lengths)

    def split_keys(self) -> list[Key]:
        """Return the key of each item (n,)."""
        return [self.keys[start : start + 32] for start in range(0, len(self.keys), 32)]

    def read(self, folder: Path) -> PackedActivations | None:
        """Return the activations, mapped from their file; None if it is missing, or anything is damaged."""
        checksum = crc32(self.header + self.keys + self.lengths)
        try:
            with (folder / file_name(self.file)).open("rb") as opened:
                while block := opened.read(_BLOCK):  # pages of a mapped file would count as this process's memory
                    checksum = crc32(block, checksum)
                if checksum != self.checksum:
                    return None
                header = json.loads(self.header)
                stored, shape = np.dtype(header["stored"]), tuple(header["shape"])
                rows = np.memmap(opened, dtype=stored, mode="c", shape=shape)
        except OSError:
            return None
        lengths = np.frombuffer(self.lengths, dtype="<i8").astype(np.int64)
        return PackedActivations(self.split_keys(), lengths, rows, header["dtype"], header["layout"])


class Database:
    """One SQLite file that several processes may use at once.

    A damaged file is renamed to ".broken", with a warning, and a new one takes its place.
    """

    def __init__(self, file: Path) -> None:
        self.file, self.broken = file, file.with_suffix(".broken")

    def run(self, action: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns of the open database; if the file is damaged, of a new one.

        Raises CacheError if the file cannot be "read" or "written", as `action` says.
        """
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            inode = self.file.stat().st_ino if self.file.exists() else None
            try:
                return _with_connection(self.file, work)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not self._is_damaged(error):
                    raise
                self._set_aside(inode, error)
                return _with_connection(self.file, work)
        except (OSError, sqlite3.Error) as error:
            raise self.error(action, error) from error

    def error(self, action: str, error: Exception) -> CacheError:
        """Return the error that names the cache, what could not be done, and the remedy."""
        cause = getattr(error, "strerror", None) or error
        return CacheError(
            f"The cache {self.file} cannot be {action}: {cause}. Free some disk space, or set ANYSHOT_CACHE to a "
            "folder that can be written. In Python: cache=False switches the cache off."
        )

    def _is_damaged(self, error: Exception) -> bool:
        # Python reports text that is not UTF-8 itself, without an error code of SQLite.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code == sqlite3.SQLITE_READONLY:  # also if the header's write version, 1 or 2, is damaged
            return self._header()[18:19] not in (b"\1", b"\2")
        return code in _DAMAGED

    def _header(self) -> bytes:
        with self.file.open("rb") as opened:
            return opened.read(100)

    def _set_aside(self, inode: int | None, error: Exception) -> None:
        if self.file.stat().st_ino != inode:
            return  # another process has already replaced it
        self.file.replace(self.broken)
        self.file.with_name(self.file.name + "-journal").unlink(missing_ok=True)
        warn(
            f"The cache {self.file} is damaged ({error}). It was renamed to {self.broken.name}, and a new one was "
            "created; vectors are computed again."
        )


def file_name(number: int) -> str:
    """Return the name of an activation file."""
    return f"{number:016x}{SUFFIX}"


def _with_connection(file: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Open the file for one piece of work: an open connection would not survive a fork or another thread."""
    with closing(sqlite3.connect(file, timeout=LOCK_TIMEOUT, isolation_level=None)) as connection:
        # Waiting for the disk takes longer than encoding a short text. The system keeps what a killed process wrote; a
        # power cut may damage the file, which is then found, and its vectors are computed again.
        connection.execute("pragma synchronous = off")
        if _number(connection, "pragma application_id") != _APPLICATION:
            _create(connection)
        return work(connection)


def _create(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty file; raise an error for another program's database."""
    connection.execute("pragma page_size = 16384")  # eight vectors of 512 floats; must be set before the first table
    connection.execute("pragma auto_vacuum = incremental")
    with _transaction(connection):
        if _number(connection, "pragma application_id") == _APPLICATION:
            return  # another process has just created them
        if _number(connection, "select count(*) from sqlite_master"):
            raise _damage("it is another program's database", sqlite3.SQLITE_NOTADB)
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"pragma application_id = {_APPLICATION}")


def _damage(reason: str, code: int) -> sqlite3.DatabaseError:
    """Return an error that makes `Database` set the file aside."""
    error = sqlite3.DatabaseError(reason)
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


def count(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return the number of vectors, the number of items with activations, and the activations' size [bytes]."""
    items = _number(connection, "select coalesce(sum(length(keys)), 0) / 32 from activations")
    return _number(connection, "select count(*) from vectors"), items, _file_bytes(connection)


def read_vectors(
    connection: sqlite3.Connection, *, keys: Sequence[Key], width: int
) -> tuple[Vectors, NDArray[np.bool_]]:
    """Return the vectors (n, width) of `keys` (n,), zeros where unknown, and which are known (n,)."""
    table, known, slices = _look_up(connection, keys, width)
    _mark_used(connection, sorted(slices))
    return table, known


def _look_up(
    connection: sqlite3.Connection, keys: Sequence[Key], width: int
) -> tuple[Vectors, NDArray[np.bool_], set[int]]:
    """Return the vectors (n, width) of keys (n,), which of them are stored intact (n,), and their slices."""
    table, known = np.zeros((len(keys), width), dtype=np.float32), np.zeros(len(keys), dtype=bool)
    slices: set[int] = set()
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        wanted = keys[start : start + _KEYS_PER_QUERY]
        rows, blobs = [], []
        for row, digest, checksum, vector, number in connection.execute(_FIND_VECTORS, [json.dumps(_integers(wanted))]):
            intact = type(vector) is bytes and len(vector) == 4 * width and crc32(vector) == checksum
            if intact and digest == wanted[row]:
                rows.append(start + row)
                blobs.append(vector)
                slices.add(number)
        known[rows] = True
        table[rows] = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, width)
    return table, known, slices


def list_files(connection: sqlite3.Connection, *, trunk: str) -> list[tuple[int, FileEntry]]:
    """Return the activation files of a trunk, each with the id of its slice."""
    columns = ", ".join(FileEntry._fields)
    query = f"select id, {columns} from activations where trunk = ? order by id"
    listed = [(number, FileEntry(*row)) for number, *row in connection.execute(query, [trunk])]
    _mark_used(connection, [number for number, _ in listed])
    return listed


def _mark_used(connection: sqlite3.Connection, slices: list[int]) -> None:
    """Record that slices are in use, at most once an hour each, so that reading rarely writes."""
    if not slices:
        return
    now = int(time.time())
    chosen = "from slices where used < ? and id in (select value from json_each(?))"
    stale = [now - _USE_INTERVAL, json.dumps(slices)]
    if not _number(connection, f"select count(*) {chosen}", stale):
        return
    connection.execute("pragma busy_timeout = 0")
    with suppress(sqlite3.OperationalError):  # locked, full or read-only: reading still works
        connection.execute(f"update slices set used = ? where id in (select id {chosen})", [now, *stale])


def write_vectors(
    connection: sqlite3.Connection, *, keys: Sequence[Key], vectors: Vectors, limit: float, folder: Path
) -> None:
    """Store one slice of vectors, and delete old slices until all fit `limit` [bytes]."""
    blobs = [row.tobytes() for row in np.asarray(vectors, dtype="<f4")]
    with _transaction(connection):
        first = _new_slice(connection, sum(map(len, blobs)) + 64 * len(blobs)) << 16
        rows = zip(range(first, first + len(blobs)), _integers(keys), keys, map(crc32, blobs), blobs, strict=True)
        connection.executemany("insert or replace into vectors values (?, ?, ?, ?, ?)", rows)
        # If a page was lost, SQLite may report no error for rows that it cannot find again.
        if not _look_up(connection, keys, vectors.shape[1])[1].all():
            raise _damage("what was written cannot be read again", sqlite3.SQLITE_CORRUPT)
        _evict(connection, limit, folder)


def write_file(connection: sqlite3.Connection, *, trunk: str, entry: FileEntry, limit: float, folder: Path) -> None:
    """List a file of activations, and delete old slices until all fit `limit` [bytes]."""
    with _transaction(connection):
        number = _new_slice(connection, (folder / file_name(entry.file)).stat().st_size)
        connection.execute("insert into activations values (?, ?, ?, ?, ?, ?, ?)", [number, trunk, *entry])
        _delete_orphans(connection, folder)
        _evict(connection, limit, folder)


def _new_slice(connection: sqlite3.Connection, size: int) -> int:
    number = _number(connection, "select coalesce(max(id), 0) + 1 from slices")
    connection.execute("insert into slices values (?, ?, ?)", [number, int(time.time()), size])
    return number


def _evict(connection: sqlite3.Connection, limit: float, folder: Path) -> None:
    """Delete the slices that were used longest ago until all take up 90 % of `limit` [bytes], if they exceed it."""
    page = _number(connection, "pragma page_size")
    while (filled := page * _used_pages(connection) + _file_bytes(connection)) > limit:
        victims, freed = [], 0
        for number, size in connection.execute("select id, bytes from slices order by used, id"):
            victims.append(number)
            freed += size
            if freed >= filled - 0.9 * limit:
                break
        if not victims:
            break
        delete_slices(connection, slices=victims, folder=folder)
    _shrink(connection, by=_number(connection, "pragma page_count") - int(min(limit, 2**62) // page))


def delete_slices(connection: sqlite3.Connection, *, slices: Sequence[int], folder: Path) -> None:
    """Delete the rows of slices, and their files: a row whose file is missing is deleted when it is read."""
    listed = "id in (select value from json_each(?))"
    numbers = [json.dumps(list(slices))]
    for (file,) in connection.execute(f"select file from activations where {listed}", numbers):
        with suppress(OSError):  # Windows deletes no mapped file; it is deleted later as an orphan
            (folder / file_name(file)).unlink(missing_ok=True)
    ranges = [(number << 16, number << 16 | 0xFFFF) for number in slices]
    connection.executemany("delete from vectors where id between ? and ?", ranges)
    connection.execute(f"delete from activations where {listed}", numbers)
    connection.execute(f"delete from slices where {listed}", numbers)


def _delete_orphans(connection: sqlite3.Connection, folder: Path) -> None:
    """Delete old files that no row names: a killed process, or a damaged database, left them behind."""
    named = {file_name(number) for (number,) in connection.execute("select file from activations")}
    delete_leftovers(file for file in folder.glob(f"*{SUFFIX}") if file.name not in named)


def clear(connection: sqlite3.Connection, *, folder: Path) -> None:
    """Delete all entries and their files."""
    with _transaction(connection):
        for table in ("vectors", "activations", "slices"):
            connection.execute(f"delete from {table}")
        _shrink(connection, by=_number(connection, "pragma page_count"))
    for file in folder.glob(f"*{SUFFIX}"):
        file.unlink(missing_ok=True)


def _shrink(connection: sqlite3.Connection, *, by: int) -> None:
    """Give at most `by` free pages back to the disk, one per statement: Python runs one step of each."""
    for _ in range(min(by, _number(connection, "pragma freelist_count"))):
        connection.execute("pragma incremental_vacuum(1)")


def _used_pages(connection: sqlite3.Connection) -> int:
    return _number(connection, "pragma page_count") - _number(connection, "pragma freelist_count")


def _file_bytes(connection: sqlite3.Connection) -> int:
    return _number(connection, "select coalesce(sum(bytes), 0) from activations join slices using (id)")


def _number(connection: sqlite3.Connection, query: str, values: Sequence[Any] = ()) -> int:
    return int(connection.execute(query, values).fetchone()[0])


def _integers(keys: Sequence[Key]) -> list[int]:
    """Return the first 63 bits of each key, which fit SQLite's integers; raise InputError if a key has not 32 bytes."""
    if not all(isinstance(key, bytes) and len(key) == KEY_BYTES for key in keys):
        bad = next(key for key in keys if not isinstance(key, bytes) or len(key) != KEY_BYTES)
        raise InputError(f"Keys must be digests of {KEY_BYTES} bytes, as of hashlib.sha256; one is {bad!r:.60}.")
    numbers: list[int] = (np.frombuffer(b"".join(keys), dtype="<u8")[::4] >> np.uint64(1)).tolist()
    return numbers
