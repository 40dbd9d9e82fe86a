"""Items with their labels, as `fit` takes them: two lists, or a mapping from labels to items."""

import sys
from collections.abc import Mapping
from typing import Any

from anyshot.base.columns import IMAGE_COLUMNS, LABEL_COLUMNS, TEXT_COLUMNS, column_names, is_table
from anyshot.base.items import Items, by_position, check_list, item_count
from anyshot.base.labels import Label, Labels, label_list, wrong_number_of_labels
from anyshot.base.messages import first_of, warn_of_order
from anyshot.errors import InputError


def items_and_labels(X: Items | Mapping[Label, Items] | None, y: Labels | None) -> tuple[Items, list[Label]]:
    """Return items and labels, of equal length; `X` may also be {label: items}.

    Raises InputError if only one of the two is given, their lengths differ, or items are not a list.
    """
    given: Any = X
    if isinstance(given, Mapping) and not hasattr(given, "toarray"):  # a sparse matrix by keys is a mapping too
        if y is not None:
            raise InputError(
                "The keys of the mapping are the labels; leave y out. If they are the columns of a table, pass "
                "pandas.DataFrame(X)."
            )
        for label, own in given.items():
            check_list(own, what=f"A list of the items of {label!r}")
        labels = label_list([label for label, own in given.items() for _ in range(item_count(own))])
        return _joined(given), labels
    if X is None:
        if y is not None:
            raise InputError("Labels were given without items. Pass the items they belong to.")
        return [], []
    check_list(given)
    n_items = item_count(given)
    if y is None:
        raise InputError(f"{n_items} items were given without labels. Pass y; unlabeled items go into unlabeled=items.")
    check_list(y, what="A list of labels")
    if n_items != item_count(y):
        raise wrong_number_of_labels(n_items, item_count(y))
    warn_of_order(given, y)
    return given, label_list(y)


def _joined(given: Mapping[Label, Any]) -> Items:
    """Return the items of all classes as one list, or as one table if they are tables of several columns.

    Raises InputError if such tables have different columns.
    """
    given = {label: own for label, own in given.items() if item_count(own)}
    tables = {label: own for label, own in given.items() if is_table(own) and own.shape[1] > 1}
    library = _library_of(next(iter(tables.values()), None))
    if not (hasattr(library, "concat") or hasattr(library, "concat_tables")):  # pandas and polars, or pyarrow
        lists = {label: by_position(own) for label, own in given.items()}
        _refuse_columns(lists)
        return [item for own in lists.values() for item in own]
    names = column_names(next(iter(tables.values())))
    for label, own in given.items():
        if label not in tables or {*column_names(own)} != {*names} or _library_of(own) is not library:
            raise InputError(
                f"The items of {label!r} are no table with the columns {first_of(names, at_most=5)}, as those of "
                f"{next(iter(tables))!r} are. Give each class a table of the same library with the same columns."
            )
    joined: Items
    if hasattr(library, "concat"):
        joined = library.concat([own[names] for own in tables.values()])
    else:
        parts = [library.table({name: own[name] for name in names}) for own in tables.values()]
        joined = library.concat_tables(parts, promote_options="permissive")
    return joined


def _library_of(table: object) -> Any:
    return sys.modules.get(type(table).__module__.partition(".")[0])


def _refuse_columns(lists: Mapping[Label, Items]) -> None:
    """Raise InputError if {label: items} is a table, {"text": texts, "label": labels}, as Hugging Face's data are."""
    names = {str(name).casefold(): name for name in lists}
    of_items = next((names[one] for one in (*TEXT_COLUMNS, *IMAGE_COLUMNS) if one in names), None)
    of_labels = next((names[one] for one in LABEL_COLUMNS if one in names), None)
    if of_items is None or of_labels is None or of_items == of_labels:
        return
    labels = [str(label) for label in lists[of_labels]]
    if len(labels) == len(lists[of_items]) and len(set(labels)) < len(labels):
        raise InputError(
            f"The mapping has the columns {of_items!r} and {of_labels!r} of a table; {{label: items}} was expected. "
            f"Pass data[{of_items!r}] as X and data[{of_labels!r}] as y."
        )
