"""The range of a column of numbers or dates, outside of which values are probably of another unit."""

from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from anyshot.base.messages import warn
from anyshot.base.validation import Floats

SLACK: Final = 10.0
"""Numbers so many times the range's width beyond it are far outside."""
RATIO: Final = 30.0
"""Positive numbers are too small if below the lowest by this factor, times that from the lowest to the highest."""
FEW_ROWS: Final = 40
"""With fewer rows in `fit`, the range is less certain: with half as many, SLACK and RATIO are doubled."""
LEAST_DAYS: Final = 50 * 365.25
"""Dates are far outside from so many days beyond the range on."""
SCALE: Final = 100.0
"""Several numbers are too small if all are below the median by this factor."""
SEVERAL: Final = 5
"""So many different numbers are enough for SCALE."""
MIN_DISTINCT: Final = 3
"""Columns with fewer different numbers, without 0, have no range: they are codes, or hardly vary."""

_MISSING_CODES: Final = (-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0)
"""Numbers that statistics programs and instruments write for a missing one."""

MIN_REPEATED: Final = 2
"""Rows that must have such a number: a single one may be a measurement."""


class Range(NamedTuple):
    """What a column held in `fit`; numbers are those of `as_numbers`, and kinds those of `plain_kind`.

    typical: the median of the sizes of all numbers but 0; n_rows: how many rows had a value. The limits above were
    chosen on seven tables (wine, breast cancer, iris, digits and diabetes of scikit-learn; students; adult census):
    with 6 to half of the rows in `fit`, no other row is outside. Of columns times 100 or 1,000, 85 % are, in five rows.
    """

    lowest: float
    highest: float
    typical: float
    n_rows: int

    @classmethod
    def of(cls, numbers: Floats, kind: str) -> Self | None:
        """Return the range of a column (n,), NaN for missing values; None if it does not show the column's scale."""
        there = numbers[~np.isnan(numbers)]
        sizes = np.abs(there[there != 0])
        if kind != "date" and (len(np.unique(sizes)) < MIN_DISTINCT or 2 * len(sizes) < len(there)):
            return None  # in a column that is 0 in most rows, the others were hardly seen
        typical = float(np.median(sizes)) if len(sizes) else 0.0
        return cls(float(there.min()), float(there.max()), typical, len(there))

    def is_outside(self, numbers: Floats, kind: str) -> NDArray[np.bool_]:
        """Return which numbers (n,) are far outside, or too small."""
        width, caution = self.highest - self.lowest, max(1.0, FEW_ROWS / self.n_rows)
        slack = max(2 * width, LEAST_DAYS) if kind == "date" else SLACK * caution * width
        found: NDArray[np.bool_] = (numbers > self.highest + slack) | (numbers < self.lowest - slack)
        if kind == "date":
            return found
        sizes = np.abs(numbers)
        if self.lowest > 0 or self.highest < 0:
            low, high = sorted((abs(self.lowest), abs(self.highest)))
            found |= sizes < low / (RATIO * caution * high / low)
        there = sizes[sizes > 0]  # 0 is 0 in every unit
        if len(np.unique(there)) >= SEVERAL and there.max() < self.typical / SCALE:
            found |= sizes > 0
        return found & (sizes > 0)

    def shown(self, kind: str) -> str:
        """Return the range as text."""
        return shown([self.lowest, self.highest], kind)


def warn_of_missing_codes(name: str, numbers: Floats) -> None:
    """Warn of a number such as -999 that stands several times in a column (n,), far from all others.

    Far is more than twice the width of the range of the others.
    """
    for code in _MISSING_CODES:
        others, n_rows = numbers[(numbers != code) & ~np.isnan(numbers)], int(np.count_nonzero(numbers == code))
        if n_rows < MIN_REPEATED or len(np.unique(others)) < MIN_DISTINCT:
            continue
        far = 2 * float(np.ptp(others))
        if code < others.min() - far or code > others.max() + far:
            usual = shown(others.tolist(), "number")
            warn(
                f"Column {name!r} has {code:g} in {n_rows:,} rows, and {usual} in the others. If it "
                "stands for a missing number, empty these cells."
            )


def shown(numbers: list[float], kind: str) -> str:
    """Return a number, or the lowest and highest of several, as text.

    >>> shown([1490400.0], "number"), shown([3.0, 0.25], "number"), shown([19727.0], "date")
    ('1490400', '0.25 to 3', '2024-01-05')
    """
    ends = dict.fromkeys([min(numbers), max(numbers)])
    if kind == "date":
        return " to ".join(str(np.datetime64(int(np.floor(end)), "D")) for end in ends)
    texts = [np.format_float_positional(end, precision=6, fractional=False, trim="-") for end in ends]
    return " to ".join(texts) + (" days" if kind == "duration" else "")
