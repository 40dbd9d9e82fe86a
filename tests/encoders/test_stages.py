"""Stages of one explicit state: pooling by hand, and preparations."""

import numpy as np
import pytest
import torch

from anyshot.encoders.stages import (
    AveragedPlaces,
    ImagePreparation,
    Mapped,
    PooledTokens,
    State,
    TextPreparation,
    last_real,
    mean_of_real,
    through,
)
from anyshot.errors import BadItemError

STATES = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [100.0, 100.0]], [[5.0, 6.0], [7.0, 8.0], [9.0, 1.0]]])
MASK = torch.tensor([[True, True, False], [True, True, True]])


def test_the_mean_is_taken_over_real_tokens_only():
    assert mean_of_real(State(STATES, MASK)).tolist() == [[2.0, 3.0], [7.0, 5.0]]
    assert mean_of_real(State(STATES[1:])).tolist() == [[7.0, 5.0]]


def test_the_last_real_token_is_before_what_fills_up():
    assert last_real(State(STATES, MASK)).tolist() == [[3.0, 4.0], [9.0, 1.0]]
    assert last_real(State(STATES)).tolist() == [[100.0, 100.0], [9.0, 1.0]]


def test_what_fills_a_text_up_does_not_count():
    other = STATES.clone()
    other[0, 2] = -7.0
    for pooled in (mean_of_real, last_real):
        assert torch.equal(pooled(State(STATES, MASK)), pooled(State(other, MASK)))


def test_places_are_averaged_in_float32():
    maps = torch.arange(8.0).reshape(1, 2, 2, 2).to(torch.bfloat16)
    made = AveragedPlaces()(State(maps)).x
    assert made.dtype == torch.float32
    assert made.tolist() == [[1.5, 5.5]]


def test_a_norm_before_pooling_is_applied_to_each_token():
    stage = PooledTokens(mean_of_real, norm=torch.nn.ReLU())
    assert stage(State(-STATES, MASK)).x.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_stages_run_in_order_and_any_part_of_them():
    network = {"add": Mapped(Plus(1.0)), "twice": Mapped(Plus(2.0), Plus(3.0)), "last": Mapped(Plus(10.0))}
    start = State(torch.zeros(1))
    assert through(network, start).x.item() == 16.0
    assert through(network, start, first=1).x.item() == 15.0
    assert through(network, start, last=1).x.item() == 1.0
    assert through(network, through(network, start, last=2), first=2).x.item() == 16.0


class Plus(torch.nn.Module):
    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.number


def test_texts_are_filled_up_on_the_right():
    preparation = TextPreparation(lambda texts, row: [[ord(letter) for letter in text] for text in texts], pad=9)
    state = preparation.together(preparation.prepare(["abc", "d"]))
    assert state.x.tolist() == [[97, 98, 99], [100, 9, 9]]
    assert state.mask.tolist() == [[True, True, True], [True, False, False]]


def test_an_image_is_read_once_for_all_its_views():
    preparation = ImagePreparation(lambda pixels: torch.from_numpy(pixels.copy()).permute(2, 0, 1))
    photo = np.random.default_rng(0).integers(0, 256, size=(4, 5, 3), dtype=np.uint8)
    (made,) = preparation.in_views([lambda pixels: pixels, lambda pixels: pixels[:, ::-1]]).prepare([photo])
    assert made.shape == (2, 3, 4, 5)
    assert torch.equal(made[1], made[0].flip(2))


def test_a_bad_image_is_named_by_its_row():
    preparation = ImagePreparation(lambda pixels: torch.from_numpy(pixels))
    with pytest.raises(BadItemError, match="row 7"):
        preparation.prepare([np.zeros((2, 2, 3))], first_row=7)


def test_a_state_moves_with_its_mask():
    moved = State(STATES, MASK).to("meta")
    assert (moved.x.device.type, moved.mask.device.type) == ("meta", "meta")
    assert State(STATES).to("cpu").mask is None
