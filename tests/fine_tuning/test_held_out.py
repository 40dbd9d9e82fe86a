"""What is held out: a share of every class, and never the last of one."""

import re

import numpy as np
import pytest

from anyshot.fine_tuning.held_out import hold_out


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_every_class_gives_its_share_and_no_row_is_on_both_sides():
    index = np.repeat([0, 1], [40, 60])
    parted = hold_out(index, share=0.25, generator=generator())
    np.testing.assert_allclose(np.bincount(index[parted.held_out]), [10, 15], atol=1)
    assert sorted([*parted.train, *parted.held_out]) == list(range(100))


@pytest.mark.parametrize("seed", range(20))
def test_no_class_is_emptied(seed):
    index = np.repeat(np.arange(6), [1, 2, 2, 3, 5, 1])
    parted = hold_out(index, share=0.9, generator=np.random.default_rng(seed))
    assert set(index[parted.train]) == set(range(6))


def test_one_label_a_class_leaves_nothing_to_hold_out_and_it_says_so():
    parted = hold_out(np.arange(5), share=0.5, generator=generator())
    assert len(parted.held_out) == 0
    assert "too few labels, at most 1 a class" in parted.why_none


def test_auto_holds_out_a_tenth_where_that_tells_epochs_apart():
    assert hold_out(np.repeat([0, 1], 500), share="auto", generator=generator()).held_out.size == pytest.approx(
        100, abs=2
    )
    few = hold_out(np.repeat([0, 1], 150), share="auto", generator=generator())
    assert len(few.train) == 300
    assert "a tenth of 300 labels" in few.why_none


def test_auto_holds_nothing_out_where_small_classes_leave_little():
    few = hold_out(np.arange(1200) % 1100, share="auto", generator=generator())
    assert len(few.train) == 1200
    assert re.search(r"a tenth of each class is \d\d labels in all, too few", few.why_none)


def test_nothing_is_held_out_where_nothing_is_asked_for():
    assert hold_out(np.repeat([0, 1], 50), share=0, generator=generator()).why_none == "held_out=0"
