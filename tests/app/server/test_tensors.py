"""Tensors are read as JSON and as bytes, and written as either."""

import json
import struct

import numpy as np
import pytest

from anyshot.app.server.problem_error import ProblemError
from anyshot.app.server.tensors import InputTensor, read_tensors, split_body, write_answer


def tensor(**given) -> InputTensor:
    return InputTensor(**{"name": "items", "shape": [2], "datatype": "BYTES", **given})


def read_tensor(one: InputTensor, rest: bytes) -> np.ndarray:
    return read_tensors([one], rest)[one.name]


def packed(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def test_texts_are_read_from_json_and_from_bytes():
    content = packed(b"a", "é".encode())
    binary = tensor(parameters={"binary_data_size": len(content)})
    assert read_tensor(tensor(data=["a", "é"]), b"").tolist() == [b"a", "é".encode()]
    assert read_tensor(binary, content).tolist() == [b"a", "é".encode()]


def test_numbers_are_read_from_flat_and_nested_lists_and_from_bytes():
    expected = [[1.0, 2.5], [3.0, 4.0]]
    numbers = np.array(expected, "<f4")
    for data in ([1, 2.5, 3, 4], expected):
        assert read_tensor(tensor(shape=[2, 2], datatype="FP32", data=data), b"").tolist() == expected
    binary = tensor(shape=[2, 2], datatype="FP32", parameters={"binary_data_size": 16})
    assert read_tensor(binary, numbers.tobytes()).tolist() == expected


@pytest.mark.parametrize(
    ("given", "rest"),
    [
        ({"data": ["a"]}, b""),
        ({"data": None}, b""),
        ({"data": [1, 2]}, b""),
        ({"shape": [-2, -1], "data": ["a", "b"]}, b""),
        ({"shape": [2**62, 4], "data": []}, b""),
        ({"datatype": "FP32", "data": ["a", "b"]}, b""),
        ({"datatype": "INT64", "data": [10**400, 1]}, b""),
        ({"datatype": "FP99", "parameters": {"binary_data_size": 4}}, b"1234"),
        ({"datatype": "FP32", "parameters": {"binary_data_size": 7}}, b"1234567"),
        ({"parameters": {"binary_data_size": 100}}, b""),
        ({"parameters": {"binary_data_size": -1}}, b""),
        ({"parameters": {"binary_data_size": "9"}}, b""),
        ({"parameters": {"binary_data_size": 2}}, b"\x00\x00"),
        ({"parameters": {"binary_data_size": 5}}, b"\xff\xff\xff\xffa"),
        ({"parameters": {"binary_data_size": 12}}, packed(b"a", b"b") + b"more"),
        ({"data": ["a", "b"]}, b"more"),
        ({"datatype": "FP32", "parameters": {"binary_data_size": 8.0}}, b"\x00" * 8),
        ({"datatype": "INT8", "data": [1.5, 0]}, b""),
        ({"datatype": "UINT8", "data": [-1, 256]}, b""),
        ({"datatype": "BOOL", "data": [2, 0]}, b""),
        ({"datatype": "FLOAT", "data": [2, 0]}, b""),
        ({"datatype": "FP32", "shape": [2, 3], "data": [[1, 0], [0, 1], [0, 0]]}, b""),
        ({"datatype": "FP32", "shape": [2, 2], "data": [[1, 0, 1], [1]]}, b""),
    ],
)
def test_tensors_that_contradict_themselves_are_refused(given, rest):
    with pytest.raises(ProblemError, match=r"tensor|Tensors"):
        read_tensor(tensor(**given), rest)


@pytest.mark.parametrize("length", ["9", "-1", "x", ""])
def test_a_length_of_json_must_be_in_the_body(length):
    with pytest.raises(ProblemError, match="number of bytes"):
        split_body(b"{}1", length)


def test_an_answer_states_where_its_bytes_are():
    numbers = np.array([[0.25, 0.75]])
    body, length = write_answer({"id": "1"}, [("label", ["é"], True), ("probabilities", numbers, True)])
    found, rest = json.loads(body[:length]), body[length:]
    sizes = [one["parameters"]["binary_data_size"] for one in found["outputs"]]
    assert rest[: sizes[0]] == packed("é".encode())
    assert np.frombuffer(rest[sizes[0] :], "<f8").tolist() == [0.25, 0.75]
    body, length = write_answer({}, [("label", ["é"], False), ("probabilities", numbers, False)])
    assert length is None
    assert json.loads(body)["outputs"][1] == {
        "name": "probabilities",
        "shape": [1, 2],
        "datatype": "FP64",
        "data": [0.25, 0.75],
    }
