"""What is kept on disk: encoded inputs."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "ActivationCache": "anyshot.store.activation_cache",
    "VectorCache": "anyshot.store.disk_cache",
    "encode_once": "anyshot.store.disk_cache",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
