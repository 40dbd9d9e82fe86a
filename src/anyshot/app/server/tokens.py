"""Who may do what: tokens with scopes, addresses that need none, hosts, and requests of other sites' pages.

A file of tokens has one on each line, after its scope; `write` includes `read`::

    read   5e1f0cd24a7b9e83
    write  b7c4918a2f60d35c
"""

import base64
import hmac
import ipaddress
import logging
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from anyshot.app.server.limits import headers_of, is_probe, may_change
from anyshot.app.server.problem_error import ProblemError
from anyshot.base.files import file_state
from anyshot.errors import InputError

Permission: TypeAlias = Literal["read", "write"]
SHORTEST: Final = 16
"""Letters that a token must have."""
OPEN: Final = frozenset({"/", "/docs", "/openapi.json"})
"""Addresses that need no token, beside those for the health: they show how the service is used, and nothing of it."""
log = logging.getLogger(__name__)


class Tokens:
    """The tokens in a file and their scopes. Only digests are kept, and every one is compared, in constant time.

    The file is read again once it was changed. If it has no token then, all are refused. If it cannot be used, the log
    says why, and the tokens from before are still valid.

    Raises InputError if the file cannot be read, has no token, or has a line that is not a scope and a token of at
    least 16 letters; the message never holds a token.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._state = file, file_state(file)
        self._digests = _read(file)
        if not self._digests:
            raise InputError(f"The file of tokens {file} has none. Write lines such as `read TOKEN` and `write TOKEN`.")

    def scope_of(self, token: str) -> Permission | None:
        """Return the scope of a token, None if it is none of these."""
        if (state := file_state(self._file)) != self._state:
            self._state = state
            try:
                self._digests = _read(self._file)
            except InputError as error:
                log.warning(f"{error} Until it is corrected, the tokens from before are valid.")
            else:
                if not self._digests:
                    log.warning(f"The file of tokens {self._file} has none: every request that needs one is refused.")
        digest, found = sha256(token.encode("utf-8", "surrogateescape")).digest(), None
        for own, scope in self._digests.items():
            found = scope if hmac.compare_digest(own, digest) else found
        return found


def _read(path: Path) -> dict[bytes, Permission]:
    """Return the scope of each token in a file, by the digest of the token."""
    if path.exists() and not path.is_file():
        raise InputError(
            f"The file of tokens {path} is a folder, a pipe or a device. Write the tokens to a file, which can be read "
            "several times."
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()  # Windows writes a mark first
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"The file of tokens {path} cannot be read: {reason}.") from error
    found: dict[bytes, Permission] = {}
    for number, line in enumerate(lines, start=1):
        scope, _, token = line.partition("#")[0].strip().partition(" ")
        if not scope:
            continue
        known = next((one for one in get_args(Permission) if one == scope), None)
        if known is None or len(token.strip()) < SHORTEST or not token.isascii() or " " in token.strip():
            raise InputError(
                f"Line {number} of the file of tokens {path} must be `read TOKEN` or `write TOKEN`, with a token of at "
                f"least {SHORTEST} letters and digits, such as `openssl rand -hex 32` prints."
            )
        found[sha256(token.strip().encode()).digest()] = known
    return found


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def tokens_for(host: str, file: Path | None) -> Tokens | None:
    """Return the tokens in a file, None without a file.

    Raises InputError as `Tokens`, or if there is no file and other machines could reach the service.
    """
    if file is None and not is_loopback(host):
        raise InputError(
            f"--host {host} lets other machines reach the service, so that it needs tokens: give --token-file FILE "
            "with lines such as `read TOKEN` and `write TOKEN`, or leave out --host."
        )
    return None if file is None else Tokens(file)


def needs_token(path: str) -> bool:
    """Return whether an address is for those only who have a token, if there are any."""
    return path not in OPEN and (path == "/metrics" or not is_probe(path))


class Guarded:
    """Refuse requests without the token that they need, from other sites' pages, and under other hosts' names.

    tokens : None if everyone on this machine may do everything
    origins : sites whose pages may send requests, such as "https://support.example.com"
    """

    def __init__(self, app: ASGIApp, *, tokens: Tokens | None, origins: Sequence[str] = ()) -> None:
        self.app, self.tokens, self.origins = app, tokens, frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        self._check(scope, headers_of(scope))
        await self.app(scope, receive, send)

    def _check(self, scope: Scope, headers: Mapping[str, str]) -> None:
        method, path = scope["method"], scope["path"]
        if self.tokens is None and not is_loopback(host_name(headers.get("host", "localhost"))):
            # A page whose name was made to point to this machine is of the same origin, but sends its own name. Every
            # browser sends one; clients of HTTP/1.0 may send none.
            raise ProblemError(421, "Without tokens, the service answers to localhost and loopback addresses only.")
        if is_cross_site(method, headers, self.origins):
            raise ProblemError(403, "Pages of other sites may not send requests to this service.")
        if self.tokens is None or not needs_token(path) or method == "OPTIONS":
            return
        token = token_of(headers.get("authorization", ""))
        scope_of_token = self.tokens.scope_of(token)
        if scope_of_token is None:
            fault = "This token is not valid. Send another" if token else "This address needs a token. Send it"
            detail = f"{fault} in the header `Authorization: Bearer TOKEN`."
            raise ProblemError(401, detail, headers={"www-authenticate": 'Bearer realm="anyshot"'})
        if scope_of_token == "read" and may_change(method, path):
            raise ProblemError(403, "This token has the scope read; changes need one with the scope write.")


def token_of(authorization: str) -> str:
    """Return the token of a header: a bearer token, or the password of basic authentication, "" if there is none."""
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        return value.strip() if kind.lower() == "bearer" else ""
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape").partition(":")[2]
    except ValueError:
        return ""


def is_cross_site(method: str, headers: Mapping[str, str], origins: frozenset[str]) -> bool:
    """Return whether a browser sent the request for the page of another site, which is not among `origins`.

    Browsers send Sec-Fetch-Site or Origin; other programs send neither. A link to a page may be followed.
    """
    origin = headers.get("origin")
    if origin is not None:
        return origin not in origins and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    follows_link = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not follows_link


def host_name(host: str) -> str:
    """Return the name or address in a Host header, without the port and brackets."""
    return re.sub(r":\d*$", "", host.strip().lower()).removeprefix("[").removesuffix("]")
