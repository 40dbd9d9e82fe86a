"""The vectors of a project's items, each found by the id of its item: those of the encoder, and of shared words."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from anyshot import any_shot
from anyshot import data as datasets
from anyshot.app.studio.project import Project
from anyshot.base.messages import collecting
from anyshot.base.validation import Indexes, Vectors
from anyshot.zero_shot.latent_semantics import learn_semantics

if TYPE_CHECKING:  # it loads the encoders, which a project that is only looked at does not need
    from anyshot.any_shot.embedder import Embedder

ENCODED_AT_ONCE: Final = 128
"""Items that are encoded before the progress is reported."""


class VectorTable:
    """Vectors that are found by ids, to which others are added."""

    def __init__(self) -> None:
        self._vectors: Vectors = np.zeros((0, 0), np.float32)
        self._rows = np.full(0, -1, dtype=np.intp)  # (largest id + 1,), -1 for ids without a vector
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def width(self) -> int:
        """Width of the vectors."""
        return int(self._vectors.shape[1])

    def has(self, ids: Indexes) -> NDArray[np.bool_]:
        """Return whether each id has a vector (n,)."""
        return np.asarray(self._row_of(ids) >= 0)

    def of(self, ids: Indexes) -> Vectors:
        """Return the vectors (n, d) of ids that have one."""
        return self._vectors[self._row_of(ids)]

    def _row_of(self, ids: Indexes) -> Indexes:
        inside = ids < len(self._rows)
        rows = np.full(len(ids), -1, dtype=np.intp)
        rows[inside] = self._rows[ids[inside]]
        return rows

    def append(self, ids: Indexes, vectors: Vectors) -> None:
        """Add the vectors (n, d) of ids that have none, at least one."""
        needed = self._n + len(vectors)
        if needed > len(self._vectors):
            grown = np.zeros((max(1024, 2 * needed), vectors.shape[1]), np.float32)
            grown[: self._n] = self._vectors[: self._n] if self._n else 0
            self._vectors = grown
        if int(ids.max()) >= len(self._rows):
            rows = np.full(2 * int(ids.max()) + 1, -1, dtype=np.intp)
            rows[: len(self._rows)] = self._rows
            self._rows = rows
        self._vectors[self._n : needed] = vectors
        self._rows[ids] = np.arange(self._n, needed)
        self._n = needed


class ItemVectors:
    """The vectors of a project's items, encoded once, found by the ids of the items."""

    def __init__(self, project: Project, embedder: "Embedder") -> None:
        self._project, self.embedder = project, embedder
        self._table = VectorTable()
        self.unread: list[int] = []  # ids of texts in letters that the encoder does not know
        self.foreign: list[int] = []  # ids of texts in a language that the encoder was not trained on
        self.warnings: tuple[str, ...] = ()  # of columns of features

    def known(self, ids: Indexes) -> Indexes:
        """Return those of the ids whose items are encoded."""
        return ids[self._table.has(ids)]

    def of(self, ids: Indexes) -> Vectors:
        """Return the vectors (n, d) of items that are encoded."""
        return self._table.of(ids)

    def encode(self, ids: Indexes) -> Iterator[int]:
        """Encode the items that are not yet, and yield after some of them how many of `ids` are, or cannot be."""
        missing = ids[~self._table.has(ids)]
        if self._project.kind == "rows" and len(missing):
            self._encode_rows(ids)
            yield len(ids)
            return
        done = len(ids) - len(missing)
        for start in range(0, len(missing), ENCODED_AT_ONCE):
            part = missing[start : start + ENCODED_AT_ONCE]
            some = self._project.items.there(part)
            if len(some):
                contents = self._project.items.contents(some)
                with collecting():  # of texts that are hard to read: `unread` and `foreign` have those of all parts
                    vectors, reading = self.embedder.read(contents)
                self._table.append(some, vectors)
                self.unread += some[reading.unread].tolist()
                self.foreign += some[list(reading.foreign)].tolist()
            done += len(part)
            yield done

    def _encode_rows(self, ids: Indexes) -> None:
        """Encode rows of features, which are standardized together."""
        rows = self._project.items.contents(ids)
        with collecting() as found:
            table = datasets.FeatureTable.fit([rows], standardize=True)
        self.warnings = tuple(map(str, found))
        self.embedder = any_shot.Embedder("table", cache=None, table=table)
        self._table.append(ids, self.embedder.encode(rows))

    def are_others(self, ids: Indexes) -> bool:
        """Return whether items are encoded, and not exactly these."""
        return len(self._table) > 0 and (len(self._table) != len(ids) or not self._table.has(ids).all())

    @property
    def width(self) -> int:
        """Width of the vectors."""
        return self._table.width


class ItemWords:
    """The words that a project's texts share, and the vectors of those of each text, found by the ids of the texts.

    Each text gets its vector when it is first asked for, by whichever thread asks.
    """

    def __init__(self, project: Project, ids: Indexes) -> None:
        self._project, self._table, self._lock = project, VectorTable(), threading.Lock()
        self.ids = ids  # of the texts that they are learned from
        self.semantics = learn_semantics(project.items.contents(ids))

    def of(self, ids: Indexes) -> Vectors:
        """Return the vectors (n, r) of texts."""
        with self._lock:
            missing = np.unique(ids[~self._table.has(ids)])
            if len(missing):
                self._table.append(missing, self.semantics.vectors(self._project.items.contents(missing)))
            return self._table.of(ids)
