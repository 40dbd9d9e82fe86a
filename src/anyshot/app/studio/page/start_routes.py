"""The first page: samples, files, an empty project, and the projects that are there, with their names and removal."""

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from anyshot.app import studio
from anyshot.app.studio.kinds import KINDS
from anyshot.app.studio.page.adding_routes import UPLOADS, files_of, keep_table, saved, what_was_added
from anyshot.app.studio.page.drawing import draw, projects_of, texts_for
from anyshot.app.studio.page.opened import Projects
from anyshot.app.studio.page.request_bodies import Body, body_of, text
from anyshot.base.model_folder import MODEL_FILE
from anyshot.errors import InputError, ProjectError

SAMPLES: Final = ("texts", "images")
CREATED_FOR: Final = "created"
"""File beside a table for which its project was created; both are deleted once the columns are chosen."""
LEFT_AFTER: Final = 24 * 3600
"""How long a project waits for the choice of the columns of its table [s]."""


async def start(request: Request) -> Response:
    """Answer with the first page; `removed` names a project that was just removed, which can be brought back."""
    return await start_page(request, removed=request.query_params.get("removed", ""))


async def start_page(request: Request, *, removed: str = "", error: str = "", status: int = 200) -> Response:
    """Draw the first page, with an error that led to it."""
    t, projects = texts_for(request), projects_of(request)
    await run_in_threadpool(_discard_left, projects)
    there, gone = [await run_in_threadpool(_facts, folders) for folders in (projects.folders, projects.removed)]
    facts: dict[str, Any] = {"projects": there, "removed": gone, "error": error, "script_texts": t.texts}
    facts["just_removed"] = next((one for one in gone if one["address"] == removed), None)
    return draw(request, "start.html", facts, status=status)


def _discard_left(projects: Projects) -> None:
    """Delete the projects of tables whose columns nobody chose for a day.

    The first page deletes them earlier, but only those of its own browser and port.
    """
    for name, folder in projects.folders().items():
        for mark in list(folder.glob(f"{UPLOADS}/*/{CREATED_FOR}")):
            with suppress(ProjectError, OSError):  # it has items or changes by now, or another page does the same
                if time.time() - mark.stat().st_mtime > LEFT_AFTER:
                    mark.unlink()
                    projects.discard(name)


def _facts(folders: Callable[[], Mapping[str, Path]]) -> list[dict[str, Any]]:
    """Return what the first page says of each project; one that cannot be read is left out."""
    found = []
    for address, folder in folders().items():
        try:
            with studio.Project.open(folder) as project:
                found.append({"address": address, **project.facts()})
        except ProjectError:
            continue
    named = Counter(one["name"] for one in found)
    return [one | ({"name": f"{one['name']} ({one['address']})"} if named[one["name"]] > 1 else {}) for one in found]


async def new_project(request: Request) -> Response:
    """Create a sample project, or an empty one."""
    body, projects = await body_of(request), projects_of(request)

    def create() -> str:
        kind = text(body, "sample")
        if kind in SAMPLES:
            folder: Path = studio.folder_for(projects.root, f"sample {kind}")
            studio.sample("images" if kind == "images" else "texts", folder).close()
            return folder.name
        given = text(body, "kind")
        return projects.create(text(body, "name"), next((one for one in KINDS if one == given), "texts"))

    name = await run_in_threadpool(create)
    return JSONResponse({"address": str(request.app.url_path_for("project", project=name))})


async def project_of_files(request: Request) -> Response:
    """Create a project of a table, of a model or its zip, or bring in one from another computer."""
    projects = projects_of(request)
    async with request.form(max_files=8, max_fields=1) as form:
        started = await run_in_threadpool(_start_with, projects, files_of(form))
    address = str(request.app.url_path_for("project", project=started.name))
    done = {} if started.added is None else {"done": what_was_added(started.added, texts_for(request))}
    return JSONResponse({"address": f"{address}?table={started.table}" if started.table else address, **done})


class Started(NamedTuple):
    """A new project.

    name: under which it is found; table: the number of one whose columns are to be chosen; added: what else was added.
    """

    name: str
    table: str = ""
    added: studio.Added | None = None


def _start_with(projects: Projects, uploads: Sequence[UploadFile]) -> Started:
    names = [(upload.filename or "file").replace("\\", "/") for upload in uploads]
    with tempfile.TemporaryDirectory() as scratch:
        if any(PurePosixPath(name).name == MODEL_FILE for name in names):
            return Started(_start_with_model(projects, dict(zip(names, uploads, strict=True)), Path(scratch)))
        if len(uploads) != 1:
            raise InputError("These files are no model. Choose the folder that has the file model.json.")
        return start_with_file(projects, saved(uploads[0], Path(scratch)), names[0])


def _start_with_model(projects: Projects, uploads: Mapping[str, UploadFile], scratch: Path) -> str:
    """Create a project of the files of a model's folder; reading the model refuses other files."""
    name = (
        next(PurePosixPath(path).parent.name for path in uploads if PurePosixPath(path).name == MODEL_FILE) or "model"
    )
    folder = scratch / "model"
    folder.mkdir()
    for path, upload in uploads.items():
        (folder / _file_name(path)).write_bytes(upload.file.read())
    target: Path = studio.folder_for(projects.root, name)
    studio.project_from_copy(folder, target, name=name, source=name).close()
    return target.name


def _file_name(path: str) -> str:
    """Return the name of a file, as one that leads to no other folder on any system."""
    return re.sub(r"[^\w.-]", "_", PurePosixPath(path).name).strip(".") or "file"


def start_with_file(projects: Projects, path: Path, name: str) -> Started:
    """Create a project of a file that is called `name`: a table, or the zip of a project, a model or images."""
    stem = PurePosixPath(name.replace("\\", "/")).stem or "project"
    if path.suffix == ".zip" and studio.is_zip_of_images(path):
        return _start_with_images(projects, path, name, stem)
    if path.suffix == ".zip":
        folder = studio.folder_for(projects.root, stem)
        studio.import_project(path, folder, source=name).close()
        return Started(folder.name)
    studio.preview(path, source=name)  # no project is created of a file that cannot be read
    address = projects.create(stem, "texts")
    opened = projects.get(address)
    table = keep_table(opened, path, name)
    (opened.project.folder / UPLOADS / table / CREATED_FOR).touch()
    return Started(address, table)


def _start_with_images(projects: Projects, path: Path, name: str, stem: str) -> Started:
    address = projects.create(stem, "images")
    added = studio.add_images(projects.get(address).project, [path], names=[name])
    if not added.n_items:
        projects.discard(address)
        place, reason = added.faults[0]
        raise InputError(f"{name} has no image that can be read. {place}: {reason}.")
    return Started(address, added=added)


def _change(change: Callable[[Projects, str, Body], object]) -> Callable[[Request], Any]:
    """Return the route that changes the list of projects, and answers with the name that a project has then."""

    async def answer(request: Request) -> Response:
        body = await body_of(request)
        found = await run_in_threadpool(change, projects_of(request), request.path_params["project"], body)
        return JSONResponse({"name": found or ""})

    return answer


ROUTES: Final = [
    Route("/", start),
    Route("/projects", new_project, methods=["POST"]),
    Route("/projects/file", project_of_files, methods=["POST"]),
    *(
        Route(f"/projects/{{project}}/{name}", _change(change), methods=["POST"])
        for name, change in {
            "rename": lambda projects, name, body: projects.rename(name, text(body, "name")),
            "remove": lambda projects, name, _: projects.remove(name),
            "restore": lambda projects, name, _: projects.restore(name),
            "delete": lambda projects, name, _: projects.delete(name),
            "discard": lambda projects, name, _: projects.discard(name),
        }.items()
    ),
]
