"""What a model is made from: changes make new evidence, and a saved one comes back whole."""

import json
from dataclasses import replace

import numpy as np
import pytest

from anyshot.any_shot.training_set import CENTER_ITEMS, evidence_from_saved, first_evidence
from anyshot.base.items import class_table
from anyshot.base.validation import unit
from anyshot.errors import ClassesError, DuplicateClassError, NotEnoughClassesError, UnknownClassError, WidthError
from anyshot.zero_shot.class_embeddings import describe
from anyshot.zero_shot.pool_refinement import wiener_filter

NAMES = ["ant", "bee", "cat"]
ITEMS = unit(np.array([[1, 0.1, 0], [0, 1, 0.1], [0.1, 0, 1], [0.9, 0.2, 0], [1, 1, 1]]))
POOL = unit(np.array([[3, 1, 1], [1, 3, 1], [1, 1, 3], [3, 1, 2], [2, 3, 1], [1, 2, 3]], dtype=float))


@pytest.fixture
def bare():
    return first_evidence(
        class_table(NAMES), describe({**dict.fromkeys(NAMES), "bee": "it buzzes"}), np.eye(3, dtype="f")
    )


@pytest.fixture
def centering(bare):
    """The same, of an encoder whose vectors must be centered."""
    return first_evidence(bare.classes, bare.texts, bare.said, centering=True)


@pytest.fixture
def full(bare):
    """Five items, the last of them without a label, of classes 0, 1, 2, 0."""
    index = np.array([0, 1, 2, 0, -1])
    return bare.with_labels(ITEMS, index, [f"item {row}" for row in range(5)])


def as_saved(evidence):
    """Everything that a saved model would hold of it, as plain values."""
    return evidence.facts(), {name: array.tolist() for name, array in evidence.arrays().items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda evidence: evidence.with_labels(ITEMS, np.array([2, -1, 0, 1, 1]), list("abcde")),
        lambda evidence: evidence.with_unlabeled(POOL),
        lambda evidence: evidence.with_class(describe(["dog"]), np.ones((1, 3), np.float32)),
        lambda evidence: evidence.without_class("ant"),
    ],
    ids=["labels", "unlabeled", "class", "no class"],
)
def test_a_change_makes_new_evidence_and_leaves_the_old_as_it_was(full, change):
    before, pool = as_saved(full), full.pool.vectors.copy()
    changed = change(full)
    assert changed is not full
    assert as_saved(changed) != before
    assert as_saved(full) == before
    np.testing.assert_array_equal(full.pool.vectors, pool)


def test_items_without_a_label_join_the_unlabeled(full):
    assert full.index.tolist() == [0, 1, 2, 0]
    assert full.examples == ("item 0", "item 1", "item 2", "item 3")
    np.testing.assert_array_equal(full.vectors, ITEMS[:4])
    np.testing.assert_array_equal(full.unlabeled, ITEMS[4:])
    np.testing.assert_array_equal(full.pool.vectors, ITEMS[4:])


def test_no_unlabeled_items_change_nothing(full):
    assert full.with_unlabeled(ITEMS[:0]) is full


def test_a_class_that_goes_takes_its_items_along_and_the_later_ones_move_up(full):
    left = full.without_class("bee")
    assert left.classes.tolist() == ["ant", "cat"]
    assert left.index.tolist() == [0, 1, 0]
    assert left.examples == ("item 0", "item 2", "item 3")
    assert left.texts.names == ("ant", "cat")
    assert left.texts.texts == (("ant",), ("cat",))
    np.testing.assert_array_equal(left.said, np.eye(3)[[0, 2]])
    np.testing.assert_array_equal(left.vectors, ITEMS[[0, 2, 3]])
    np.testing.assert_array_equal(left.unlabeled, full.unlabeled)


def test_a_class_that_comes_stands_last_and_going_again_leaves_what_was(full):
    more = full.with_class(describe({"dog": "it barks"}), np.full((1, 3), 0.5, np.float32))
    assert more.classes.tolist() == [*NAMES, "dog"]
    assert more.texts.texts[-1] == ("dog", "it barks")
    assert more.index.tolist() == full.index.tolist()
    assert as_saved(more.without_class("dog")) == as_saved(full)


def test_the_last_two_classes_stay(bare):
    two = bare.without_class("ant")
    with pytest.raises(NotEnoughClassesError, match="'bee' is one of the last two classes; a classifier needs two"):
        two.without_class("bee")
    with pytest.raises(UnknownClassError, match="Did you mean 'cat'"):
        two.without_class("cats")


def test_a_class_that_is_there_and_vectors_of_another_number_are_refused(bare):
    with pytest.raises(DuplicateClassError, match="'bee' is named 2 times"):
        bare.with_class(describe(["bee"]), np.ones((1, 3), np.float32))
    with pytest.raises(ClassesError, match="There are 3 classes and 2 class vectors"):
        first_evidence(bare.classes, bare.texts, bare.said[:2])


def test_vectors_are_centered_where_asked_by_the_mean_of_all_unlabeled_drawn_to_zero(bare, centering):
    assert bare.centered(ITEMS) is ITEMS
    moved = centering.with_unlabeled(POOL[:2]).with_unlabeled(POOL[2:])
    center = POOL.sum(axis=0) / (len(POOL) + CENTER_ITEMS)
    np.testing.assert_allclose(moved.center, center, atol=1e-6)
    np.testing.assert_allclose(moved.centered(ITEMS), unit(ITEMS - center), atol=1e-6)
    np.testing.assert_allclose(moved.pool.vectors, unit(POOL - center), atol=1e-6)
    np.testing.assert_array_equal(bare.with_unlabeled(POOL).pool.vectors, POOL)


def test_labeled_items_give_the_center_only_while_there_are_no_unlabeled(centering):
    labeled = centering.with_labels(ITEMS[:3], np.arange(3), list("abc"))
    np.testing.assert_allclose(labeled.center, ITEMS[:3].sum(axis=0) / (3 + CENTER_ITEMS), atol=1e-6)
    both = labeled.with_unlabeled(POOL)
    np.testing.assert_array_equal(both.center, centering.with_unlabeled(POOL).center)


def test_evidence_without_items_has_no_center(bare, centering):
    assert not centering.center.any()
    assert not bare.with_unlabeled(POOL).center.any()


def test_a_pool_of_centered_vectors_is_taken_less_sharply_and_at_its_shares(bare, centering):
    plain, moved = (evidence.with_unlabeled(POOL).pool for evidence in (bare, centering))
    assert moved.temperature == plain.temperature * 2
    assert (plain.balance, moved.balance) == (0.5, 1.0)


def test_vectors_of_another_width_are_named(bare):
    with pytest.raises(WidthError, match="The items are 4 wide; the model was made for 3"):
        bare.centered(np.ones((2, 4), np.float32))
    assert len(bare.centered(np.zeros((0, 1), np.float32))) == 0


def test_what_the_methods_take_is_centered(centering):
    moved = centering.with_labels(ITEMS[:3], np.arange(3), list("abc")).with_unlabeled(POOL)
    known = moved.known(np.array([0.5, 0.3, 0.2]))
    np.testing.assert_array_equal(known.vectors, unit(ITEMS[:3] - moved.center))
    np.testing.assert_array_equal(known.class_vectors, moved.said)
    assert known.pool is moved.pool
    assert known.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("pool", [POOL[:0], POOL], ids=["no pool", "pool"])
@pytest.mark.parametrize("start", ["bare", "centering"])
def test_saved_evidence_comes_back_whole(request, start, pool):
    evidence = request.getfixturevalue(start).with_labels(ITEMS[:4], np.array([0, 1, 2, 0]), list("abcd"))
    evidence = evidence.with_unlabeled(pool)
    back = evidence_from_saved(json.loads(json.dumps(evidence.facts())), evidence.arrays())
    assert as_saved(back) == as_saved(evidence)
    assert back.texts == evidence.texts
    assert back.classes.dtype == evidence.classes.dtype
    assert (back.index.dtype, back.vectors.dtype) == (evidence.index.dtype, evidence.vectors.dtype)
    assert (back.pool is None) == (evidence.pool is None) == (len(pool) == 0)
    np.testing.assert_array_equal(back.center, evidence.center)
    if evidence.pool is not None:
        np.testing.assert_array_equal(back.pool.vectors, evidence.pool.vectors)
        np.testing.assert_array_equal(back.pool.neighbors, evidence.pool.neighbors)
        assert (back.pool.temperature, back.pool.balance) == (evidence.pool.temperature, evidence.pool.balance)


def test_classes_that_are_numbers_come_back_as_numbers():
    evidence = first_evidence(class_table([3, 7]), describe([3, 7]), np.eye(2, dtype=np.float32))
    back = evidence_from_saved(json.loads(json.dumps(evidence.facts())), evidence.arrays())
    assert back.classes.tolist() == [3, 7]
    assert back.texts.texts == (("3",), ("7",))


def test_only_unlabeled_items_let_names_be_believed_where_items_vary(bare, centering):
    told = np.array([0, 1, 2, 0, 1])
    labeled = bare.with_labels(ITEMS, told, list("abcde"))
    np.testing.assert_array_equal(labeled.known(None).said, labeled.said)
    pooled = labeled.with_unlabeled(POOL)
    expected = wiener_filter(pooled.said, np.concatenate([POOL, ITEMS]))
    np.testing.assert_allclose(pooled.known(None).said, expected, atol=1e-6)
    np.testing.assert_array_equal(pooled.known(None).named, pooled.said)
    for weights in (centering.with_unlabeled(POOL), replace(bare, learned=True).with_unlabeled(POOL)):
        np.testing.assert_array_equal(weights.known(None).said, weights.said)
