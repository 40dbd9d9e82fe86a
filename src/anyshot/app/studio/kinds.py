"""The kinds of projects: what an item is, and what the page offers for it."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["texts", "images", "rows"]


@dataclass(frozen=True)
class Offer:
    """What one kind of project offers.

    modality: what the library calls the items; icon: of the page; is_pasted: whether items come from the clipboard and
    from tables, rather than from image files and the camera; are_named: whether names and words of classes say
    something about the items, so that there are answers before the first label, and a search by meaning.
    """

    modality: Literal["text", "image", "table"]
    icon: str
    is_pasted: bool
    are_named: bool


KINDS: Final[dict[Kind, Offer]] = {
    "texts": Offer("text", "text", is_pasted=True, are_named=True),
    "images": Offer("image", "image", is_pasted=False, are_named=True),
    "rows": Offer("table", "table", is_pasted=True, are_named=False),
}
