"""Options that several commands have: the columns of tables, and how a data class becomes options."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeAlias

import typer

TextColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column of the texts, or several to join, as in subject,body. Default: a column with a common name, such "
        "as text.",
        metavar="NAME",
    ),
]
ImageColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Column of the paths of image files, relative to the folder of the table.", metavar="NAME"),
]
LabelColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Column of the labels. Default: a column with a common name, such as label.", metavar="NAME"),
]


@dataclass(frozen=True)
class Columns:
    """The columns of a table, as named by the options of a command."""

    text_column: TextColumn = None
    label_column: LabelColumn = None
    image_column: ImageColumn = None


@dataclass(frozen=True)
class ItemColumns:
    """The columns of a table without labels, as named by the options of a command."""

    text_column: TextColumn = None
    image_column: ImageColumn = None

    @property
    def whole(self) -> Columns:
        """The same as `Columns`."""
        return Columns(text_column=self.text_column, image_column=self.image_column)


def with_item_column_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ItemColumns`, after its own; it receives them as `columns`."""
    return with_options(command, "columns", ItemColumns)


def with_column_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Columns`, after its own; it receives them as `columns`."""
    return with_options(command, "columns", Columns)


def with_options(command: Callable[..., None], name: str, kind: type, *, first: bool = False) -> Callable[..., None]:
    """Give a command an option for each field of a data class, which it receives as the argument `name`.

    first: whether the options come before the command's own, which have defaults, or after them.
    """
    own = [one for one in signature(command).parameters.values() if one.name != name]
    given = [
        Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=one.type) for one in fields(kind)
    ]
    at = sum(one.default is Parameter.empty for one in own) if first else len(own)
    every = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (*own[:at], *given, *own[at:])]

    @wraps(command)
    def called(**arguments: Any) -> None:
        options = kind(**{one.name: arguments.pop(one.name) for one in given})
        command(**arguments, **{name: options})

    called.__annotations__ = {one.name: one.annotation for one in every}
    called.__signature__ = Signature(every)  # type: ignore[attr-defined]  # for typer
    return called
