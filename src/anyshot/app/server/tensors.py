"""Tensors of the Open Inference Protocol, as JSON or, after the JSON, as bytes."""

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from anyshot.app.server.limits import MAX_NUMBERS, TENSORS_HEADER, too_many_numbers
from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.schemas import Schema
from anyshot.base.json_values import json_in_parts

DATATYPES: Final = {
    "BOOL": "?",
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


class TensorType(Schema):
    """The name, type and shape of a tensor."""

    name: str = Field(description="As the metadata of the model name it.")
    datatype: str = Field(description=f"BYTES for texts and files, or a type of number: {', '.join(DATATYPES)}.")
    shape: list[int] = Field(min_length=1, max_length=2, description="(n,) or (n, d); -1 for any number of items.")


class InputTensor(TensorType):
    """A tensor that a client sends."""

    data: Any = Field(None, description="The values, flat or nested; files in base64. None if they follow as bytes.")
    parameters: dict[str, Any] = Field({}, description="`binary_data_size`: how many bytes after the JSON are its own.")


class OutputTensor(TensorType):
    """A tensor of an answer."""

    data: list[float | str] | None = Field(None, description="The values, flat; none if they follow as bytes.")
    parameters: dict[str, int] = Field({}, description="`binary_data_size`, if they do.")


class OutputName(Schema):
    """A tensor that a client asks for."""

    name: str
    parameters: dict[str, Any] = Field({}, description="`binary_data`: whether its values follow the JSON as bytes.")


def split_body(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    """Return the JSON of a body, and the bytes of tensors after it."""
    if json_length is None:
        return body, b""
    if not json_length.isdecimal() or int(json_length) > len(body):
        raise ProblemError(400, f"The header {TENSORS_HEADER} must be the number of bytes of the JSON in the body.")
    return body[: int(json_length)], body[int(json_length) :]


def read_tensors(tensors: Sequence[InputTensor], rest: bytes) -> dict[str, NDArray[Any]]:
    """Return the values of each tensor by its name: numbers in its shape, or bytes, an array of objects.

    rest: the bytes after the JSON, which are those of the tensors that state their number, one after the other.
    """
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for tensor in tensors:
        size = tensor.parameters.get("binary_data_size")
        if size is not None and (type(size) is not int or not 0 <= size <= len(rest) - at):
            raise _wrong_size(tensor.name, rest)
        if tensor.name in found:
            raise ProblemError(400, f"There are two tensors named {tensor.name!a}.")
        found[tensor.name] = _read(tensor, None if size is None else rest[at : at + size])
        at += size or 0
    if at < len(rest):
        raise _wrong_size(tensors[-1].name, rest)
    return found


def _wrong_size(name: str, rest: bytes) -> ProblemError:
    given = f"After the JSON, the body has {len(rest)} bytes"
    return ProblemError(400, f"{given}, and the tensor {name!a} states another binary_data_size, or none.")


def tensor_of(value: float | str | None) -> dict[str, Any]:
    """Return a tensor of one number or text, without its name, as a client sends it in JSON; None is an empty text."""
    value = "" if value is None else value
    return {"shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value]}


def _read(tensor: InputTensor, content: bytes | None) -> NDArray[Any]:
    """Return the values of a tensor; content: its bytes, None if its values are in the JSON."""
    n_values = np.prod(tensor.shape, dtype=float)
    if n_values > MAX_NUMBERS:
        raise too_many_numbers()
    values = _from_json(tensor) if content is None else _from_bytes(tensor, content)
    if any(length < 0 for length in tensor.shape) or values.size != n_values:
        raise ProblemError(400, f"The tensor {tensor.name!a} has {values.size} values, which are not of its shape.")
    return values.reshape(tensor.shape)


def _from_json(tensor: InputTensor) -> NDArray[Any]:
    flat = _flat(tensor)
    if tensor.datatype == "BYTES":
        if not all(isinstance(value, str) for value in flat):
            raise ProblemError(400, f"The data of the tensor {tensor.name!a} must be texts.")
        return _objects([value.encode("utf-8") for value in flat])
    if not all(isinstance(value, int | float) for value in flat):
        raise ProblemError(400, f"The data of the tensor {tensor.name!a} must be numbers.")
    kind = np.dtype(_code(tensor.datatype))
    if kind.kind != "f":
        least, most = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
        if not all(least <= value <= most and value == int(value) for value in flat):
            raise ProblemError(400, f"The tensor {tensor.name!a} has a number that is no {tensor.datatype}.")
    try:
        return np.array([float(value) for value in flat])
    except OverflowError:
        raise ProblemError(400, f"The tensor {tensor.name!a} has a number that is too large for a float.") from None


def _flat(tensor: InputTensor) -> list[Any]:
    """Return the values of data that is flat, or nested as the shape is."""
    given = tensor.data if isinstance(tensor.data, list) else [tensor.data]
    if not any(isinstance(value, list) for value in given):
        return given
    n_rows, *lengths = tensor.shape
    if len(given) != n_rows or any(not isinstance(row, list) or [len(row)] != lengths for row in given):
        raise ProblemError(400, f"The data of the tensor {tensor.name!a} is nested otherwise than its shape.")
    return [value for row in given for value in row]


def _from_bytes(tensor: InputTensor, content: bytes) -> NDArray[Any]:
    if tensor.datatype == "BYTES":
        return _objects(_strings(tensor.name, content))
    kind = np.dtype(_code(tensor.datatype))
    if len(content) % kind.itemsize:
        raise ProblemError(400, f"The bytes of the tensor {tensor.name!a} are no whole number of {tensor.datatype}.")
    return np.frombuffer(content, kind)


def _strings(name: str, content: bytes) -> list[bytes]:
    """Return byte strings, before each of which there are four bytes with its length."""
    found, at = [], 0
    while at < len(content):
        if at + 4 > len(content):
            raise ProblemError(400, f"The bytes of the tensor {name!a} end within a length.")
        (length,) = struct.unpack_from("<I", content, at)
        at += 4
        if at + length > len(content):
            raise ProblemError(400, f"The bytes of the tensor {name!a} end within a text.")
        found.append(content[at : at + length])
        at += length
    return found


def _code(datatype: str) -> str:
    if datatype not in DATATYPES:
        raise ProblemError(400, f"Tensors may be BYTES, {', '.join(DATATYPES)}; this one is {datatype!a}.")
    return DATATYPES[datatype]


def _objects(values: Sequence[bytes]) -> NDArray[Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def write_answer(facts: dict[str, Any], outputs: Sequence[tuple[str, Any, bool]]) -> tuple[bytes, int | None]:
    """Return a body with output tensors, and the number of bytes of its JSON if bytes follow it.

    outputs: of each tensor its name, its values, texts (n,) or numbers, and whether they are written as bytes.
    """
    described, rest = [], b""
    for name, values, binary in outputs:
        is_text = isinstance(values, list)
        shape = [len(values)] if is_text else list(values.shape)
        tensor: dict[str, Any] = {"name": name, "shape": shape, "datatype": "BYTES" if is_text else "FP64"}
        if not binary:
            described.append({**tensor, "data": values if is_text else values.ravel().tolist()})
            continue
        content = _packed(values) if is_text else values.astype("<f8").tobytes()
        described.append({**tensor, "parameters": {"binary_data_size": len(content)}})
        rest += content
    text = json_in_parts({**facts, "outputs": described}).encode("ascii")
    return text + rest, len(text) if any(binary for _, _, binary in outputs) else None


def _packed(texts: Sequence[str]) -> bytes:
    encoded = [text.encode("utf-8") for text in texts]
    return b"".join(struct.pack("<I", len(text)) + text for text in encoded)
