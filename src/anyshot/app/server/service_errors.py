"""Errors of the service: each has the status of its answer, and a message without paths, which a client may read."""

import errno
from typing import ClassVar, Final

from anyshot.errors import AnyshotError

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_FILE: Final = frozenset({errno.EMFILE, errno.ENFILE})


class ServiceError(AnyshotError):
    """Base class of the errors of the service."""

    status: ClassVar[int] = 500


class UnknownModelError(ServiceError):
    """Raised for a name that no served model has."""

    status = 404


class NoSuchClassError(ServiceError):
    """Raised for an address of a class that the model does not have."""

    status = 404


class UnknownVersionError(ServiceError):
    """Raised for a version that is not kept."""

    status = 404


class NotChangeableError(ServiceError):
    """Raised for a change of a model that may not be changed."""

    status = 403


class UnsupportedBodyError(ServiceError):
    """Raised for a body of a type that a route does not read."""

    status = 415


class TooManyItemsError(ServiceError):
    """Raised for a request with more items than one request may have."""

    status = 413


class ClientGoneError(ServiceError):
    """Raised if a client hangs up before its answer is there; nobody reads the message."""

    status = 408


class KeyUsedError(ServiceError):
    """Raised for a request with the Idempotency-Key of another one."""

    status = 422


class FolderGoneError(ServiceError):
    """Raised for a change of a model whose folder was deleted, or holds something else, while it was served."""

    status = 503


class NotSavedError(ServiceError):
    """Raised if a change cannot be saved: the disk is full, or the folder cannot be written."""

    status = 507


def remedy_for(error: BaseException | None) -> str:
    """Return what to do about an error in writing."""
    if is_disk_full(error):
        return "Free some space on the disk of the service."
    if isinstance(error, OSError) and error.errno in _NO_FILE:
        return "Raise the number of files that the service may open (ulimit -n), or close connections to it."
    if isinstance(error, OSError):
        return "Let the user of the service write to the folder of the model and to the one that holds it."
    return "The log of the service says why."  # such as that a folder must not be replaced


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether an error, or one that it came from, says that the disk, or what a user may have of it, is full."""
    if error is None:
        return False
    full = isinstance(error, OSError) and error.errno in _NO_SPACE
    full = full or getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
    return full or is_disk_full(error.__cause__ or error.__context__)
