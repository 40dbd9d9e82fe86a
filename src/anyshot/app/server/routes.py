"""The routes of models: answers, changes, and what there is to know of them."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from anyshot.app.cli.class_options import as_classes_write_them, one_class
from anyshot.app.server.answers import (
    answers,
    check_options,
    explanations,
    model_of,
    score_items,
    with_explanations,
)
from anyshot.app.server.bodies import as_items, read_body
from anyshot.app.server.changes import AddClass, AddExamples, AddUnlabeled, Change, RemoveClass
from anyshot.app.server.live_model import LiveModel, RollBack
from anyshot.app.server.openapi import body_of
from anyshot.app.server.schemas import (
    Changed,
    ClassRequest,
    ExamplesRequest,
    ModelFacts,
    ModelList,
    PredictAnswer,
    PredictRequest,
    RollbackRequest,
    UnlabeledRequest,
)
from anyshot.app.server.service import Service, json_answer, service_of
from anyshot.base.class_words import Words

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", response_model=ModelList)
def list_models(request: Request) -> Response:
    """List the served models."""
    models = service_of(request).models
    of_openai = [{"id": name, "object": "model", "created": 0, "owned_by": "anyshot"} for name in models]
    return json_answer(
        {"models": [facts_of(live) for live in models.values()], "object": "list", "data": of_openai},
    )


@router.get("/{model}", response_model=ModelFacts)
def show_model(model: str, request: Request) -> Response:
    """Show a model: its version, classes, and what can be done with it."""
    return json_answer(facts_of(service_of(request).model(model)))


def facts_of(live: LiveModel) -> dict[str, Any]:
    """Return what there is to know of a served model."""
    snapshot = live.snapshot
    fitted = model_of(snapshot)
    return {
        "name": live.name,
        "id": live.name,
        "object": "model",
        "version": snapshot.version,
        "items": snapshot.modality,
        "classes": fitted.data.classes.tolist(),
        "n_labels": len(fitted.data.index),
        "method": fitted.method,
        "can_change": live.can_change,
        "kept_versions": live.kept_versions(),
        "problem": live.problem,
    }


@router.post("/{model}/predict", response_model=PredictAnswer, openapi_extra=body_of(PredictRequest))
async def predict(model: str, request: Request) -> Response:
    """Predict the class of each item."""
    service = service_of(request)
    live = service.model(model)
    asked = await read_body(request, PredictRequest, service.settings)
    snapshot = live.snapshot  # read once, so that all of the answer comes from one version
    check_options(snapshot, asked)
    items = as_items(asked.items, snapshot.modality, service.settings)
    scores = await score_items(service.batcher, service.observer, model, snapshot, items)
    found = answers(snapshot, asked, scores)
    if asked.explain:
        (why,) = await service.batcher.run(explanations, snapshot, items)
        found = with_explanations(found, why.tolist())
    return json_answer({"model": model, "version": snapshot.version, "answers": found})


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
    return await _changed(service, live, AddUnlabeled(as_items(given.items, live.snapshot.modality, service.settings)))


@router.post("/{model}/classes", response_model=Changed, openapi_extra=body_of(ClassRequest))
async def add_class(model: str, request: Request) -> Response:
    """Add a class by a description, words, labeled examples, or all of them."""
    service = service_of(request)
    live = service.model(model)
    given = await read_body(request, ClassRequest, service.settings)
    description: Any = given.description
    if given.words:
        texts = [description] if isinstance(description, str) else list(description or [])
        description = [*texts, Words(given.words)]
    examples = as_items(given.examples, live.snapshot.modality, service.settings)
    return await _changed(service, live, AddClass(given.name, description, examples))


@router.delete("/{model}/classes/{name:path}", response_model=Changed)
async def remove_class(model: str, name: str, request: Request) -> Response:
    """Remove a class and its labeled examples."""
    service = service_of(request)
    live = service.model(model)
    return await _changed(service, live, RemoveClass(one_class(name, model_of(live.snapshot).data.classes.tolist())))


@router.post("/{model}/rollback", response_model=Changed, openapi_extra=body_of(RollbackRequest))
async def roll_back(model: str, request: Request) -> Response:
    """Go back to an earlier version, which becomes the next version."""
    service = service_of(request)
    live = service.model(model)
    given = await read_body(request, RollbackRequest, service.settings)
    return await _changed(service, live, RollBack(given.to))


async def _changed(service: Service, live: LiveModel, change: Change | RollBack) -> Response:
    """Make a change, and answer once it is on disk. It is made also if the client does not wait for it."""
    version = await asyncio.shield(asyncio.wrap_future(live.change(change)))
    service.observer.on_change(live.name, version)
    return json_answer({"version": version})
