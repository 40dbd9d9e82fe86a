"""The commands that fit a model to labels: fit, tune, learn."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from rich.text import Text

from anyshot import tasks
from anyshot.app.cli.console import for_commands, note, show
from anyshot.app.cli.files import check_model_out
from anyshot.app.cli.options import (
    ClassOptions,
    Columns,
    with_class_options,
    with_column_options,
)
from anyshot.app.cli.reading import (
    Data,
    EncoderName,
    Given,
    columns_of,
    encoder_of,
    features_of,
    label_hint,
    labeled_items_of,
    read,
    read_labeled,
    shown_items,
)
from anyshot.app.cli.saved_models import Model, open_model
from anyshot.app.learned_items import learned_items
from anyshot.base.columns import take
from anyshot.base.files import folder_lock
from anyshot.base.messages import count
from anyshot.base.misleading_names import fractions_in
from anyshot.base.model_folder import MODEL_FILE, read_model
from anyshot.base.written_labels import as_classes_write_them
from anyshot.errors import DataFileError, InputError, ItemColumnError, ModelFolderError

FEW_LABELS: Final = 10
"""Up to here, labels that are all different are no sign of exchanged columns."""
NEARLY_ALL: Final = 0.9  # part of the labels that are different if texts were read as labels


@with_class_options
@with_column_options
def fit(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write the model to.", metavar="DIR")],
    encoder: EncoderName = "auto",
    unlabeled: Annotated[
        Path | None, typer.Option(help="Items without labels, which improve the model.", metavar="DATA")
    ] = None,
    unknown_rate: Annotated[
        float | None,
        typer.Option(help='Fraction of items of known classes that may be predicted as "unknown", such as 0.05.'),
    ] = None,
    *,
    class_options: ClassOptions,
    columns: Columns,
) -> None:
    """Fit a model on labeled data and write it to a folder.

    Rows without a label are allowed. With --classes, so are classes without labels, and DATA without any labels.
    """
    check_model_out(out)
    inputs = read(data, columns=columns, classes=class_options.listed)
    parameters = class_options.parameters(inputs.labels)
    more, named = None, parameters["classes"]
    if unlabeled is not None:
        more = _unlabeled_items(unlabeled, columns, like=inputs)
    if inputs.labels is None:
        _check_names_suffice(data, inputs, named)
    clf = tasks.AnyShotClassifier(**parameters, encoder=encoder_of(inputs, encoder), unknown_rate=unknown_rate)
    if inputs.labels is None:
        note(f"{data} has no labels: its items are used as unlabeled items.")
        clf.fit(unlabeled=[*inputs.items, *(more or [])])
    else:
        if named is None:
            _warn_of_exchanged_columns(inputs)
        labels = inputs.labels if named is None else as_classes_write_them(inputs.labels, named)
        clf.fit(inputs.items, labels, unlabeled=more)
    _save(clf, out, inputs)


def _check_names_suffice(data: Any, inputs: Any, classes: object) -> None:
    """Raise InputError if items without labels are rows of features, or no classes were given."""
    if inputs.modality == "table":
        raise InputError(
            f"{data} has no labels, without which nothing is known of rows of features. Name the column of the labels "
            f"with --label-column.{label_hint(inputs)}"
        )
    if classes is None:
        raise InputError(
            f"{data} has no labels, and --classes was not given. Name the column of the labels with --label-column, or "
            "the classes with --classes, and ten words of each with --words."
        )


def _unlabeled_items(path: Path, columns: Columns, *, like: Any) -> Any:
    """Return the items of a file that are not in the labeled data `like`, whose columns have the same names."""
    named = replace(columns, label_column=None, left_out=None)
    try:
        items = read(path, columns=named, with_labels=False, like=like).items
    except ItemColumnError as error:
        if like.item_column is None:
            raise
        remedy = f"Rename that of the items to {like.item_column!r}, as in the labeled data."
        raise DataFileError(f"The items of --unlabeled cannot be read. {error.fault} {remedy}") from error
    known, shown = set(shown_items(like.items)), shown_items(items)
    more = take(items, [row for row, item in enumerate(shown) if item not in known])
    if len(more) < len(items):
        repeated = f"{len(items) - len(more):,} of the {count(len(items), 'item')}"
        note(f"{repeated} in {path} are in the labeled data too, and are used once.")
    return more


@with_class_options
@with_column_options
def tune(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write the model to.", metavar="DIR")],
    budget: Annotated[
        str,
        typer.Option(help="'best' for no time limit, or the seconds that it may take.", metavar="best|SECONDS"),
    ] = "best",
    encoder: EncoderName = "auto",
    *,
    class_options: ClassOptions,
    columns: Columns,
) -> None:
    """Fit a model as `fit` does, compare it with fine-tuning by cross-validation, and write the better one.

    Needs five labels for every class.
    """
    check_model_out(out)
    if columns.feature_columns is not None:
        raise typer.BadParameter(
            "Rows of features have no encoder to tune. Use anyshot fit, which compares two methods by cross-validation."
        )
    inputs = read_labeled(data, columns=columns, classes=class_options.listed, to="fine-tune on")
    parameters = class_options.parameters(inputs.labels)
    named = parameters["classes"]
    labels = inputs.labels if named is None else as_classes_write_them(inputs.labels, named)
    clf = tasks.AnyShotClassifier(**parameters, encoder=encoder, budget=_seconds(budget), random_state=0)
    clf.fit(inputs.items, labels)
    _save(clf, out, inputs)


def _seconds(budget: str) -> Any:
    """Return the budget as a number of seconds, or as given."""
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
        typer.Option(
            help="Class of all items. In a file with labels, only items labeled NAME are used.", metavar="NAME"
        ),
    ] = None,
    *,
    columns: Columns,
) -> None:
    """Update a model with more labels of its classes, from a file or with --label. The earlier data are not needed.

    A label of a text or image that the model was given with another label replaces that one. Rows without a label are
    ignored, so that a file that `anyshot suggest` wrote need not be filled in completely.
    """
    check_model_out(model)
    with folder_lock(model):
        clf = open_model(model, method="partial_fit")
        inputs, labels = labeled_items_of(items, columns, label=label, model=clf)
        rows = [row for row, one in enumerate(labels) if one is not None]
        new = take(inputs, rows), as_classes_write_them([labels[row] for row in rows], clf.classes_.tolist())
        earlier = learned_items(clf)
        clf.partial_fit(*new)
        clf.save(model)
    ignored = len(labels) - len(rows)
    without = f" {count(ignored, 'row')} without a label {'was' if ignored == 1 else 'were'} ignored."
    given, known = learned_items(clf)[-len(rows) :], {item for item, _ in earlier}
    again = (Counter(earlier) & Counter(given)).total()
    changed = sum(item in known for item, _ in given) - again
    if features_of(clf) is not None:  # some rows may be equal, and have different labels
        again, changed = again if again > len(rows) / 2 else 0, 0
    replaced = f", of which {changed:,} {'replaces' if changed == 1 else 'replace'} another one of the same item"
    note(f"Updated {model} with {count(len(rows), 'label')}{replaced if changed else ''}.{without if ignored else ''}")
    if again:
        note(
            f"Warning: the model had {again:,} of these {count(len(rows), 'label')} already, which now count twice. "
            "If the file was learned before, fit the model again, or go on from a copy of it."
        )


def _warn_of_exchanged_columns(inputs: Any) -> None:
    """Warn if labels are nearly all different, as where texts were read as labels; measurements are another fault."""
    labels = [label for label in inputs.labels or () if label is not None]
    n_classes, n_fractions = len(set(labels)), len(fractions_in(set(labels)))
    if n_fractions > n_classes / 2:
        return
    if len(labels) > FEW_LABELS and n_classes > NEARLY_ALL * len(labels) and inputs.item_column is not None:
        kind = "feature" if inputs.modality == "table" else inputs.modality
        option = "feature-columns" if inputs.modality == "table" else f"{kind}-column"
        note(
            f"Warning: nearly every label is different: {count(n_classes, 'class', 'classes')} from "
            f"{count(len(labels), 'label')}. {kind.capitalize()}s were read from {inputs.item_column!r}, "
            f"labels from {inputs.label_column!r}; if the columns are exchanged, name them with --{option} and "
            "--label-column."
        )


def _size_of_model(folder: Path) -> str | None:
    """Return how many classes and labels the model in a folder has, in parentheses; None if there is no model."""
    if not (folder / MODEL_FILE).is_file():
        return None
    try:
        facts: Any = read_model(folder).facts
    except ModelFolderError:  # it is damaged
        return ""
    training = facts.get("training_set", facts)
    sizes = [count(len(training["classes"]), "class", "classes")] if "classes" in training else []
    sizes += [count(len(training["examples"]), "label")] if "examples" in training else []
    return f" ({', '.join(sizes)})" if sizes else ""


def _save(clf: Any, folder: Path, inputs: Any) -> None:
    """Save a model with the columns that it was fitted on; print what was fitted, and why this method was chosen."""
    clf.columns_ = columns_of(inputs)
    before = _size_of_model(folder)
    clf.save(folder)
    if before is not None:
        note(f"Replaced the model in {folder}{before}.")
    reasons = [for_commands(reason) for reason in clf.reasons_]
    n_classes, n_labels = len(clf.classes_), sum(label is not None for label in inputs.labels or ())
    facts = {
        "model": folder,
        "classes": n_classes,
        "labels": n_labels,
        "method": clf.method_,
        "reasons": reasons,
        "unknown_threshold": clf.unknown_threshold_,
    }
    learned = f"{count(n_classes, 'class', 'classes')} from {count(n_labels, 'label')}, by {clf.method_}"
    written = Text(f"Wrote the model to {folder}: {learned}.", style="bold")
    show(Group(written, *(Text(f"  {reason}") for reason in reasons)), facts)
