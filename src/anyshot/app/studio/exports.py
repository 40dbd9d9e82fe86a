"""What is taken away from a project: the labeled table, the model, the report, and the Python that does the same."""

import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from anyshot import encoders, tasks
from anyshot.app.studio.exported_rows import answer_columns, exported_rows, item_column
from anyshot.app.studio.feature_items import shown_row
from anyshot.app.studio.learning import described, pool_of, unknown_rate
from anyshot.app.studio.project import Project
from anyshot.app.studio.quality import quality
from anyshot.base.files import atomic_file, check_writable
from anyshot.base.folds import folds_by_arrival
from anyshot.base.labels import UNKNOWN
from anyshot.base.messages import one_call
from anyshot.base.validation import Indexes
from anyshot.data.table_writing import write_table
from anyshot.data.workbooks import write_workbook
from anyshot.errors import DataFileError, InputError, NotEnoughLabelsError
from anyshot.evaluation import report as reporting

if TYPE_CHECKING:  # it loads the encoders
    from anyshot.app.studio.answers import Answers

TEST_FOLDS: Final = 4
"""Parts into which the labels are divided for the report; one is the test set."""


def save_table(project: Project, answers: "Answers", path: str | Path) -> int:
    """Write the labeled table to a .csv or .xlsx file, and return its number of rows.

    It has the rows and columns of the files that were added, followed by "class" (the label, or else the answer),
    "confidence" (of an answer) and "confirmed" ("yes" for a label). Texts that a spreadsheet would run as formulas are
    written as texts.

    Raises
    ------
    DataFileError
        The file cannot be written, or has another suffix.
    """
    target, table = Path(path), exported_rows(project, answers)
    check_writable(target)
    if target.suffix.lower() == ".xlsx":
        with atomic_file(target) as part:
            write_workbook(table, part, percent=[answer_columns(project)[1]], target=target)
    elif target.suffix.lower() == ".csv":
        write_table(table, target)
    else:
        raise DataFileError(f"{target} cannot be written: its name must end in .csv or .xlsx.")
    return len(table)


@one_call()
def fitted_classifier(project: Project) -> Any:
    """Return an AnyShotClassifier that is fitted to the project's classes, labels and items.

    Raises InputError if there are fewer than two classes, or no items, or for rows of features, fewer than two classes
    with a label.
    """
    classes, labels = project.classes.all(), project.items.labels()
    if len(classes) < 2 or not len(labels.ids):
        raise InputError("A model needs two classes and some items. Name classes and add items first.")
    ids, names = _labeled(project)
    clf: Any = tasks.AnyShotClassifier(
        _classes_of_model(project),
        encoder=project.encoder,
        long_texts="mean",
        unknown_rate=unknown_rate(labels, len(labels.ids)),
    )
    items, pool = _items(project, ids, _pool(project))
    clf.fit(items, names.tolist(), unlabeled=pool)
    column = item_column(project)
    clf.columns_ = {project.kind_facts.modality: column} if column else {}
    return clf


def save_model(project: Project, folder: str | Path | None = None) -> Path:
    """Write the model to a folder, by default `model` in the project, and return the folder."""
    target = Path(folder) if folder is not None else project.folder / "model"
    fitted_classifier(project).save(target)
    return target


def save_model_zip(project: Project, path: str | Path) -> None:
    """Write the model's folder as a zip file."""
    with tempfile.TemporaryDirectory(prefix="anyshot-") as scratch:
        write_zip(Path(path), save_model(project, Path(scratch) / "model"))


def save_onnx_zip(project: Project, path: str | Path) -> None:
    """Write encoder and model in ONNX as a zip; raise MissingExtraError without the extras torch and onnx."""
    with tempfile.TemporaryDirectory(prefix="anyshot-") as scratch:
        folder = Path(scratch) / "onnx"
        folder.mkdir()
        encoders.export(fitted_classifier(project), folder / "model.onnx")
        write_zip(Path(path), folder)


@one_call()
def save_report(project: Project, answers: "Answers", path: str | Path) -> str:
    """Write an HTML report on labels that are held out, and return its verdict.

    It begins with how good the answers of the project are, as the page says it. For the figures below, the model is
    fitted to three quarters of the labels and tested on the others.

    Raises
    ------
    NotEnoughLabelsError
        There are too few labels to hold some out.
    """
    ids, names = _labeled(project)
    is_test = folds_by_arrival(np.unique(names, return_inverse=True)[1], TEST_FOLDS) == 0
    if min(len(np.unique(names[part])) for part in (is_test, ~is_test)) < 2:
        raise NotEnoughLabelsError("The report tests the model on held-out labels. Label some items of two classes.")
    tested, known, pool = _items(project, ids[is_test], ids[~is_test], _pool(project))
    train = known, names[~is_test].tolist()
    clf = tasks.AnyShotClassifier(_classes_of_model(project), encoder=project.encoder, long_texts="mean")
    clf.fit(*train, unlabeled=pool)
    made = reporting.report(clf, tested, names[is_test].tolist(), train=train)
    found = quality(project, answers)
    if found.accuracy is not None:
        made = replace(made, verdict=f"{found} {_OF_TEST}", warnings=(made.verdict, *made.warnings))
    made.save(path, title=project.name)
    return str(made.verdict)


def python_code(project: Project) -> str:
    """Return the Python that fits the same model from the exported table."""
    kind = project.kind_facts.modality
    column = item_column(project) or kind
    options = [f"encoder={project.encoder!r}"] if project.encoder != "auto" else []
    options += ['long_texts="mean"'] if kind == "text" else []
    labels = project.items.labels()
    if rate := unknown_rate(labels, len(labels.ids)):
        options.append(f"unknown_rate={rate}")
    of_class, confidence, confirmed = answer_columns(project)
    features, classes = project.items.columns(), _listed(project)
    texts = [name for name, holds in features.items() if holds == "category"] if features else [column]
    return _CODE.format(
        imports="from anyshot import AnyShotClassifier" + (", Words" if "Words(" in classes else ""),
        classes=classes,
        file="rows.csv" if kind == "table" else f"{kind}s.csv",
        types="{" + ", ".join(f"{name!r}: str" for name in dict.fromkeys([of_class, *texts])) + "}",
        columns=list(features) if features else repr(column),
        options="".join(f", {option}" for option in options),
        label=of_class,
        confidence=confidence,
        confirmed=confirmed,
        unknown=UNKNOWN,
    )


def write_zip(target: Path, folder: Path) -> None:
    """Write a folder to a zip, which appears complete or not at all."""
    with atomic_file(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            archive.write(file, file.relative_to(folder.parent).as_posix())


# --- private --------------------------------------------------------------------------------------------------------

_OF_TEST: Final = (
    "This is expected of the answers in the project. The figures below are from a test on a quarter of the labels, by "
    "a model that was fitted without them; their items may be harder than others."
)
_CODE: Final = """\
import pandas as pd
{imports}

classes = {classes}
table = pd.read_csv("{file}", dtype={types}, keep_default_na=False, na_values=[""])
items = table[{columns}]
is_labeled = (table["{confirmed}"] == "yes") & (table["{label}"] != "{unknown}")

clf = AnyShotClassifier(classes{options})
clf.fit(items[is_labeled], table["{label}"][is_labeled], unlabeled=items)

table["{label}"] = clf.predict(items)
table["{confidence}"] = clf.predict_proba(items).max(axis=1)
clf.save("model")
"""


def _classes_of_model(project: Project) -> dict[Any, Any]:
    """Return the classes that a model is fitted to; raise InputError if there are fewer than two."""
    known = _known_classes(project)
    if len(known) < 2:
        raise InputError("A model of numbers needs labels of two classes. Label at least one row of each class.")
    return known


def _known_classes(project: Project) -> dict[Any, Any]:
    """Return the classes that names or labels tell something about; names say nothing about rows of features."""
    return described([one for one in project.classes.all() if one.n_labels or project.kind_facts.names_help])


def _listed(project: Project) -> str:
    """Return the classes as Python."""
    lines = [f"    {name!r}: {texts!r}," for name, texts in _known_classes(project).items()]
    return "\n".join(["{", *lines, "}"])


def _items(project: Project, *ids: Indexes) -> list[Any]:
    """Return the items of several lists of ids; tables have the same types of columns, and rows named by their values.

    Where a model is used, nobody knows the ids.
    """
    if project.kind != "rows":
        return [project.items.contents(some) for some in ids]
    every, columns = np.unique(np.concatenate(ids)), project.items.columns()
    rows = project.items.contents(every)
    names = {item.id: shown_row(columns, item.content) for item in project.items.get(every)}
    return [rows.loc[some].rename(index=names) for some in ids]


def _labeled(project: Project) -> tuple[Indexes, NDArray[np.object_]]:
    """Return the ids of the labeled items that are there, and the names of their classes."""
    labels, names = project.items.labels(), {one.id: one.name for one in project.classes.all()}
    ids = project.items.there(labels.ids[labels.labels > 0])
    given = labels.labels[labels.rows_of(ids)].tolist()
    return ids, np.array([names[label] for label in given], dtype=object)


def _pool(project: Project) -> Indexes:
    return project.items.there(pool_of(project.items.labels().ids))
