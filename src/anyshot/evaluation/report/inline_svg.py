"""Pictures for a page: matplotlib's figures as SVG that follows the page's colors and its own text size."""

import io
import re
import warnings
from html import escape
from typing import Final

from matplotlib import rc_context
from matplotlib.figure import Figure

# The few colors of our figures, each the light value of one of the page's variables.
_VARIABLES: Final = {
    "#000000": "--ink",
    "#2e3440": "--ink",
    "#3b4252": "--ink",
    "#6b7280": "--soft",
    "#9ca3af": "--line",
    "#e5e7eb": "--grid",
    "#ffffff": "--paper",
    "#0072b2": "--accent",
    "#9cc7e0": "--accent-soft",
    "#d55e00": "--second",
    "#009e73": "--third",
    "#cc79a7": "--fourth",
}
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def inline_svg(figure: Figure, *, name: str, description: str) -> str:
    """Return a figure as an `svg` element to put into a page; `description` is read out where it cannot be seen.

    Its ids begin with `name`, so that several stand on one page. Text stays text.
    """
    page = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        # The browser brings letters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(page, format="svg", metadata={"Date": None}, transparent=True)
    drawing = page.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = _renamed(drawing, name)
    for color, variable in _VARIABLES.items():
        drawing = re.sub(rf'(style="[^"]*?){color}', rf"\1var({variable})", drawing)
        drawing = re.sub(rf'(style="[^"]*?){color}', rf"\1var({variable})", drawing)
    drawing = re.sub(r"""(style="[^"]*?font: [^"]*?px )'[^";]*""", rf"\1{_FONT}", drawing)
    head = f'role="img" aria-label="{escape(description, quote=True)}" class="figure"'
    return re.sub(r'<svg ([^>]*?)width="[^"]*" ([^>]*?)>', rf"<svg {head} \1\2>", _without_height(drawing), count=1)


def _renamed(drawing: str, name: str) -> str:
    """Put `name` before every id, and before what refers to one."""
    for opening in (r'\bid="', r"url\(#", r'xlink:href="#'):
        drawing = re.sub(f"({opening})", rf"\g<1>{name}-", drawing)
    return drawing


def _without_height(drawing: str) -> str:
    """Leave the size to the page; the viewBox keeps the proportions."""
    return re.sub(r'(<svg [^>]*?)height="[^"]*" ', r"\1", drawing, count=1)
