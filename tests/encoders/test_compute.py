"""Where an encoder runs, and how precisely."""

import pytest
import torch

from anyshot.encoders.compute import Compute, choose, multiplies_bfloat16
from anyshot.errors import EncoderError

CPU = torch.device("cpu")


def test_auto_is_the_gpu_where_torch_sees_one_and_the_cpu_elsewhere():
    assert choose("auto").device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_precision_is_bfloat16_where_the_cpu_has_its_instructions():
    assert choose("cpu") == Compute(CPU, torch.bfloat16 if multiplies_bfloat16(CPU) else torch.float32)


@pytest.mark.parametrize(
    ("instructions", "has"), [("avx512_bf16", True), ("amx_bf16", True), ("bf16", True), ("avx2", False)]
)
def test_the_cpus_own_list_of_instructions_decides(monkeypatch, instructions, has):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instructions: True, "architecture": "x86_64"})
    assert multiplies_bfloat16(CPU) is has


def test_a_torch_that_cannot_list_instructions_gets_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose("cpu").dtype == torch.float32


def test_nothing_of_torchs_own_state_is_changed():
    before = torch.get_num_threads(), torch.get_default_dtype()
    choose("auto")
    assert (torch.get_num_threads(), torch.get_default_dtype()) == before


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x"])
def test_a_name_that_is_no_device_is_refused(device):
    with pytest.raises(EncoderError, match=r'is no device\. Give "auto", "cpu"'):
        choose(device)


@pytest.mark.parametrize("device", ["cuda:77", "xpu", "meta", "cpu:3"])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(EncoderError, match="is not on this machine"):
        choose(device)
