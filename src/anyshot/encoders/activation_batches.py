"""Activations drawn by row, from memory or from mapped files, and batches that waste little on filling texts up."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anyshot.base.validation import Indexes
from anyshot.encoders.stages import State
from anyshot.store.activation_cache import Packed
from anyshot.store.disk_cache import Key

Slots: TypeAlias = NDArray[np.intp]  # places in a list of distinct views of items


class Activations:
    """The states of items at a freeze point, drawn by row.

    Attributes
    ----------
    lengths : ndarray of shape (n,)
        Tokens of each text; 1 for an image and for what is pooled.
    n_views : int
        Views of each item: one more than `augment` asked for.
    in_memory : bool
        Whether they are held in memory; else they are mapped from files.
    digest : str
        Of the items' contents, in their order, with their views.
    """

    def __init__(self, packs: Sequence[Packed], *, keys: Sequence[Key], slots: Slots, budget_mb: float) -> None:
        """Hold the packs' states of `keys`; `slots` (n, n_views) says which of these each view of each item is."""
        place_of = {key: (part, row) for part, pack in enumerate(packs) for row, key in enumerate(pack.keys)}
        part, row = np.array([place_of[key] for key in keys], dtype=np.intp).reshape(-1, 2).T
        starts, lengths = [pack.starts for pack in packs], [pack.lengths for pack in packs]
        self._part = part
        self._start = np.array([starts[p][r] for p, r in zip(part, row, strict=True)], dtype=np.int64)
        self._length = np.array([lengths[p][r] for p, r in zip(part, row, strict=True)], dtype=np.int64)
        self._lines = [pack.lines for pack in packs]
        self._sort = packs[0].sort if packs else "places"
        self._slots = slots
        self.n_views = slots.shape[1]
        self.lengths = self._length[slots[:, 0]]
        self.digest = sha256(b"".join(keys) + np.ascontiguousarray(slots).tobytes()).hexdigest()
        self.in_memory = self._length.sum() * _bytes_of_line(self._lines) <= budget_mb * 1e6
        if self.in_memory and self._lines:
            self._take_into_memory()

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self._slots)

    def batch(
        self,
        rows: Indexes | Sequence[int],
        *,
        generator: np.random.Generator | None = None,
        device: torch.device | str = "cpu",
    ) -> State:
        """Return the state of some items, float32, or ids and pixels where nothing is frozen.

        rows (n,): which; generator: draws one of its views for each, else each is shown as it is.
        """
        chosen = np.asarray(rows, dtype=np.intp)
        views = 0 if generator is None else generator.integers(self.n_views, size=len(chosen))
        slots = self._slots[chosen, views]
        return (self._texts(slots) if self._sort == "tokens" else self._images(slots)).to(device)

    def _texts(self, slots: Slots) -> State:
        """Return states (n, t, width) or ids (n, t); what fills a text up repeats its last token, which is masked."""
        lengths = self._length[slots]
        longest = int(lengths.max(initial=1))
        places = np.minimum(np.arange(longest), lengths[:, None] - 1)  # (n, t)
        mask = torch.from_numpy(np.arange(longest) < lengths[:, None])
        return State(_used(self._gathered(slots, self._start[slots][:, None] + places)), mask)

    def _images(self, slots: Slots) -> State:
        x = _used(self._gathered(slots, self._start[slots]))
        return State(x.permute(0, 3, 1, 2) if self._sort == "maps" else x)  # (n, c, h, w), channels last in memory

    def _gathered(self, slots: Slots, places: NDArray[np.int64]) -> Tensor:
        """Return the lines at `places` (n, ...) of each slot's part."""
        if len(self._lines) == 1:
            return self._lines[0][torch.from_numpy(places)]
        made = torch.empty((*places.shape, *self._lines[0].shape[1:]), dtype=self._lines[0].dtype)
        parts = self._part[slots]
        for part in np.unique(parts):
            here = np.flatnonzero(parts == part)
            made[torch.from_numpy(here)] = self._lines[part][torch.from_numpy(places[here])]
        return made

    def _take_into_memory(self) -> None:
        """Copy the lines that are needed, in the order of their slots, and let go of the files."""
        made = torch.empty((int(self._length.sum()), *self._lines[0].shape[1:]), dtype=self._lines[0].dtype)
        starts = np.cumsum(self._length) - self._length
        for part, lines in enumerate(self._lines):
            slots = np.flatnonzero(self._part == part)
            made[_lines_of(starts[slots], self._length[slots])] = lines[
                _lines_of(self._start[slots], self._length[slots])
            ]
        self._lines, self._start, self._part = [made], starts, np.zeros_like(self._part)


def similar_lengths(
    lengths: Sequence[int] | NDArray[np.integer], rows: Indexes, *, batch_size: int, generator: np.random.Generator
) -> list[Indexes]:
    """Return shuffled batches of `rows`, each of texts about equally long, so that little is spent on filling up.

    lengths (n,): of every item; rows (m,): which of them are to be drawn, each once. Fifty batches' worth is drawn at
    random and sorted by length, and the batches are shuffled: which items meet stays largely a matter of chance. Items
    of one length are simply shuffled.
    """
    drawn = generator.permutation(np.asarray(rows, dtype=np.intp))
    length_of = np.asarray(lengths)
    made: list[Indexes] = []
    for first in range(0, len(drawn), 50 * batch_size):
        window = drawn[first : first + 50 * batch_size]
        window = window[np.argsort(length_of[window], kind="stable")]
        made += [window[place : place + batch_size] for place in range(0, len(window), batch_size)]
    return [made[place] for place in generator.permutation(len(made))]


def _used(x: Tensor) -> Tensor:
    """Return a stored tensor as it is computed with."""
    if x.is_floating_point():
        return x.float()
    return x.long() if x.dtype == torch.int32 else x


def _lines_of(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Tensor:
    """Return the numbers of all lines of items that begin at `starts` (n,) and are `lengths` (n,) lines long."""
    ends = np.cumsum(lengths)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return torch.from_numpy(np.repeat(starts, lengths) + within)


def _bytes_of_line(lines: Sequence[Tensor]) -> int:
    return int(np.prod(lines[0].shape[1:])) * lines[0].element_size() if lines else 0
