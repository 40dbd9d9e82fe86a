"""The routes that read models: answers, suggestions, and what there is to know of them."""

import asyncio
import weakref
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.routing import Route

from anyshot import data as datasets
from anyshot.app.server.answers import (
    Scores,
    answers,
    check_any_shot,
    check_unknown,
    explanations,
    suggested,
    with_explanations,
)
from anyshot.app.server.bodies import read_body, read_items, usable_items
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.readiness import Snapshot
from anyshot.app.server.schemas import (
    ModelFacts,
    ModelList,
    PredictAnswer,
    PredictRequest,
    Suggestions,
    described,
)
from anyshot.app.server.service import Answered, Service, json_answer, service_of, summary_of, unless_gone, written

router = APIRouter(prefix="/v1/models", tags=["models"])
NO_SUGGESTIONS: Final = "There is no item to choose from. Send items without a label to /unlabeled."


@router.get("", openapi_extra=described(answer=ModelList))
def list_models(request: Request) -> Response:
    """List the served models."""
    models = service_of(request).models
    facts = [facts_of(live) for live in models.values()]
    return json_answer({"models": facts, "object": "list", "data": facts})


@router.get("/{model}", openapi_extra=described(answer=ModelFacts))
def show_model(model: str, request: Request) -> Response:
    """Show a model: its version, classes, and what can be done with it."""
    return json_answer(facts_of(service_of(request).model(model)))


def facts_of(live: LiveModel) -> dict[str, Any]:
    """Return the facts about a served model that its address shows."""
    snapshot = live.snapshot
    fitted, table = snapshot.model if snapshot.is_any_shot else None, snapshot.table
    return {
        "name": live.name,
        "id": live.name,
        "object": "model",
        "created": 0,
        "owned_by": "anyshot",
        "version": snapshot.version,
        "items": snapshot.modality,
        "columns": None if table is None else datasets.columns_read(table),
        "classes": snapshot.classes,
        "n_labels": None if fitted is None else len(fitted.data.index),
        "method": type(snapshot.classifier).__name__ if fitted is None else fitted.method,
        "can_change": not live.read_only and fitted is not None,
        "kept_versions": live.kept_versions(),
        "problem": live.problem,
    }


@router.post("/{model}/predict", openapi_extra=described(PredictRequest, PredictAnswer))
async def documented_predict(model: str, request: Request) -> Response:
    """Predict the class of each item."""
    return await predict(request)


async def predict(request: Request) -> Response:
    """Answer `POST /v1/models/{model}/predict`, for which this is a route without the framework's dependencies."""
    request.scope["route"] = PREDICT
    service, model = service_of(request), request.path_params["model"]
    live = service.model(model)
    asked = await read_body(request, PredictRequest, service.settings)
    snapshot = live.snapshot  # read once, so that all of the answer comes from one version
    check_unknown(snapshot, asked.unknown)
    if asked.explain:
        check_any_shot(snapshot, what="Explanations")
    items = await read_items(request, asked.items, snapshot, service.settings)
    answer, scores = await unless_gone(request, _answer(service, model, snapshot, asked, items))
    summary = summary_of(snapshot, scores)
    request.state.answered = Answered(bytes(answer.body), weakref.ref(snapshot), summary, request.scope["route"])
    return answer


PREDICT: Final = Route("/v1/models/{model}/predict", predict, methods=["POST"])


async def _answer(
    service: Service, model: str, snapshot: Snapshot, asked: PredictRequest, items: list[Any]
) -> tuple[Response, Scores]:
    """Return the answer for items, each with its explanation if that is asked for, and what it is made from."""
    scores = await service.score(model, snapshot, items)
    why = (await service.batcher.run(explanations, snapshot, items))[0] if asked.explain else None
    detailed = asked.proba or asked.top_k is not None or asked.explain
    n_numbers = scores.predicted.size if detailed else len(items)

    def write() -> Response:
        found = answers(snapshot, scores, proba=asked.proba, top_k=asked.top_k, unknown=asked.unknown)
        found = found if why is None else with_explanations(found, why.tolist())
        return json_answer({"model": model, "version": snapshot.version, "answers": found})

    return await written(write, n_numbers=n_numbers), scores


@router.get("/{model}/suggest", openapi_extra=described(answer=Suggestions))
async def suggest(model: str, request: Request, n: Annotated[int, Query(ge=1, le=100)] = 10) -> Response:
    """List the items given to `unlabeled` that are most useful to label next, the most useful first."""
    service = service_of(request)
    live = service.model(model)
    snapshot = live.snapshot
    check_any_shot(snapshot, what="Suggestions")

    def find() -> list[dict[str, Any]]:
        given, items = usable_items(live.unlabeled.latest(), snapshot, service.settings)
        found = suggested(snapshot, items, n) if items else []
        return [{"item": given[row], "label": label, "proba": proba} for row, label, proba in found]

    suggestions = await asyncio.to_thread(find)
    note = {} if suggestions else {"note": NO_SUGGESTIONS}
    return json_answer({"model": model, "version": snapshot.version, "suggestions": suggestions, **note})
