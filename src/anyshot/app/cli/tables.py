"""What commands show in a terminal, without control characters of texts. Loaded only where there is a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from anyshot.base.terminal import escaped


class SafeConsole(Console):
    """A terminal that gets no control character of a text, only those that rich adds for colors and the cursor."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, with control characters in their texts escaped."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else escaped(text), style, control)


def table_of(rows: Sequence[Mapping[str, object]], *, last: str = "") -> Table:
    """Return the rows as a table. Markup in its cells is shown, not interpreted."""
    names = sorted(rows[0], key=lambda name: name == last) if rows else []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        number = isinstance(rows[0][name], (int, float)) and not isinstance(rows[0][name], bool)
        table.add_column(Text(escaped(name)), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(escaped(_cell(row[name]))) for name in names))
    return table


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):  # numbers by their names, the largest first
        return ", ".join(f"{name} {value[name]:.2f}" for name in sorted(value, key=value.__getitem__, reverse=True))
    return f"{value:.2f}" if isinstance(value, float) else str(value)
