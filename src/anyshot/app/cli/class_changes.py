"""The commands that change the classes of a model: add-, remove-, rename- and describe-class, merge-classes."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from anyshot.app.cli.console import note
from anyshot.app.cli.files import check_model_out
from anyshot.app.cli.options import Columns, refuse_file, with_column_options
from anyshot.app.cli.reading import items_of_class, refuse_items_alone
from anyshot.app.cli.saved_models import Model, open_model
from anyshot.base.class_words import Words
from anyshot.base.files import folder_lock
from anyshot.base.items import IMAGE_SUFFIXES
from anyshot.base.labels import Label
from anyshot.base.messages import count
from anyshot.base.written_labels import one_class
from anyshot.errors import ClassesError, DuplicateClassError

Name = Annotated[str, typer.Argument(help="Name of the class.", metavar="NAME")]
Description = Annotated[str | None, typer.Option(help="Description of the class.", metavar="TEXT")]
OwnWords = Annotated[
    str | None,
    typer.Option(
        help='Words that its texts contain, such as "refund, money back". +cash adds a word to those that are found '
        "for the name, -free drops one.",
        metavar="WORDS",
    ),
]


@with_column_options
def add_class(
    model: Model,
    name: Name,
    description: Description = None,
    words: OwnWords = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            help="Items of the class. In a file with labels, only items labeled NAME are used.", metavar="DATA"
        ),
    ] = None,
    example: Annotated[
        list[str] | None, typer.Option(help="A text or image file of the class; may be repeated.", metavar="ITEM")
    ] = None,
    *,
    columns: Columns,
) -> None:
    """Add a class to a model by its name, a description, words and examples. The earlier data are not needed."""
    check_model_out(model)
    for text in example or ():
        refuse_file(text, "--example", "To add all items in it, use --examples.", but=IMAGE_SUFFIXES)
    items: Any = list(example or [])
    described = _described(name, description, words)
    with folder_lock(model):
        clf = open_model(model, method="add_class")
        if example:
            refuse_items_alone(clf)
        if examples is not None:
            found = items_of_class(examples, name, columns, model=clf)
            items = [*items, *found] if items else found  # rows of features stay a table
        new = _unused_name(name, clf, model)
        clf.add_class(new, described, examples=items)
        clf.save(model)
    note(f"Added {name!r} with {count(len(items), 'example')}; {model} now has {len(clf.classes_)} classes.")
    for reason in clf.reasons_:
        if reason.startswith(f"{new!r} has no labels"):
            note(f"Warning: {reason}")


def remove_class(model: Model, name: Name) -> None:
    """Remove a class and its labeled examples from a model."""
    clf = _change(model, "remove_class", lambda clf, named: clf.remove_class(named(name)))
    note(f"Removed {name!r}; {model} now has {len(clf.classes_)} classes.")


def rename_class(
    model: Model, name: Name, new: Annotated[str, typer.Argument(help="Its new name.", metavar="NEW")]
) -> None:
    """Rename a class of a model. Its labeled examples, descriptions and words stay."""
    _change(model, "rename_class", lambda clf, named: clf.rename_class(named(name), _new_name(new, clf)))
    note(f"Renamed {name!r} to {new!r} in {model}.")


def merge_classes(
    model: Model,
    names: Annotated[list[str], typer.Argument(help="Names of two or more classes.", metavar="NAME...")],
    into: Annotated[str, typer.Option(help="Name of the merged class: a new one, or one of NAME.", metavar="NAME")],
) -> None:
    """Merge classes of a model into one. It has all their labeled examples, descriptions and words."""
    clf = _change(
        model, "merge_classes", lambda clf, named: clf.merge_classes([*map(named, names)], _new_name(into, clf))
    )
    listed = ", ".join(map(repr, names))
    note(f"Merged {listed} into {into!r}; {model} now has {len(clf.classes_)} classes.")


def describe_class(model: Model, name: Name, description: Description = None, words: OwnWords = None) -> None:
    """Replace the description and words of a class. Without --description and --words it has its name alone."""
    described = _described(name, description, words)
    _change(model, "describe_class", lambda clf, named: clf.describe_class(named(name), described))
    is_named_only = described == [None]
    note(f"{'Removed the description and words of' if is_named_only else 'Described'} {name!r} in {model}.")


def _described(name: str, description: str | None, words: str | None) -> list[Any]:
    """Return the description and words of a class as its methods take them."""
    refuse_file(description, "--description", "Write the description itself.")
    refuse_file(words, "--words", "Write the words themselves, with commas between them.")
    if words is not None and "=" in words and words.partition("=")[0].strip() == name:
        raise typer.BadParameter(f"--words {words!r} names the class once more. Write the words of {name!r} alone.")
    return [description, *([] if words is None else [Words.read(words)])]


def _unused_name(name: str, clf: Any, model: Path) -> Label:
    """Return the name of a class to add, in the type of the classes; raise DuplicateClassError if there is one."""
    new = one_class(name, clf.classes_.tolist())
    if new in clf.classes_.tolist():
        raise DuplicateClassError(
            f"{model} already has the class {name!r}. To replace its words, use anyshot describe-class; to add "
            f'examples of it: anyshot learn {shlex.quote(str(model))} "TEXT" --label {shlex.quote(name)}'
        )
    return new


def _new_name(name: str, clf: Any) -> Label:
    """Return the new name of a class; among classes that are integers, an integer stays one."""
    classes = clf.classes_.tolist()
    try:
        return one_class(name, classes)
    except ClassesError:  # people replace the codes of a table by names
        return name


def _change(model: Path, method: str, change: Callable[[Any, Callable[[str], Label]], object]) -> Any:
    """Change a model by one of its methods, save it, and return it.

    change: takes the model, and what returns a class in the type of its classes.
    """
    check_model_out(model)
    with folder_lock(model):
        clf = open_model(model, method=method)
        classes = clf.classes_.tolist()
        change(clf, lambda name: one_class(name, classes))
        clf.save(model)
    return clf
