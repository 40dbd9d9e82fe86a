"""Stages, pooling, preparations, batches, and the device and precision of a network."""

import numpy as np
import pytest
import torch

from anyshot.encoders.stages import (
    Compute,
    ImagePreparation,
    Mapped,
    MeanPooling,
    State,
    TextPreparation,
    TokenPooling,
    choose_compute,
    last_token,
    mean_of_tokens,
    multiplies_bfloat16,
    through,
)
from anyshot.errors import BadItemError, EncoderError

STATES = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [100.0, 100.0]], [[5.0, 6.0], [7.0, 8.0], [9.0, 1.0]]])
MASK = torch.tensor([[True, True, False], [True, True, True]])


def test_the_mean_ignores_padding():
    assert mean_of_tokens(State(STATES, MASK)).tolist() == [[2.0, 3.0], [7.0, 5.0]]
    assert mean_of_tokens(State(STATES[1:])).tolist() == [[7.0, 5.0]]


def test_the_last_token_is_before_the_padding():
    assert last_token(State(STATES, MASK)).tolist() == [[3.0, 4.0], [9.0, 1.0]]
    assert last_token(State(STATES)).tolist() == [[100.0, 100.0], [9.0, 1.0]]


def test_padding_does_not_change_the_result():
    other = STATES.clone()
    other[0, 2] = -7.0
    for pooled in (mean_of_tokens, last_token):
        assert torch.equal(pooled(State(STATES, MASK)), pooled(State(other, MASK)))


def test_feature_maps_are_averaged_in_float32():
    maps = torch.arange(8.0).reshape(1, 2, 2, 2).to(torch.bfloat16)
    result = MeanPooling()(State(maps)).x
    assert result.dtype == torch.float32
    assert result.tolist() == [[1.5, 5.5]]


def test_the_norm_is_applied_to_each_token_before_pooling():
    stage = TokenPooling(mean_of_tokens, norm=torch.nn.ReLU())
    assert stage(State(-STATES, MASK)).x.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_stages_run_in_order_from_first_to_last():
    network = {"add": Mapped(Plus(1.0)), "twice": Mapped(Plus(2.0), Plus(3.0)), "last": Mapped(Plus(10.0))}
    start = State(torch.zeros(1))
    assert through(network, start).x.item() == 16.0
    assert through(network, start, first=1).x.item() == 15.0
    assert through(network, through({"add": network["add"]}, start), first=1).x.item() == 16.0


class Plus(torch.nn.Module):
    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.number


def test_texts_are_padded_on_the_right():
    preparation = TextPreparation(lambda texts, row: [[ord(letter) for letter in text] for text in texts], pad=9)
    state = preparation.together(preparation.prepare(["abc", "d"]))
    assert state.x.tolist() == [[97, 98, 99], [100, 9, 9]]
    assert state.mask.tolist() == [[True, True, True], [True, False, False]]


def test_an_image_is_read_once_for_all_its_views():
    preparation = ImagePreparation(lambda pixels: torch.from_numpy(pixels.copy()).permute(2, 0, 1))
    photo = np.random.default_rng(0).integers(0, 256, size=(4, 5, 3), dtype=np.uint8)
    (result,) = preparation.in_views([lambda pixels: pixels, lambda pixels: pixels[:, ::-1]]).prepare([photo])
    assert result.shape == (2, 3, 4, 5)
    assert torch.equal(result[1], result[0].flip(2))


def test_an_unusable_image_is_named_by_its_row():
    preparation = ImagePreparation(lambda pixels: torch.from_numpy(pixels))
    with pytest.raises(BadItemError, match="row 7"):
        preparation.prepare([np.zeros((2, 2, 3))], first_row=7)


def test_a_state_is_moved_with_its_mask():
    moved = State(STATES, MASK).to("meta")
    assert (moved.x.device.type, moved.mask.device.type) == ("meta", "meta")
    assert State(STATES).to("cpu").mask is None


# --- device and precision ---------------------------------------------------------------------------


CPU = torch.device("cpu")


def test_auto_is_the_gpu_if_torch_finds_one_else_the_cpu():
    assert choose_compute("auto").device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_precision_is_bfloat16_if_the_cpu_has_instructions_for_it():
    assert choose_compute("cpu") == Compute(CPU, torch.bfloat16 if multiplies_bfloat16(CPU) else torch.float32)


@pytest.mark.parametrize(
    ("instructions", "has"), [("avx512_bf16", True), ("amx_bf16", True), ("bf16", True), ("avx2", False)]
)
def test_the_cpus_list_of_instructions_is_read(monkeypatch, instructions, has):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instructions: True, "architecture": "x86_64"})
    assert multiplies_bfloat16(CPU) is has


def test_float32_is_used_if_torch_cannot_list_instructions(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_compute("cpu").dtype == torch.float32


def test_torchs_global_state_is_not_changed():
    before = torch.get_num_threads(), torch.get_default_dtype()
    choose_compute("auto")
    assert (torch.get_num_threads(), torch.get_default_dtype()) == before


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x"])
def test_an_invalid_device_name_raises_an_error(device):
    with pytest.raises(EncoderError, match=r'is not a device\. Give "auto", "cpu"'):
        choose_compute(device)


@pytest.mark.parametrize("device", ["cuda:77", "xpu", "meta", "cpu:3"])
def test_a_missing_device_raises_an_error(device):
    with pytest.raises(EncoderError, match="torch does not find device"):
        choose_compute(device)
