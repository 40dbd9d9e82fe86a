"""Open the models that are served. It needs no web framework, which can be imported meanwhile."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from anyshot import store
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.settings import Settings
from anyshot.tasks.loading import load


def open_models(folders: Mapping[str, Path], settings: Settings, *, encoder: str | None = None) -> list[LiveModel]:
    """Return the models in these folders, by name, which share a cache; encoder: the name of theirs, as for `load`."""
    cache, reading = store.MemoryCache(settings.cache_mb), partial(load, cache=False, encoder=encoder)
    options: dict[str, Any] = {"read_only": settings.read_only, "keep": settings.kept_versions, "cache": cache}
    return [LiveModel(name, folder, reading, **options) for name, folder in folders.items()]
