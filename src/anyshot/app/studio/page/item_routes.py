"""What the page asks about items: their order, what is known of them, pictures, reasons, and what changed."""

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from anyshot.app import studio
from anyshot.app.studio.database import UNKNOWN_ID
from anyshot.app.studio.feature_items import Columns, shown_cells
from anyshot.app.studio.file_rows import other_cells
from anyshot.app.studio.page.drawing import opened_by, texts_for
from anyshot.app.studio.page.messages import message_in
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.request_bodies import MalformedRequestError, number, whole
from anyshot.app.studio.page.texts import Texts, undo_of
from anyshot.base.labels import UNKNOWN

if TYPE_CHECKING:
    from anyshot.app.studio.items import Item
    from anyshot.app.studio.project import Changes
    from anyshot.app.studio.views import Order

ORDERS: Final[dict[str, "Order"]] = {
    "first": "useful",
    "class": "class",
    "unsure": "unsure",
    "sure": "confidence",
    "errors": "errors",
    "added": "added",
}
"""The orders that the page offers, and their names in a query."""
KEPT: Final = {"Cache-Control": "private, max-age=86400, immutable"}
MAX_IDS: Final = 500  # of one request
LONGEST_WAIT: Final = 30.0  # a held request [s]
OTHERS: Final = 0.25  # between two looks of a held request at what another process changed [s]
MAX_CHANGED: Final = 5000  # ids of changed answers that are sent


async def item_order(request: Request) -> Response:
    """Answer with all ids in an order, those with a label, the sizes of groups, if any, and if there are answers."""
    opened, given = await opened_by(request), request.query_params
    view = given.get("view", "first")
    if view not in ORDERS:
        raise MalformedRequestError(f"Unknown order {view!r}. Choose one of: {', '.join(ORDERS)}.")
    query = studio.Query(
        order=ORDERS[view],
        class_id=_label(given["of"]) if "of" in given else None,
        text=given.get("words", ""),
        about=given.get("meaning", ""),
        like=whole(given, "like") if "like" in given else None,
    )

    def found() -> dict[str, Any]:
        answered = len(opened.answers.current.ids) > 0  # before the order, which may be by later answers
        ids = studio.order(opened.project, opened.answers, query)
        groups = None
        if view == "class":
            groups = [{"label": label, "n": n} for label, n in studio.groups(opened.project, opened.answers, ids)]
        labels = opened.project.items.labels()
        labeled = np.intersect1d(ids, labels.ids[labels.labels != 0])
        return {"ids": ids.tolist(), "labeled": labeled.tolist(), "groups": groups, "answered": answered}

    return JSONResponse(await run_in_threadpool(found))


async def some_items(request: Request) -> Response:
    """Answer with what is known of some items."""
    opened = await opened_by(request)
    return JSONResponse(await run_in_threadpool(_rows, opened, _ids(request), texts_for(request)))


def _ids(request: Request) -> list[int]:
    return [number(one, "ids") for one in request.query_params.get("ids", "").split(",")[:MAX_IDS] if one]


def _rows(opened: Opened, ids: list[int], t: Texts) -> list[dict[str, Any]]:
    columns, others = opened.project.items.columns(), other_cells(opened.project, ids, t.language)
    return [
        {
            "id": row.item.id,
            **_content(row.item, columns, t),
            "others": others.get(row.item.id, []),
            "name": row.item.name,
            "label": row.item.label,
            "predicted": row.answer,
            "confidence": round(row.confidence, 3),
        }
        for row in studio.rows(opened.project, opened.answers, ids)
    ]


def _content(item: "Item", columns: Columns, t: Texts) -> dict[str, Any]:
    """Return what is shown of an item: its text, None for an image; of a row of features, each value with its name."""
    if not columns:
        return {"text": None if item.name else item.content}
    cells = shown_cells(columns, item.content, t.language)
    return {"text": ", ".join(f"{name}: {value}" for name, value in cells), "cells": cells}


async def thumbnail(request: Request) -> Response:
    """Answer with a small picture of an image."""
    opened = await opened_by(request)
    item = await run_in_threadpool(opened.project.items.one, request.path_params["number"])
    if not opened.project.items.thumbnail(item).is_file():  # a person may have removed it
        return Response(status_code=404)
    return FileResponse(opened.project.items.thumbnail(item), media_type="image/jpeg", headers=KEPT)


async def picture(request: Request) -> Response:
    """Answer with an image as large as a screen shows it."""
    opened = await opened_by(request)
    item = await run_in_threadpool(opened.project.items.one, request.path_params["number"])
    if not (item.name and opened.project.items.path(item).is_file()):
        return Response(status_code=404)
    content = await run_in_threadpool(opened.project.items.picture, item)
    return Response(content, media_type="image/jpeg", headers=KEPT)


async def changes(request: Request) -> Response:
    """Answer with what changed after a version; wait: how long to hold the request for it [s].

    refit: the last refit whose changed answers the page knows of; ids: the items that it shows, which are sent with the
    change, as asking for them then would take longer.
    """
    t, opened, given = texts_for(request), await opened_by(request), request.query_params
    ids = _ids(request)
    since, known, wait = (whole(given, name) if name in given else 0 for name in ("since", "refit", "wait"))
    found = await _news(request, opened, since, time.monotonic() + min(wait, LONGEST_WAIT))
    facts = await run_in_threadpool(state_of, opened, t)
    rows, changed = await run_in_threadpool(_rows, opened, ids if found.subjects else [], t), opened.answers.changed
    is_stored = not known or "answers" in found.subjects  # the page learns of a refit once it is stored
    items = list(changed.items[:MAX_CHANGED]) if known and is_stored and changed.number > known else []
    refit = changed.number if is_stored else known
    news = {"version": found.version, "subjects": sorted(found.subjects), "refit": refit, "changed": items}
    return JSONResponse({**facts, **news, "rows": rows})


async def _news(request: Request, opened: Opened, since: int, deadline: float) -> "Changes":
    """Return what changed after a version, as soon as something did or the background work goes on."""
    database, state = opened.project.database, opened.answers.state

    def is_over() -> bool:
        return time.monotonic() >= deadline or request.app.state.stopping or opened.answers.state != state

    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    with database.listening(lambda: loop.call_soon_threadsafe(changed.set)):
        while True:
            changed.clear()
            found = await run_in_threadpool(opened.project.changes_since, since)
            if found.subjects or is_over():
                return found
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), OTHERS)


def state_of(opened: Opened, t: Texts) -> dict[str, Any]:
    """Return the numbers in the top bar, what undo would undo, how far reading is, and why there are no answers."""
    labels, last, state = opened.project.items.labels().labels, opened.project.history.last(), opened.answers.state
    failed = state.phase == "failed"
    problem = message_in(state.sentence, t) if state.sentence else t("no_answers") if failed else ""
    answered = len(opened.answers.current.ids) > 0
    goes_on = state.phase == "encoding" or (state.phase == "fitting" and not answered)
    return {
        "kind": opened.project.kind,
        "n_items": len(labels),
        "answered": answered,
        "n_labels": int((labels != 0).sum()),
        **(undo_of(last, t) or {"undo": None}),
        "reading": {"done": state.done, "total": state.total} if goes_on and state.total else None,
        "problem": problem,
    }


def _label(text: str) -> int:
    return UNKNOWN_ID if text == UNKNOWN else number(text, "of")


ROUTES: Final = [
    Route("/p/{project}/order", item_order),
    Route("/p/{project}/items", some_items),
    Route("/p/{project}/items/{number:int}/thumbnail", thumbnail),
    Route("/p/{project}/items/{number:int}/picture", picture),
    Route("/p/{project}/changes", changes),
]
