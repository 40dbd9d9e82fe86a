"""Optional packages, which the extras of the installation bring."""

import importlib
import importlib.util
from types import ModuleType

from anyshot.errors import MissingExtraError


def extra(module: str, name: str, *, purpose: str) -> ModuleType:
    """Import an optional package, or raise MissingExtraError with the command that installs it.

    module: what to import; name: the extra that contains it; purpose: what needs it, subject of the message.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing_extra(module, name, purpose) from error


def check_extra(module: str, name: str, *, purpose: str) -> None:
    """Raise MissingExtraError, as `extra` does, if an optional package is not installed; it is not imported."""
    if importlib.util.find_spec(module) is None:
        raise _missing_extra(module, name, purpose)


def _missing_extra(module: str, name: str, purpose: str) -> MissingExtraError:
    return MissingExtraError(f'{purpose} needs {module}: pip install "anyshot[{name}]"')
