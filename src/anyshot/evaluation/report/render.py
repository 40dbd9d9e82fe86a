"""The report as a value, and its page: one HTML file that opens without a network."""

import base64
import html
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, NoReturn, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined, Template
from matplotlib.figure import Figure

from anyshot.base.columns import item_count, take
from anyshot.base.files import atomic_file
from anyshot.base.items import Item, Items, modality_of
from anyshot.base.pixels import jpeg_of
from anyshot.base.terminal import whole_characters
from anyshot.base.validation import Indexes
from anyshot.errors import BadItemError, InputError, MissingPartError
from anyshot.evaluation.classification import Evaluation
from anyshot.evaluation.metrics import number, percent
from anyshot.evaluation.regression import NumberEvaluation
from anyshot.evaluation.report.figures import inline_svg

CellFormat: TypeAlias = Literal["text", "long", "count", "number", "percent", "bar"]

TITLE: Final = "How good is this model?"
MAX_TEXT = 600  # letters of a text
MAX_LINE = 160  # letters of a text in a table
MAX_SIDE = 224  # pixels of an image's longer side, twice what the page shows: sharp on fine screens
MAX_NUMBERS = 6  # of a vector
MAX_HEADING = 18  # letters of a class in the confusion matrix
MAX_HEADINGS = 60  # letters of all headings of the matrix, up to which they are not turned
MAX_LINES = 8  # columns of a row, up to which each has a line of its own

T = TypeVar("T")

# The heading of each column of a table, and how its values are written.
HEADINGS: Final[dict[str, tuple[str, CellFormat]]] = {
    "accuracy": ("accuracy", "bar"), "answer": ("predicted class", "text"), "bias": ("bias", "number"),
    "by": ("grouped by", "text"), "cached": ("from the cache", "count"), "calls": ("encoder calls", "count"),
    "class": ("class", "text"), "covered": ("measured coverage", "bar"), "duplicates": ("duplicates", "count"),
    "encoded": ("encoded", "count"), "f1": ("F1", "percent"),
    "false_positive": ("among others", "percent"),
    "from": ("prediction from", "number"), "given": ("label", "text"), "group": ("group", "text"),
    "high": ("to", "number"), "item": ("item", "long"), "labels": ("labels", "count"),
    "likely": ("likely class", "text"), "low": ("from", "number"), "lower": ("from", "percent"),
    "method": ("method", "text"), "model": ("model", "text"), "n": ("items", "count"), "n_draws": ("draws", "count"),
    "n_labels": ("labels", "count"), "p_given": ("probability of the label", "percent"),
    "p_likely": ("of the likely class", "bar"), "precision": ("precision", "percent"), "recall": ("recall", "bar"),
    "requested": ("items", "count"), "rmse": ("error (RMSE)", "number"), "sd": ("± sd", "percent"),
    "seconds": ("seconds", "number"), "selected": ("predicted as the class", "percent"),
    "share": ("share of the true class", "bar"),
    "shots": ("labels per class", "text"), "spread": ("± sd", "number"), "stated": ("stated coverage", "percent"),
    "to": ("to", "number"), "truth": ("true class", "text"), "true_positive": ("among items of the class", "percent"),
    "upper": ("to", "percent"),
    "width": ("median width", "number"), "work": ("work", "text"),
}  # fmt: skip


class Cell(NamedTuple):
    """One cell of a table: its text, what it is sorted by, and the length of its bar, 0 to 1."""

    text: str
    order: str
    bar: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table of the page."""

    caption: str
    columns: tuple[tuple[str, CellFormat], ...]
    """(heading, format) of each column."""
    rows: tuple[tuple[Cell, ...], ...]
    n_hidden: int = 0

    @classmethod
    def of(cls, frame: pd.DataFrame, names: str, *, caption: str, max_rows: int = 500) -> "PageTable":
        """Return the first rows of a data frame; names: columns of `HEADINGS`, separated by spaces."""
        shown, columns = frame.head(max_rows), {name: HEADINGS[name] for name in names.split()}
        cells = [[_cell(value, style) for value in shown[name].tolist()] for name, (_, style) in columns.items()]
        return cls(caption, tuple(columns.values()), tuple(zip(*cells, strict=True)), len(frame) - len(shown))


class Matrix(NamedTuple):
    """A confusion matrix: a row for each true class, a column for each predicted class."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    legend: tuple[tuple[str, str], ...] = ()
    """(shortened name, whole name) of each class whose name is too long for a heading."""

    @property
    def is_turned(self) -> bool:
        """Whether the headings of the columns are turned, because they would be too wide side by side."""
        return sum(map(len, self.columns)) > MAX_HEADINGS

    @classmethod
    def of(cls, names: Sequence[str], counts: Sequence[Sequence[int]]) -> "Matrix":
        """Return the matrix of `counts` (c, c), each row shaded by its shares."""
        short = [name if len(name) <= MAX_HEADING else f"{name[: MAX_HEADING - 1].rstrip()}…" for name in names]
        short = [one if short.count(one) == 1 else f"{row}. {one}" for row, one in enumerate(short, start=1)]
        legend = tuple((one, name) for one, name in zip(short, names, strict=True) if one != name)
        rows = [[Cell(f"{n:,}", str(n), f"{n / max(sum(row), 1):.3f}") for n in row] for row in counts]
        return cls(tuple(short), tuple((name, tuple(row)) for name, row in zip(short, rows, strict=True)), legend)


class ShownItem(NamedTuple):
    """How the page shows an item: its text, file name or description, and a data URL if it is an image."""

    text: str
    picture: str | None = None
    is_readable: bool = True


class Card(NamedTuple):
    """One item with its label (empty for none) and its prediction."""

    item: ShownItem
    label: str
    predicted: str
    note: str
    reasons: tuple[str, ...] = ()


class Tile(NamedTuple):
    """A figure in large type."""

    figure: str
    name: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class Section:
    """A section of the page, with the figures and tables behind it."""

    lead: str = ""
    notes: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    description: str = ""
    """The alternative text of its figure; without one, the figure is not on the page."""
    matrix: Matrix | None = None
    shown: tuple[PageTable, ...] = ()
    cards: tuple[Card, ...] = ()
    code: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    """Figures and tables that are missing, each with the reason."""
    title: str = ""
    short_title: str = ""
    """The title in the navigation."""

    @property
    def drawing(self) -> str:
        """The figure as an `svg` element, the only markup that is inserted unescaped; "" for none."""
        if not self.description:
            return ""
        [(name, figure)] = self.figures.items()
        return inline_svg(figure, name=name, description=self.description)

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing to show but what it needs."""
        return not (
            self.lead or self.notes or self.bullets or self.shown or self.cards or self.code or self.description
        )

    @property
    def needs(self) -> list[str]:
        """What is needed for the missing parts, each sentence once."""
        return [line for line in dict.fromkeys(self.missing.values()) if line != self.lead]


class Parts(dict[str, T]):
    """Figures or tables by name; a missing one raises an error that says what it needs."""

    def __init__(self, parts: Mapping[str, T], missing: Mapping[str, str]) -> None:
        super().__init__(parts)
        self._missing = missing

    def __missing__(self, name: str) -> NoReturn:
        available = f"There is no {name!r}. Available: {', '.join(self) or 'nothing'}."
        raise MissingPartError(self._missing.get(name, available))


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """A report on a model, to read, to compute with and to share."""

    evaluation: Evaluation | NumberEvaluation
    verdict: str
    """How good the model is, in two sentences."""
    tiles: tuple[Tile, ...]
    warnings: tuple[str, ...]
    sections: Mapping[str, Section]
    """By name, such as "confusions" or "mistakes"."""

    @property
    def figures(self) -> Parts[Figure]:
        """Figures by name: "curve", "confusions", "reliability", "groups", "unknowns", "fit", "residuals", ..."""
        return Parts(_joined(section.figures for section in self.sections.values()), self.missing)

    @property
    def tables(self) -> Parts[pd.DataFrame]:
        """Tables by name: "classes", "confusions", "groups", "mistakes", "label_errors", "leaderboard", "cost", ..."""
        return Parts(_joined(section.tables for section in self.sections.values()), self.missing)

    @property
    def missing(self) -> dict[str, str]:
        """Figures and tables that are missing, each with the reason."""
        return _joined(section.missing for section in self.sections.values())

    def to_html(self, *, title: str = TITLE) -> str:
        """Return the report as one HTML page that needs no network.

        Text from the data is escaped, and no script but the page's own can run.
        """
        script = _source("report.js")
        digest = base64.b64encode(sha256(script.encode()).digest()).decode()
        style = _source("report.css")
        page = _template().render(report=self, title=title, style=style, script=script, digest=digest)
        return whole_characters(page)  # names of files that are not UTF-8 have halves of characters

    def save(self, file: str | os.PathLike[str], *, title: str = TITLE) -> Path:
        """Write the page to a file and return its path; an existing file is replaced only once writing succeeded."""
        target = Path(file)
        if target.suffix.lower() not in (".html", ".htm", ""):
            raise InputError(f"A report is an HTML page; {target.name} has another suffix. Name it .html.")
        with atomic_file(target) as part:
            part.write_text(self.to_html(title=title), encoding="utf-8")
        return target

    def __str__(self) -> str:
        return f"{self.verdict}\n\n{self.evaluation}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # A frame keeps the styles of the page and of the notebook apart.
        page = html.escape(self.to_html(), quote=True)
        return f'<iframe srcdoc="{page}" title="{TITLE}" style="width:100%;height:44rem;border:0"></iframe>'


def _joined(parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    return {name: value for part in parts for name, value in part.items()}


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_source("report.html.j2"))


def _source(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _cell(value: object, style: CellFormat) -> Cell:
    if style in ("text", "long") or not isinstance(value, (int, float)):
        return Cell(readable(value), readable(value).casefold())
    if math.isnan(value):
        return Cell("-", "")
    if style == "count":
        return Cell(f"{value:,.0f}", f"{value:.0f}")
    if style == "number":
        return Cell(number(value), f"{value:.6g}")
    return Cell(f"{percent(value)} %", f"{value:.6f}", f"{min(max(value, 0), 1):.4f}" if style == "bar" else "")


def readable(value: object) -> str:
    """Return any value as text that UTF-8 can encode."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def sentence(note: str) -> str:
    """Return a note as a sentence with a capital letter and a period."""
    return readable(note[:1].upper() + note[1:] + ".")


def shown_item(item: Item) -> ShownItem:
    """Return how to show an item. One that cannot be read is described instead of raising an error."""
    if isinstance(item, (pd.Series, dict)):
        between = "\n" if len(item) <= MAX_LINES else " · "
        return ShownItem(_cut(between.join(f"{name}: {value}" for name, value in item.items())))
    try:
        modality = modality_of([item])
    except InputError:
        return ShownItem(_cut(f"{type(item).__name__} {item!r}"))
    if modality == "image":
        return _thumbnail(item)
    if modality == "text":
        return ShownItem(_cut(item))
    numbers = np.asarray(item, dtype=np.float64)
    first = ", ".join(f"{value:.3g}" for value in numbers[:MAX_NUMBERS])
    return ShownItem(f"a vector of {len(numbers)} numbers: {first}{', ...' if len(numbers) > MAX_NUMBERS else ''}")


def one_line(item: Item) -> str:
    """Return an item's text in one line, for a table."""
    return _cut(" ".join(shown_item(item).text.split()), MAX_LINE)


def single_items(X: Items, rows: Indexes) -> list[Any]:
    """Return the items of these rows (m,) one by one, a row of a table as a series."""
    some = take(X, rows)
    table = some.iloc if hasattr(some, "iloc") else some
    return [table[row] for row in range(item_count(some))]


def _thumbnail(item: Item) -> ShownItem:
    name = "/".join(Path(item).parts[-2:]) if isinstance(item, (str, os.PathLike)) else ""
    try:
        picture = jpeg_of(item, MAX_SIDE)
    except BadItemError as error:
        return ShownItem(f"{name or 'This image'} cannot be shown: {error}", is_readable=False)
    return ShownItem(name, f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}")


def _cut(text: str, longest: int = MAX_TEXT) -> str:
    clean = readable(text)
    return clean if len(clean) <= longest else clean[:longest].rstrip() + "…"
