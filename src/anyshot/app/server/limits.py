"""Limits of requests: the size and the time of bodies, what JSON may hold, and how many requests are answered at once.

The middlewares are ASGI applications around another one, for requests over HTTP. They raise ProblemError for what is
beyond a limit.
"""

import asyncio
import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anyshot.app.server.problem_error import ProblemError
from anyshot.base.messages import enumerated

MAX_DEPTH: Final = 32
"""How deep JSON may be nested; no body that a route reads has more than 10 levels."""
MAX_NUMBERS: Final = 2_000_000
"""Numbers and other values of JSON, or of a tensor: a thousand items of 2,000. More take seconds to read."""
MAX_PARTS: Final = 300_000
"""Texts, names, lists and objects of JSON, each of which takes far more memory than in the body."""
BODIES_AT_ONCE: Final = 16
"""The bodies that are in memory at once have at most as many bytes as this number of the largest bodies."""
MEDIA_TYPES: Final = ("application/json", "multipart/form-data", "application/octet-stream")
TENSORS_HEADER: Final = "inference-header-content-length"
"""The header with the number of bytes of the JSON, if the bytes of tensors follow it."""
READS: Final = frozenset({"predict", "embeddings", "infer", "suggest", "setup", "validate"})
"""Last parts of the addresses whose POST requests change nothing."""
TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A text of JSON, also without its end: if it had to have one, each quote in such a text would be tried as a start."""
BRACKETS: Final = re.compile(rb"[\[\]{}]")
FEWER: Final = "Send fewer items in a request."
SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class LimitedBodies:
    """Read the body of a request whole, within limits, before the application gets it.

    max_body : largest body [bytes]
    seconds : time within which a body must be there [s]
    """

    def __init__(self, app: ASGIApp, *, max_body: int, seconds: float) -> None:
        self.app, self.max_body, self.seconds = app, max_body, seconds
        self._held = 0  # bytes of the bodies in memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        body = bytearray()
        try:
            if await self._read(scope, receive, body):  # otherwise the client is gone
                content = bytes(body).removeprefix(BOM_UTF8)  # which some programs write before JSON
                if content:
                    check_kind(headers_of(scope))
                scope.setdefault("state", {})["body"] = content
                await self.app(scope, _replayed(content, receive), send)
        finally:
            self._held -= len(body)

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> bool:
        """Read the body, and return whether the client has sent all of it."""
        stated = headers_of(scope).get("content-length", "0")
        if not stated.isdecimal() or int(stated) > self.max_body:
            raise self._too_large()
        try:
            async with asyncio.timeout(self.seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    self._add(message.get("body", b""), body)
                    if not message.get("more_body", False):
                        return True
        except TimeoutError:
            detail = f"The body was not there after {self.seconds:g} s. Send it faster, or less of it."
            raise ProblemError(408, detail, close=True) from None

    def _add(self, chunk: bytes, body: bytearray) -> None:
        body += chunk
        self._held += len(chunk)
        if len(body) > self.max_body:
            raise self._too_large(close=True)
        if self._held > BODIES_AT_ONCE * self.max_body:
            raise ProblemError(503, "The service is reading many large requests.", retry_after=1, close=True)

    def _too_large(self, *, close: bool = False) -> ProblemError:
        detail = f"The body may have at most {self.max_body:,} bytes. Send fewer items in a request, or smaller images."
        return ProblemError(413, detail, close=close, max_body=self.max_body)


class LimitedQueue:
    """Answer at most `max_queue` requests at once, and refuse others with 503 and Retry-After.

    Requests for the health of the service and for metrics are always answered.
    """

    def __init__(self, app: ASGIApp, *, max_queue: int) -> None:
        self.app, self.max_queue, self.size = app, max_queue, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if is_probe(scope["path"]):
            return await self.app(scope, receive, send)
        if self.size >= self.max_queue:
            detail = f"{self.max_queue} requests are being answered, as many as the service takes at once."
            raise ProblemError(503, detail, retry_after=1)
        self.size += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.size -= 1


class LimitedTime:
    """Give up a request that is not answered in `seconds`."""

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self.app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self.seconds):
                await self.app(scope, receive, noted)
        except TimeoutError:
            if started:
                raise
            remedy = "Send fewer items, or try again later."
            if may_change(scope["method"], scope["path"]):
                remedy = "The change may still be made: compare the version of the model before you send it again."
            detail = f"The answer took longer than {self.seconds:g} s. {remedy}"
            raise ProblemError(503, detail, retry_after=5) from None


def is_probe(path: str) -> bool:
    """Return whether an address is that of the health or the metrics of the service."""
    return path in ("/metrics", "/label-studio/health") or path.startswith(("/health/", "/v2/health/"))


def may_change(method: str, path: str) -> bool:
    """Return whether a request may change something: every one but GET and those POST requests that only read."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return False
    return method != "POST" or path.rstrip("/").rsplit("/", 1)[-1] not in READS


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers of a request by their names in lower case; the last one counts."""
    state: dict[str, Any] = scope.setdefault("state", {})
    if "headers" not in state:
        state["headers"] = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    found: dict[str, str] = state["headers"]
    return found


def media_type_of(headers: Mapping[str, str]) -> str:
    """Return the type of a body without its parameters, "" if it is not stated."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def check_kind(headers: Mapping[str, str]) -> None:
    """Raise ProblemError for a body of a kind that no route reads."""
    if headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        detail = "Compressed bodies are not read, since a small one can become very large. Send the body as it is."
        raise ProblemError(415, detail, headers={"accept-encoding": "identity"})
    media_type = media_type_of(headers)
    if media_type not in ("", *MEDIA_TYPES):
        detail = (
            f"The body must be {enumerated(MEDIA_TYPES, last='or')}, and be named so in the header "
            "Content-Type; curl needs -H 'Content-Type: application/json'."
        )
        raise ProblemError(415, detail, headers={"accept": ", ".join(MEDIA_TYPES)})


def check_json(body: bytes) -> Any:
    """Return the value of a JSON document.

    Raises ProblemError if it is not JSON as RFC 8259 has it in UTF-8, is nested deeper than 32 levels, or has more
    values than a request may have; also for an unpaired surrogate, and for a name that is twice in one object.
    """
    _check_size(body)
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise ProblemError(400, f"The body is not UTF-8: it cannot be read from byte {error.start}.") from None
    except json.JSONDecodeError as error:
        words = error.msg.removesuffix(" at")  # which Python says of some faults
        raise ProblemError(400, f"The body is not JSON: {words} at character {error.pos}.") from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise ProblemError(400, "The JSON has a number with too many digits.") from None
    if SURROGATE.search(body) and _has_surrogate(value):
        raise ProblemError(400, "A text of the JSON has an unpaired surrogate: it was decoded wrongly, or cut.")
    return value


def _check_size(body: bytes) -> None:
    """Raise ProblemError if JSON has more values than are read, or is nested too deep, before it is parsed.

    Each value is the first of a list or object, or comes after a comma.
    """
    without_texts, n_texts = TEXT.subn(b"", body, count=MAX_PARTS + 1)
    n_parts = n_texts + without_texts.count(b"[") + without_texts.count(b"{")
    if n_parts > MAX_PARTS:
        raise ProblemError(413, f"JSON may have {MAX_PARTS:,} texts, names, lists and objects at most. {FEWER}")
    if without_texts.count(b",") >= MAX_NUMBERS:
        raise too_many_numbers()
    depth = 0
    for found in BRACKETS.finditer(without_texts):
        depth += 1 if found.group() in b"[{" else -1
        if depth > MAX_DEPTH:
            raise ProblemError(400, f"The JSON is nested deeper than {MAX_DEPTH} levels.")
        if depth < 0:
            break  # it is no JSON, as the parser says


def too_many_numbers() -> ProblemError:
    """Return the problem of a request with more numbers than are read."""
    return ProblemError(413, f"JSON, or a tensor, may have {MAX_NUMBERS:,} numbers and other values at most. {FEWER}")


def _has_surrogate(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _no_number(name: str) -> NoReturn:
    raise ProblemError(400, f"{name} is not a number of JSON.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ProblemError(400, "An object of the JSON has a name twice.")
    return found


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read already, and then waits for the end of the connection."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
