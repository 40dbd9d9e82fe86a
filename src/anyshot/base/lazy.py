"""Load the public names of a package on first use (PEP 562), so that importing the package is fast."""

import importlib
import sys
from collections.abc import Callable, Mapping
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
        raise MissingExtraError(f'{name} needs {missing}: pip install "anyshot[{EXTRAS[missing]}]"') from error
