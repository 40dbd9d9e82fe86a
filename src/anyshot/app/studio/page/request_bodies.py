"""What a request of the page brings: a JSON object, its texts and whole numbers."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from starlette.requests import Request

from anyshot.errors import InputError

Body: TypeAlias = dict[str, Any]
MAX_BODY: Final = 32 * 2**20  # of a change; files are sent apart [bytes]


class MalformedRequestError(InputError):
    """Raised for a request that no control of the page sends."""


async def body_of(request: Request) -> Body:
    """Return the JSON object that a request brings."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise InputError(f"A request may have {MAX_BODY // 2**20} MB. Send texts in several parts, or as a file.")
        parts.append(part)
    try:
        body = json.loads(b"".join(parts))
    except (ValueError, RecursionError) as error:
        raise MalformedRequestError("The request is not in JSON.") from error
    if not isinstance(body, dict):
        raise MalformedRequestError("The request must be a JSON object.")
    return body


def whole(given: Mapping[str, Any], name: str) -> int:
    """Return a whole number of a body or a query; forms send it as a text."""
    return number(given.get(name), name)


def number(value: object, name: str) -> int:
    """Return a whole number, which may be written as a text; name: that of the field, for the error."""
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,18}", str(value)):
        raise MalformedRequestError(f"{name} must be a whole number; it is {value!r}.")
    return int(str(value))


def text(body: Body, name: str) -> str:
    """Return a text of a body, "" if there is none."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise MalformedRequestError(f"{name} must be a text; it is {value!r}.")
    return value.strip()
