"""The routes that change models. A change is answered by the version that has it, once it is on disk."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from anyshot.app.cli.options import as_classes_write_them, one_class
from anyshot.app.server.answers import model_of
from anyshot.app.server.bodies import as_items, as_json, read_body
from anyshot.app.server.changes import (
    AddClass,
    AddExamples,
    AddUnlabeled,
    Change,
    EditClass,
    MergeClasses,
    RemoveClass,
)
from anyshot.app.server.live_model import LiveModel, RollBack
from anyshot.app.server.openapi import body_of
from anyshot.app.server.schemas import (
    Changed,
    ClassEdit,
    ClassRequest,
    ExamplesRequest,
    MergeRequest,
    RollbackRequest,
    UnlabeledRequest,
)
from anyshot.app.server.service import Service, json_answer, service_of
from anyshot.base.class_words import Words
from anyshot.base.labels import Label
from anyshot.errors import InputError

router = APIRouter(prefix="/v1/models", tags=["changes"])


@router.post("/{model}/examples", response_model=Changed, openapi_extra=body_of(ExamplesRequest))
async def add_examples(model: str, request: Request) -> Response:
    """Learn from labeled items."""
    service = service_of(request)
    live = service.model(model)
    given = await read_body(request, ExamplesRequest, service.settings)
    items = as_items(given.items, live.snapshot.modality, service.settings)
    labels = as_classes_write_them(given.labels, model_of(live.snapshot).data.classes.tolist())
    return await _changed(service, live, AddExamples(items, labels))


@router.post("/{model}/unlabeled", response_model=Changed, openapi_extra=body_of(UnlabeledRequest))
async def add_unlabeled(model: str, request: Request) -> Response:
    """Learn from items without labels, and keep them for suggestions."""
    service = service_of(request)
    live = service.model(model)
    given = await read_body(request, UnlabeledRequest, service.settings)
    items = as_items(given.items, live.snapshot.modality, service.settings)
    answer = await _changed(service, live, AddUnlabeled(items))
    await asyncio.to_thread(live.unlabeled.add, [as_json(item) for item in given.items])
    return answer


@router.post("/{model}/classes", response_model=Changed, openapi_extra=body_of(ClassRequest))
async def add_class(model: str, request: Request) -> Response:
    """Add a class by a description, words, labeled examples, or all of them."""
    service = service_of(request)
    live = service.model(model)
    given = await read_body(request, ClassRequest, service.settings)
    examples = as_items(given.examples, live.snapshot.modality, service.settings)
    return await _changed(service, live, AddClass(given.name, _described(given.description, given.words), examples))


@router.patch("/{model}/classes/{name:path}", response_model=Changed, openapi_extra=body_of(ClassEdit))
async def edit_class(model: str, name: str, request: Request) -> Response:
    """Give a class another name, another description, or both."""
    service = service_of(request)
    live = service.model(model)
    given = await read_body(request, ClassEdit, service.settings)
    if not given.model_fields_set:
        raise InputError("There is nothing to change. Give name, description or words.")
    described = bool({"description", "words"} & given.model_fields_set)
    description = _described(given.description, given.words)
    return await _changed(service, live, EditClass(_class_of(live, name), given.name, description, described))


@router.post("/{model}/classes/merge", response_model=Changed, openapi_extra=body_of(MergeRequest))
async def merge_classes(model: str, request: Request) -> Response:
    """Merge classes into one, which has all their labeled examples, descriptions and words."""
    service = service_of(request)
    live = service.model(model)
    given = await read_body(request, MergeRequest, service.settings)
    return await _changed(service, live, MergeClasses(given.names, given.into))


@router.delete("/{model}/classes/{name:path}", response_model=Changed)
async def remove_class(model: str, name: str, request: Request) -> Response:
    """Remove a class and its labeled examples."""
    service = service_of(request)
    live = service.model(model)
    return await _changed(service, live, RemoveClass(_class_of(live, name)))


@router.post("/{model}/rollback", response_model=Changed, openapi_extra=body_of(RollbackRequest))
async def roll_back(model: str, request: Request) -> Response:
    """Go back to an earlier version, which becomes the next version."""
    service = service_of(request)
    live = service.model(model)
    given = await read_body(request, RollbackRequest, service.settings)
    return await _changed(service, live, RollBack(given.to))


async def _changed(service: Service, live: LiveModel, change: Change | RollBack) -> Response:
    """Make a change, and answer once it is on disk."""
    return json_answer({"version": await service.change(live, change)})


def _class_of(live: LiveModel, name: str) -> Label:
    """Return the class that an address names, in the type of the model's classes."""
    return one_class(name, model_of(live.snapshot).data.classes.tolist())


def _described(description: Any, words: list[str]) -> Any:
    """Return a description with its words."""
    if not words:
        return description
    texts = [description] if isinstance(description, str) else list(description or [])
    return [*texts, Words(words)]
