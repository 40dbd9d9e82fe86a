"""The table that is exported from a project: the rows that were added, with their classes."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from anyshot.app.studio.adding import read_cells
from anyshot.app.studio.database import UNKNOWN_ID
from anyshot.app.studio.feature_items import typed_cells
from anyshot.app.studio.project import Project
from anyshot.base.labels import UNKNOWN
from anyshot.data.unconfirmed_labels import CLASS, CONFIDENCE, CONFIRMED, MADE_BY

if TYPE_CHECKING:  # it loads the encoders
    from anyshot.app.studio.answers import Answers


def exported_rows(project: Project, answers: "Answers") -> pd.DataFrame:
    """Return the rows of all that was added, in order, with the columns class, confidence and confirmed.

    class: the label, or else the answer; confidence: the probability of an answer, None for a label; confirmed: "yes"
    for a label, "no" for others. Equal texts are one item, and have the same class; a row without a text has none. A
    column of the table with the same name, also if it is written Class, is kept, and the new one gets the name
    "studio_class". Where items are rows of features, numbers and dates that a file had as texts are numbers and dates,
    and columns that no file had, as those of a model, are there, too.
    """
    found = project.database.read(
        "select rows.item, rows.cells, batches.columns, items.content, items.name, coalesce(items.label, 0) as label "
        "from rows join batches on batches.id = rows.batch left join items on items.id = rows.item "
        "where not batches.hidden order by rows.id"
    )
    headers = {row["columns"]: json.loads(row["columns"]) for row in found}  # [] for pasted texts and images
    features = project.items.columns()
    own = list(features) or [project.kind_facts.modality]
    names = dict.fromkeys(name for header in headers.values() for name in (header or own))
    columns: dict[str, list[Any]] = {name: [None] * len(found) for name in names}
    for number, row in enumerate(found):
        header = headers[row["columns"]]
        cells = read_cells(row["cells"]) if header else [] if features else [row["name"] or row["content"]]
        for name, cell in zip(header or own, cells, strict=not features):
            columns[name][number] = cell
        for name, cell in typed_cells(features, row["content"]) if features and row["content"] else ():
            if columns[name][number] is None or isinstance(columns[name][number], str):
                columns[name][number] = cell
    for name, values in _answered(project, answers, found).items():
        columns[_new_name(name, columns)] = values
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def answer_columns(project: Project) -> tuple[str, str, str]:
    """Return the names of the columns of the class, the confidence and whether it is confirmed."""
    headers = project.database.column("select distinct columns from batches where not hidden")
    taken = {name for header in headers for name in json.loads(header)}
    return _new_name(CLASS, taken), _new_name(CONFIDENCE, taken), _new_name(CONFIRMED, taken)


def _new_name(name: str, taken: Iterable[str]) -> str:
    return MADE_BY + name if name in map(str.casefold, taken) else name


def item_column(project: Project) -> str | None:
    """Return the column of the texts in the first table that was added, None if no table of texts was."""
    if project.kind != "texts":
        return None
    found = project.database.column(
        "select item_column from batches where not hidden and item_column is not null order by id limit 1"
    )
    return str(found[0]) if found else None


def _answered(project: Project, answers: "Answers", rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = {**{one.id: one.name for one in project.classes.all()}, UNKNOWN_ID: UNKNOWN}
    found = answers.current
    at = found.rows_of(np.array([row["item"] for row in rows], dtype=np.intp)).tolist()
    answered = [(None, None) if k < 0 else (int(found.classes[k]), float(found.confidence[k])) for k in at]
    given = [row["label"] for row in rows]
    return {
        CLASS: [names.get(label or answer or 0) for label, (answer, _) in zip(given, answered, strict=True)],
        CONFIDENCE: [
            None if label or sure is None else round(sure, 3) for label, (_, sure) in zip(given, answered, strict=True)
        ],
        CONFIRMED: ["yes" if label else "no" for label in given],
    }
