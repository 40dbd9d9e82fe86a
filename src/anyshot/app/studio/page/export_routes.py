"""What is taken away: the labeled table, the model, the project, the report, and code that does the same."""

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from anyshot.app import studio
from anyshot.app.studio.page.drawing import draw, opened_by, texts_for
from anyshot.app.studio.page.messages import warnings_in
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.request_bodies import MalformedRequestError
from anyshot.base.messages import collecting

Write: TypeAlias = Callable[[Opened, Path], object]
FILES: Final[dict[str, tuple[str, str, Write]]] = {
    "labels.xlsx": ("xlsx", "table", lambda one, path: studio.save_table(one.project, one.answers, path)),
    "labels.csv": ("csv", "table", lambda one, path: studio.save_table(one.project, one.answers, path)),
    "model.zip": ("model", "model", lambda one, path: studio.save_model_zip(one.project, path)),
    "report.html": ("report", "chart", lambda one, path: studio.save_report(one.project, one.answers, path)),
    "project.zip": ("project", "box", lambda one, path: studio.save_project(one.project, path)),
    "onnx.zip": ("onnx", "model", lambda one, path: studio.save_onnx_zip(one.project, path)),
}
"""The files that are offered: the name of their texts, of their icon, and the function that writes them."""

NEEDED: Final = {"xlsx": ("openpyxl",), "onnx": ("torch", "onnx", "onnxscript")}
"""The packages without which a file is not offered."""
TABLES: Final = frozenset({"xlsx", "csv"})
"""The files whose writing is warned of; what a fit warns of stands beside the answers."""
SERVICE: Final = "anyshot serve model"
"""The command that serves the model that was taken away."""
NOTES: Final = "X-Anyshot-Notes"
"""Header with what the page shows beside a file: a JSON list, percent-encoded."""


async def choices(request: Request) -> Response:
    """Answer with what can be taken away."""
    opened = await opened_by(request)
    python = await run_in_threadpool(studio.python_code, opened.project)
    files = [{"file": file, "name": name, "icon": icon} for file, (name, icon, _) in FILES.items()]
    missing = {name for name, needed in NEEDED.items() if not all(map(importlib.util.find_spec, needed))}
    missing |= {"onnx"} if opened.project.kind == "rows" else set()  # it has no encoder
    shown = [one for one in files if one["name"] not in missing]
    facts = {"files": shown, "folder": opened.project.folder.name, "python": python, "service": SERVICE}
    return draw(request, "export.html", facts)


async def export(request: Request) -> Response:
    """Answer with a file, written for this request."""
    opened, file = await opened_by(request), request.path_params["file"]
    if file not in FILES:
        raise MalformedRequestError(f"There is no export {file!r}. Choose one of: {', '.join(FILES)}.")
    folder = Path(tempfile.mkdtemp(prefix="anyshot-export-"))
    try:
        warnings = await run_in_threadpool(_written, opened, file, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    name = f"{opened.project.folder.name} {file}"
    remove = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    notes = quote(json.dumps(warnings_in(warnings, texts_for(request))))
    headers = {"Cache-Control": "no-store", NOTES: notes}
    return FileResponse(folder / file, filename=name, background=remove, headers=headers)


def _written(opened: Opened, file: str, folder: Path) -> list[str]:
    """Write a file, and return what a person who opens it should know."""
    name, _, write = FILES[file]
    with collecting() as found:
        write(opened, folder / file)
    return list(map(str, found)) if name in TABLES else []


ROUTES: Final = [
    Route("/p/{project}/export", choices),
    Route("/p/{project}/export/{file}", export),
]
