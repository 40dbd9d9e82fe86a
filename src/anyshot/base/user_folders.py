"""The user's folders: of the cache, and of the weights of encoders."""

import os
import sys
import tempfile
from pathlib import Path, PureWindowsPath
from typing import Final
from urllib.parse import unquote

import platformdirs

from anyshot.errors import CacheError, InputError

CACHE: Final = "ANYSHOT_CACHE"
WEIGHTS: Final = "ANYSHOT_WEIGHTS"


def cache_folder() -> Path:
    """Return where the cache is stored: the environment variable ANYSHOT_CACHE, else the user cache folder.

    For a user without a home folder, as in a container with a numeric user, it is in the folder of temporary files.
    Raises CacheError if that belongs to another user.
    """
    chosen = chosen_folder(CACHE)
    if chosen:
        return chosen
    try:
        return platformdirs.user_cache_path("anyshot", appauthor=False)
    except RuntimeError:
        if sys.platform == "win32":  # there every user has a home folder
            raise
        return _temporary_folder(os.getuid())


def weights_folders() -> list[Path]:
    """Return where weights of encoders are stored: ANYSHOT_WEIGHTS, if it is set, and the user data folder.

    `anyshot fetch` writes into the first. A user without a home folder has no user data folder.
    """
    chosen = chosen_folder(WEIGHTS)
    folders = [chosen] if chosen else []
    try:
        return [*folders, platformdirs.user_data_path("anyshot", appauthor=False) / "weights"]
    except RuntimeError:
        return folders


def chosen_folder(variable: str) -> Path | None:
    """Return the folder that an environment variable names, or None if it is not set.

    Raises InputError if it begins with "~", and that home folder does not exist.
    """
    chosen = os.environ.get(variable)
    try:
        return Path(chosen).expanduser() if chosen else None
    except RuntimeError as error:
        raise InputError(
            f"{variable} is {chosen!r}, but there is no such home folder. Give an absolute path."
        ) from error


def _temporary_folder(user: int) -> Path:
    folder = Path(tempfile.gettempdir()) / f"anyshot-{user}"
    try:
        owner = folder.lstat().st_uid
    except FileNotFoundError:
        return folder
    if owner != user:  # that user could have stored any vectors in it
        raise CacheError(
            f"There is no home folder, and {folder} belongs to user {owner}, not to {user}. Set ANYSHOT_CACHE to a "
            "folder of your own. In Python: cache=False switches the cache off."
        )
    return folder


def local_path(given: str) -> str:
    """Return the path of a file on this machine whose address was given, as browsers show it; others are unchanged.

    >>> local_path("file:///home/my%20data.csv"), local_path("file:/C:/data.csv"), local_path("data.csv")
    ('/home/my data.csv', 'C:/data.csv', 'data.csv')
    """
    if not given.lower().startswith("file:/"):
        return given
    path = unquote(given[len("file:") :].lstrip("/"))
    return path if PureWindowsPath(path).drive else f"/{path}"


def web_address(path: Path) -> str | None:
    """Return the address that was given in place of a path, or None.

    >>> web_address(Path("https://example.org/data.csv"))
    'https://example.org/data.csv'
    """
    scheme, colon, rest = path.as_posix().partition(":/")  # `Path` keeps one of the two slashes
    is_address = bool(colon) and len(scheme) > 1 and scheme.isalnum()  # a single letter is a drive
    return f"{scheme}://{rest.lstrip('/')}" if is_address else None
