"""The cache of the Hugging Face hub, found by reading its folders.

A model is in `models--OWNER--NAME`: the commit of its main branch in `refs/main`, and each commit's files in
`snapshots/COMMIT`. Nothing of the hub's library is imported, and the network is not used.
"""

import os
import re
from pathlib import Path
from typing import Final

ID: Final = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)?")
"""A model's id on the hub, owner/name, or a name without an owner."""


def hub_cache_folder() -> Path:
    """Return the folder of the cache, as the hub's library determines it from the environment."""
    given = os.environ
    cache = given.get("XDG_CACHE_HOME") or "~/.cache"
    home = given.get("HF_HOME") or os.path.join(cache, "huggingface")
    return Path(
        given.get("HF_HUB_CACHE") or given.get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    ).expanduser()


def snapshots(source: str) -> list[Path]:
    """Return the folders with files of a model, that of its main branch first."""
    if not ID.fullmatch(source):
        return []
    try:
        model = hub_cache_folder() / f"models--{source.replace('/', '--')}"
        found = sorted(folder for folder in (model / "snapshots").iterdir() if folder.is_dir())
    except (OSError, RuntimeError):  # there is no cache, or no home folder
        return []
    try:
        main = (model / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return found
    return sorted(found, key=lambda folder: folder.name != main)


def is_in_cache(source: str) -> bool:
    """Return whether the settings of a model of the hub are on this machine."""
    return any((folder / file).is_file() for folder in snapshots(source) for file in ("config.json", "modules.json"))
