"""Copies of shared modules for one module under test: other threads use the modules themselves at the same time."""

from types import ModuleType, SimpleNamespace


def with_changes(module: ModuleType, **changed: object) -> SimpleNamespace:
    """Return a namespace like a module, with other values under some names."""
    return SimpleNamespace(**{**vars(module), **changed})
