"""The command line, the demonstration and the check of the installation."""

from anyshot.base.lazy import lazy_names

_HOME = {
    "SafeConsole": "anyshot.app.cli.tables",
    "run_demo": "anyshot.app.demo",
    "table_of": "anyshot.app.cli.tables",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = lazy_names(__name__, _HOME)
