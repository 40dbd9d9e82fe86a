"""The service: models that answer over HTTP, and whose classes and labels change while it runs."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "LiveModel": "anyshot.app.server.live_model",
    "Settings": "anyshot.app.server.settings",
    "check_model_name": "anyshot.app.server.opening",
    "create_app": "anyshot.app.server.app",
    "open_models": "anyshot.app.server.opening",
    "serve": "anyshot.app.server.serving",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
