"""The commands that ask a model: predict, explain, evaluate, suggest."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from anyshot import data as datasets
from anyshot import tasks
from anyshot.app.cli.opening import opened
from anyshot.app.cli.printing import count, note, show, show_each, show_rows
from anyshot.app.cli.reading import (
    ClassList,
    Data,
    EncoderName,
    Given,
    ImageColumn,
    LabelColumn,
    Model,
    TableOut,
    TextColumn,
    as_classes_write_them,
    items_of,
    read,
    read_items,
    refuse_overwriting,
    table_among,
)
from anyshot.base.items import UNKNOWN
from anyshot.errors import InputError


def predict(
    items: Given,
    classes: ClassList = None,
    model: Annotated[
        Path | None, typer.Option(help="Folder of a model that fit wrote, instead of --classes.", metavar="DIR")
    ] = None,
    out: TableOut = None,
    text_column: TextColumn = None,
    image_column: ImageColumn = None,
    encoder: EncoderName = "auto",
) -> None:
    """Say which class each text or image belongs to.

    Needs the classes' names and no label at all, or a model. Prints a table in a terminal; in a pipe, JSON lines with
    the names label, probability and item. The probability of an "unknown" item is null. With --out, a table keeps its
    own columns before label and probability; where it has a label already, the answer is in predicted_label.
    """
    if (classes is None) == (model is None):
        raise typer.BadParameter("Give either --classes or --model: one of them, not both.")
    if model is not None and encoder != "auto":
        raise typer.BadParameter("--encoder goes with --classes; a model has its own.")
    refuse_overwriting(out, *items, classes)
    given = items_of(items, text_column=text_column, image_column=image_column)
    if model is not None:
        clf = opened(model, to="predict_proba")
    else:
        clf = tasks.AnyShotClassifier(datasets.read_classes(classes), encoder=encoder).fit()
    _answer(_predicted(clf, given), out, table=table_among(items))


def explain(
    model: Model,
    items: Given,
    k: Annotated[int, typer.Option("-k", "--neighbors", min=0, help="Labeled examples to show for each item.")] = 3,
    text_column: TextColumn = None,
    image_column: ImageColumn = None,
) -> None:
    """Say what the answer for each item rests on: the description that matches, the labeled examples nearest to it."""
    given = items_of(items, text_column=text_column, image_column=image_column)
    explanations = opened(model, to="explain").explain(given, k=k)
    show_each(explanations, [asdict(one) for one in explanations])


def evaluate(
    model: Model,
    data: Data,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
) -> None:
    """Say how good a model's answers are on labeled data that it has not learned from."""
    given = read(data, text_column=text_column, image_column=image_column, label_column=label_column)
    if given.labels is None:
        raise InputError(f"{data} has no labels to compare the answers with. Name their column with --label-column.")
    clf = opened(model, to="predict_proba")
    result = clf.evaluate(given.items, as_classes_write_them(given.labels, clf.classes_.tolist()))
    show(result, _facts(result))


def suggest(
    model: Model,
    data: Data,
    n: Annotated[int, typer.Option("-n", "--number", min=1, help="How many items.")] = 10,
    out: TableOut = None,
    text_column: TextColumn = None,
    image_column: ImageColumn = None,
    seed: Annotated[int | None, typer.Option(help="Of the draw that is looked at where there are many items.")] = None,
) -> None:
    """Say which items are most worth a label next, the most useful first, and what the model takes each for."""
    refuse_overwriting(out, data)
    given = read_items(data, text_column=text_column, image_column=image_column)
    clf = opened(model, to="suggest").set_params(random_state=seed)
    chosen = clf.suggest(given, n=n).tolist()
    answers = _predicted(clf, [given[row] for row in chosen])
    _answer([{"row": row, **answer} for row, answer in zip(chosen, answers, strict=True)], out)


def _predicted(clf: Any, items: list[Any]) -> list[dict[str, object]]:
    """Return a row an item: its class, the class's probability, the item."""
    answers, sure = clf.predict(items).tolist(), clf.predict_proba(items).max(axis=1).tolist()
    open_ended = getattr(clf, "unknown_rate", None) is not None
    return [
        {"label": answer, "probability": None if open_ended and answer == UNKNOWN else share, "item": str(item)}
        for answer, share, item in zip(answers, sure, items, strict=True)
    ]


def _answer(rows: list[dict[str, object]], out: Path | None, *, table: Path | None = None) -> None:
    """Print rows, or write them to a file, beside the columns of the table that the items came from."""
    if out is None:
        show_rows(rows, last="item")
        return
    if table is not None:  # which has the items already
        answers = [{name: value for name, value in row.items() if name != "item"} for row in rows]
        rows = datasets.with_columns_of(table, answers, prefix="predicted_")
    datasets.write_table(rows, out)
    note(f"Wrote {count(len(rows), 'row')} to {out}.")


def _facts(result: Any) -> dict[str, object]:
    """Return what an evaluation says, its tables as lists of rows."""
    tables = {name: getattr(result, name).to_dict("records") for name in ("per_class", "confusions")}
    named = {field.name: getattr(result, field.name) for field in fields(result)}
    return {**named, **tables}
