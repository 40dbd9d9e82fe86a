"""Requests that changed a model, by the key that the client gave each, so that one that is sent again changes nothing.

The header is that of the draft of the IETF, The Idempotency-Key HTTP Header Field. The keys are in a file beside the
versions of the model. They are written before the version is put in place: if the process is killed in between, the
version of a key is above the current one, and its request counts as not made.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from anyshot.app.server.service_errors import KeyUsedError
from anyshot.base.files import atomic_file, write_synced
from anyshot.errors import DataFileError

MOST: Final = 1_000
"""Requests that are known, those that came last."""


class ChangeRequest(NamedTuple):
    """A request that must not be made twice."""

    key: str
    digest: str  # of its method, address and body


class MadeRequests:
    """The last requests with a key that changed a model, and the version that each made."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def version_of(self, request: ChangeRequest, *, current: int) -> int | None:
        """Return the version that a request made, None if it was not made; current: the version of the model.

        Raises KeyUsedError if its key was that of another request.
        """
        version, digest = self.known().get(request.key, (current + 1, ""))
        if version > current:
            return None
        check_same(request, digest)
        return version

    def note(self, requests: Iterable[ChangeRequest], version: int) -> None:
        """Note the requests of a version that is about to be put in place.

        Raises DataFileError if the file cannot be read or written.
        """
        earlier = self.known()
        kept = {key: own for key, own in earlier.items() if own[0] < version}
        kept |= {one.key: (version, one.digest) for one in requests}
        if kept != earlier:
            with atomic_file(self._file) as part:
                write_synced(part, json.dumps(dict(list(kept.items())[-MOST:])).encode())

    def known(self) -> dict[str, tuple[int, str]]:
        """Return the version and the digest of each request by its key; raise DataFileError for a damaged file."""
        try:
            found = json.loads(self._file.read_bytes())
            return {key: (int(version), str(digest)) for key, (version, digest) in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataFileError(
                f"The file {self._file} holds the Idempotency-Keys of earlier changes, and cannot be read: {error}. "
                "Nothing is changed until it can, since a change could be made twice. Restore the file, or delete it "
                "if no client is about to send a change again."
            ) from error


def check_same(request: ChangeRequest, digest: str) -> None:
    """Raise KeyUsedError if the key of a request was that of another one, which had this digest."""
    if digest != request.digest:
        raise KeyUsedError("The Idempotency-Key was sent with another request. Give each request a key of its own.")
