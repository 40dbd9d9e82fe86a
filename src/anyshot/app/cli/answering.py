"""The commands that use a model: predict, explain, evaluate, suggest."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from anyshot import data as datasets
from anyshot import tasks
from anyshot.app.cli.console import in_terminal, note, show, show_each, show_rows
from anyshot.app.cli.files import TABLES, TableOut, Verbatim, check_out, current
from anyshot.app.cli.options import (
    ClassOptions,
    Columns,
    ItemColumns,
    with_class_options,
    with_column_options,
    with_item_column_options,
)
from anyshot.app.cli.reading import (
    Data,
    EncoderName,
    Given,
    GivenItems,
    features_of,
    items_of,
    read,
    read_labeled,
    shown_items,
)
from anyshot.app.cli.saved_models import Model, model_and_items, open_model, saved_encoder
from anyshot.app.cli.standard_input import lines_of_stdin
from anyshot.app.learned_items import item_keys, learned_items
from anyshot.base.columns import LABEL_COLUMNS, take
from anyshot.base.labels import UNKNOWN
from anyshot.base.messages import count
from anyshot.base.written_labels import as_classes_write_them
from anyshot.errors import DataFileError, InputError

LABEL, GUESS = "label", "guess"
"""Columns of what `suggest` writes: the label, empty for a person to fill in, and what the model predicts."""


@with_class_options
@with_item_column_options
def predict(
    items: Given,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a model that fit wrote, instead of --classes. It may also stand before the items.",
            metavar="DIR",
        ),
    ] = None,
    out: TableOut = None,
    encoder: EncoderName = "auto",
    proba: Annotated[bool, typer.Option("--proba", help="Add the probability of every class.")] = False,
    verbatim: Verbatim = False,
    *,
    class_options: ClassOptions,
    columns: ItemColumns,
) -> None:
    """Predict the class of each text, image or row of features.

    Needs class names, best with ten words of each class, but no labels; or a model. Prints a table in a terminal; in a
    pipe, JSON lines with the keys label, probability and item, for the standard input as soon as a line arrives. The
    probability of an "unknown" item is null. With --out, the columns of the input table are kept, followed by
    predicted_label and probability, which are empty for a row that was skipped. With --proba, the key proba has the
    probability of every class, and a file a column for each, such as probability_billing; of an "unknown" item, they
    are those that it would have if it were of one of the classes.
    """
    if not class_options.given:
        model, items = model_and_items(items, model)
    if not items:
        raise typer.BadParameter(f"{model} is a model. Give the texts, images or file to predict as well.")
    if not class_options.given and model is None:
        raise typer.BadParameter(f"Either --classes or a model is required. {_where_is_no_model(items)}")
    if model is not None:
        class_options.refuse_beside("--model")
    if model is None and columns.feature_columns is not None:
        raise typer.BadParameter("Names of classes say nothing about rows of features. Fit a model with anyshot fit.")
    check_out(out, TABLES, *items, class_options.classes)
    clf = _classifier(model, class_options, encoder)
    saved = None if model is None else clf  # one of class names is not fitted before it answers
    if list(items) == ["-"] and out is None and _is_streamed() and features_of(saved) is None:
        for lines in lines_of_stdin():
            show_rows(_predicted(clf, lines, proba=proba), last="item")
        return
    inputs = items_of(items, columns.whole, model=saved)
    rows = _predicted(clf, inputs.items, proba=proba)
    if out is None:
        show_rows(rows, last="item")
    else:
        _write_predictions(rows, inputs, out, verbatim=verbatim)


def _classifier(model: Path | None, class_options: ClassOptions, encoder: str) -> Any:
    """Return the model of a folder, or one of the class names."""
    if model is None:
        return tasks.AnyShotClassifier(**class_options.parameters(), encoder=encoder).fit()
    with saved_encoder(None if encoder == "auto" else encoder):
        return open_model(model, method="predict_proba")


def _where_is_no_model(items: Sequence[str]) -> str:
    """Return a sentence on the folder that is missing among items, if one of them may be meant for it."""
    absent = [one for one in items if not os.path.exists(one) and len(one.split()) == 1]
    if len(absent) == 1 < len(items):
        return f"There is no folder {absent[0]}."
    return "No argument is the folder of a model."


@with_item_column_options
def explain(
    model: Model,
    items: Given,
    k: Annotated[int, typer.Option("-k", "--neighbors", min=0, help="Labeled examples to show for each item.")] = 3,
    *,
    columns: ItemColumns,
) -> None:
    """Explain each prediction: the description that matches best and the nearest labeled examples."""
    clf = open_model(model, method="explain")
    explanations = clf.explain(items_of(items, columns.whole, model=clf).items, k=k)
    show_each(explanations, [asdict(one) for one in explanations])


@with_column_options
def evaluate(model: Model, data: Data, *, columns: Columns) -> None:
    """Measure how good a model is on labeled data that it was not fitted on."""
    clf = open_model(model, method="predict_proba")
    inputs = read_labeled(data, columns=columns, classes=clf.classes_.tolist(), model=clf)
    result = clf.evaluate(inputs.items, as_classes_write_them(inputs.labels, clf.classes_.tolist()))
    show(result, _facts(result))


@with_column_options
def suggest(
    model: Model,
    data: Data,
    n: Annotated[int, typer.Option("-n", "--number", min=1, help="How many items.")] = 10,
    out: TableOut = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the sample that is considered if there are very many items.")
    ] = None,
    verbatim: Verbatim = False,
    *,
    columns: Columns,
) -> None:
    """List the items that are most useful to label next, the most useful first, with the model's guesses.

    Rows that have a label, in the file or in the model, are left out. With --out, the columns of the table are kept,
    with the guess and an empty column for the label: fill it in, and give the file to `anyshot learn`.
    """
    check_out(out, TABLES, data)
    _keep_filled_in(out, model)
    clf = open_model(model, method="suggest").set_params(random_state=seed)
    table = current().table(data)
    columns = replace(columns, label_column=columns.label_column or _label_column(table, clf))
    inputs = read(data, columns=columns, model=clf, with_labels=columns.label_column is not None)
    pool = _unlabeled_rows(inputs, clf)
    if not pool:
        raise InputError(f"Every row of {data} has a label, there or in the model, so there is nothing to suggest.")
    if len(pool) < min(n, len(inputs)):
        note(f"{count(len(pool), 'row')} of {data} without a label, there or in the model: others are not suggested.")
    chosen = [pool[row] for row in clf.suggest(take(inputs.items, pool), n=n).tolist()]
    answers = _predicted(clf, take(inputs.items, chosen))
    at = [inputs.table_rows[row] for row in chosen]
    guesses = [{GUESS: answer.pop("label"), **answer} for answer in answers]
    if out is None:
        counted = [row + 1 if table is None else table.number(row) for row in at]
        show_rows([{"row": row, **guess} for row, guess in zip(counted, guesses, strict=True)], last="item")
        return
    filled = _to_fill_in(guesses, at, table, inputs, out)
    datasets.write_table(filled, out, verbatim=verbatim, like=table)
    named = {"--text-column": columns.text_column, "--image-column": columns.image_column}  # a model knows its features
    options = [part for option, name in named.items() if name is not None for part in (option, name)]
    then = shlex.join(["anyshot", "learn", str(model), str(out), *options])
    note(f"Wrote {count(len(guesses), 'row')} to {out}. Fill in the labels, then: {then}")


def _unlabeled_rows(inputs: Any, clf: Any) -> list[int]:
    """Return the rows that have a label neither in the file nor in the model."""
    labels = inputs.labels or [None] * len(inputs)
    known = {key for key, _ in learned_items(clf)}
    keys = item_keys(clf, inputs.items) if known else labels
    return [
        row for row, (label, key) in enumerate(zip(labels, keys, strict=True)) if label is None and key not in known
    ]


def _keep_filled_in(out: Path | None, model: Path) -> None:
    """Raise InputError if a file of suggestions would be replaced in which a person filled in labels."""
    if out is None or not out.is_file():
        return
    try:
        table = datasets.read_table(out)
    except DataFileError:  # it holds no suggestions
        return
    names = [str(name) for name in table.frame.columns]
    label = names[-1]  # `_to_fill_in` writes it last
    filled = [value for value in table.values(label) if value is not None and str(value).strip()]
    if GUESS in names and label not in (GUESS, "probability") and filled:
        raise InputError(
            f"{out} has suggestions with {count(len(filled), 'label')} filled in. If the model has not learned them "
            f"yet, run {shlex.join(['anyshot', 'learn', str(model), str(out)])} first. Then remove the file, or choose "
            "another name for --out."
        )


def _label_column(table: Any, clf: Any) -> str | None:
    """Return the column of a table that surely holds labels: the model's, one called label, or one of class names."""
    if table is None:
        return None
    names = {str(column).casefold(): str(column) for column in reversed(table.frame.columns)}
    known, classes = getattr(clf, "columns_", {}).get("label"), {str(name) for name in clf.classes_.tolist()}
    if known in names.values() or LABEL in names:
        return known if known in names.values() else names[LABEL]
    usual = [names[name] for name in LABEL_COLUMNS if name in names]
    return next((name for name in usual if {str(one).strip() for one in table.values(name) if one} <= classes), None)


def _is_streamed() -> bool:
    """Return whether answers are printed as lines arrive: in a pipe, and where a person types them."""
    return not in_terminal() or (sys.stdin is not None and sys.stdin.isatty())


def _predicted(clf: Any, items: Any, *, proba: bool = False) -> list[dict[str, Any]]:
    """Return one row for each item: its predicted class, the probability of that class, or of each, and the item."""
    answers, shares = clf.predict(items).tolist(), clf.predict_proba(items).tolist()
    open_ended, names = getattr(clf, "unknown_rate", None) is not None, list(map(str, clf.classes_.tolist()))
    return [
        {
            "label": answer,
            "probability": None if open_ended and answer == UNKNOWN else max(own),
            **({"proba": dict(zip(names, own, strict=True))} if proba else {}),
            "item": item,
        }
        for answer, own, item in zip(answers, shares, shown_items(items), strict=True)
    ]


def _write_predictions(rows: list[dict[str, Any]], inputs: GivenItems, out: Path, *, verbatim: bool) -> None:
    """Write the predictions to a file, beside the columns of the table that the items came from.

    The column is not called label, so that no command takes the model's own predictions for labels.
    """
    found = [
        {
            f"predicted_{LABEL}": row[LABEL],
            "probability": row["probability"],
            **{f"probability_{name}": share for name, share in row.get("proba", {}).items()},
        }
        for row in rows
    ]
    if inputs.images_are_files:  # they are found from the folder of the new table
        rows = [{**row, "item": os.path.relpath(row["item"], out.parent)} for row in rows]
    kind = "image" if inputs.images_are_files else "text"
    table: Any = [{kind: row["item"], **answer} for answer, row in zip(found, rows, strict=True)]
    if inputs.table is not None:
        empty, n_rows = dict[str, object].fromkeys(found[0]), len(inputs.table.frame)
        by_row = dict(zip(inputs.rows, found, strict=True))
        answers = [by_row.get(row, empty) for row in range(n_rows)]
        table = datasets.with_columns_of(inputs.table, answers, prefix="new_")
        if inputs.image_column is not None and not out.parent.samefile(inputs.table.path.parent):
            table.loc[list(inputs.rows), inputs.image_column] = [row["item"] for row in rows]
        if (column := table.columns[-len(empty)]) not in empty:
            note(f"{inputs.table.path} has predictions already, which are kept; the new ones are in {column!r}.")
    datasets.write_table(table, out, verbatim=verbatim, like=inputs.table)
    note(f"Wrote {count(len(table), 'row')} to {out}.")


def _to_fill_in(guesses: Sequence[dict[str, object]], at: Sequence[int], table: Any, inputs: Any, out: Path) -> Any:
    """Return suggested rows as a table whose labels a person fills in, and which `learn` reads as it reads the data.

    at: the row of the table of each guess.

    The columns of the data keep their names; paths of images are written relative to the new table.
    """
    added = {name: [guess[name] for guess in guesses] for name in (GUESS, "probability")}
    label, items = inputs.label_column or LABEL, [guess["item"] for guess in guesses]
    if inputs.modality == "image":
        items = [os.path.relpath(str(item), out.parent) for item in items]
    if table is None or inputs.item_column is None:
        columns = {inputs.modality: items}
    else:
        whole = datasets.with_columns_of(table, [{}] * len(table.frame), prefix="")
        columns = {name: [whole[name].iloc[row] for row in at] for name in whole}
        columns |= {inputs.item_column: items} if inputs.modality == "image" else {}
    columns = {**{name: own for name, own in columns.items() if name != label}, **added, label: [None] * len(guesses)}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _facts(result: Any) -> dict[str, object]:
    """Return the fields of an evaluation, with tables as lists of rows."""
    tables = {name: getattr(result, name).to_dict("records") for name in ("per_class", "confusions")}
    named = {field.name: getattr(result, field.name) for field in fields(result)}
    return {**named, **tables}
