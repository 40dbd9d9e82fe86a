"""Zip files that come from other people."""

import zlib
from typing import Final
from zipfile import BadZipFile

BROKEN_ZIP: Final = (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error)
"""What `zipfile` raises for a file that is no zip, is cut off or damaged inside, needs a password, or is packed in an
unknown way."""
