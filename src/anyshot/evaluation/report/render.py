"""The page of a report: tables, cards and pictures to one HTML file that opens without a network."""

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Literal, TypeAlias

import pandas as pd
from jinja2 import Environment, StrictUndefined, Template
from matplotlib.figure import Figure

from anyshot.evaluation.printing import number, percent
from anyshot.evaluation.report.shown_item import ShownItem

Kind: TypeAlias = Literal["text", "count", "share", "plain-share", "number", "long"]


@dataclass(frozen=True)
class Cell:
    """One cell: what is read, what is sorted by, and how long its bar is."""

    text: str
    order: str
    bar: str = ""
    """The share of a bar's full length, as CSS reads it; empty without a bar."""


@dataclass(frozen=True)
class PageTable:
    """A table of the page."""

    caption: str
    columns: tuple[tuple[str, Kind], ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: int = 0

    @classmethod
    def of(cls, frame: pd.DataFrame, kinds: Mapping[str, Kind], *, caption: str, at_most: int = 500) -> "PageTable":
        """Return the columns of `frame` that `kinds` names, in its order; the first `at_most` rows."""
        shown = frame.head(at_most)
        columns = [[_cell(value, kind) for value in shown[name].tolist()] for name, kind in kinds.items()]
        rows = tuple(zip(*columns, strict=True))
        return cls(caption, tuple(kinds.items()), rows, len(frame) - len(shown))


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: a row for each true class, a column for each answer."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class Card:
    """One item with what the model said of it."""

    item: ShownItem
    truth: str
    answer: str
    sure: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tile:
    """A figure in large type."""

    figure: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page that answers one question."""

    anchor: str
    short: str
    title: str
    lead: str
    notes: tuple[str, ...] = ()
    drawing: str = ""
    """An `svg` element by `inline_svg`; the only markup that is put in as it stands."""
    tables: tuple[PageTable, ...] = ()
    matrix: Matrix | None = None
    cards: tuple[Card, ...] = ()
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()
    code: str = ""
    needs: tuple[str, ...] = ()
    """What could not be shown for want of something, and how to get it."""


@dataclass(frozen=True)
class Part:
    """A section with the figures and tables behind it."""

    section: Section
    figures: dict[str, Figure] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    """What each figure or table that is not there would need, and how to get it; the page says it too."""

    @classmethod
    def of_nothing(cls, anchor: str, short: str, title: str, needs: str, *names: str) -> "Part":
        """Return a section that says only what it would need for its figures and tables of these names."""
        return cls(Section(anchor, short, title, "", needs=(needs,)), missing=dict.fromkeys(names, needs))


@dataclass(frozen=True)
class Page:
    """All that a page shows."""

    title: str
    verdict: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    warnings: tuple[str, ...] = field(default=())


def render(page: Page) -> str:
    """Return the page as HTML. Whatever comes from the data is escaped; scripts other than its own do not run."""
    script = _source("report.js")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return _template().render(page=page, style=_source("report.css"), script=script, digest=digest)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_source("report.html.j2"))


def _source(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _cell(value: object, kind: Kind) -> Cell:
    if kind in ("text", "long") or not isinstance(value, (int, float)):
        return Cell(readable(value), readable(value).casefold())
    if math.isnan(value):
        return Cell("-", "")
    if kind == "count":
        return Cell(f"{value:,.0f}", f"{value:.0f}")
    if kind == "number":
        return Cell(number(value), f"{value:.6g}")
    return Cell(f"{percent(value)} %", f"{value:.6f}", f"{min(max(value, 0), 1):.4f}" if kind == "share" else "")


def readable(value: object) -> str:
    """Return a label or a name as text that UTF-8 can hold."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def sentence(note: str) -> str:
    """Return a note as a sentence of its own."""
    return note[:1].upper() + note[1:] + "."


def matrix_of(names: Sequence[str], counts: Sequence[Sequence[int]], *, caption: str) -> Matrix:
    """Return the confusion matrix of `counts` (c, c), each row shaded by its shares."""
    rows = []
    for name, row in zip(names, counts, strict=True):
        whole = max(sum(row), 1)
        rows.append((name, tuple(Cell(f"{n:,}", str(n), f"{n / whole:.3f}") for n in row)))
    return Matrix(caption, tuple(names), tuple(rows))
