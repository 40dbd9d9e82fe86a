"""Drawing the page's templates, and what each answer of the studio needs: project, texts, problems."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.service_errors import is_disk_full
from anyshot.app.studio.kinds import KINDS
from anyshot.app.studio.page.messages import message_in
from anyshot.app.studio.page.opened import Opened, Projects
from anyshot.app.studio.page.request_bodies import Body, body_of
from anyshot.app.studio.page.texts import PAGE, Texts, chosen_language, texts_in
from anyshot.errors import AnyshotError, ProjectError, UnknownClassError

Change: TypeAlias = Callable[[Opened, Body, Texts], Body]
LANGUAGE_COOKIE: Final = "anyshot_language"


@cache
def _templates() -> Environment:
    loader = FileSystemLoader(PAGE / "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def texts_for(request: Request) -> Texts:
    """Return the texts in the language of a request."""
    accepted = request.headers.get("accept-language", "")
    return texts_in(chosen_language(request.cookies.get(LANGUAGE_COOKIE), accepted))


def projects_of(request: Request) -> Projects:
    """Return the projects of the running studio."""
    found: Projects = request.app.state.projects
    return found


async def opened_by(request: Request) -> Opened:
    """Return the project that the address names."""
    return await run_in_threadpool(projects_of(request).get, request.path_params["project"])


def base_of(request: Request) -> str:
    """Return the address of the project, which ends in a slash."""
    return str(request.app.url_path_for("project", project=request.path_params["project"]))


def route(path: str, change: Change) -> Route:
    """Return the route that makes a change."""

    async def answer(request: Request) -> Response:
        opened, body = await opened_by(request), await body_of(request)
        return await made(opened, lambda: change(opened, body, texts_for(request)))

    return Route(f"/p/{{project}}/{path}", answer, methods=["POST"])


async def made(opened: Opened, change: Callable[[], Body]) -> Response:
    """Make a change; answer with what it returns, and the version, by which the page knows which news are older."""
    found = await run_in_threadpool(change)
    return JSONResponse({**found, "version": opened.project.version} if "undo" in found else found)


def fragment(request: Request, template: str, facts: Mapping[str, Any]) -> str:
    """Return a template's HTML in the language of a request."""
    t = texts_for(request)
    known: dict[str, Any] = {"t": t, "language": t.language, "token": request.state.token, "kinds": KINDS}
    if "project" in request.path_params:
        known["base"] = base_of(request)
    return _templates().get_template(template).render({**known, **facts})


def draw(request: Request, template: str, facts: Mapping[str, Any], *, status: int = 200) -> Response:
    """Return a template as an answer; a browser keeps no copy of it."""
    return HTMLResponse(fragment(request, template, facts), status, headers={"Cache-Control": "no-store"})


def problem(error: Exception, t: Texts) -> ProblemError:
    """Return an error as a problem document (RFC 9457) says it, in the language of the page."""
    detail, status = str(error), 422
    if isinstance(error, OSError) and not isinstance(error, AnyshotError):
        detail, status = f"{error.strerror or 'The disk cannot be used'}. Nothing was changed.", 500
    elif isinstance(error, (ProjectError, UnknownClassError)):
        status = 404 if isinstance(error, UnknownClassError) else 409
    return ProblemError(507 if is_disk_full(error) else status, message_in(detail, t))
