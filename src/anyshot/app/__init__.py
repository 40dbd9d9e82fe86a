"""The command line, the demonstration and the check of the installation."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "run_demo": "anyshot.app.demo",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
