"""Explanations: what an answer rests on, to read in a terminal or a notebook."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol, overload

from rich.console import Group
from rich.table import Table
from rich.text import Text

from anyshot.base.items import UNKNOWN, Label


@dataclass(frozen=True)
class Neighbor:
    """A labeled example near an item."""

    example: str
    label: Label
    cosine: float


class Likened(Protocol):
    """What a class without examples is like; as text, a sentence."""

    @property
    def likenesses(self) -> tuple[tuple[Label, float], ...]:
        """The classes it rests on and their shares, the largest first."""
        ...


@dataclass(frozen=True)
class Explanation:
    """Why one item got its answer."""

    item: str
    is_known: bool
    """Whether any class is close enough; else `predict` says "unknown"."""
    label: Label
    """The likeliest class, close enough or not."""
    probability: float
    runner_up: Label
    margin: float
    """By how much the likeliest class is likelier than the next."""
    matched: str | None
    """What was said of the class that lies nearest to the item; None where nothing was."""
    neighbors: tuple[Neighbor, ...]
    """The labeled examples nearest to the item, of any class."""
    analogy: Likened | None = None
    """Where the class has no example: the classes on which the answer rests instead."""

    @property
    def answer(self) -> Label:
        """What `predict` says."""
        return self.label if self.is_known else UNKNOWN

    def __str__(self) -> str:
        head = f"{self.answer} ({self.probability:.0%}; next {self.runner_up}, {self.margin:.0%} behind): {self.item}"
        return "\n".join([head, *(f"  {line}" for line in self.reasons())])

    def reasons(self) -> list[str]:
        """Return the grounds of the answer, a line each."""
        lines = [] if self.is_known else [f"nearest class {self.label}, but not near enough"]
        if self.matched is not None:
            lines.append(f'matches what is said of {self.label}: "{self.matched}"')
        if self.analogy is not None:
            lines.append(f"no example of it; {self.analogy}")
        lines += [f"{near.cosine:.2f} like {near.label}: {near.example}" for near in self.neighbors]
        return lines


@dataclass(frozen=True)
class Explanations(Sequence[Explanation]):
    """One explanation an item; prints as a table."""

    items: tuple[Explanation, ...]

    @overload
    def __getitem__(self, place: int) -> Explanation: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Explanation]: ...
    def __getitem__(self, place: int | slice) -> Explanation | Sequence[Explanation]:
        """Return one explanation, or several."""
        return self.items[place]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.items)

    def __str__(self) -> str:
        return "\n".join(str(item) for item in self.items)

    __repr__ = __str__

    def __rich__(self) -> Group:
        """Return a table for `rich.print`."""
        table = Table("item", "answer", "sure", "next", "because", show_lines=True)
        for one in self.items:
            sure, behind = f"{one.probability:.0%}", f"{one.runner_up}\n-{one.margin:.0%}"
            because = Text("\n".join(one.reasons()))
            table.add_row(Text(one.item), Text(str(one.answer)), sure, Text(behind), because)
        return Group(table)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(one.item)}</td><td><b>{escape(str(one.answer))}</b></td><td>{one.probability:.0%}</td>"
            f"<td>{escape(str(one.runner_up))} (-{one.margin:.0%})</td>"
            f"<td>{'<br>'.join(escape(line) for line in one.reasons())}</td></tr>"
            for one in self.items
        )
        head = "".join(f"<th>{name}</th>" for name in ("item", "answer", "sure", "next", "because"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
