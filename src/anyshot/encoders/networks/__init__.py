"""Networks of encoders in torch, in stages that can be trained. They are loaded on first use, as they need torch."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "bytes_first": "anyshot.encoders.networks.images",
    "Lite0Network": "anyshot.encoders.networks.efficientnet",
    "lite0_backbone": "anyshot.encoders.networks.efficientnet",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
