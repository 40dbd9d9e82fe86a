"""Where caches lie and how large they may grow: what the environment says, else what suits most machines."""

import math
import os
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

from anyshot.errors import CacheError, InputError

LIMIT_MB: Final = 2048.0
"""Size a cache is kept below where ANYSHOT_CACHE_LIMIT does not say otherwise [MB, 1e6 bytes]."""


def default_folder() -> Path:
    """Return where caches lie: the environment's ANYSHOT_CACHE, else the platform's user cache folder.

    A user without a home, as in a container that runs under a bare number, has a folder among the temporary ones.

    Raises
    ------
    InputError
        ANYSHOT_CACHE begins with "~", and there is no such home.
    CacheError
        The folder among the temporary ones belongs to somebody else.
    """
    chosen = os.environ.get("ANYSHOT_CACHE")
    try:
        return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("anyshot", appauthor=False)
    except RuntimeError as error:
        if chosen:
            raise InputError(
                f"ANYSHOT_CACHE is {chosen!r}, and there is no such home folder. Give a whole path."
            ) from error
        return _temporary_folder(os.getuid())  # Windows finds a home for everybody


def _temporary_folder(user: int) -> Path:
    folder = Path(tempfile.gettempdir()) / f"anyshot-{user}"
    try:
        owner = folder.lstat().st_uid
    except FileNotFoundError:
        return folder
    if owner != user:  # its vectors are whatever that user put there
        raise CacheError(
            f"There is no home folder, and {folder} belongs to user {owner}, not to {user}. Set ANYSHOT_CACHE to a "
            "folder of your own, or switch the cache off with cache=False."
        )
    return folder


def default_limit() -> float:
    """Return the size that a cache is kept below [MB]: the environment's ANYSHOT_CACHE_LIMIT, else 2048.

    Raises
    ------
    InputError
        What the environment says is no number, or below zero.
    """
    given = os.environ.get("ANYSHOT_CACHE_LIMIT") or str(LIMIT_MB)
    try:
        limit = float(given)
    except ValueError:
        limit = math.nan
    if not limit >= 0:
        raise InputError(f"ANYSHOT_CACHE_LIMIT is {given!r}; a number of megabytes is needed, 0 or more.")
    return limit
