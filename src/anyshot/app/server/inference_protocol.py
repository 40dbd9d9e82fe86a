"""The Open Inference Protocol, version 2, by which the clients of KServe and Triton talk to models.

A model has one input, `items`, or, if it reads rows of features, one for each column; and outputs with one row for each
item: `label` and `probabilities`, and `closeness` if it is an `AnyShotClassifier`; `value` if it predicts numbers; or
one for each of several tasks.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from fastapi import APIRouter, Request, Response
from numpy.typing import NDArray
from pydantic import Field

from anyshot import data as datasets
from anyshot.app.server.answers import Scores, answers
from anyshot.app.server.bodies import as_items, check_number, parsed, read_in_thread
from anyshot.app.server.limits import TENSORS_HEADER
from anyshot.app.server.live_model import LiveModel
from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.readiness import Reads, Snapshot
from anyshot.app.server.schemas import ROW, Many, Schema, described, with_example
from anyshot.app.server.service import json_answer, service_of, unless_gone, written
from anyshot.app.server.settings import Settings
from anyshot.app.server.tensors import (
    InputTensor,
    OutputName,
    OutputTensor,
    TensorType,
    read_tensors,
    split_body,
    tensor_of,
    write_answer,
)
from anyshot.base.model_folder import anyshot_version

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])
_NEEDED: Final[dict[Reads, str]] = {
    "text": "a tensor of BYTES (n,), the texts in UTF-8",
    "image": "a tensor of BYTES (n,), the files of the images, in JSON as base64",
    "vectors": "a tensor of numbers (n, d)",
}


class InferRequest(Schema):
    """Items as a tensor, and the tensors that are asked for: all, if none is named."""

    model_config = with_example(
        {"inputs": [{"name": "items", "shape": [1], "datatype": "BYTES", "data": ["I was charged twice"]}]},
        {"inputs": [{"name": name, **tensor_of(value)} for name, value in ROW.items()]},
    )
    id: str | None = Field(None, description="Given back in the answer.")
    inputs: Many[InputTensor] = Field(min_length=1)
    outputs: Many[OutputName] = Field([], description="By default, all that the model has.")
    parameters: dict[str, Any] = Field({}, description="`binary_data_output`: whether values follow the JSON as bytes.")


class InferAnswer(Schema):
    """Tensors with a row for each item."""

    model_config = with_example(
        {
            "model_name": "support",
            "model_version": "7",
            "outputs": [
                {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["billing"]},
                {"name": "probabilities", "datatype": "FP64", "shape": [1, 3], "data": [0.93, 0.04, 0.03]},
                {"name": "closeness", "datatype": "FP64", "shape": [1], "data": [0.76]},
            ],
        }
    )
    model_name: str
    model_version: str
    id: str | None = Field(None, description="That of the request.")
    outputs: list[OutputTensor]


class ModelMetadata(Schema):
    """The tensors of a model, and its classes in the order of the probabilities."""

    model_config = with_example(
        {
            "name": "support",
            "versions": ["7"],
            "platform": "anyshot",
            "inputs": [{"name": "items", "datatype": "BYTES", "shape": [-1]}],
            "outputs": [
                {"name": "label", "datatype": "BYTES", "shape": [-1]},
                {"name": "probabilities", "datatype": "FP64", "shape": [-1, 3]},
                {"name": "closeness", "datatype": "FP64", "shape": [-1]},
            ],
            "parameters": {"classes": ["billing", "delivery", "login"]},
        }
    )
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorType]
    outputs: list[TensorType]
    parameters: dict[str, list[str]]


@router.get("")
def server(request: Request) -> dict[str, Any]:
    """Say which server this is, and what it has beyond the protocol."""
    return {"name": "anyshot", "version": anyshot_version(), "extensions": ["binary_tensor_data"]}


@router.get("/health/live")
def live_check() -> dict[str, bool]:
    """Say that the server runs."""
    return {"live": True}


@router.get("/health/ready", responses={503: {}})
def ready_check(request: Request) -> Response:
    """Say whether all models answer."""
    ready = not service_of(request).closing
    return json_answer({"ready": ready}, status=200 if ready else 503)


@router.get("/models/{model}", openapi_extra=described(answer=ModelMetadata))
@router.get("/models/{model}/versions/{version}", openapi_extra=described(answer=ModelMetadata))
def metadata(model: str, request: Request, version: str = "") -> Response:
    """Describe the tensors of a model, and list its classes in the order of the probabilities."""
    snapshot = _snapshot(service_of(request).model(model), version)
    classes = [str(name) for name in snapshot.classes]
    return json_answer(
        {
            "name": model,
            "versions": [str(snapshot.version)],
            "platform": "anyshot",
            "inputs": _inputs(snapshot),
            "outputs": _outputs(snapshot),
            "parameters": {"classes": classes},
        }
    )


@router.get("/models/{model}/ready")
@router.get("/models/{model}/versions/{version}/ready")
def model_ready(model: str, request: Request, version: str = "") -> dict[str, Any]:
    """Say that a model answers."""
    _snapshot(service_of(request).model(model), version)
    return {"name": model, "ready": True}


@router.post("/models/{model}/infer", openapi_extra=described(InferRequest, InferAnswer))
@router.post("/models/{model}/versions/{version}/infer", openapi_extra=described(InferRequest, InferAnswer))
async def infer(model: str, request: Request, version: str = "") -> Response:
    """Answer items that are sent as a tensor."""
    service = service_of(request)
    snapshot = _snapshot(service.model(model), version)
    parts = split_body(await request.body(), request.headers.get(TENSORS_HEADER))
    asked, items = await read_in_thread(request, _read, *parts, snapshot, service.settings)
    asked_for = _asked_for(asked, snapshot)
    scores = await unless_gone(request, service.score(model, snapshot, items))
    facts = {"model_name": model, "model_version": str(snapshot.version), **({"id": asked.id} if asked.id else {})}

    def write() -> tuple[bytes, int | None]:
        found = _tensors(snapshot, scores)
        return write_answer(facts, [(name, found[name], binary) for name, binary in asked_for])

    body, json_length = await written(write, n_numbers=scores.predicted.size)
    if json_length is None:
        return Response(body, media_type="application/json")
    return Response(body, headers={TENSORS_HEADER: str(json_length)}, media_type="application/octet-stream")


def _read(text: bytes, rest: bytes, snapshot: Snapshot, settings: Settings) -> tuple[InferRequest, list[Any]]:
    """Return the JSON of a request and its items; rest: the bytes after the JSON."""
    asked = parsed(text, InferRequest)
    check_number(max(tensor.shape[0] for tensor in asked.inputs), settings)
    return asked, as_items(_items(read_tensors(asked.inputs, rest), snapshot), snapshot, settings)


def _snapshot(live: LiveModel, version: str) -> Snapshot:
    """Return what answers; raise ProblemError if a version is asked for that is not the current one."""
    snapshot = live.snapshot
    if version not in ("", str(snapshot.version)):
        raise ProblemError(404, f"The model is at version {snapshot.version}. Leave out the version, or ask for this.")
    return snapshot


def _outputs(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the names, types and shapes of the outputs of a model: of several tasks, one for each."""
    if snapshot.answer_kind == "values":
        return [_tensor("value", "FP64")]
    if snapshot.answer_kind == "tasks":
        kinds = {task.name: task.kind for task in snapshot.classifier.tasks_}
        return [_tensor(name, "FP64" if kind == "regression" else "BYTES") for name, kind in kinds.items()]
    found = [_tensor("label", "BYTES"), _tensor("probabilities", "FP64", len(snapshot.classes))]
    return [*found, _tensor("closeness", "FP64")] if snapshot.is_any_shot else found


def _tensor(name: str, datatype: str, *width: int) -> dict[str, Any]:
    """Return the name, the type and the shape of a tensor (n,) or (n, width)."""
    return {"name": name, "datatype": datatype, "shape": [-1, *width]}


def _tensors(snapshot: Snapshot, scores: Scores) -> dict[str, Any]:
    """Return the outputs by their names: numbers as arrays, and labels as lists of texts."""
    found: dict[str, Any] = {}
    if snapshot.answer_kind == "classes":
        found = {"probabilities": scores.predicted, "closeness": scores.closeness}
    rows = [answer.get("tasks", answer) for answer in answers(snapshot, scores)]
    for output in _outputs(snapshot):
        if (name := output["name"]) not in found:
            values = [row[name] for row in rows]
            found[name] = list(map(str, values)) if output["datatype"] == "BYTES" else np.array(values, np.float64)
    return found


def _asked_for(asked: InferRequest, snapshot: Snapshot) -> list[tuple[str, bool]]:
    """Return the tensors that are asked for, and whether each is to be written as bytes."""
    every = bool(asked.parameters.get("binary_data_output", False))
    named = [(one.name, bool(one.parameters.get("binary_data", every))) for one in asked.outputs]
    known = [one["name"] for one in _outputs(snapshot)]
    unknown = [name for name, _ in named if name not in known]
    if unknown:
        raise ProblemError(400, f"There is no output {unknown[0]!a}. The outputs are: {', '.join(known)}.")
    return named or [(name, every) for name in known]


def _inputs(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the names, types and shapes of the inputs of a model."""
    if (table := snapshot.table) is not None:
        columns = datasets.columns_read(table)
        return [_tensor(one["name"], "FP64" if one["kind"] == "number" else "BYTES") for one in columns]
    if snapshot.modality == "vectors":
        return [_tensor("items", "FP32", snapshot.width)]
    return [_tensor("items", "BYTES")]


def _rows(tensors: Mapping[str, NDArray[Any]], snapshot: Snapshot) -> list[Any]:
    """Return the rows of features of tensors, one for each column; NaN and an empty text are missing cells.

    Numbers may also be sent as vectors in the order of the columns, in one tensor (n, d).
    """
    if tensors.keys() == {"items"} and tensors["items"].ndim == 2 and tensors["items"].dtype != object:
        return list(map(_numbers, tensors["items"]))
    columns: dict[str, list[Any]] = {}
    for one in _inputs(snapshot):
        name, is_text, values = one["name"], one["datatype"] == "BYTES", tensors.get(one["name"])
        if values is None or (values.dtype == object) != is_text or values.size != len(values):
            wanted = "BYTES (n,)" if is_text else "numbers (n,)"
            raise ProblemError(400, f"The column {name!a} must be an input of its own, a tensor of {wanted}.")
        columns[name] = _texts(values.ravel()) if is_text else _numbers(values.ravel())
    if len(set(map(len, columns.values()))) > 1:
        raise ProblemError(400, "The inputs differ in length: each must have one value for each row.")
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _items(tensors: Mapping[str, NDArray[Any]], snapshot: Snapshot) -> list[Any]:
    """Return the items of tensors as `as_items` takes them."""
    modality = snapshot.modality
    if modality == "table":
        return _rows(tensors, snapshot)
    if len(tensors) > 1:
        raise ProblemError(400, f"The model has one input, and the request has {len(tensors)}.")
    (values,) = tensors.values()
    is_bytes = values.dtype == object
    if is_bytes == (modality == "vectors") or values.ndim != (2 if modality == "vectors" else 1):
        if not is_bytes or modality == "vectors" or values.ndim != 2 or values.shape[1] != 1:
            raise ProblemError(400, f"The input must be {_NEEDED[modality]}.")
        values = values[:, 0]  # with a dimension for batches, as some clients send it
    if modality == "vectors":
        vectors: list[Any] = values.astype(float).tolist()
        return vectors
    if modality == "image":
        return [{"image": _file(one)} for one in values]
    return _texts(values)


def _texts(values: NDArray[Any]) -> list[str]:
    try:
        return [one.decode("utf-8") for one in values]
    except UnicodeDecodeError:
        raise ProblemError(400, "A text is not UTF-8.") from None


def _numbers(values: NDArray[Any]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.astype(float).tolist()]


def _file(content: bytes) -> bytes:
    """Return the bytes of a file, which are base64 in JSON; no image file that is read looks like base64."""
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except ValueError:
        return content
