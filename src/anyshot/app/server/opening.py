"""Open the models that are served. It needs no web framework, which can be imported meanwhile."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from anyshot import store
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.settings import Settings
from anyshot.errors import InputError
from anyshot.tasks.loading import load

MODEL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def open_models(folders: Mapping[str, Path], settings: Settings, *, encoder: str | None = None) -> list[LiveModel]:
    """Return the models in these folders, by name, which share a cache; encoder: the name of theirs, as for `load`."""
    cache, reading = store.MemoryCache(settings.cache_mb), partial(load, cache=False, encoder=encoder)
    options: dict[str, Any] = {"read_only": settings.read_only, "keep": settings.kept_versions, "cache": cache}
    return [LiveModel(name, folder, reading, **options) for name, folder in folders.items()]


def check_model_name(name: str) -> str:
    """Return a name that a model may have in addresses; raise InputError for others, such as `../x`."""
    if not MODEL_NAME.fullmatch(name):
        raise InputError(
            f"{name!a} cannot be the name of a model. Use 1 to 64 letters, digits, dots, hyphens and underscores, the "
            "first one a letter or digit: anyshot serve NAME=DIR."
        )
    return name
