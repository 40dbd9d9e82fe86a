"""Columns of labels in tables that are added: their names become classes."""

import re
from collections.abc import Sequence
from typing import Any, Final

from anyshot.app.studio.adding import Added
from anyshot.app.studio.classes import add_class
from anyshot.app.studio.database import UNKNOWN_ID
from anyshot.app.studio.transactions import Transaction
from anyshot.base.columns import is_missing
from anyshot.base.labels import UNKNOWN, clean_name
from anyshot.base.messages import collecting
from anyshot.base.misleading_names import MAX_FRACTIONS, WRITTEN_MISSING, fractions_in, warn_of_joined
from anyshot.base.written_labels import truth_in_english
from anyshot.errors import InputError

MAX_CLASSES: Final = 200
"""Most new classes that a label column may bring; a column with more holds something else."""
_WHOLE: Final = re.compile(r"-?\d+\.0")


def label_ids(transaction: Transaction, labels: Sequence[str], added: Added) -> dict[str, int]:
    """Return the stored label of each name in a label column, and add the classes that are new.

    Names may differ in capitals; true and false are one class each, in whatever language a spreadsheet writes them.

    Raises InputError if the column has more than 200 different values that are no class yet, or many numbers with
    fractions.
    """
    names = dict.fromkeys(labels)
    there = [(row["name"].casefold(), row["id"]) for row in transaction.read("select id, name from classes")]
    # Where only one of true and false is there, it may be another word, as "sand", which is Danish for true.
    have_both = {"true", "false"} <= {truth_in_english(name) for name in (*names, *dict(there))}
    in_english = {truth_in_english(name): own for name, own in there} if have_both else {}
    known = in_english | dict(there) | {UNKNOWN: UNKNOWN_ID}

    def key(name: str) -> str:
        return name.casefold() if name.casefold() in known or not have_both else truth_in_english(name)

    others = [name for name in names if name and key(name) not in known]
    missing = [name for name in others if name in WRITTEN_MISSING]
    new = [name for name in others if name not in WRITTEN_MISSING]
    if len(new) > MAX_CLASSES:
        raise InputError(
            f"The label column has {len(new):,} different values, such as {new[0]!r}; {MAX_CLASSES} new classes are "
            "allowed. Choose the column of the classes, or no label column."
        )
    added.doubts += _doubts(new)
    if missing:
        listed = ", ".join(map(repr, missing))
        added.doubts.append(
            f"No label was read from: {listed}. If one is a class, add the class, then the table again."
        )
    for name in new:
        if key(name) not in known:
            known[key(name)] = add_class(transaction, name)
            added.new_classes.append(name)
    return {name: known[key(name)] for name in names if key(name) in known}


def _doubts(new: Sequence[str]) -> list[str]:
    """Return why the new classes of a label column may not be what was meant; InputError if they can hardly be."""
    fractions = fractions_in(new)
    if len(fractions) > MAX_FRACTIONS:
        raise InputError(
            f"The label column has {len(fractions):,} different numbers with fractions, such as {fractions[0]!r}, "
            "which are hardly classes. Choose the column of the classes, or no label column."
        )
    with collecting() as found:
        warn_of_joined(new)
    return list(map(str, found))


def read_labels(cells: Sequence[Any]) -> list[str]:
    """Return the names of classes in cells (n,), "" for none.

    1.0 is 1 if a cell is empty, beside which pandas writes whole numbers so.
    """
    labels = ["" if is_missing(cell) else " ".join(clean_name(str(cell)).split()) for cell in cells]
    if "" in labels and all(_WHOLE.fullmatch(label) for label in labels if label):
        return [label.removesuffix(".0") for label in labels]
    return labels
