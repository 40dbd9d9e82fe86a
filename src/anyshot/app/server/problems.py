"""Problem documents (RFC 9457): every error of the service as JSON, with the words of the library's errors.

An error that a client can correct is stated in full. Any other is written to the log, and the client reads only that
there was one, so that no answer holds a path, a traceback, or an item of another request.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.schemas import fields_of
from anyshot.app.server.service_errors import is_disk_full
from anyshot.errors import (
    AnyshotError,
    ClassesError,
    DomainError,
    DuplicateClassError,
    InputError,
    NotEnoughLabelsError,
)

CORRECTABLE: Final = (InputError, ClassesError, NotEnoughLabelsError, DomainError)
"""Errors that a client can correct by sending something else."""
_OF_FIELDS: Final = {
    "missing": "it is missing",
    "extra_forbidden": "there is no field of this name",
    "too_short": "it must have {min_length} entries or more, not {actual_length}",
    "too_long": "it may have {max_length:,} entries at most",
}
"""What is wrong with a field, by pydantic's type of the error, where its own words are of Python."""
_NEEDED: Final = {
    "string_type": "a text",
    "list_type": 'a list, such as ["a", "b"]',
    "dict_type": "an object",
    "model_type": "an object",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}
"""What a field must be, by pydantic's type of the error."""
_ELEMENT: Final = re.compile(r"(items|examples)\.\d+\.\d+")
"""An element of an item that is a list, where the values of a row may have been meant."""
MOST_LISTED: Final = 20
"""Wrong fields of a body that are listed."""
MOST_READ: Final = 10_000
"""Wrong fields of a body that are looked at: to read a million takes a minute, in which no request is answered."""
TYPE: Final = re.compile(r"str|int|float|bool|[A-Z]\w*|.*\[.*")
"""Names of the types of a field that may have several; no field of a body has such a name."""
log = logging.getLogger(__name__)


def problem_of(error: Exception) -> ProblemError:
    """Return what a client reads of an error."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        return ProblemError(error.status_code, _detail(error), headers=error.headers)
    if isinstance(error, ValidationError) and error.error_count() > MOST_READ:
        return _of_places(f"{error.error_count():,} places are wrong")
    if isinstance(error, RequestValidationError | ValidationError):
        return _of_fields(error.errors(), known=fields_of(getattr(error, "title", "")))
    kind, status = type(error).__name__, getattr(error, "status", None)
    if isinstance(status, int):  # an error of the service, whose words are for clients
        return ProblemError(status, str(error), kind=kind, retry_after=5 if status == 503 else None)
    if isinstance(error, CORRECTABLE):
        return ProblemError(409 if isinstance(error, DuplicateClassError) else 422, str(error), kind=kind)
    if isinstance(error, AnyshotError | OSError):
        return _of_machine(error)
    return ProblemError(500, "The service has a fault; its log has the details, under the id of this request.")


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of the routes of an application by a problem document."""
    for kind in (ProblemError, HTTPException, RequestValidationError, ValidationError, AnyshotError, OSError):
        app.add_exception_handler(kind, _handled)
    app.add_exception_handler(Exception, _fault)


async def _handled(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        error.headers = {"Allow": ", ".join(_methods_of(request))}  # the framework names those of the first route
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, ProblemError):
        words = " ".join(str(one) for one in (error, error.__cause__) if one is not None)
        request_id = request.scope.get("state", {}).get("request_id")
        log.error(f"A request failed. {words}", extra={"request_id": request_id})
    return problem.response(request.url.path)


async def _fault(request: Request, error: Exception) -> Response:
    """Answer after a fault of the program, which is raised again, and logged by the server."""
    return problem_of(error).response(request.url.path)


def _methods_of(request: Request) -> list[str]:
    """Return the methods that the address of a request takes."""
    found = []
    for method in ("GET", "POST", "PATCH", "DELETE"):
        asked = {**request.scope, "method": method}
        if any(route.matches(asked)[0] is Match.FULL for route in request.app.routes):
            found += ["GET", "HEAD"] if method == "GET" else [method]
    return found


def _of_machine(error: Exception) -> ProblemError:
    """Return the problem of an error of this machine: its words name paths, which are for the log only."""
    if is_disk_full(error):
        return ProblemError(507, "There is no space left on the disk of the service. Nothing was changed.")
    return ProblemError(
        503, "The service cannot use a file or a package that it needs; its log has the details.", retry_after=30
    )


def _of_fields(errors: Iterable[Mapping[str, Any]], *, known: Sequence[str] = ()) -> ProblemError:
    """Return the problem of a body or parameters with wrong fields, without what was sent in them.

    known: the fields that there are.
    """
    at_places: dict[str, list[Mapping[str, Any]]] = {}  # a field that may be of several types has one for each type
    given = list(errors)
    # Of a list that is too long, the errors of its entries are left out.
    for one in [one for one in given if one["type"] == "too_long"] or given:
        at_places.setdefault(_place(one), []).append(one)
    # What is wrong within a field says more than what the field may be.
    outer = {at.rpartition(".")[0] for at in at_places}
    found = [{"at": at, "problem": _problem_at(at, each, known)} for at, each in at_places.items() if at not in outer]
    found.sort(key=lambda one: -one["at"].count("."))
    first = "; ".join(f"{one['at']}: {one['problem']}" for one in found[:2])
    more = f"; and {len(found) - 2} more" if len(found) > 2 else ""
    return _of_places(f"{first}{more}", errors=found[:MOST_LISTED])


def _of_places(places: str, **fields: Any) -> ProblemError:
    detail = f"The request does not have the fields that are needed ({places}). /docs shows an example."
    return ProblemError(422, detail, kind="WrongFieldsError", **fields)


def _problem_at(at: str, errors: Sequence[Mapping[str, Any]], known: Sequence[str]) -> str:
    """Return what is wrong at a place, in words of JSON."""
    if any(one["type"] == "too_short" and not one["ctx"]["actual_length"] for one in errors):
        return "it is empty"
    found = []
    if needed := dict.fromkeys(_NEEDED[one["type"]] for one in errors if one["type"] in _NEEDED):
        found.append(f"it must be {' or '.join(needed)}")
        if _ELEMENT.fullmatch(at):
            found[0] += "; a row with other values must be an object, by the names of its columns"
    for one in errors:
        if one["type"] in _OF_FIELDS:
            found.append(_OF_FIELDS[one["type"]].format(**one.get("ctx", {})))
        elif one["type"] not in _NEEDED:
            found.append(one["msg"].removeprefix("Value error, ").replace("Input should", "it must"))
    words = "; or ".join(dict.fromkeys(found))
    is_unknown = errors[0]["type"] == "extra_forbidden" and len(errors[0]["loc"]) == 1
    return f"{words}; there are {', '.join(known)}" if is_unknown and known else words


def _place(error: Mapping[str, Any]) -> str:
    """Return where in a body an error is, such as items.0, without the names of types that pydantic puts between."""
    *outer, last = error["loc"] or ("body",)
    own = error["type"] == "extra_forbidden"  # the last part is a name that the client sent
    parts = [str(part) for part in (*outer, *([] if own else [last])) if not TYPE.fullmatch(str(part))]
    return ".".join([*parts, str(last)] if own else parts) or "body"


_DETAILS: Final = {
    404: "There is nothing at this address. /docs lists the addresses.",
    405: "The methods of this address: {allow}. /docs lists the addresses.",
}


def _detail(error: HTTPException) -> str:
    """Return the words of an error of the framework, which for most are only the name of the status."""
    plain = error.detail == HTTPStatus(error.status_code).phrase
    if not plain or error.status_code not in _DETAILS:
        return str(error.detail)
    allow = next((value for name, value in (error.headers or {}).items() if name.lower() == "allow"), "of /docs")
    return _DETAILS[error.status_code].format(allow=allow)
