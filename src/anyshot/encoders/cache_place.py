"""Where caches lie and how large they may grow: what the environment says, else what suits most machines."""

import math
import os
from pathlib import Path
from typing import Final

import platformdirs

from anyshot.errors import InputError

LIMIT_MB: Final = 2048.0
"""Size a cache is kept below where ANYSHOT_CACHE_LIMIT does not say otherwise [MB, 1e6 bytes]."""


def default_folder() -> Path:
    """Return where caches lie: the environment's ANYSHOT_CACHE, else the platform's user cache folder."""
    chosen = os.environ.get("ANYSHOT_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("anyshot", appauthor=False)


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
