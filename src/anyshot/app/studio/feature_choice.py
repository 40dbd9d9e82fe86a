"""Which columns of a table are features: what each holds, or why it cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from anyshot import data
from anyshot.app.studio.feature_items import Holds
from anyshot.data.row_names import are_names_of_rows, are_numbers_of_rows
from anyshot.data.unconfirmed_labels import exported_columns
from anyshot.errors import InputError

if TYPE_CHECKING:
    from anyshot.data.tables import Table


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
    if kind == "category":
        return are_names_of_rows(list(map(str, values)))
    if kind != "number":
        return False
    return are_numbers_of_rows(name, data.read_numbers(pd.Series(values, dtype=object), "number")[0])
