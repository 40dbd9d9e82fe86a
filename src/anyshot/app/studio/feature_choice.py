"""Which columns of a table are features: what each holds, or why it cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from anyshot import data
from anyshot.app.studio.feature_items import Holds
from anyshot.data.unconfirmed_labels import exported_columns
from anyshot.errors import InputError

if TYPE_CHECKING:
    from anyshot.data.tables import Table

_NUMBERING: Final = ("id", "nr", "no", "number", "nummer", "index", "key", "code")
"""How names of columns end that only name the rows."""
FEW: Final = 10
"""Rows from which texts that are nearly all different are hardly categories."""
MOSTLY: Final = 0.9


@dataclass(frozen=True)
class Feature:
    """A column of a table that may be a feature.

    kind: what it holds, None if it cannot be used, and `fault` says why; is_proposed: whether it probably tells
    something about a row, which a number that only names the row does not.
    """

    name: str
    kind: Holds | None
    is_proposed: bool
    fault: str = ""


def features_of(table: "Table", names: Sequence[str]) -> list[Feature]:
    """Return what columns of a table hold; those that an export of the studio added are not proposed."""
    found = [_feature(column) for _, column in data.feature_rows(table, names).items()]
    made = exported_columns(table) or ()
    return [replace(one, is_proposed=False) if one.name in made else one for one in found]


def plain_fault(error: InputError) -> str:
    """Return why a column cannot be read, without what a programmer may do about it."""
    return f"{str(error).partition('. ')[0]}."


def _feature(column: "pd.Series[Any]") -> Feature:
    name = str(column.name)
    try:
        kind = data.plain_kind(data.likely_kind(column))
    except InputError as error:
        return Feature(name, None, False, plain_fault(error))
    values = [value for value in column if value is not None]
    return Feature(name, kind, bool(values) and not _names_rows(name, kind, values))


def _names_rows(name: str, kind: Holds, values: list[Any]) -> bool:
    """Return whether values only name the rows: numbers that count them, or texts that are nearly all different."""
    distinct = len(set(map(str, values)))
    if kind == "category":
        return distinct > FEW and distinct >= MOSTLY * len(values)
    if kind != "number" or distinct < len(values) or len(values) < 2:
        return False
    numbers = pd.to_numeric(pd.Series(values, dtype=object).astype(str), errors="coerce").to_numpy()
    is_named = name.strip().casefold().rstrip(".").endswith(_NUMBERING)
    counts_up = len(values) > 2 and bool((np.diff(numbers) > 0).all())
    is_shuffled = len(values) > FEW and bool(np.ptp(numbers) < 1.5 * len(values))  # hardly a number is left out
    return bool((numbers == np.round(numbers)).all()) and (is_named or counts_up or is_shuffled)
