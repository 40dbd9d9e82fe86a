"""The socket of a server, which accepts connections, and waits a second where the process has no open file left."""

import errno
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from anyshot.errors import InputError

BACKLOG: Final = 2048
"""Connections that may wait to be accepted."""
EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Errors after which asyncio tries again in a second."""
PAUSE: Final = 0.5
"""Time in which nothing is accepted after one of them [s]."""


class ListeningSocket(socket.socket):
    """A socket that reports no waiting client for half a second after the error that no file can be opened.

    asyncio accepts up to `BACKLOG` connections at a time, and goes on after this error: without the pause it logs the
    error thousands of times a second (github.com/python/cpython/issues/151615).
    """

    _paused_until = float("-inf")
    _plain: socket.socket | None = None  # the same one, as other processes are given it

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection and the address of the client."""
        if time.monotonic() < self._paused_until:
            raise BlockingIOError
        try:
            return super().accept()
        except OSError as error:
            if error.errno in EXHAUSTED:
                self._paused_until = time.monotonic() + PAUSE
            raise

    def close(self) -> None:
        """Stop to listen."""
        if self._plain is not None:
            self._plain.close()
        super().close()

    def __reduce__(self) -> tuple[Callable[[socket.socket], "ListeningSocket"], tuple[socket.socket]]:
        """Return how another process of the service makes the same socket."""
        if self._plain is None:  # it must be open until the process has it
            self._plain = socket.fromfd(self.fileno(), self.family, self.type, self.proto)
        return _listening_socket, (self._plain,)


def listening(host: str, port: int, *, remedy: str) -> ListeningSocket:
    """Return a socket that listens on an address; raise InputError with a remedy if that is not possible."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        both = host == "::" and socket.has_dualstack_ipv6()  # all addresses, as 0.0.0.0 is all of the older kind
        found = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]  # Python repeats the address
        raise InputError(f"Port {port} of {host} cannot be used: {reason}. {remedy}") from error
    # Connections inherit it. An answer is sent in two parts, and the second would wait 40 ms for the client's word that
    # it got the first.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _listening_socket(found)


def _listening_socket(plain: socket.socket) -> ListeningSocket:
    return ListeningSocket(plain.family, plain.type, plain.proto, plain.detach())
