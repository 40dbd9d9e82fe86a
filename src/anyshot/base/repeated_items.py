"""Test items that a model was trained on, which make its figures too good."""

from os import PathLike
from typing import Any

import numpy as np

from anyshot.base.columns import column_names, column_values, is_table, numeric_array
from anyshot.base.items import Items, by_position


def n_repeated(items: Items, earlier: Items) -> int:
    """Return how many items equal one of the earlier items: texts, paths, arrays, or rows of numbers or of a table.

    >>> n_repeated(["a", "b", "a"], ["a", "c"]), n_repeated(np.eye(2), np.eye(1, 2))
    (2, 1)
    """
    known = set(_keys(earlier)) - {None}
    return sum(key in known for key in _keys(items))


def repeated_note(n: int, n_items: int) -> str:
    """Return the note on test items that are among the training items."""
    return f"{n:,} of the {n_items:,} test items are training items too, so these figures are better than for new items"


def _keys(items: Items) -> list[Any]:
    """Return what tells each item from others, None for an image in memory and for rows of a sparse table."""
    if is_table(items):
        columns = [map(str, column_values(items[name])) for name in column_names(items)]
        return list(zip(*columns, strict=True))
    return [] if hasattr(items, "toarray") else [_key(item) for item in by_position(items)]


def _key(item: Any) -> Any:
    if isinstance(item, str | PathLike):
        return str(item)
    if isinstance(item, np.ndarray) and item.dtype == np.uint8:
        return item.tobytes()
    return numeric_array(item, dtype=np.float64).tobytes() if isinstance(item, np.ndarray | list | tuple) else None
