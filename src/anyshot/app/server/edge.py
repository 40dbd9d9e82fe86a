"""What stands around the routes: logs, tokens, limits. The first one in the list is the outermost."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from anyshot.app.server.limits import LimitedBodies, LimitedQueue, LimitedTime
from anyshot.app.server.logs import LoggedRequests
from anyshot.app.server.problem_error import Refusals
from anyshot.app.server.repeated_answers import RepeatedAnswers
from anyshot.app.server.service import Service
from anyshot.app.server.tokens import Guarded, tokens_for


class Edge:
    """An application with everything around it that refuses, limits, logs and counts its requests.

    Raises InputError if the file of tokens cannot be read, or is needed and not given.
    """

    def __init__(self, app: FastAPI, service: Service) -> None:
        self.app, settings, metrics = app, service.settings, service.metrics
        tokens = tokens_for(settings.host, settings.token_file)
        self.queue = LimitedQueue(LimitedTime(app, seconds=settings.time_limit), max_queue=settings.max_queue)
        metrics.queue = lambda: self.queue.size
        answered = RepeatedAnswers(self.queue, service.models, metrics, limit=int(settings.answers_mb * 1e6))
        limited = LimitedBodies(answered, max_body=settings.max_body, seconds=settings.client_limit)
        answering: ASGIApp = Refusals(Guarded(limited, tokens=tokens, origins=settings.cors_origins))
        if settings.cors_origins:
            answering = CORSMiddleware(
                answering,
                allow_origins=settings.cors_origins,
                allow_methods=("GET", "POST", "PATCH", "DELETE"),
                allow_headers=("authorization", "content-type", "idempotency-key", "x-request-id"),
                expose_headers=("x-request-id", "retry-after"),
            )
        self.outermost = LoggedRequests(
            answering, routes=app.state.routes, items=settings.log_items, on_request=metrics.on_request
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or begin and end the application; there are no web sockets."""
        if scope["type"] == "http":
            # The server leaves the body out of the answer to HEAD, which is otherwise that to GET. Many clients follow
            # no redirect from an address that ends in a slash; only the name of a class may end in one.
            method, path = scope["method"], scope["path"]
            method = "GET" if method == "HEAD" else method
            path = path if "/classes/" in path[:-1] else path.rstrip("/") or "/"
            await self.outermost({**scope, "method": method, "path": path}, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
