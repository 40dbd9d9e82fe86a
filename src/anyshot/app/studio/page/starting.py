"""Starting the studio: what it is to show, its address, and the browser."""

import shutil
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import uvicorn
from threadpoolctl import threadpool_limits

from anyshot.app import studio
from anyshot.app.server.connections import timed_protocol
from anyshot.app.server.listening import listening
from anyshot.app.studio.database import FILE_NAME
from anyshot.app.studio.page.opened import Projects
from anyshot.app.studio.page.routes import create_studio
from anyshot.app.studio.page.start_routes import start_with_file
from anyshot.base.model_folder import MODEL_FILE
from anyshot.errors import InputError

PORT: Final = 8777
"""The usual port, so that an open page finds the studio again after it was started anew."""
HOST: Final = "127.0.0.1"
CLIENT_LIMIT: Final = 30
"""How long a browser may take to send a request, or to read some of an answer [s]."""


def run_studio(
    given: Path | None = None,
    *,
    port: int | None = None,
    root: Path | None = None,
    browse: Callable[[str], object] | None = webbrowser.open,
) -> None:
    """Show projects in the browser until the process is told to end.

    given: a project's folder, a table, a project's zip, or a model to start with; port: by default 8777, or any free
    one if that is taken; root: the folder of the projects; browse: called with the address, None to open nothing.
    Once it listens, it prints "anyshot studio: http://127.0.0.1:8777/" on the standard output.
    """
    # Threads that wait for each other at every small product make a refit twice as long.
    one_thread = threadpool_limits(1, "blas")
    with one_thread, Projects(root or studio.default_root()) as projects, _bound(port) as bound:
        path = "/" if given is None else address_of(projects, given)
        address = f"http://{HOST}:{bound.getsockname()[1]}{path}"
        print(f"anyshot studio: {address}", flush=True)
        if browse is not None:
            threading.Thread(target=browse, args=(address,), daemon=True).start()
        StudioServer(projects).run(sockets=[bound])


class StudioServer(uvicorn.Server):
    """The server of the studio; at its end, requests that wait for a change are answered at once."""

    def __init__(self, projects: Projects, **options: Any) -> None:
        self.studio = create_studio(projects)
        quiet: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "ws": "none"}
        http = timed_protocol(CLIENT_LIMIT)
        super().__init__(uvicorn.Config(self.studio, http=http, timeout_graceful_shutdown=5, **quiet, **options))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was asked, and end."""
        self.studio.state.stopping = True
        await super().shutdown(sockets)


def address_of(projects: Projects, given: Path) -> str:
    """Return the path of the page that shows a project, table, zip or model; the last three become a new project."""
    if (given / FILE_NAME).is_file():
        return f"/p/{quote(projects.add(given))}/"
    if (given / MODEL_FILE).is_file():
        folder = studio.folder_for(projects.root, given.resolve().name)
        studio.project_from_model(given, folder).close()
        return f"/p/{quote(folder.name)}/"
    if not given.is_file():
        raise InputError(f"{given} is no project of the studio, no model and no file. Leave it out for a new project.")
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / f"file{given.suffix.lower()}"
        shutil.copyfile(given, copy)
        started = start_with_file(projects, copy, given.name)
    return f"/p/{quote(started.name)}/" + (f"?table={started.table}" if started.table else "")


def _bound(port: int | None) -> socket.socket:
    """Return a socket on the loopback address, by default at the usual port, or any free one if that is taken."""
    try:
        return listening(HOST, PORT if port is None else port, remedy="Choose another --port.")
    except InputError:
        if port is not None:
            raise
        return listening(HOST, 0, remedy="Check the network of this computer.")
