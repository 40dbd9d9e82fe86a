"""What brings items in: pasted texts, files, and tables with a choice of columns."""

import re
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from anyshot.app import studio
from anyshot.app.studio.entries import Entry
from anyshot.app.studio.kinds import KINDS
from anyshot.app.studio.page.drawing import fragment, made, opened_by, route, texts_for
from anyshot.app.studio.page.messages import message_in, place_in, warnings_in
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.request_bodies import Body, MalformedRequestError, body_of, number, text, whole
from anyshot.app.studio.page.texts import Texts, undo_of
from anyshot.data.text_files import suffix_of
from anyshot.errors import AnyshotError, InputError

if TYPE_CHECKING:
    from anyshot.app.studio.adding import Added

UPLOADS: Final = "uploads"
"""Folder in a project of the tables whose columns are still to be chosen."""
MAX_FILES: Final = 64  # of one request
KEPT_UPLOADS: Final = 8  # tables whose columns are still to be chosen; older ones are deleted
MOST_SHOWN: Final = 5
"""Classes of a table that its preview names."""
EXPORTED: Final = "this is a project or a model that was exported; drop it onto the first page to go on with it"
EACH_FILE: Final = "several .txt files were added together, and each is read as one text"


def what_was_added(added: "Added", t: Texts) -> Body:
    """Return what became of what was to be added, with the reasons in the language of the page."""
    refused = [(place, message_in(reason, t)) for place, reason in added.faults]
    refused += [(place, t("contradicted", text=content)) for place, content in added.contradictions]
    return {
        "added": added.n_items,
        "repeated": added.n_duplicates,
        "refused": [{"name": place_in(place, t), "reason": reason} for place, reason in refused[:1000]],
        "notes": warnings_in([*added.read, *added.doubts], t),
        **undo_of(added.entry, t),
    }


def _paste(opened: Opened, body: Body, t: Texts) -> Body:
    texts = body.get("texts")
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise MalformedRequestError("texts must be a list of texts.")
    return what_was_added(studio.add_texts(opened.project, texts), t)


async def add_files(request: Request) -> Response:
    """Add the files of a form: images, or tables and texts.

    label: the class of all of them; whole: whether each .txt file is one text, as where several were chosen; entry: the
    id in the history of the files of earlier requests, as whose part these are added; several: whether others follow.
    """
    opened = await opened_by(request)
    async with request.form(max_files=MAX_FILES, max_fields=8) as form:
        label, entry = (
            number(value, name) if isinstance(value := form.get(name), str) else None for name in ("label", "entry")
        )
        files = files_of(form)
        source = _source([one.filename or "file" for one in files], more="several" in form)
        before = None if entry is None else opened.project.history.entry(entry)
        uploads = _Uploads(files, label, before, source, "whole" in form)
        return await made(opened, lambda: _add_uploads(opened, uploads, texts_for(request)))


class _Uploads(NamedTuple):
    """Files to add, with their class, if all have one, the entry of those that were added before, and their source.

    whole: whether each .txt file is one text.
    """

    files: Sequence[UploadFile]
    label: int | None
    entry: Entry | None
    source: str
    whole: bool


def _source(names: Sequence[str], *, more: bool) -> str:
    """Return what the history calls the files: the name of their folder, or that of the first.

    >>> _source(["holiday/a.jpg", "holiday/beach/b.jpg"], more=True), _source(["a.jpg"], more=True)
    ('holiday', 'a.jpg, …')
    """
    folder, _, file = names[0].partition("/")
    return folder if file else f"{names[0]}, …" if more or len(names) > 1 else names[0]


def _add_uploads(opened: Opened, uploads: _Uploads, t: Texts) -> Body:
    files, label, entry, source, whole = uploads
    if entry is not None and entry.action != "add_items":
        raise MalformedRequestError(f"The entry {entry.id} of the history added no items.")
    with tempfile.TemporaryDirectory(dir=opened.project.folder) as folder:
        named = [
            (saved(one, Path(folder) / str(n)), one.filename or f"file {n}") for n, one in enumerate(files, start=1)
        ]
        refused = [one for one in named if studio.is_exported(one[0])]
        named, exported = [one for one in named if one not in refused], [(name, EXPORTED) for _, name in refused]
        if opened.project.kind == "images":
            paths, names = [path for path, _ in named], [name for _, name in named]
            done = studio.add_images(opened.project, paths, names=names, source=source, label=label, entry=entry)
            done.faults += exported
            return what_was_added(done, t)
        total, add = studio.Added(entry=entry, faults=exported), partial(studio.add_table, whole=whole)
        if opened.project.kind == "rows":
            add = partial(studio.add_rows)
        elif whole:
            total.read.append(EACH_FILE)
        for path, name in named:
            try:
                one = add(opened.project, path, source=name, entry=total.entry)
            except AnyshotError as error:
                total.faults.append((name, str(error)))
                continue
            total.n_items, total.entry = total.n_items + one.n_items, one.entry or total.entry
            total.n_duplicates += one.n_duplicates
            total.read, total.doubts = total.read + one.read, total.doubts + one.doubts
            total.faults += [(f"{name}, {place}", reason) for place, reason in one.faults]
        return what_was_added(total, t)


def saved(upload: UploadFile, folder: Path) -> Path:
    """Write an uploaded file into a folder, under a name that has its suffix only."""
    folder.mkdir(parents=True, exist_ok=True)
    suffix = PurePosixPath((upload.filename or "").replace("\\", "/")).suffix.lower()
    path = folder / ("file" + (suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""))
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)
    return path


async def upload_table(request: Request) -> Response:
    """Keep a table until its columns are chosen, and answer with the choice; pasted: whether it may have no names."""
    opened = await opened_by(request)
    async with request.form(max_files=1, max_fields=1) as form:
        number = await run_in_threadpool(_keep_upload, opened, files_of(form)[0])
        may_have_none = "pasted" in form and not opened.project.items.columns()
        return await _choice(request, opened, number, {"has_names": None if may_have_none else True})


async def table_preview(request: Request) -> Response:
    """Answer with the choice of columns of a table that was uploaded."""
    given = dict(request.query_params)
    number = request.path_params["number"]
    return await _choice(request, await opened_by(request), number, _reading(given), text(given, "kind"))


async def _choice(request: Request, opened: Opened, number: str, reading: Body, kind: str = "") -> Response:
    table = await run_in_threadpool(_table_facts, opened, number, reading, kind, texts_for(request))
    return JSONResponse({"html": fragment(request, "preview.html", {"table": table})})


def _reading(given: Body) -> Body:
    """Return how a file is to be read: its sheet, whether its first row holds names of columns, and as one text."""
    names, whole = text(given, "names") != "no", text(given, "whole") == "yes"
    return {"sheet": text(given, "sheet") or None, "has_names": names, "whole": whole}


async def take_table(request: Request) -> Response:
    """Add the rows of a table that was uploaded, with the columns that were chosen."""
    opened, body = await opened_by(request), await body_of(request)

    def take() -> Body:
        path, reading = _upload(opened, request.path_params["number"]), _reading(body)
        columns = studio.preview(path, source=_name(path), **reading).columns
        label = whole(body, "label") if text(body, "label") else None
        named = {"label_column": None if label is None else _column(columns, label), "source": _name(path)}
        if text(body, "kind") == "rows":
            chosen = [number(name.removeprefix("use-"), "use") for name in body if name.startswith("use-")]
            features = [_column(columns, at) for at in sorted(chosen) if at != label]
            del reading["whole"]
            added = studio.add_rows(opened.project, path, feature_columns=features, **named, **reading)
        else:
            texts = _column(columns, whole(body, "text"))
            added = studio.add_table(opened.project, path, text_column=texts, **named, **reading)
        shutil.rmtree(path.parent, ignore_errors=True)
        added.read.clear()  # the preview has shown it
        return {**what_was_added(added, texts_for(request)), "kind": opened.project.kind}

    return await made(opened, take)


def _column(columns: Sequence[str], at: int) -> str:
    if not 0 <= at < len(columns):
        raise InputError(f"The table has {len(columns)} columns; there is none of number {at + 1}.")
    return columns[at]


def files_of(form: FormData) -> list[UploadFile]:
    """Return the files of a form; raise InputError if it has none."""
    found = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
    if not found:
        raise InputError("A file is needed.")
    return found


def _keep_upload(opened: Opened, upload: UploadFile) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        return keep_table(opened, saved(upload, Path(scratch)), upload.filename or "table")


def keep_table(opened: Opened, path: Path, name: str) -> str:
    """Keep a copy of a table in the project's folder, and return the number by which it is found."""
    uploads = opened.project.folder / UPLOADS
    uploads.mkdir(exist_ok=True)
    for old in sorted(uploads.iterdir(), key=lambda one: -one.stat().st_mtime)[KEPT_UPLOADS:]:
        shutil.rmtree(old, ignore_errors=True)
    number = secrets.token_hex(8)
    (uploads / number).mkdir()
    shutil.copyfile(path, uploads / number / f"file{path.suffix}")
    (uploads / number / "name").write_text(name, encoding="utf-8")
    return number


def _upload(opened: Opened, number: str) -> Path:
    folder = opened.project.folder / UPLOADS / number
    found = list(folder.glob("file.*")) if re.fullmatch(r"[0-9a-f]{16}", number) else []
    if not found:
        raise InputError("This table is not here any more. Add the file again.")
    return found[0]


def _name(path: Path) -> str:
    return (path.parent / "name").read_text(encoding="utf-8")


def _table_facts(opened: Opened, number: str, reading: Body, kind: str, t: Texts) -> Body:
    """Return what preview.html shows of a table; kind: of its items, if it is chosen; reading: as for `preview`."""
    path, project = _upload(opened, number), opened.project
    name, own = _name(path), list(project.items.columns())
    found = studio.preview(path, source=name, **reading)
    places = {column: place for place, column in enumerate(found.columns)}
    may_choose = project.kind_facts.reads_tables and not project.items.count()
    likely = kind if kind in KINDS else "rows" if project.kind == "rows" else found.kind
    return {
        "id": number,
        "name": name,
        "kind": likely if may_choose else project.kind,
        "may_choose": may_choose,
        "features": [
            replace(one, name=place_in(one.name, t), fault=one.fault and message_in(one.fault, t))
            for one in found.features
        ],
        "columns": [place_in(column, t) for column in found.columns],
        "own": [place_in(column, t) for column in own],
        "missing": [place_in(column, t) for column in own if column not in places],
        "text": places.get(found.text_column or "", 0),
        "label": places.get(found.label_column or "", -1),
        "class": -1 if own and found.class_is_guess else places.get(found.class_column or "", -1),
        "class_is_guess": found.class_is_guess,
        "labels": found.labels[:MOST_SHOWN] + ["…"] * (len(found.labels) > MOST_SHOWN),
        "rows": found.rows,
        "n_rows": found.n_rows,
        "notes": [note.removeprefix(f"{name}: ") for note in warnings_in(found.notes, t)],
        "sheets": found.sheets,
        "sheet": reading.get("sheet"),
        "has_names": found.has_names,
        "whole": bool(reading.get("whole")) if suffix_of(path) == ".txt" else None,
    }


ROUTES: Final = [
    route("items", _paste),
    Route("/p/{project}/items/files", add_files, methods=["POST"]),
    Route("/p/{project}/tables", upload_table, methods=["POST"]),
    Route("/p/{project}/tables/{number}", table_preview, methods=["GET"]),
    Route("/p/{project}/tables/{number}", take_table, methods=["POST"]),
]
