"""The unlabeled items that a model was given, as JSON lines beside its folder: what `suggest` chooses from."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from anyshot.base.files import atomic_file, folder_lock

MOST: Final = 10_000
"""Items that are kept, those that came last."""


class UnlabeledItems:
    """The unlabeled items of the model in a folder, durable, and shared by the processes that serve it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def file(self) -> Path:
        """Where they are: beside the folder that a link leads to now."""
        target = self._folder.resolve()
        return target.with_name(f".{target.name}.anyshot-unlabeled.jsonl")

    def add(self, items: Sequence[Any]) -> None:
        """Add items as JSON values; they are on disk when this returns."""
        lines = "".join(json.dumps(item) + "\n" for item in items)
        with folder_lock(self.file):
            kept = self._lines()
            if len(kept) + len(items) > 2 * MOST or (kept and not kept[-1].endswith("\n")):
                with atomic_file(self.file) as part:
                    _append(part, "".join(line for line in kept[-MOST:] if line.endswith("\n")) + lines)
            else:
                _append(self.file, lines)

    def latest(self) -> list[Any]:
        """Return the items that were added last, each once; a line that was not written to its end is left out."""
        return [json.loads(line) for line in dict.fromkeys(self._lines()[-MOST:]) if line.endswith("\n")]

    def _lines(self) -> list[str]:
        try:
            return self.file.read_text(encoding="utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            return []


def _append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
