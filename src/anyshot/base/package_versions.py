"""The versions of installed packages; in a file of its own, since importlib.metadata takes 15 ms to load."""

from importlib import metadata


def version_of(package: str) -> str | None:
    """Return the version of an installed package, None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
