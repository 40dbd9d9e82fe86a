"""What keeps other sites away from the page: checks of host, origin and token, and a strict content policy."""

import hmac
import secrets
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.tokens import host_name, is_cross_site, is_loopback

TOKEN_HEADER: Final = "x-anyshot-token"
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}


class Guard:
    """Middleware that answers requests of this computer's own page only.

    A request must name a loopback address as its host, so that no foreign name that resolves to this computer gets an
    answer; one of another site is refused; and one that changes something must bring the token, which only a page of
    this server can read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.token = app, secrets.token_urlsafe(24)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["token"] = self.token

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        problem = self._problem(scope["method"], Headers(scope=scope))
        await (self.app if problem is None else problem.response())(scope, receive, send_with_headers)

    def _problem(self, method: str, headers: Headers) -> ProblemError | None:
        """Return why a request is refused, None if it is not."""
        if not is_loopback(host_name(headers.get("host", ""))):
            return ProblemError(403, "The studio answers under a loopback address only, such as http://127.0.0.1.")
        if is_cross_site(method, headers, frozenset()):
            return ProblemError(403, "This request comes from another site.")
        given = headers.get(TOKEN_HEADER, "")
        if method not in ("GET", "HEAD") and not hmac.compare_digest(given.encode(), self.token.encode()):
            return ProblemError(403, "The token is missing or out of date. Load the page again.")
        return None
