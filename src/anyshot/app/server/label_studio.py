"""A machine learning backend for Label Studio: it proposes choices for items, and learns from annotations.

The project needs a `Choices` tag. Its object is of the kind of items that the model reads: a `Text` (or `HyperText`,
`Paragraphs`), an `Image`, or a `Table`, of which each task is a row of features. Images must be data URLs: the service
fetches nothing.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import Field

from anyshot.app.learned_items import item_keys, learned_items
from anyshot.app.server.bodies import read_body, read_items
from anyshot.app.server.changes import AddExamples, adding_class, model_input
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.readiness import Reads, Snapshot
from anyshot.app.server.schemas import Many, Schema, described, with_example
from anyshot.app.server.service import Service, json_answer, service_of, unless_gone
from anyshot.errors import BadItemError

router = APIRouter(prefix="/label-studio", tags=["Label Studio"])
LONGEST_CONFIG: Final = 100_000  # characters of a labeling configuration
OBJECTS: Final[dict[str, Reads]] = {
    **{"Text": "text", "HyperText": "text", "Paragraphs": "text"},
    **{"Image": "image", "Table": "table"},
}
LEARNS_FROM: Final = frozenset({"ANNOTATION_CREATED", "ANNOTATION_UPDATED"})
_EXAMPLE: Final = (
    '<View><Text name="text" value="$text"/><Choices name="intent" toName="text">'
    '<Choice value="billing"/><Choice value="delivery"/></Choices></View>'
)
_EXAMPLE_RESULT: Final = {
    "from_name": "intent",
    "to_name": "text",
    "type": "choices",
    "value": {"choices": ["billing"]},
}


class Task(Schema):
    """An item to label."""

    id: Any = None
    data: dict[str, Any]
    annotations: Many[dict[str, Any]] = Field([])


class PredictTasks(Schema):
    """Tasks, and the labeling configuration of their project."""

    model_config = with_example(
        {"tasks": [{"id": 1, "data": {"text": "I was charged twice"}}], "label_config": _EXAMPLE}
    )
    tasks: Many[Task]
    label_config: str = Field(max_length=LONGEST_CONFIG)


class Setup(Schema):
    """A project that is connected to the model."""

    model_config = with_example({"project": "1.1700000000", "schema": _EXAMPLE})
    label_config: str = Field(alias="schema", max_length=LONGEST_CONFIG)


class Train(Schema):
    """Tasks with their annotations."""

    model_config = with_example(
        {
            "annotations": [{"data": {"text": "I paid two times"}, "annotations": [{"result": [_EXAMPLE_RESULT]}]}],
            "label_config": _EXAMPLE,
        }
    )
    annotations: Many[Task]
    label_config: str = Field(max_length=LONGEST_CONFIG)


class Webhook(Schema):
    """What happened in a project."""

    model_config = with_example({"action": "PROJECT_UPDATED", "project": {"id": 1}})
    action: str
    annotation: dict[str, Any] = Field({})
    task: dict[str, Any] = Field({})
    project: dict[str, Any] = Field({})


class Choices(NamedTuple):
    """The part of a labeling configuration that the model fills in."""

    from_name: str
    to_name: str
    key: str  # of the item in the data of a task
    modality: Reads
    names: tuple[str, ...]


@router.get("/health")
async def health() -> dict[str, str]:
    """Say that the backend runs."""
    return {"status": "UP", "model_class": "anyshot"}


@router.get("/versions")
async def versions(request: Request) -> dict[str, list[str]]:
    """Name the version that answers; to go back to an earlier one is a change."""
    _, live = _backend(request)
    return {"versions": [_version(live, live.snapshot)]}


@router.post("/setup", openapi_extra=described(Setup))
async def setup(request: Request) -> Response:
    """Check that the model can label a project."""
    service, live = _backend(request)
    asked = await read_body(request, Setup, service.settings)
    choices_of(asked.label_config, live.snapshot.modality)
    return json_answer({"model_version": _version(live, live.snapshot)})


@router.post("/predict", openapi_extra=described(PredictTasks))
async def predict_tasks(request: Request) -> Response:
    """Propose a choice for each task."""
    service, live = _backend(request)
    asked = await read_body(request, PredictTasks, service.settings)
    snapshot = live.snapshot
    choices = choices_of(asked.label_config, snapshot.modality)
    rows = _rows_of_choices(snapshot, choices)
    results: list[dict[str, Any]] = []
    if asked.tasks:
        given = [_item(task.data, choices) for task in asked.tasks]
        items = await read_items(request, given, snapshot, service.settings)
        scores = await unless_gone(request, service.score(live.name, snapshot, items))
        probabilities = scores.predicted[:, list(rows)]  # (n, choices)
        names = list(rows.values())
        for own, best in zip(probabilities, np.argmax(probabilities, axis=1), strict=True):
            results.append(_prediction(choices, names[best], float(own[best]), _version(live, snapshot)))
    return json_answer({"results": results, "model_version": _version(live, snapshot)})


@router.post("/train", status_code=201, openapi_extra=described(Train))
async def train(request: Request) -> Response:
    """Learn from annotations; a choice that is no class of the model yet becomes one."""
    given = await read_body(request, Train, service_of(request).settings)
    return await _learn(request, given.annotations, given.label_config)


@router.post("/webhook", status_code=201, openapi_extra=described(Webhook))
async def webhook(request: Request) -> Response:
    """Learn from an annotation that was made or changed; what else happens in the project changes nothing."""
    service, live = _backend(request)
    event = await read_body(request, Webhook, service.settings)
    if event.action not in LEARNS_FROM:
        return json_answer({"model_version": _version(live, live.snapshot)}, status=201)
    data, config = event.task.get("data"), event.project.get("label_config")
    if not isinstance(data, dict) or not isinstance(config, str):
        raise ProblemError(
            422, "The event has no task.data or no project.label_config. Send payloads with the webhook."
        )
    return await _learn(request, [Task(data=data, annotations=[event.annotation])], config)


async def _learn(request: Request, tasks: Sequence[Task], config: str) -> Response:
    service, live = _backend(request)
    snapshot = live.snapshot
    choices = choices_of(config, snapshot.modality)
    labeled = [(task, label) for task in tasks if (label := label_of(task.annotations, choices)) is not None]
    if labeled:
        live.check_changeable()
        given = [_item(task.data, choices) for task, _ in labeled]
        items = await read_items(request, given, snapshot, service.settings)
        await service.change(live, partial(_learn_choices, items, [label for _, label in labeled]))
    return json_answer({"model_version": _version(live, live.snapshot), "learned": len(labeled)}, status=201)


def _learn_choices(items: Sequence[Any], choices: Sequence[str], classifier: Any) -> None:
    """Learn the choice of each item; one that is no class of the classifier becomes one, also if others add it now.

    Label Studio sends an annotation again as often as it is saved, so an item that has its label already is left out.
    """
    classes = classifier.classes_.tolist()
    own = {str(name).casefold(): name for name in classes} | {str(name): name for name in classes}
    labels = [own.get(choice, own.get(choice.casefold(), choice)) for choice in choices]
    for name in dict.fromkeys(label for label in labels if label not in classes):
        examples = [item for item, label in zip(items, labels, strict=True) if label == name]
        adding_class(name, examples=examples)(classifier)
    known = [row for row, label in enumerate(labels) if label in classes]
    if learned := set(learned_items(classifier)):
        with model_input(items) as given:
            keys = item_keys(classifier, given)
        known = [row for row in known if (keys[row], labels[row]) not in learned]
    if known:
        AddExamples([items[k] for k in known], [labels[k] for k in known])(classifier)


def choices_of(label_config: str, modality: Reads) -> Choices:
    """Return the first `Choices` of a labeling configuration whose object is of the kind that the model reads.

    Raises ProblemError if the configuration is not XML, declares entities, or has no such choices.
    """
    if "<!" in label_config.replace("<!--", ""):
        raise ProblemError(422, "The labeling configuration must not declare a document type or entities.")
    try:
        root = ElementTree.fromstring(label_config)
    except (ElementTree.ParseError, ValueError):
        raise ProblemError(422, "The labeling configuration is not XML.") from None
    objects = {tag.get("name"): tag for tag in root.iter() if OBJECTS.get(tag.tag) == modality}
    for tag in root.iter("Choices"):
        target = objects.get(tag.get("toName"))
        value = "" if target is None else target.get("value", "")
        if value.startswith("$"):
            names = tuple(one.get("alias") or one.get("value") or "" for one in tag.iter("Choice"))
            return Choices(tag.get("name", ""), tag.get("toName", ""), value[1:], modality, names)
    kinds = ", ".join(name for name, kind in OBJECTS.items() if kind == modality)
    if not kinds:
        raise ProblemError(422, "Label Studio has no object for vectors, which the model reads. Serve another model.")
    raise ProblemError(
        422, f"The labeling configuration needs Choices for an object that the model reads, with value='$...': {kinds}."
    )


def label_of(annotations: Sequence[dict[str, Any]], choices: Choices) -> str | None:
    """Return the choice of a task: that of its last annotation; those that were skipped, or have several, have none."""
    found = None
    for annotation in sorted(annotations, key=lambda one: str(one.get("updated_at") or one.get("created_at") or "")):
        results = annotation.get("result") or []
        if annotation.get("was_cancelled") or not isinstance(results, list):
            continue
        own = [one for one in results if isinstance(one, dict) and one.get("from_name") == choices.from_name]
        values = [one["value"].get("choices") for one in own if isinstance(one.get("value"), dict)]
        names = [name for chosen in values if isinstance(chosen, list) for name in chosen]
        if len(names) == 1 and isinstance(names[0], str) and names[0].strip():
            found = names[0]
    return found


def _item(data: dict[str, Any], choices: Choices) -> Any:
    """Return the item of a task."""
    value = data.get(choices.key)
    if choices.modality == "table" and isinstance(value, dict):
        return value
    if not isinstance(value, str):
        wanted = "object" if choices.modality == "table" else "text"
        raise BadItemError(f"A task has no {wanted} under {choices.key!a} in its data.")
    if choices.modality != "image":
        return value
    if not value.startswith("data:"):
        raise BadItemError("The image of a task is an address, and the service fetches nothing. Send it as a data URL.")
    return {"image": value}


def _rows_of_choices(snapshot: Snapshot, choices: Choices) -> dict[int, str]:
    """Return which classes of the model are choices: the row of each, and the choice as the project writes it."""
    written = {name.casefold(): name for name in reversed(choices.names)}
    classes = [str(name) for name in snapshot.classes]
    rows = {row: written[name.casefold()] for row, name in enumerate(classes) if name.casefold() in written}
    if not rows:
        raise ProblemError(422, f"None of the choices is a class of the model. Its classes: {', '.join(classes[:20])}.")
    return rows


def _prediction(choices: Choices, label: str, score: float, version: str) -> dict[str, Any]:
    region = {"from_name": choices.from_name, "to_name": choices.to_name, "type": "choices", "score": score}
    return {"result": [{**region, "value": {"choices": [label]}}], "score": score, "model_version": version}


def _version(live: LiveModel, snapshot: Snapshot) -> str:
    return f"{live.name}-{snapshot.version}"


def _backend(request: Request) -> tuple[Service, LiveModel]:
    """Return the model that labels: the one that the query names, or the first one."""
    service = service_of(request)
    return service, service.model(request.query_params.get("model", next(iter(service.models))))
