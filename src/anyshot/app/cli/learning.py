"""The commands that make and change a model: fit, tune, learn, add-class, remove-class."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from anyshot import data as datasets
from anyshot import tasks
from anyshot.app.cli.opening import opened
from anyshot.app.cli.printing import count, note, show
from anyshot.app.cli.reading import (
    ClassList,
    Columns,
    Data,
    EncoderName,
    Given,
    ImageColumn,
    LabelColumn,
    Model,
    TextColumn,
    as_classes_write_them,
    items_of_class,
    labeled_items_of,
    one_class,
    read,
    read_items,
    with_column_options,
)
from anyshot.base.files import folder_lock
from anyshot.errors import DuplicateClassError, InputError


@with_column_options
def fit(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write the model to.", metavar="DIR")],
    classes: ClassList = None,
    encoder: EncoderName = "auto",
    unlabeled: Annotated[
        Path | None, typer.Option(help="Further items, without labels; they sharpen the classes.", metavar="DATA")
    ] = None,
    unknown_rate: Annotated[
        float | None,
        typer.Option(help='Share of items of the classes that may be answered "unknown", such as 0.05.'),
    ] = None,
    *,
    columns: Columns,
) -> None:
    """Learn from the labels there are and write the model to a folder.

    Rows may be without a label, and with --classes so may whole classes, and all of DATA.
    """
    given = read(data, **asdict(columns))
    named = None if classes is None else datasets.read_classes(classes)
    more = None
    if unlabeled is not None:
        more = read_items(unlabeled, text_column=columns.text_column, image_column=columns.image_column)
    if given.labels is None and named is None:
        raise InputError(
            f"{data} has no labels, and no classes are named. Name the labels' column with --label-column, or the "
            "classes with --classes."
        )
    clf = tasks.AnyShotClassifier(named, encoder=encoder, unknown_rate=unknown_rate)
    if given.labels is None:
        note(f"{data} has no labels: it is learned from as unlabeled items.")
        clf.fit(unlabeled=[*given.items, *(more or [])])
        n_labels = 0
    else:
        labels = given.labels if named is None else as_classes_write_them(given.labels, named)
        clf.fit(given.items, labels, unlabeled=more)
        n_labels = sum(label is not None for label in labels)
    clf.save(out)
    _show_model(clf, out, n_labels=n_labels)


def tune(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write the model to.", metavar="DIR")],
    classes: ClassList = None,
    budget: Annotated[
        str,
        typer.Option(help="'best' to try however long it takes, or the seconds it may take.", metavar="best|SECONDS"),
    ] = "best",
    encoder: EncoderName = "auto",
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
) -> None:
    """Learn as fit does, and try fine-tuning the encoder beside it: the better by cross-validation is written.

    Needs five labels of every class.
    """
    given = read(data, text_column=text_column, image_column=image_column, label_column=label_column)
    if given.labels is None:
        raise InputError(f"{data} has no labels, and fine-tuning needs them. Name their column with --label-column.")
    named = None if classes is None else datasets.read_classes(classes)
    labels = given.labels if named is None else as_classes_write_them(given.labels, named)
    clf = tasks.AnyShotClassifier(named, encoder=encoder, budget=_seconds(budget), random_state=0)
    clf.fit(given.items, labels)
    clf.save(out)
    _show_model(clf, out, n_labels=sum(label is not None for label in labels))


def _seconds(budget: str) -> Any:
    """Return a budget as the classifier takes it."""
    try:
        return float(budget)
    except ValueError:
        return budget


@with_column_options
def learn(
    model: Model,
    items: Given,
    label: Annotated[
        str | None,
        typer.Option(help="Class of all items; of a file with labels, those that bear NAME are taken.", metavar="NAME"),
    ] = None,
    *,
    columns: Columns,
) -> None:
    """Teach a model further labels of the classes that it has: those of a file, or --label for what is given.

    No earlier data are needed. Rows without a label are learned from as unlabeled items.
    """
    given, labels = labeled_items_of(items, columns, label=label)
    with folder_lock(model):
        clf = opened(model, to="partial_fit")
        clf.partial_fit(given, as_classes_write_them(labels, clf.classes_.tolist()))
        clf.save(model)
    n_labels = sum(one is not None for one in labels)
    note(f"Learned from {count(n_labels, 'label')} and {count(len(labels) - n_labels, 'item')} without; wrote {model}.")


@with_column_options
def add_class(
    model: Model,
    name: Annotated[str, typer.Argument(help="Of the new class.", metavar="NAME")],
    description: Annotated[str | None, typer.Option(help="What is said of the class.", metavar="TEXT")] = None,
    examples: Annotated[
        Path | None,
        typer.Option(help="Items of the class; of a file with labels, those that bear NAME.", metavar="DATA"),
    ] = None,
    example: Annotated[
        list[str] | None, typer.Option(help="A text or image file of the class; may be repeated.", metavar="ITEM")
    ] = None,
    *,
    columns: Columns,
) -> None:
    """Add a class to a model, by its name, what is said of it and examples; no other data are needed."""
    items: list[str | Path] = list(example or [])
    if examples is not None:
        items += items_of_class(examples, name, columns)
    with folder_lock(model):
        clf = opened(model, to="add_class")
        new = one_class(name, clf.classes_.tolist())
        if new in clf.classes_.tolist():
            raise DuplicateClassError(
                f"{model} has the class {name!r} already. To teach it further examples: anyshot learn "
                f'{shlex.quote(str(model))} "TEXT" --label {shlex.quote(name)}'
            )
        clf.add_class(new, description, examples=items)
        clf.save(model)
    note(f"Added {name!r} with {count(len(items), 'example')}; {model} now has {len(clf.classes_)} classes.")


def remove_class(
    model: Model, name: Annotated[str, typer.Argument(help="Of the class to forget.", metavar="NAME")]
) -> None:
    """Remove a class and its labeled examples from a model."""
    with folder_lock(model):
        clf = opened(model, to="remove_class")
        clf.remove_class(one_class(name, clf.classes_.tolist()))
        clf.save(model)
    note(f"Removed {name!r}; {model} now has {len(clf.classes_)} classes.")


def _show_model(clf: Any, folder: Path, *, n_labels: int) -> None:
    """Say what was learned, and why so."""
    n_classes = len(clf.classes_)
    facts = {
        "model": folder,
        "classes": n_classes,
        "labels": n_labels,
        "method": clf.method_,
        "reasons": clf.reasons_,
        "unknown_threshold": clf.unknown_threshold_,
    }
    learned = f"{count(n_classes, 'class', 'classes')} from {count(n_labels, 'label')}, by {clf.method_}"
    written = Text(f"Wrote the model to {folder}: {learned}.", style="bold")
    show(Group(written, *(Text(f"  {reason}") for reason in clf.reasons_)), facts)
