"""Whether values are in the order of the items that they belong to, by their pandas indexes."""

import warnings
from typing import Any


def warn_of_other_order(items: object, others: object, *, what: str = "labels", stacklevel: int) -> None:
    """Warn if the pandas indexes of items and of values for them differ in their order only.

    An index that counts the rows from 0 on, as after `reset_index`, stands for positions.
    """
    one: Any = getattr(items, "index", None)
    other: Any = getattr(others, "index", None)
    if not hasattr(one, "equals") or not hasattr(other, "equals") or one.equals(other):
        return
    counted = any("RangeIndex" in type(own).__name__ and own.start == 0 and own.step == 1 for own in (one, other))
    if not counted and set(one) == set(other):
        warnings.warn(
            f"The indexes of items and {what} name the same rows in another order. Items and {what} are paired by "
            f"position; to pair them by index, pass {what}.loc[items.index].",
            stacklevel=stacklevel + 1,
        )
