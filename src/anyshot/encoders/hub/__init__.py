"""Models of the Hugging Face hub: those in its cache, and those to be downloaded, for which its library is imported."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "download_file": "anyshot.encoders.hub.download",
    "download_model": "anyshot.encoders.hub.download",
    "is_in_cache": "anyshot.encoders.hub.cache",
    "snapshots": "anyshot.encoders.hub.cache",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
