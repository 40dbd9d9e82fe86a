"""The commands report and card."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from anyshot.app.cli.console import note, show
from anyshot.app.cli.files import check_out, current
from anyshot.app.cli.options import Columns, with_column_options
from anyshot.app.cli.reading import Data, read_labeled
from anyshot.app.cli.saved_models import Model, load_model
from anyshot.base.columns import take
from anyshot.base.files import atomic_file
from anyshot.base.model_card import encoder_name, model_card
from anyshot.base.model_folder import read_model
from anyshot.base.terminal import escaped, whole_characters
from anyshot.base.written_labels import as_classes_write_them
from anyshot.data.item_columns import find_column, listed_names, read_labels
from anyshot.encoders.registry import card_facts
from anyshot.errors import DataFileError, InputError
from anyshot.evaluation import report as reporting


@with_column_options
def report(
    model: Model,
    data: Data,
    out: Annotated[Path, typer.Option(help="HTML file to write.", metavar="FILE")] = Path("report.html"),
    train: Annotated[
        Path | None,
        typer.Option(
            help="The data that the model was fitted on: adds the learning curve, labels that look wrong, and, from "
            "rows without a label, which items to label next.",
            metavar="DATA",
        ),
    ] = None,
    group_column: Annotated[
        list[str] | None, typer.Option(help="Column of groups to compare; may be repeated.", metavar="NAME")
    ] = None,
    *,
    columns: Columns,
) -> None:
    """Write an HTML report on how good a model is, where it fails and what more labels would bring.

    DATA must have labels and must not be data that the model was fitted on. The report is one file without links.
    """
    check_out(out, (".html", ".htm"), data, train)
    clf = load_model(model)
    names = _classes(clf, model)
    read_as = partial(read_labeled, columns=columns, classes=names, model=clf)
    tested = read_as(data)
    groups = {name: _groups(data, name, tested) for name in group_column or ()}
    learned = None if train is None else read_as(train, to="compute a learning curve from")
    labels = as_classes_write_them(tested.labels, names)
    made = reporting.report(clf, tested.items, labels, groups=groups or None, **_train_and_pool(learned, names))
    made.save(out)
    facts = {"report": out, "verdict": made.verdict, "warnings": made.warnings, "missing": made.missing}
    show(Text(made.verdict), facts)
    for line in made.warnings:
        note(f"Note: {line}")
    for line in dict.fromkeys(made.missing.values()):
        note(f"Section left out: {line}")
    note(f"Wrote the report to {out}.")


@with_column_options
def card(
    model: Model,
    data: Annotated[Path | None, typer.Option(help="Labeled items to evaluate the model on.", metavar="DATA")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the card to a file, .md.", metavar="FILE")] = None,
    *,
    columns: Columns,
) -> None:
    """Print the model card with the metadata that model hubs read, and with --data the accuracy."""
    check_out(out, (".md",), data)
    clf, facts = load_model(model), read_model(model).facts
    names, figures, intervals = _classes(clf, model), None, None
    if data is not None:
        inputs = read_labeled(data, columns=columns, classes=names, model=clf)
        found = clf.evaluate(inputs.items, as_classes_write_them(inputs.labels, names))
        figures = {"accuracy": found.accuracy, "macro_f1": found.macro_f1}
        intervals = {"accuracy": found.accuracy_interval}
    modality, base_model = card_facts(encoder_name(facts))
    tested_on = None if data is None else data.name
    written = model_card(
        facts, modality=modality, base_model=base_model, figures=figures, tested_on=tested_on, intervals=intervals
    )
    if out is None:
        typer.echo(escaped(written))
        return
    with atomic_file(out) as part:
        part.write_text(whole_characters(written), encoding="utf-8")
    note(f"Wrote the card to {out}.")


def _classes(clf: Any, folder: Path) -> list[Any]:
    """Return the classes of a model. Models without classes can only be evaluated in Python."""
    names = getattr(clf, "classes_", None)
    if names is None:
        raise InputError(
            f"{folder} contains a model of type {type(clf).__name__}, which has no classes. Evaluate it in Python: "
            f"anyshot.report(anyshot.load({str(folder)!r}), X, y)."
        )
    return list(names.tolist())


def _groups(path: Path, column: str, data: Any) -> list[Any]:
    """Return the group of each item of a data set, from a column of its table."""
    table = current().table(path)
    if table is None:
        raise InputError(f"{path} is a folder, which has no column {column!r}. Give a table and --image-column.")
    if data.modality != "table" and column in (data.item_column, *listed_names(data.item_column)):
        raise InputError(f"The column {column!r} holds the items. Give another one as --group-column.")
    try:
        found = find_column(table, (), column, option="group_column")
        groups = read_labels(table, found, given=column) or []
    except DataFileError as error:
        raise DataFileError(f"The groups of --group-column {column} cannot be read. {error}") from error
    return [groups[row] for row in data.table_rows]


def _train_and_pool(learned: Any, classes: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments `train` and `pool` of the report: the labeled rows and the rows without a label."""
    if learned is None:
        return {}
    labels = as_classes_write_them(learned.labels, classes)
    pool, known = ([row for row, one in enumerate(labels) if (one is None) == blank] for blank in (True, False))
    train = take(learned.items, known), [labels[row] for row in known]
    return {"train": train, "pool": take(learned.items, pool) if pool else None}
