"""A transport that sends the head and the body of an answer together: each call to send costs as much as both."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

MOST_JOINED: Final = 65_536
"""Bytes that are written at once at most; more are written as they come."""


class JoinedWrites:
    """A transport that joins what is written in a step of the event loop.

    on_close : called when the connection is to be closed, once all is sent
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, on_close: Callable[[], None]
    ) -> None:
        self._transport, self._loop, self._on_close = transport, loop, on_close
        self._waiting = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the data after this step of the event loop, or now if there is much of it."""
        if data and not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting += data
        if len(self._waiting) > MOST_JOINED:
            self.flush()

    def flush(self) -> None:
        """Send what waits now."""
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            self._transport.write(waiting)

    def close(self) -> None:
        """Send what waits, and close the connection."""
        self.flush()
        self._transport.close()
        self._on_close()
