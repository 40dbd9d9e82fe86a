"""Which labeled items training does not see, so that it can be stopped in time; no class is ever emptied."""

from typing import Final, Literal, NamedTuple

import numpy as np

from anyshot.base.validation import Indexes

USUAL_SHARE: Final = 0.1
ENOUGH: Final = 100
"""Items held out below which "auto" holds none: with 30, one epoch's figure is sure to 5 points, epochs differ by 1."""


class Parted(NamedTuple):
    """Rows to train on, rows held out, and why there are none of these."""

    train: Indexes
    held_out: Indexes
    why_none: str = ""


def hold_out(index: Indexes, *, share: float | Literal["auto"], generator: np.random.Generator) -> Parted:
    """Hold out about `share` of each class's items, at random, at least one of every class staying to learn from.

    index (n,): the class of each item; share: "auto" is a tenth where that is enough to tell epochs apart, else none. A
    class's part is rounded at random, so that small classes give their share on average.
    """
    rows = np.arange(len(index))
    if share == "auto":
        return _auto(index, generator)
    if share == 0:
        return Parted(rows, rows[:0], "held_out=0")
    held: list[int] = []
    for k in np.unique(index):
        own = generator.permutation(rows[index == k])
        wanted = int(len(own) * share + generator.random())
        held.extend(own[: min(wanted, len(own) - 1)].tolist())
    if not held:
        most = int(np.bincount(index).max())
        return Parted(rows, rows[:0], f"too few labels, at most {most} a class, to hold a share of {share:g} out")
    out = np.array(sorted(held), dtype=np.intp)
    return Parted(np.setdiff1d(rows, out), out)


def _auto(index: Indexes, generator: np.random.Generator) -> Parted:
    """Hold out a tenth where that tells one epoch from another, nothing otherwise."""
    rows, few = np.arange(len(index)), "too few to tell one epoch from another by"
    if USUAL_SHARE * len(index) < ENOUGH:
        return Parted(rows, rows[:0], f"a tenth of {len(index)} labels would be {few}")
    parted = hold_out(index, share=USUAL_SHARE, generator=generator)
    if len(parted.held_out) < ENOUGH / 2:  # small classes were spared
        return Parted(rows, rows[:0], f"a tenth of each class is {len(parted.held_out)} labels in all, {few}")
    return parted
