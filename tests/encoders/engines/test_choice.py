"""Which engine runs an encoder."""

import sys
from types import SimpleNamespace

import pytest

from anyshot.encoders.engines import choice
from anyshot.encoders.engines.choice import UnsupportedModelError, choose_engine, finds_gpu
from anyshot.errors import EncoderError, InputError, MissingExtraError


def too_new() -> None:
    raise UnsupportedModelError("it is too new")


def test_on_the_processor_it_is_openvino():
    assert choose_engine("openvino") == choose_engine(device="cpu") == "openvino"


def test_without_a_driver_it_is_openvino_and_torch_is_not_imported(monkeypatch):
    monkeypatch.setattr(choice, "DRIVERS", ())
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert not finds_gpu()
    assert choose_engine() == "openvino"
    assert "torch" not in sys.modules


@pytest.mark.torch
@pytest.mark.parametrize("arguments", [{"device": "cuda"}, {"device": "mps"}, {"engine": "torch"}, {"check": too_new}])
def test_for_another_device_or_by_name_it_is_torch(arguments):
    assert choose_engine(**arguments) == "torch"


@pytest.mark.parametrize(
    ("arguments", "purpose"),
    [
        ({"device": "cuda"}, "device='cuda'"),
        ({"engine": "torch"}, "engine='torch'"),
        ({"check": too_new}, r"This model \(it is too new\)"),
    ],
)
def test_without_torch_the_extra_is_named(monkeypatch, arguments, purpose):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=purpose + r' needs torch: pip install "anyshot\[torch\]"'):
        choose_engine(**arguments)


def test_openvino_on_another_device_is_refused():
    with pytest.raises(EncoderError, match="engine='openvino' runs on the CPU only"):
        choose_engine("openvino", device="cuda")


def test_openvino_for_a_model_that_it_cannot_run_is_refused():
    with pytest.raises(EncoderError, match=r"cannot run this model: it is too new\. Use engine='torch', after pip"):
        choose_engine("openvino", check=too_new)


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match="engine='onnx' must be 'auto', 'openvino' or 'torch'"):
        choose_engine("onnx")


def test_torch_that_is_not_installed_finds_no_gpu(monkeypatch):
    monkeypatch.setattr(choice, "importlib", SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: None)))
    assert not finds_gpu()


@pytest.mark.torch
def test_without_openvino_it_is_torch(monkeypatch):
    monkeypatch.setattr(choice, "is_installed", lambda: False)
    assert choose_engine() == "torch"


def test_with_neither_both_are_named(monkeypatch):
    monkeypatch.setattr(choice, "is_installed", lambda: False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"Without openvino \(pip install openvino\), an encoder needs torch"):
        choose_engine(device="cpu")
