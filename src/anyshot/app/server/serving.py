"""Run the service: bind the address, say where it is, and end cleanly."""

import logging
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.supervisors import Multiprocess

from anyshot.app.server.app import create_app
from anyshot.app.server.connections import timed_protocol
from anyshot.app.server.edge import Edge
from anyshot.app.server.listening import BACKLOG, listening
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.logs import log_config, log_warnings
from anyshot.app.server.metrics import FOLDER_VARIABLE, counted_together
from anyshot.app.server.opening import open_models
from anyshot.app.server.settings import Settings
from anyshot.app.server.tokens import tokens_for
from anyshot.errors import AnyshotError, InputError

START_LIMIT: Final = 60
"""Time in which a process must have read its models, or answer whether it has [s]."""
log = logging.getLogger(__name__)


def serve(
    folders: Mapping[str, Path],
    settings: Settings,
    *,
    encoder: str | None = None,
    opening: "Future[list[LiveModel]] | None" = None,
) -> None:
    """Serve the models in these folders, by name, until the process is told to end.

    encoder: the name of that of the models, as for `load`; opening: what `open_models` will return for these arguments,
    if another thread has begun to open them for one process.

    Once it listens, it prints "Serving NAME, NAME on http://HOST:PORT" on the standard output. SIGTERM and SIGINT end
    it, after the requests that were accepted were answered.
    """
    tokens_for(settings.host, settings.token_file)  # an error is told before the models are loaded
    remedy = "Choose another --host or --port; --port 0 takes any free one."
    bound = listening(settings.host, settings.port, remedy=remedy)
    host, port = bound.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    ready_line = f"Serving {', '.join(folders)} on {address}"
    make = partial(load_app, dict(folders), settings, encoder=encoder)
    try:
        if settings.workers == 1:
            models = None if opening is None else opening.result()
            server = uvicorn.Server(_Config(make(models=models), settings))
            print(ready_line, flush=True)
            server.run(sockets=[bound])
        else:
            with counted_together():
                processes = _Processes(_Config(make, settings), [bound], ready_line)
                processes.run()
            if not processes.started:
                raise InputError("The service did not start: one of its processes could not. Its log says why.")
    finally:
        bound.close()


class _Config(uvicorn.Config):
    """How uvicorn runs the application, or what makes it in each process."""

    def __init__(self, app: Edge | Callable[[], Edge], settings: Settings) -> None:
        self.client_limit = settings.client_limit
        super().__init__(
            app,
            factory=not isinstance(app, Edge),
            workers=settings.workers,
            backlog=BACKLOG,
            log_config=log_config(),
            ws="none",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(settings.time_limit) + 1,
            timeout_worker_healthcheck=START_LIMIT,
        )

    def load(self) -> None:
        """Choose the protocol, whose class is made in the process that uses it, and log its warnings.

        A process of several that cannot load the models says so in its log, and ends. Each also ends after the process
        that started it, which may be killed.
        """
        log_warnings()
        if self.workers > 1 and (parent := parent_process()) is not None:
            threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
        self.http = timed_protocol(self.client_limit)
        try:
            super().load()
        except AnyshotError as error:
            log.error(str(error))
            raise SystemExit(1) from None


def _end_after(parent: BaseProcess) -> None:
    """End this process once its parent has ended: it would keep the address, and answer by an old configuration."""
    parent.join()
    shutil.rmtree(os.environ[FOLDER_VARIABLE], ignore_errors=True)  # as the parent does if it is not killed
    os.kill(os.getpid(), signal.SIGTERM)


class _Processes(Multiprocess):
    """Processes that share a socket; those that end unasked are replaced.

    started : whether all of them answered
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], ready_line: str) -> None:
        super().__init__(config, sockets)
        self._ready_line, self.started = ready_line, False
        self._running: set[int | None] = set()  # the ids of the processes

    def init_processes(self) -> None:
        """Start the processes, and say so once all answer; if one cannot start, end the others."""
        super().init_processes()
        self.started = all(process.wait_until_ready(START_LIMIT) for process in self.processes)
        if self.started:
            print(self._ready_line, flush=True)
        else:
            self.should_exit.set()

    def keep_subprocess_alive(self) -> None:
        """Replace the processes that ended; one that ends while it is asked whether it lives is not waited for."""
        for process in self.processes:
            process.child_conn.close()  # the other end is open in the process only, and closed when it ends
        super().keep_subprocess_alive()
        earlier, self._running = self._running, {process.pid for process in self.processes}
        for ended in earlier - self._running:
            mark_process_dead(ended)  # type: ignore[no-untyped-call]  # its requests still count, its queue does not


def load_app(
    folders: Mapping[str, Path],
    settings: Settings,
    *,
    encoder: str | None = None,
    models: list[LiveModel] | None = None,
) -> Edge:
    """Return the application of the models in these folders; each process of the service makes its own."""
    models = open_models(folders, settings, encoder=encoder) if models is None else models
    app = create_app(models, settings)
    return Edge(app, app.state.service)
