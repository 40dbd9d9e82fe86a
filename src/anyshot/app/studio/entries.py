"""The entries of a project's history: what was done, in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SENTENCES: Final = {
    "add_class": "Added the class {name}",
    "add_classes": "Added the classes {name}",
    "rename_class": "Renamed {old} to {new}",
    "describe_class": "Described {name}",
    "set_words": "Changed the words of {name}",
    "color_class": "Changed the color of {name}",
    "edit_class": "Edited the class {name}",
    "reorder_classes": "Moved {name}",
    "merge_classes": "Merged {name} into {into}",
    "remove_class": "Removed the class {name}",
    "label": "Labeled {count} as {name}",
    "label_unknown": "Labeled {count} as unknown",
    "unlabel": "Removed the label of {count}",
    "label_one": "Labeled “{item}” as {name}",
    "label_unknown_one": "Labeled “{item}” as unknown",
    "unlabel_one": "Removed the label of “{item}”",
    "keep_labels": "Kept the label of {count}",
    "add_items": "Added {count} from {source}",
    "rename_project": "Renamed the project to {name}",
}
"""What each action did, with the facts of its entry; a page translates them by the action."""


PASTED: Final = "pasted texts"
"""The source of added texts that come from no file."""


@dataclass(frozen=True)
class Entry:
    """One thing that was done to a project."""

    id: int
    time: str  # ISO 8601, UTC
    action: str  # a key of `SENTENCES`
    facts: Mapping[str, Any]
    undone: bool = False

    def __str__(self) -> str:
        facts = dict(self.facts)
        if isinstance(facts.get("count"), int):
            facts["count"] = "1 item" if facts["count"] == 1 else f"{facts['count']:,} items"
        return SENTENCES[self.action].format_map(facts)
