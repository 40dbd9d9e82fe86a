"""Weights in safetensors: types, parts, and what is wrong with a file."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import save_file

from anyshot.encoders.engines.weights import Weights, check_weights, read_safetensors
from anyshot.errors import MissingWeightsError


def raw(dtype: str, shape: list[int], data: bytes) -> bytes:
    header = json.dumps({"x": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    return struct.pack("<Q", len(header)) + header + data


def test_weights_are_looked_up_below_a_part():
    weights = Weights({"a.b.w": np.zeros(2, np.float32), "a.c": np.ones(1, np.float32)}, "here")
    part = weights.under("a").under("b")
    assert "w" in part
    assert "c" not in part
    assert list(weights.under("a")) == ["b.w", "c"]
    assert len(part) == 1
    np.testing.assert_array_equal(part["w"], [0, 0])


def test_a_model_with_a_head_has_its_trunk_under_a_name():
    with_head = Weights({"bert.w": np.zeros(2, np.float32), "head": np.ones(1, np.float32)}, "here")
    assert list(with_head.without_head("bert")) == ["w"]
    assert list(with_head.under("bert").without_head("bert")) == ["w"]


def test_missing_weights_are_named_with_the_remedy():
    weights = Weights({}, "the/folder").under("encoder").under("0")
    with pytest.raises(MissingWeightsError, match=r"the/folder lacks the weights encoder\.0\.bias.*Download the model"):
        weights["bias"]


def test_the_parts_of_a_model_are_read_together_and_integers_are_left_out(tmp_path):
    files = [tmp_path / "model-1.safetensors", tmp_path / "model-2.safetensors"]
    save_file({"a": np.float32([1, 2]), "steps": np.int64([7])}, files[0])
    save_file({"b": np.float16([[0.5]])}, files[1])
    weights = read_safetensors(files, source=tmp_path)
    assert sorted(weights) == ["a", "b"]
    np.testing.assert_array_equal(weights["b"], np.float32([[0.5]]), strict=True)


def test_bfloat16_is_read_exactly(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(raw("BF16", [3], np.uint16([0x3F80, 0xC040, 0x0000]).tobytes()))
    np.testing.assert_array_equal(read_safetensors([file], source=file)["x"], np.float32([1, -3, 0]), strict=True)


def test_a_type_that_is_not_read_is_named(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(raw("F8_E4M3", [2], b"\x00\x00"))
    with pytest.raises(MissingWeightsError, match=r"has x as F8_E4M3.*Save the model in float32"):
        read_safetensors([file], source=file)


@pytest.mark.parametrize("length", [0, 4, 40, -1])
def test_a_file_cut_short_is_refused(length, tmp_path):
    file = tmp_path / "model.safetensors"
    save_file({"a": np.zeros(100, np.float32)}, file)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(
        MissingWeightsError, match=r"model\.safetensors are damaged or cut short\. Download the model again"
    ):
        read_safetensors([file], source=file)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"cannot be read: .*No such file"):
        read_safetensors([tmp_path / "model.safetensors"], source=tmp_path)


def test_weights_of_another_shape_are_named():
    weights = Weights({"layer.x": np.zeros((2, 3), np.float32)}, "the model").under("layer")
    weights.check("x", (2, 3))
    with pytest.raises(MissingWeightsError, match=r"the model has the weights layer\.x in the shape \(2, 3\), but"):
        weights.check("x", (3, 2))


def test_ends_of_names_can_be_replaced(tmp_path):
    save_file({"norm.gamma": np.ones(1, np.float32), "x": np.ones(1, np.float32)}, tmp_path / "m.safetensors")
    weights = read_safetensors([tmp_path / "m.safetensors"], source="", renamed={".gamma": ".weight"})
    assert set(weights) == {"norm.weight", "x"}


def test_changing_an_array_does_not_change_the_file(tmp_path):
    save_file({"x": np.ones(1, np.float32)}, tmp_path / "m.safetensors")
    read_safetensors([tmp_path / "m.safetensors"], source="")["x"][:] = 7
    assert read_safetensors([tmp_path / "m.safetensors"], source="")["x"].tolist() == [1]


@pytest.mark.parametrize(
    "header",
    [
        [1],
        {"x": 3},
        {"x": {"shape": [1]}},
        {"x": {"dtype": "F32", "shape": ["a"], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}},
        {"x": {"dtype": "F32", "shape": [1] * 70, "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "y": {"dtype": "F32", "data_offsets": [0, 4]}},
        "[" * 100_000,
    ],
)
def test_a_header_that_does_not_describe_tensors_is_refused(header, tmp_path):
    text = header.encode() if isinstance(header, str) else json.dumps(header).encode()
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    with pytest.raises(MissingWeightsError, match="damaged or cut short"):
        read_safetensors([tmp_path / "m.safetensors"], source="")


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_weights_that_are_no_numbers_are_refused_and_masks_may_be_infinite(number, kind, tmp_path):
    file = tmp_path / "model.safetensors"
    save_file({"attention_mask": np.array([-np.inf], kind), "a.bias": np.full(3, np.finfo(kind).max, kind)}, file)
    check_weights(file, is_quantized=False)
    save_file({"a.bias": np.array([1, number], kind)}, file)
    with pytest.raises(MissingWeightsError, match=r"has NaN or infinity in the weights a\.bias"):
        check_weights(file, is_quantized=False)
