"""Test items that equal training items, which make the figures of a model too good."""

from collections.abc import Iterator
from os import PathLike
from typing import Any, Final

import numpy as np

from anyshot.base.columns import column_names, column_values, is_table
from anyshot.base.items import Items, by_position

_COMPARED: Final = (str, PathLike, np.ndarray, list, tuple)


def n_repeated(items: Items, earlier: Items) -> int:
    """Return how many items equal one of the earlier items: texts, paths, arrays, or rows of a table.

    >>> n_repeated(["a", "b", "a"], ["a", "c"]), n_repeated(np.eye(2), np.eye(1, 2))
    (2, 1)
    """
    known = {hash(key) for key in _keys(earlier)}  # hashes alone, since the keys of 100,000 vectors take 300 MB
    return sum(hash(key) in known for key in _keys(items))


def repeated_note(n: int, n_items: int) -> str:
    """Return the note on test items that equal training items."""
    equal = "equals a training item; if it is" if n == 1 else "equal training items; if they are"
    return f"{n:,} of the {n_items:,} test items {equal} the same, these figures are better than for new items"


def _keys(items: Items) -> Iterator[Any]:
    """Yield a key of each item, equal for equal items; none for images in memory and for rows of a sparse table."""
    if is_table(items):
        yield from zip(*(map(str, column_values(items[name])) for name in column_names(items)), strict=True)
    elif not hasattr(items, "toarray"):
        yield from (_key(item) for item in by_position(items) if isinstance(item, _COMPARED))


def _key(item: Any) -> str | bytes:
    if isinstance(item, str | PathLike):
        return str(item)
    row = np.asarray(item)
    if row.dtype.kind not in "fiub":
        return str([str(value) for value in row.ravel()])
    return (row if row.dtype == np.uint8 else row.astype(np.float64)).tobytes()
