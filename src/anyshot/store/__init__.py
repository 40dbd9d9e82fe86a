"""The caches of encoded items, on disk and in memory."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "EncodingCounts": "anyshot.store.encoding",
    "MemoryCache": "anyshot.store.memory_cache",
    "VectorCache": "anyshot.store.disk_cache",
    "encode_once": "anyshot.store.encoding",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
