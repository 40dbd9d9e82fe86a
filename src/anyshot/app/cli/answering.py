"""The commands that use a model: predict, explain, evaluate, suggest."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from anyshot import data as datasets
from anyshot import tasks
from anyshot.app.cli.class_options import ClassOptions, as_classes_write_them, with_class_options
from anyshot.app.cli.console import count, note, show, show_each, show_rows
from anyshot.app.cli.options import ImageColumn, LabelColumn, TextColumn
from anyshot.app.cli.reading import (
    Data,
    EncoderName,
    Given,
    Model,
    TableOut,
    Verbatim,
    items_of,
    open_model,
    read,
    read_items,
    refuse_overwriting,
    saved_encoder,
    table_among,
)
from anyshot.base.labels import UNKNOWN
from anyshot.errors import InputError


@with_class_options
def predict(
    items: Given,
    model: Annotated[
        Path | None, typer.Option(help="Folder of a model that fit wrote, instead of --classes.", metavar="DIR")
    ] = None,
    out: TableOut = None,
    text_column: TextColumn = None,
    image_column: ImageColumn = None,
    encoder: EncoderName = "auto",
    verbatim: Verbatim = False,
    *,
    class_options: ClassOptions,
) -> None:
    """Predict the class of each text or image.

    Needs the class names, best with ten words of each, and no labels; or a model. Prints a table in a terminal; in a
    pipe, JSON lines with the keys label, probability and item. The probability of an "unknown" item is null. With
    --out, the columns of the input table are kept, followed by label and probability; if it has a label column, the
    prediction is in predicted_label.
    """
    if not class_options.given and model is None:
        raise typer.BadParameter("Either --classes or --model is required.")
    if class_options.given and model is not None:
        raise typer.BadParameter("--classes and --words cannot be used together with --model.")
    refuse_overwriting(out, *items, class_options.classes)
    inputs = items_of(items, text_column=text_column, image_column=image_column)
    if model is not None:
        with saved_encoder(None if encoder == "auto" else encoder):
            clf = open_model(model, method="predict_proba")
    else:
        clf = tasks.AnyShotClassifier(class_options.read(), encoder=encoder).fit()
    _answer(_predicted(clf, inputs), out, table=table_among(items), verbatim=verbatim)


def explain(
    model: Model,
    items: Given,
    k: Annotated[int, typer.Option("-k", "--neighbors", min=0, help="Labeled examples to show for each item.")] = 3,
    text_column: TextColumn = None,
    image_column: ImageColumn = None,
) -> None:
    """Explain each prediction: the description that matches best and the nearest labeled examples."""
    inputs = items_of(items, text_column=text_column, image_column=image_column)
    explanations = open_model(model, method="explain").explain(inputs, k=k)
    show_each(explanations, [asdict(one) for one in explanations])


def evaluate(
    model: Model,
    data: Data,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
) -> None:
    """Measure how good a model is on labeled data that it was not fitted on."""
    inputs = read(data, text_column=text_column, image_column=image_column, label_column=label_column)
    if inputs.labels is None:
        raise InputError(
            f"{data} has no labels to compare the predictions with. Name the column of the labels with --label-column."
        )
    clf = open_model(model, method="predict_proba")
    result = clf.evaluate(inputs.items, as_classes_write_them(inputs.labels, clf.classes_.tolist()))
    show(result, _facts(result))


def suggest(
    model: Model,
    data: Data,
    n: Annotated[int, typer.Option("-n", "--number", min=1, help="How many items.")] = 10,
    out: TableOut = None,
    text_column: TextColumn = None,
    image_column: ImageColumn = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the sample that is considered if there are very many items.")
    ] = None,
    verbatim: Verbatim = False,
) -> None:
    """List the items that are most useful to label next, the most useful first, with their predicted classes."""
    refuse_overwriting(out, data)
    inputs = read_items(data, text_column=text_column, image_column=image_column)
    clf = open_model(model, method="suggest").set_params(random_state=seed)
    chosen = clf.suggest(inputs, n=n).tolist()
    answers = _predicted(clf, [inputs[row] for row in chosen])
    _answer([{"row": row, **answer} for row, answer in zip(chosen, answers, strict=True)], out, verbatim=verbatim)


def _predicted(clf: Any, items: list[Any]) -> list[dict[str, object]]:
    """Return one row for each item: its predicted class, the probability of that class, and the item."""
    answers, sure = clf.predict(items).tolist(), clf.predict_proba(items).max(axis=1).tolist()
    open_ended = getattr(clf, "unknown_rate", None) is not None
    return [
        {"label": answer, "probability": None if open_ended and answer == UNKNOWN else share, "item": str(item)}
        for answer, share, item in zip(answers, sure, items, strict=True)
    ]


def _answer(
    rows: list[dict[str, object]], out: Path | None, *, table: Path | None = None, verbatim: bool = False
) -> None:
    """Print the rows, or write them to a file together with the columns of the table that the items came from."""
    if out is None:
        show_rows(rows, last="item")
        return
    if table is not None:  # the table already has the items
        answers = [{name: value for name, value in row.items() if name != "item"} for row in rows]
        rows = datasets.with_columns_of(table, answers, prefix="predicted_")
    datasets.write_table(rows, out, verbatim=verbatim)
    note(f"Wrote {count(len(rows), 'row')} to {out}.")


def _facts(result: Any) -> dict[str, object]:
    """Return the fields of an evaluation, with tables as lists of rows."""
    tables = {name: getattr(result, name).to_dict("records") for name in ("per_class", "confusions")}
    named = {field.name: getattr(result, field.name) for field in fields(result)}
    return {**named, **tables}
