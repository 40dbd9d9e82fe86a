"""Weights in torch's old file format: equal to what torch reads, and unable to run anything."""

import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from anyshot.encoders.pickled_weights import MAGIC, VERSION, read_pickled_weights
from anyshot.encoders.published_files import published_file
from anyshot.errors import MissingWeightsError

PUBLISHED = published_file("efficientnet-lite0", "efficientnet-lite0-57934424.pth")
RAN = []


class Payload:
    """An object whose pickle calls a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def read(content: bytes) -> dict[str, np.ndarray]:
    return read_pickled_weights(content, name="weights.pth", remedy="Install it again.")


def written(state: object, *, keys: object = (), magic: int = MAGIC, protocol: int = 2) -> bytes:
    """Return a file of torch's old format with any object in place of the tensors."""
    parts = (magic, VERSION, {"little_endian": True}, state, list(keys))
    return b"".join(pickle.dumps(part, protocol=protocol) for part in parts)


def saved(state: object) -> bytes:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


@pytest.mark.torch
def test_the_published_tensors_equal_those_that_torch_reads():
    import torch

    expected = torch.load(PUBLISHED, map_location="cpu", weights_only=True)
    tensors = read(PUBLISHED.read_bytes())
    assert list(tensors) == list(expected)
    assert len(tensors) == 296
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor, expected[name].numpy(), strict=True)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_views_of_one_storage_of_any_type_equal_those_that_torch_reads(dtype):
    import torch

    whole = torch.arange(24).reshape(4, 6).to(getattr(torch, dtype))
    state = OrderedDict(whole=whole, turned=whole.T, part=whole[1:3, ::2], empty=whole[:0], scalar=whole[2, 3])
    for name, tensor in read(saved(state)).items():
        np.testing.assert_array_equal(tensor, state[name].numpy(), strict=True)


def test_the_published_file_has_the_classifier_of_imagenet():
    tensors = read(PUBLISHED.read_bytes())
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert tensors["_bn0.num_batches_tracked"].shape == ()
    assert not tensors["_fc.weight"].flags.writeable


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("true",), f"{os.name}.system"),
        (eval, ("1",), "builtin"),
        (getattr, (RAN, "append"), "builtin"),
        (RAN.append, (1,), "builtin"),
        (pickle.loads, (b"",), "pickle"),
    ],
    ids=["os.system", "eval", "getattr", "method", "pickle"],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_with_a_payload_is_refused_before_it_runs(function, arguments, named, protocol):
    content = written(OrderedDict(x=Payload(function, *arguments)), protocol=protocol)
    with pytest.raises(MissingWeightsError, match=rf"ask for _*{named}.*Nothing of the file was run"):
        read(content)
    assert not RAN


@pytest.mark.parametrize(
    "code",
    [
        b"ccollections\nOrderedDict.fromkeys.__globals__\n.",
        b"\x80\x04\x8c\x0bcollections\x8c\x20OrderedDict.__init__.__globals__\x93.",
        b"ctorch._utils\n__builtins__\n.",
        b"ctorch\nload\n.",
        b"ianyshot\nRAN\n.",
        b"(S'true'\nios\nsystem\n.",
    ],
    ids=["dotted name", "dotted name of protocol 4", "builtins of a module", "load", "own name", "instance"],
)
def test_a_name_that_is_no_part_of_a_tensor_is_refused(code):
    with pytest.raises(MissingWeightsError, match=r"ask for|cannot be read"):
        read(written(0)[: len(pickle.dumps(MAGIC, protocol=2))] + code)


@pytest.mark.parametrize(
    "code",
    [
        b"ccollections\nOrderedDict\n}S'__call__'\nI1\nsb.",  # sets an attribute of the maker
        b"ctorch._utils\n_rebuild_tensor_v2\n}S'__class__'\nI1\nsb.",
        b"ccollections\nOrderedDict\n)\x81.",  # makes an object of a maker as if it were a class
        b"ctorch\nFloatStorage\n)R.",  # calls a name
        b"(I1\nI2\ntQ.",  # a reference to something that is no storage
    ],
)
def test_the_makers_cannot_be_changed_or_misused(code):
    with pytest.raises(MissingWeightsError, match="cannot be read as a torch file"):
        read(code)


@pytest.mark.parametrize("share", [0, 0.0001, 0.002, 0.5, 0.999999])
def test_a_file_cut_short_is_refused(share):
    content = PUBLISHED.read_bytes()
    with pytest.raises(MissingWeightsError, match=r"weights\.pth cannot be read as a torch file.*Install it again"):
        read(content[: int(share * len(content))])


def test_a_tensor_outside_its_storage_is_refused():
    content = PUBLISHED.read_bytes()
    shape = b"K\x20K\x03K\x03K\x03t"  # (32, 3, 3, 3), of the first convolution
    assert shape in content[:3000]
    with pytest.raises(MissingWeightsError, match="larger than its storage"):
        read(content.replace(shape, b"K\x21K\x03K\x03K\x03t", 1))


def test_another_format_is_refused():
    with pytest.raises(MissingWeightsError, match="its magic number is 7"):
        read(written({}, magic=7))
    with pytest.raises(MissingWeightsError, match="cannot be read as a torch file"):
        read(b"PK\x03\x04 a zip file")
