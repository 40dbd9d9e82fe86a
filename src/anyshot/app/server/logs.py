"""Logs as lines of JSON, one for each request, with its id and without what it sent; the library's other logs likewise.

A request id of the client is kept if it is well-formed; otherwise one is made. The answer has it in X-Request-ID.
"""

import json
import logging
import random
import re
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anyshot.app.server.limits import headers_of

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
LONGEST_BODY: Final = 2_000
"""Bytes of a body that a log holds, if items are logged."""
SECURITY_HEADERS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
log = logging.getLogger(__name__)
OnRequest = Callable[[str, str, int, float], None]


class LoggedRequests:
    """Give each request an id, and log it when it is answered.

    routes : those of the application, by which a request is named that is refused before the application gets it
    items : whether logs have the bodies of requests
    on_request : called with the method, the route, the status and the time [s] of each request
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Sequence[BaseRoute] = (),
        items: bool = False,
        on_request: OnRequest | None = None,
    ) -> None:
        self.app, self.routes, self.items, self.on_request = app, routes, items, on_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        given = headers_of(scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 499  # the client left

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                added = [(b"x-request-id", request_id.encode()), *SECURITY_HEADERS]
                message["headers"] = [*message["headers"], *(one for one in added if one[0] not in own)]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            if (error := sys.exception()) is not None:
                error.add_note(f"The id of the request: {request_id}")  # the server logs it
            self._note(scope, status, time.perf_counter() - began)
            scope["state"].pop("body", None)  # a connection that is closed is in memory for a while, and its request

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope, self.routes)
        if self.on_request is not None:
            self.on_request(scope["method"], route, status, seconds)
        facts = {"method": scope["method"], "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        facts["request_id"] = scope["state"]["request_id"]
        if self.items:
            facts["body"] = scope["state"].get("body", b"")[:LONGEST_BODY].decode("utf-8", "replace")
        log.info("request", extra={"facts": facts})


def route_of(scope: Scope, routes: Sequence[BaseRoute]) -> str:
    """Return the pattern of the address, such as /v1/models/{model}/predict, so that logs and metrics hold no names."""
    found = scope.get("route") or next((one for one in routes if one.matches(scope)[0] is Match.FULL), None)
    return getattr(found, "path", "unknown")


class JsonLines(logging.Formatter):
    """Formats each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        facts = {"time": moment, "level": record.levelname.lower(), "logger": record.name}
        facts |= {"message": record.getMessage(), **getattr(record, "facts", {})}
        if (request_id := getattr(record, "request_id", None)) is not None:
            facts["request_id"] = request_id
        if record.exc_info:
            facts["error"] = self.formatException(record.exc_info)
        return json.dumps(facts)


def log_warnings() -> None:
    """Let each warning of this process be a line of the log."""

    def shown(message: Warning | str, *_: Any, **__: Any) -> None:
        logging.getLogger("py.warnings").warning("%s", message)

    warnings.showwarning = shown


def log_config() -> dict[str, Any]:
    """Return the configuration of logging for the process of the service: lines of JSON on its standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "loggers": {
            "anyshot": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "uvicorn.access": {"handlers": [], "propagate": False},
            "py.warnings": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }
