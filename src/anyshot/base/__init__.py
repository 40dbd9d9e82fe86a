"""Shared by all packages: validation, items and labels, images, saved models, progress."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "content_of": "anyshot.base.pixels",
    "json_value": "anyshot.base.json_values",
    "read_pixels": "anyshot.base.pixels",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
