"""The commands that tell others of a model: report, card."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

import anyshot
from anyshot.cli.printing import note, show
from anyshot.cli.reading import Data, ImageColumn, LabelColumn, Model, TextColumn, as_classes_write_them, read
from anyshot.errors import DataFileError, InputError
from anyshot.model_card import model_card
from anyshot.persist import read_model


def report(
    model: Model,
    data: Data,
    out: Annotated[Path, typer.Option(help="Page to write, .html.", metavar="FILE")] = Path("report.html"),
    train: Annotated[
        Path | None,
        typer.Option(help="What the model learned from: adds what labels buy and which look wrong.", metavar="DATA"),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    group_column: Annotated[
        str | None, typer.Option(help="Column whose values are compared with each other.", metavar="NAME")
    ] = None,
) -> None:
    """Write a page on how good a model is, where it fails and what more labels would bring.

    DATA has labels, and the model has not learned from it. The page is one file that needs no network.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise DataFileError(f"{out} cannot be written: its name must end in .html.")

    def labelled(path: Path, column: str | None) -> Any:
        return read(path, text_column=text_column, image_column=image_column, label_column=column)

    given = labelled(data, label_column)
    if given.labels is None:
        raise InputError(f"{data} has no labels to compare the answers with. Name their column with --label-column.")
    groups = None if group_column is None else {group_column: labelled(data, group_column).labels}
    clf = anyshot.load(model)
    names = clf.classes_.tolist()
    learned = None
    if train is not None:
        rows = labelled(train, label_column)
        if rows.labels is None:
            raise InputError(f"{train} has no labels. Name their column with --label-column.")
        learned = (rows.items, as_classes_write_them(rows.labels, names))
    made = anyshot.report(
        clf, given.items, as_classes_write_them(given.labels, names), groups=groups, train=learned, random_state=0
    )
    try:
        made.save(out)
    except OSError as error:
        raise DataFileError(f"{out} cannot be written: {error.strerror or error}.") from error
    show(Text(made.page.verdict), {"report": out, "verdict": made.page.verdict})
    note(f"Wrote the report to {out}.")


def card(
    model: Model,
    data: Annotated[Path | None, typer.Option(help="Labelled items to measure the model on.", metavar="DATA")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the card to a file, .md.", metavar="FILE")] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
) -> None:
    """Print a model's card, with the metadata that model hubs read; with --data also how good it is."""
    clf, facts = anyshot.load(model), read_model(model).facts
    figures = None
    if data is not None:
        given = read(data, text_column=text_column, image_column=image_column, label_column=label_column)
        if given.labels is None:
            raise InputError(f"{data} has no labels to measure by. Name their column with --label-column.")
        figures = _figures(clf.evaluate(given.items, as_classes_write_them(given.labels, clf.classes_.tolist())))
    written = model_card(facts, figures=figures, tested_on=None if data is None else data.name)
    if out is None:
        typer.echo(written)
        return
    try:
        out.write_text(written, encoding="utf-8")
    except OSError as error:
        raise DataFileError(f"{out} cannot be written: {error.strerror or error}.") from error
    note(f"Wrote the card to {out}.")


def _figures(result: Any) -> dict[str, float]:
    return {"accuracy": result.accuracy, "macro_f1": result.macro_f1}
