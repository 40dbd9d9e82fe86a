"""Options that several commands have: the columns of tables, classes with their words, and data classes as options."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeAlias

import typer

from anyshot import data as datasets
from anyshot.base.class_words import Words
from anyshot.base.labels import Label, Labels, class_table, classes_in, clean_name, clean_names
from anyshot.base.messages import nearest
from anyshot.base.written_labels import as_classes_write_them
from anyshot.errors import ClassesError

TextColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Column of the texts, or several to join, as in subject,body; names with commas in quotes. Default: a "
        "column with a common name, such as text.",
        metavar="NAME",
    ),
]
ImageColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Column of the paths of image files, relative to the folder of the table.", metavar="NAME"),
]
FeatureColumns: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Columns of numbers, dates and categories, as in age,city, or all for all but that of the labels; names "
        "with commas in quotes. Items are then rows of a table instead of texts.",
        metavar="NAMES",
    ),
]
LeftOut: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--except",
        help="Columns that --feature-columns all leaves out, such as numbers that only name a row.",
        metavar="NAMES",
    ),
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
    feature_columns: FeatureColumns = None
    left_out: LeftOut = None


@dataclass(frozen=True)
class ItemColumns:
    """The columns of a table without labels, as named by the options of a command."""

    text_column: TextColumn = None
    image_column: ImageColumn = None
    feature_columns: FeatureColumns = None
    left_out: LeftOut = None

    @property
    def whole(self) -> Columns:
        """The same as `Columns`."""
        return Columns(**asdict(self))


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


with_item_column_options = partial(with_options, name="columns", kind=ItemColumns)
"""Give a command the options of `ItemColumns`, after its own; it receives them as `columns`."""
with_column_options = partial(with_options, name="columns", kind=Columns)
"""Give a command the options of `Columns`, after its own; it receives them as `columns`."""


# --- classes --------------------------------------------------------------------------------------------------------

ClassList: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Comma-separated names, or a file: .txt (one name per line), .json, or a table with the columns class, "
        "description and words.",
        metavar="LIST|FILE",
    ),
]
ClassName: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--class", help="Name of one class, which may have a comma; repeat it for each.", metavar="NAME"),
]
ClassWords: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help='Words that the texts of a class contain, such as "spam=prize, winner, free"; repeat it for each class. '
        "Ten to twelve are worth several labels. +cash adds a word to those that are found for the name, -free drops "
        "one.",
        metavar="CLASS=WORDS",
    ),
]
NoThesaurus: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--no-thesaurus", help="Read class names without the words that the bundled thesaurus has for most of them."
    ),
]

ClassPrior: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        help='How frequent each class is among the items to predict, such as "spam=0.13, ham=0.87"; or labels, as '
        "frequent as among the labels, or balanced, all equally. Default: found in the unlabeled items, or in labels "
        "that look like a natural sample.",
        metavar="SHARES|labels|balanced",
    ),
]


@dataclass(frozen=True)
class ClassOptions:
    """The classes of a command, as named by its options."""

    classes: ClassList = None
    words: ClassWords = None
    names: ClassName = None
    no_thesaurus: NoThesaurus = False
    class_prior: ClassPrior = None

    @property
    def given(self) -> bool:
        """Whether the options name any class."""
        return self.classes is not None or bool(self.names) or bool(self.words)

    def refuse_beside(self, models: str) -> None:
        """Raise BadParameter if an option is given that only a new model takes, beside saved `models`."""
        if self.given or self.no_thesaurus or self.class_prior:
            raise typer.BadParameter(
                f"--classes, --class, --words, --class-prior and --no-thesaurus cannot be used together with {models}."
            )

    @property
    def listed(self) -> list[Any] | None:
        """The names that --classes lists, None without it."""
        if self.names:
            return clean_names(self.names, what="classes")
        return None if self.classes is None else list(_read(self.classes))

    def read(self, labels: Labels | None = None) -> Any:
        """Return the classes with their descriptions and words; None if there are neither options nor words.

        labels: name the classes without --classes; if there are none, --words name them.
        """
        words = _words_by_class(self.words or [])
        if self.classes is not None and self.names:
            raise typer.BadParameter("--classes and --class cannot be used together.")
        if self.names:
            return _with_words(clean_names(self.names, what="classes"), words)
        if self.classes is not None:
            return _with_words(_read(self.classes), words)
        if not words:
            return None
        return _with_words(list(words) if labels is None else classes_in(labels), words)

    def parameters(self, labels: Labels | None = None) -> dict[str, Any]:
        """Return the parameters of AnyShotClassifier that the options give; labels: as in `read`."""
        classes = self.read(labels)
        names = list(classes_in(labels or []) if classes is None else classes)
        prior = _class_prior(self.class_prior, names, labels) if names else "auto"  # without names, the command fails
        return {"classes": classes, "words": not self.no_thesaurus, "class_prior": prior}


def _read(classes: str) -> Any:
    """Return the classes of a list or a file; names that were typed do without what reads files."""
    return datasets.read_classes(classes) if datasets.is_class_file(classes) else datasets.listed_classes(classes)


with_class_options = partial(with_options, name="class_options", kind=ClassOptions, first=True)
"""Give a command the options of `ClassOptions`, after its arguments; it receives them as `class_options`."""


def _words_by_class(options: Sequence[str]) -> dict[str, Words]:
    """Return the words of each class that options like "spam=prize, winner" name."""
    texts: dict[str, list[str]] = {}
    remedy = "Write the words themselves, or give classes with their words in a file: --classes FILE."
    for option in options:
        refuse_file(option, "--words", remedy)
        name, equals, text = (part.strip() for part in option.partition("="))
        if not (name and equals and text.strip(",; ")):
            raise typer.BadParameter(
                f'--words {option!r} needs a class and its words. Write --words "CLASS=good, great, excellent".'
            )
        refuse_file(text, f"--words {name}=", remedy)
        texts.setdefault(name, []).append(text)
    return {name: Words.read(*own) for name, own in texts.items()}


def _class_prior(options: Sequence[str] | None, names: list[Label], labels: Labels | None) -> str | dict[Label, float]:
    """Return the class shares of options like "spam=0.13, ham=0.87" by class, or the rule that they name."""
    if not options:
        return "auto"
    parts: list[str] = datasets.listed_names(",".join(options))
    if parts in (["auto"], ["balanced"], ["labels"]):
        if parts == ["labels"] and labels is None:
            raise typer.BadParameter(
                '--class-prior labels needs labels. Write --class-prior "CLASS=SHARE, CLASS=SHARE".'
            )
        return parts[0]
    shares: dict[Label, float] = {}
    for part in parts or [""]:
        text, _, share = (side.strip() for side in part.rpartition("="))
        try:
            number = float(share.removesuffix("%")) / (100 if share.endswith("%") else 1)
        except ValueError:
            text = ""
        if not text:
            raise typer.BadParameter(
                f"--class-prior {part!r} needs a class and its share, as a number with a point. Write --class-prior "
                '"spam=0.13, ham=0.87", labels or balanced.'
            )
        name = _class_of(text, names, "--class-prior")
        if name in shares:
            raise typer.BadParameter(f"--class-prior gives the share of {text!r} twice. Give it once.")
        shares[name] = number
    return shares


def refuse_file(text: str | None, option: str, remedy: str, *, but: Collection[str] = ()) -> None:
    """Raise BadParameter if a text that an option needs is the name of a file; but: suffixes that are allowed."""
    ending = "" if text is None else os.path.splitext(text)[1].lower()
    if text is not None and ending and ending not in but and os.path.isfile(text):
        raise typer.BadParameter(f"{option} names the file {text}, which is not read. {remedy}")


def _with_words(classes: Any, words: dict[str, Words]) -> Any:
    """Return the classes, a list of names or a mapping to descriptions, with the words of some of them."""
    if not words:
        return classes
    names = class_table(list(classes)).tolist()
    rows = {_class_of(name, names, "--words"): own for name, own in words.items()}
    for name, own in rows.items():
        others = {word.partition("=")[0].strip() for word in own.given if "=" in word}.intersection(map(str, names))
        if others:
            raise ClassesError(f"--words of {name!r} has words of {min(others)!r}. Write --words once for each class.")
    described = classes if isinstance(classes, dict) else {name: [] for name in names}
    return {name: [*texts, *([rows[name]] if name in rows else [])] for name, texts in described.items()}


def _class_of(name: str, names: list[Label], option: str) -> Label:
    """Return the class that an option names, in the type of the classes."""
    found = as_classes_write_them([clean_name(name)], names)[0]
    if found in names:
        return found
    near = nearest(name, names)
    hint = f"Did you mean {near!r}?" if near else "Name all classes with --classes."
    raise ClassesError(
        f"{option} names {name!r}, which is not one of the classes: {', '.join(map(str, names[:10]))}. {hint}"
    )
