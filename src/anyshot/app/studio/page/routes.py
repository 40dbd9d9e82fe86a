"""The studio as a web application: its pages, its panels, and what answers the scripts of the page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from anyshot.app.studio.page import adding_routes, change_routes, export_routes, item_routes, start_routes
from anyshot.app.studio.page.drawing import base_of, draw, opened_by, problem, texts_for
from anyshot.app.studio.page.guard import Guard
from anyshot.app.studio.page.opened import Projects
from anyshot.app.studio.page.panels import class_dialog, classes_panel, history_panel, quality_panel
from anyshot.app.studio.page.reasons import reasons
from anyshot.app.studio.page.request_bodies import number
from anyshot.app.studio.page.texts import PAGE
from anyshot.errors import AnyshotError


def create_studio(projects: Projects) -> Starlette:
    """Return the application that shows projects."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.stopping = False
        yield
        projects.close()

    routes = [
        Route("/token", token),
        Mount("/static", StaticFiles(directory=PAGE / "static"), name="static"),
        Route("/p/{project}", without_slash),
        Route("/p/{project}/", project_page, name="project"),
        Route("/p/{project}/classes", classes),
        Route("/p/{project}/classes/{number:int}", edit_class),
        Route("/p/{project}/quality", quality),
        Route("/p/{project}/history", history),
        Route("/p/{project}/items/{number:int}/why", item_reasons),
        *start_routes.ROUTES,
        *item_routes.ROUTES,
        *change_routes.ROUTES,
        *adding_routes.ROUTES,
        *export_routes.ROUTES,
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard)],
        exception_handlers={AnyshotError: _problem, OSError: _problem, ClientDisconnect: _unheard},
        lifespan=lifespan,
    )
    app.state.projects, app.state.stopping = projects, False
    return app


async def _problem(request: Request, error: Exception) -> Response:
    """Answer a script with a problem document, and a browser that opens a page with the first page and the problem."""
    found = problem(error, texts_for(request))
    opens_page = "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers
    if not opens_page:
        return found.response()
    return await start_routes.start_page(request, error=found.detail, status=found.status)


async def _unheard(request: Request, error: Exception) -> Response:
    """Answer a browser that hung up while it sent a file, which does not read it; nothing was taken."""
    return Response(status_code=400)


async def token(request: Request) -> Response:
    """Answer with the token of this run, which a page that was loaded in an earlier one asks for."""
    return JSONResponse({"token": request.state.token}, headers={"Cache-Control": "no-store"})


async def without_slash(request: Request) -> Response:
    """Redirect to the project's address."""
    return RedirectResponse(request.app.url_path_for("project", project=request.path_params["project"]))


async def project_page(request: Request) -> Response:
    """Answer with the page of a project."""
    t, opened = texts_for(request), await opened_by(request)

    def facts() -> dict[str, Any]:
        project = opened.project
        state = {"version": project.version, "n_items": project.items.count(), "n_labels": project.facts()["labels"]}
        panels = {**classes_panel(opened, t), **quality_panel(opened, t)}
        return {
            "state": state,
            **panels,
            "project": project,
            "script_texts": t.texts,
            "table": request.query_params.get("table", ""),
        }

    return draw(request, "project.html", await run_in_threadpool(facts))


async def classes(request: Request) -> Response:
    """Answer with the panel of the classes; ask: those that are asked for their words."""
    t, opened = texts_for(request), await opened_by(request)
    return draw(request, "classes.html", await run_in_threadpool(classes_panel, opened, t, _asked(request)))


async def item_reasons(request: Request) -> Response:
    """Answer with why an item has its answer."""
    t, opened = texts_for(request), await opened_by(request)
    if opened.answers.learned is None and len(opened.answers.current.ids):  # of an earlier run: it is fitted again
        return draw(request, "why.html", {"reasons": None, "kind": ""})
    found = await run_in_threadpool(reasons, opened, request.path_params["number"], t, base_of(request))
    return draw(request, "why.html", {"reasons": found, "kind": opened.project.kind})


async def edit_class(request: Request) -> Response:
    """Answer with the dialog of a class."""
    opened = await opened_by(request)
    return draw(request, "class.html", await run_in_threadpool(class_dialog, opened, request.path_params["number"]))


async def quality(request: Request) -> Response:
    """Answer with the panel that says how good the answers are; ask: the classes that are asked for their words."""
    t, opened = texts_for(request), await opened_by(request)
    return draw(request, "quality.html", await run_in_threadpool(quality_panel, opened, t, _asked(request)))


def _asked(request: Request) -> list[int]:
    return [number(one, "ask") for one in request.query_params.get("ask", "").split(",") if one]


async def history(request: Request) -> Response:
    """Answer with what was done to the project."""
    t, opened = texts_for(request), await opened_by(request)
    entries = await run_in_threadpool(opened.project.history.entries)
    return draw(request, "history.html", history_panel(entries, t))
