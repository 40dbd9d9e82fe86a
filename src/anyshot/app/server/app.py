"""The application: its routes, and the models that they answer from.

    app = create_app(open_models({"support": Path("models/support")}, settings), settings)

`app.state.service` is the `Service` with models, batcher, settings and metrics; `app.state.routes` lists the routes, by
which logs and metrics name requests. `Edge` adds tokens, limits and logs.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.responses import JSONResponse

from anyshot.app.server import change_routes, docs_page, inference_protocol, label_studio, openai, routes
from anyshot.app.server.changes import fit_classes
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.metrics import Metrics
from anyshot.app.server.problems import add_problem_handlers
from anyshot.app.server.schemas import PROBLEMS, describe
from anyshot.app.server.service import Service, service_of
from anyshot.app.server.settings import Settings
from anyshot.app.server.tokens import needs_token

REFRESH: Final = 0.1
"""How often it is checked whether another process has changed a model [s]."""
RETRY: Final = 1.0
"""How often it is checked instead while a folder cannot be used, as it may be read in vain each time [s]."""


def create_app(models: Sequence[LiveModel], settings: Settings) -> FastAPI:
    """Return the application that answers from these models."""
    service = Service({live.name: live for live in models}, settings)
    app = FastAPI(
        title="anyshot",
        description="Models whose classes change while they answer.",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEMS,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # nothing is sent, whatever the environment says
    )
    app.state.service = service
    app.router.routes.insert(0, routes.PREDICT)
    routers = [part.router for part in (routes, change_routes, openai, inference_protocol, label_studio, docs_page)]
    for router in routers:
        app.include_router(router)
    add_problem_handlers(app)
    app.add_api_route("/metrics", metrics, tags=["health"], response_class=Response)
    app.add_api_route("/health/live", live_check, tags=["health"])
    app.add_api_route("/health/ready", ready_check, tags=["health"], responses={503: {}})
    app.state.routes = [route for router in (*routers, app) for route in router.routes]
    describe(app, needs_token=None if settings.token_file is None else needs_token)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Look after the models while the service runs, and finish what was accepted when it ends."""
    service: Service = app.state.service
    watching = []
    for live in service.models.values():
        watching.append(asyncio.get_running_loop().create_task(_look_after(live, service.metrics)))
    try:
        yield
    finally:
        for task in watching:
            task.cancel()
        await service.close()


async def _look_after(live: LiveModel, metrics: Metrics) -> None:
    """Prepare for changes, follow those of other processes, fit classes that were added alone, and note metrics."""
    await asyncio.sleep(REFRESH)  # what changes need takes half a second to load, for which a first answer would wait
    live.prepare()
    tried = 0  # the version whose fit was begun: one that fails is not begun again
    while True:
        await asyncio.sleep(RETRY if live.problem else REFRESH)
        metrics.note()
        if live.is_outdated():
            await asyncio.wait([asyncio.wrap_future(live.refresh())])
        elif live.awaits_fit() and live.snapshot.version != tried:
            tried = live.snapshot.version
            await asyncio.wait([asyncio.wrap_future(live.change(fit_classes))])


def metrics(request: Request) -> Response:
    """Return the metrics of all processes of the service as Prometheus reads them."""
    content, media_type = service_of(request).metrics.render()
    return Response(content, headers={"content-type": media_type})


async def live_check() -> dict[str, str]:
    """Say that the process runs."""
    return {"status": "live"}


async def ready_check(request: Request) -> Response:
    """Say whether requests are accepted."""
    service: Service = request.app.state.service
    if service.closing:
        return JSONResponse({"status": "closing"}, status_code=503)
    return JSONResponse({"status": "ready", "models": sorted(service.models)})
