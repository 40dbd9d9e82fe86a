"""Networks of encoders in torch, in stages that can be trained. They are loaded on first use, as they need torch."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "Lite0Network": "anyshot.encoders.networks.efficientnet",
    "MiniLMRunner": "anyshot.encoders.networks.minilm",
    "choose_compute": "anyshot.encoders.stages",
    "lite0_backbone": "anyshot.encoders.networks.efficientnet",
    "minilm_backbone": "anyshot.encoders.networks.minilm",
    "minilm_with_words": "anyshot.encoders.networks.minilm",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
