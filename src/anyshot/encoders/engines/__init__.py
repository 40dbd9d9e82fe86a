"""What runs an encoder's network: a compiled graph, without torch."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "Engine": "anyshot.encoders.engines.openvino",
    "usable_processors": "anyshot.encoders.engines.processors",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
