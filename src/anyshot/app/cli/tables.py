"""What commands show in a terminal, without control characters of texts. Loaded only where there is a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from anyshot.base.terminal import escaped, rich_table
from anyshot.base.validation import is_number


class SafeConsole(Console):
    """A terminal that gets no control character of a text, only those that rich adds for colors and the cursor."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, with control characters in their texts escaped."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else escaped(text), style, control)


def table_of(rows: Sequence[Mapping[str, object]], *, last: str = "") -> Table:
    """Return the rows as a table. Markup in its cells is shown, not interpreted."""
    names = sorted(rows[0], key=lambda name: name == last) if rows else []
    numbers = [name for name in names if is_number(rows[0][name])]
    return rich_table(names, ([_cell(row[name]) for name in names] for row in rows), numbers=numbers)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):  # numbers by their names, the largest first
        return ", ".join(f"{name} {value[name]:.2f}" for name in sorted(value, key=value.__getitem__, reverse=True))
    return f"{value:.2f}" if isinstance(value, float) else str(value)
