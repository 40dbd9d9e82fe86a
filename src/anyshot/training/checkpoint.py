"""Checkpoints of training runs, in JSON and safetensors, written atomically."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from anyshot.base.files import delete_leftovers, replace_folder
from anyshot.errors import CheckpointError

FORMAT: Final = 1  # version of the files
_FACTS, _TENSORS = "run.json", "run.safetensors"


class Saved(NamedTuple):
    """The content of a checkpoint: position and history as JSON, weights and optimizer state as tensors."""

    facts: dict[str, Any]
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoints:
    """The folder with the last checkpoint of a run.

    Attributes
    ----------
    folder : str or path
        For this run only.
    every : int
        Steps between two checkpoints; another one is written after every epoch.
    about : mapping of str to str
        Identifies the run, such as by a digest of its data; a checkpoint with other values is refused.

    Notes
    -----
    A checkpoint is a folder, written under another name, forced to disk and renamed: if the process is killed at any
    moment, the newest complete one is found. Only checkpoints, complete or not, are ever deleted.
    """

    folder: str | os.PathLike[str]
    every: int = 100
    about: Mapping[str, str] = field(default_factory=dict)

    def newest(self) -> Path | None:
        """Return the newest complete checkpoint, or None."""
        return max(self._complete(), key=lambda path: int(path.name.removeprefix("step-")), default=None)

    def read(self) -> Saved | None:
        """Return the content of the newest checkpoint, or None.

        Raises CheckpointError if it is damaged, or has another format.
        """
        folder = self.newest()
        if folder is None:
            return None
        try:
            facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            content = (folder / _TENSORS).read_bytes()
            tensors = safetensors.torch.load(content)
        except (OSError, ValueError, SafetensorError) as error:
            raise CheckpointError(f"The checkpoint {folder} is damaged: {error}. Delete it to start again.") from error
        if facts.get("format") != FORMAT or hashlib.sha256(content).hexdigest() != facts.get("sha256"):
            raise CheckpointError(
                f"The checkpoint {folder} has another format, or was changed. Delete it to start again."
            )
        return Saved(facts, tensors)

    def write(self, saved: Saved, *, step: int) -> None:
        """Write a checkpoint, and delete the older ones.

        step: higher than that of all before, so that the newest one stays where it is until the new one is complete.

        Raises CheckpointError if the folder cannot be written, or has something else of the name of the checkpoint.
        """
        parent, older = Path(self.folder), self._complete()
        target = parent / f"step-{step}"
        content = safetensors.torch.save({name: tensor.contiguous() for name, tensor in saved.tensors.items()})
        facts = {**saved.facts, "format": FORMAT, "sha256": hashlib.sha256(content).hexdigest()}
        try:
            parent.mkdir(parents=True, exist_ok=True)
            delete_leftovers(parent.glob(".step-*.anyshot-new-*"))
            if target.exists() and target not in older:
                raise FileExistsError(f"{target.name} is not a checkpoint")
            replace_folder(target, {_TENSORS: content, _FACTS: json.dumps(facts, indent=1).encode()})
            for path in older:
                if path != target:
                    shutil.rmtree(path, ignore_errors=True)
        except OSError as error:
            raise CheckpointError(
                f"No checkpoint can be written to {self.folder}: {error}. Free some disk space, or use another folder."
            ) from error

    def _complete(self) -> list[Path]:
        return [
            path
            for path in Path(self.folder).glob("step-*")
            if path.name.removeprefix("step-").isdigit() and (path / _FACTS).is_file()
        ]


def check_same(folder: object, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise CheckpointError if a checkpoint's architecture, recipe or `about` differs from this run's.

    saved, wanted: {"architecture": [[name, shape], ...], "recipe": {...}, "about": {...}}.
    """
    theirs, ours = dict(map(_pair, saved["architecture"])), dict(map(_pair, wanted["architecture"]))
    for name in {**ours, **theirs}:
        if theirs.get(name) != ours.get(name):
            raise CheckpointError(
                f"The checkpoint in {folder} is of another architecture: {name} is {theirs.get(name, 'missing')} there "
                f"and {ours.get(name, 'missing')} here. Use another folder, or train the same network."
            )
    for part in ("recipe", "about"):
        for name in {**wanted[part], **saved[part]}:
            there, here = saved[part].get(name), wanted[part].get(name)
            if there != here:
                raise CheckpointError(
                    f"The checkpoint in {folder} is of another run: {name} is {_shown(there)} there and {_shown(here)} "
                    "here. Use another folder, or the same settings."
                )


def _shown(value: object) -> str:
    """Return a value as text; a digest is cut to its first digits."""
    is_digest = isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")
    return f"{str(value)[:8]}..." if is_digest else repr(value)


def _pair(entry: Any) -> tuple[str, str]:
    name, shape = entry
    return str(name), " x ".join(map(str, shape)) or "one number"
