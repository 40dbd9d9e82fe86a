"""The kinds of projects: what an item is, and what the page shows for it."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["texts", "images", "rows"]


@dataclass(frozen=True)
class KindFacts:
    """What the items of one kind of project are, and where they come from.

    modality: what the library calls the items; icon: of the page; reads_tables: whether items come from tables and the
    clipboard, rather than from image files and the camera; names_help: whether names and words of classes say something
    about the items, so that there are answers before the first label, and a search by meaning.
    """

    modality: Literal["text", "image", "table"]
    icon: str
    reads_tables: bool
    names_help: bool


KINDS: Final[dict[Kind, KindFacts]] = {
    "texts": KindFacts("text", "text", reads_tables=True, names_help=True),
    "images": KindFacts("image", "image", reads_tables=False, names_help=True),
    "rows": KindFacts("table", "table", reads_tables=True, names_help=False),
}
