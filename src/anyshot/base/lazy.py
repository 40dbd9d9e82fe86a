"""Loading on first use: of the public names of a package (PEP 562), and of optional packages, which extras bring."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from anyshot.errors import MissingExtraError

EXTRAS: Final = {
    "fastapi": "serve",
    "httptools": "serve",
    "sentence_transformers": "torch",
    "torch": "torch",
    "transformers": "torch",
    "uvicorn": "serve",
}
"""The extra that contains a package which some modules import at their top."""


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package whose names are defined in other modules.

    package: its `__name__`; homes: the module that defines each public name.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = load_name(homes[name], name)
        vars(sys.modules[package])[name] = value  # not loaded again
        return value

    def names() -> list[str]:
        return sorted(homes)

    return load, names


def load_path(path: str) -> Any:
    """Return what is defined under a path, "module:name", as `load_name` does."""
    return load_name(*path.split(":"))


def load_name(module: str, name: str) -> Any:
    """Import a module and return one of its names.

    Raises MissingExtraError if the module needs a package that is not installed; the message names the extra that
    contains it.
    """
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in EXTRAS:
            raise
        raise _missing_extra(missing, EXTRAS[missing], name) from error


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


def version_of(package: str) -> str | None:
    """Return the version of an installed package, None if it is not installed."""
    from importlib import metadata  # here, since it takes 15 ms to load

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
