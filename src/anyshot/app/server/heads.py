"""The head of a request, which is its line and its headers: what HTTP/1.1 demands of it, and how large it may be."""

from collections.abc import Sequence
from typing import Final

from anyshot.app.server.problem_error import ProblemError

MOST_BYTES: Final = 65_536
"""Bytes of a head at most."""
OF_A_HEADER: Final = 4
"""Bytes of a header besides its name and value: the colon, a space, and the end of the line."""

Headers = Sequence[tuple[bytes, bytes]]


def check_head(method: bytes, target: bytes, version: str, headers: Headers) -> None:
    """Raise ProblemError for a head that the parser has read, but that is too large or not of HTTP/1.1 or 1.0."""
    size, hosts = len(target), 0
    for name, value in headers:
        size += len(name) + len(value) + OF_A_HEADER
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding" and (value.lower() != b"chunked" or version != "1.1"):
            raise not_http()
    if size > MOST_BYTES:
        raise head_too_large()
    if version not in ("1.1", "1.0") or method == b"CONNECT":
        raise not_http()
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise ProblemError(400, f"The request has {hosts} headers Host. Send one, as HTTP/1.1 demands.", close=True)


def head_too_large() -> ProblemError:
    """Return what is answered to a head that is too large."""
    detail = f"The address and the headers may have at most {MOST_BYTES:,} bytes. Send items in the body."
    return ProblemError(431, detail, close=True)


def not_http() -> ProblemError:
    """Return what is answered to what is not HTTP."""
    return ProblemError(400, "Invalid HTTP request received. The server reads HTTP/1.1.", close=True)


def without_upgrade(method: bytes, target: bytes, version: str, headers: Headers) -> bytes:
    """Return a head without its header Upgrade, so that the request is answered in HTTP/1.1, as a server may do."""
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] != b"upgrade"]
    return b"".join([b"%b %b HTTP/%b\r\n" % (method, target, version.encode()), *lines, b"\r\n"])
