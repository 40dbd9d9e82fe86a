"""The error that a client reads: a problem document (RFC 9457). It is also how middleware refuses a request."""

import asyncio
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

MEDIA_TYPE: Final = "application/problem+json"


class ProblemError(Exception):
    """An error as the client reads it.

    status: of the answer; detail: what was given, what is needed, what to do; retry_after: seconds after which the
    request may succeed; close: whether the connection is closed, as after a body that was not read; headers and fields:
    what else the answer has.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        retry_after: int | None = None,
        close: bool = False,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind, self.fields = status, detail, kind, fields
        self.headers = {**(headers or {}), "cache-control": "no-store"}
        self.headers |= {} if retry_after is None else {"retry-after": str(retry_after)}
        self.headers |= {"connection": "close"} if close else {}

    def document(self) -> bytes:
        """Return the problem document. Its ASCII holds any text, also unpaired surrogates of a request."""
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", self.kind.removesuffix("Error")).capitalize()
        kind = f"urn:anyshot:{words.replace(' ', '-').lower()}" if words else "about:blank"
        words += " error" if words and " " not in words else ""
        facts = {"type": kind, "title": words or HTTPStatus(self.status).phrase, "status": self.status}
        return json.dumps({**facts, "detail": self.detail, **self.fields}).encode("ascii")

    def response(self, path: str = "") -> Response:
        """Return the answer to a request for an address, which middleware calls as an application."""
        if path.startswith("/v2/"):
            self.fields["error"] = self.detail  # where clients of the Open Inference Protocol read it
        elif path.startswith("/v1/"):
            self.fields["error"] = {"message": self.detail}  # where OpenAI's clients read it
        return Response(self.document(), self.status, self.headers, MEDIA_TYPE)


class Refusals:
    """Answer requests that the middlewares within refuse, each by raising ProblemError, and those that are canceled."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            await self.app(scope, receive, send)
        except ProblemError as problem:
            await problem.response(scope["path"])(scope, receive, send)
        except asyncio.CancelledError:  # the service was told to end for the second time
            detail = "The service ends, and does not finish requests. A change that was asked for may have been made."
            await ProblemError(503, detail, retry_after=5, close=True).response(scope["path"])(scope, receive, send)
