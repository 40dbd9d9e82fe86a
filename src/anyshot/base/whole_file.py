"""A file that is there whole or not at all, whatever stops its writing."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anyshot.errors import DataFileError


@contextmanager
def whole_file(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to, of the same suffix; at the block's end what stands there takes the place of `target`.

    After an error an old file stands as it did, and nothing is left beside it.

    Raises
    ------
    DataFileError
        The file cannot be written: the disk is full, the folder is missing or closed.
    """
    final = Path(target)
    part = final.with_name(f".{final.stem}.{secrets.token_hex(4)}.part{final.suffix}")
    try:
        yield part
        part.replace(final)
    except OSError as error:
        raise DataFileError(f"{final} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
