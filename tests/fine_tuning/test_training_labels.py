"""Labeled items as users give them, and those that are held out."""

import re

import numpy as np
import pytest

from anyshot.errors import InputError
from anyshot.fine_tuning.training_labels import TrainingLabels, hold_out, labeled_items


def test_a_mapping_of_labels_to_items_is_read_and_fractions_are_refused():
    found = labeled_items({"b": ["x"], "a": ["y", "z"]}, None, None)
    assert (list(found.items), found.index.tolist(), found.classes.tolist()) == (["x", "y", "z"], [1, 0, 0], ["a", "b"])
    with pytest.raises(InputError, match="AnyShotRegressor"):
        labeled_items(["x", "y"], [0.5, 1.5], None)


def test_items_without_a_label_or_of_weight_0_are_left_out_with_their_weights():
    found = labeled_items(list("vwxyz"), ["a", None, "b", "a", "b"], None, sample_weight=[1, 2, 0, 2.5, 3])
    assert (found.items, found.index.tolist(), found.classes.tolist()) == (["v", "y", "z"], [0, 0, 1], ["a", "b"])
    assert found.weights.tolist() == [1, 2.5, 3]


def test_an_item_is_trained_on_as_often_as_it_counts_and_held_out_once():
    labels = TrainingLabels.of(np.array([0, 1, 0, 1]), 2, np.float32([1, 2.5, 3, 4]), held_out=np.array([2]))
    assert labels.train.tolist() == [0, 1, 1, 1, 3, 3, 3, 3]
    assert labels.held_out.tolist() == [2]
    np.testing.assert_allclose(labels.train_weights, [1, *[2.5 / 3] * 3, 1, 1, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(labels.counts, [1, 6.5], rtol=1e-6)


def held_out(index, fraction, seed=0) -> TrainingLabels:
    return hold_out(index, index.max() + 1, fraction=fraction, generator=np.random.default_rng(seed))


def test_every_class_contributes_its_fraction_and_no_row_is_in_both_parts():
    index = np.repeat([0, 1], [40, 60])
    labels = held_out(index, 0.25)
    np.testing.assert_allclose(np.bincount(index[labels.held_out]), [10, 15], atol=1)
    assert sorted([*labels.train, *labels.held_out]) == list(range(100))


@pytest.mark.parametrize("seed", range(20))
def test_every_class_keeps_a_training_item(seed):
    assert held_out(np.repeat(np.arange(6), [1, 2, 2, 3, 5, 1]), 0.9, seed).counts.all()


def test_with_one_label_per_class_nothing_is_held_out():
    labels = held_out(np.arange(5), 0.5)
    assert len(labels.held_out) == 0
    assert "at most 1 labels per class are too few" in labels.why_none


def test_auto_holds_out_a_tenth_only_where_that_is_enough_to_compare_epochs():
    assert len(held_out(np.repeat([0, 1], 500), "auto").held_out) == pytest.approx(100, abs=2)
    few = held_out(np.repeat([0, 1], 150), "auto")
    assert len(few.train) == 300
    assert "a tenth of 300 labels is too few" in few.why_none


def test_auto_holds_out_nothing_where_small_classes_contribute_too_little():
    few = held_out(np.arange(1200) % 1100, "auto")
    assert len(few.train) == 1200
    assert re.search(r"a tenth of each class is \d\d labels in all, too few", few.why_none)


def test_a_fraction_of_zero_holds_out_nothing():
    assert held_out(np.repeat([0, 1], 50), 0).why_none == "held_out=0"
