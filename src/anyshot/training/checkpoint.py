"""Checkpoints: all that an interrupted run needs to go on exactly, in safetensors and JSON, never half written."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from anyshot.errors import CheckpointError

FORMAT: Final = 1
LONGEST: Final = 3600.0
"""How long writing a checkpoint may take; what was begun earlier, a kill left behind [seconds]."""
_FACTS, _TENSORS = "run.json", "run.safetensors"


class Saved(NamedTuple):
    """One checkpoint: the position and the figures as JSON, weights and the optimizer's state as tensors."""

    facts: dict[str, Any]
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoints:
    """A folder in which a run keeps its last checkpoint.

    Attributes
    ----------
    folder : str or path
        One of its own, for one run at a time.
    every : int
        Steps between two checkpoints; there is one after every epoch besides.
    about : mapping of str to str
        What the run is about, such as a digest of its data: a run about something else is refused.

    Notes
    -----
    A checkpoint is a folder, written under another name, forced to disk and renamed: after a kill at any moment the
    newest whole one is found. Only checkpoints, and what a kill left half written, are ever deleted.
    """

    folder: str | os.PathLike[str]
    every: int = 100
    about: Mapping[str, str] = field(default_factory=dict)

    def newest(self) -> Path | None:
        """Return the newest whole checkpoint, None where there is none."""
        return max(self._whole(), key=lambda path: int(path.name.removeprefix("step-")), default=None)

    def read(self) -> Saved | None:
        """Return the newest checkpoint.

        Raises
        ------
        CheckpointError
            It is damaged, or of a newer format.
        """
        folder = self.newest()
        if folder is None:
            return None
        try:
            facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            content = (folder / _TENSORS).read_bytes()
            tensors = safetensors.torch.load(content)
        except (OSError, ValueError, SafetensorError) as error:
            raise CheckpointError(f"The checkpoint {folder} is damaged: {error}. Delete it to begin anew.") from error
        if facts.get("format") != FORMAT or hashlib.sha256(content).hexdigest() != facts.get("sha256"):
            raise CheckpointError(
                f"The checkpoint {folder} is of another version, or was changed. Delete it to begin anew."
            )
        return Saved(facts, tensors)

    def write(self, saved: Saved, *, step: int) -> None:
        """Keep a checkpoint, and delete the older ones.

        Raises
        ------
        CheckpointError
            The folder cannot be written.
        """
        parent = Path(self.folder)
        fresh = parent / f".writing-{os.getpid()}"
        content = safetensors.torch.save({name: tensor.contiguous() for name, tensor in saved.tensors.items()})
        facts = {**saved.facts, "format": FORMAT, "sha256": hashlib.sha256(content).hexdigest()}
        try:
            parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            _write(fresh / _TENSORS, content)
            _write(fresh / _FACTS, json.dumps(facts, indent=1).encode())
            self._put(fresh, parent / f"step-{step}")
        except OSError as error:
            raise CheckpointError(
                f"No checkpoint can be written to {self.folder}: {error}. Free some room, or name another folder."
            ) from error

    def _whole(self) -> list[Path]:
        """Return the checkpoints there are."""
        return [
            path
            for path in Path(self.folder).glob("step-*")
            if path.name.removeprefix("step-").isdigit() and (path / _FACTS).is_file()
        ]

    def _put(self, fresh: Path, place: Path) -> None:
        older = [*self._whole(), *(path for path in Path(self.folder).glob(".writing-*") if _is_left_behind(path))]
        if place in older:
            shutil.rmtree(place)
        fresh.rename(place)
        for path in older:
            if path not in (place, fresh):
                shutil.rmtree(path, ignore_errors=True)


def _is_left_behind(fresh: Path) -> bool:
    """Tell whether a checkpoint has been half written for longer than writing takes."""
    return time.time() - fresh.stat().st_mtime > LONGEST


def check_same(folder: object, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise CheckpointError where a checkpoint's architecture, recipe or subject is not this run's.

    saved, wanted: {"architecture": [[name, shape], ...], "recipe": {...}, "about": {...}}.
    """
    theirs, ours = dict(map(_pair, saved["architecture"])), dict(map(_pair, wanted["architecture"]))
    for name in {**ours, **theirs}:
        if theirs.get(name) != ours.get(name):
            raise CheckpointError(
                f"The checkpoint in {folder} is of another architecture: {name} is {theirs.get(name, 'missing')} there "
                f"and {ours.get(name, 'missing')} here. Name another folder, or train the network it was made with."
            )
    for part in ("recipe", "about"):
        for name in {**wanted[part], **saved[part]}:
            there, here = saved[part].get(name), wanted[part].get(name)
            if there != here:
                raise CheckpointError(
                    f"The checkpoint in {folder} is of another run: {name} is {_shown(there)} there and {_shown(here)} "
                    "here. Name another folder, or give what the run began with."
                )


def _shown(value: object) -> str:
    """Return a value as it is to be read; of a digest the first digits tell enough."""
    is_digest = isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")
    return f"{str(value)[:8]}..." if is_digest else repr(value)


def _pair(entry: Any) -> tuple[str, str]:
    name, shape = entry
    return str(name), " x ".join(map(str, shape)) or "one number"


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
