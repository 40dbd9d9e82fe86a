"""The training set: its classes, labels and unlabeled examples, and the class vectors that it gives."""

from dataclasses import fields, replace

import numpy as np
import pytest

from anyshot.any_shot.defaults import DEFAULTS
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.prior import initial_class_vectors
from anyshot.any_shot.training_set import without_items
from anyshot.base.folds import row_digests
from anyshot.base.validation import unit
from anyshot.errors import (
    ClassesError,
    DuplicateClassError,
    NotEnoughLabelsError,
    WidthError,
)
from anyshot.zero_shot.class_texts import describe, read_classes
from four_classes import VECTORS

NAMES = ["ant", "bee", "cat"]
ITEMS = unit(np.array([[1, 0.1, 0], [0, 1, 0.1], [0.1, 0, 1], [0.9, 0.2, 0], [1, 1, 1]]))
POOL = unit(np.array([[3, 1, 1], [1, 3, 1], [1, 1, 3], [3, 1, 2], [2, 3, 1], [1, 2, 3]], dtype=float))


@pytest.fixture
def classes():
    texts = describe({**dict.fromkeys(NAMES), "bee": "it buzzes"})
    return without_items(texts, np.eye(3, dtype="f"))


@pytest.fixture
def centering(classes):
    """Return the same classes, for an encoder whose vectors must be centered."""
    return replace(classes, centering=True)


@pytest.fixture
def data(classes):
    """Return five examples of classes 0, 1, 2, 0 and none."""
    return classes.with_labels(ITEMS, np.array([0, 1, 2, 0, -1]), [f"item {row}" for row in range(5)])


def values(data):
    """Return everything that the training set holds, as plain values."""
    held = {one.name: getattr(data, one.name) for one in fields(data)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else str(value) for name, value in held.items()}


# --- changes ---


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.with_labels(ITEMS, np.array([2, -1, 0, 1, 1]), list("abcde")),
        lambda data: data.with_unlabeled(POOL),
        lambda data: data.with_class_vector(1, np.full((1, 3), 0.5, np.float32)),
        lambda data: data.regrouped(data.texts.of([1, 2]), [[1], [2]]),
    ],
    ids=["labels", "unlabeled", "class vector", "other classes"],
)
def test_a_change_returns_a_new_training_set(data, change):
    before, pool = values(data), data.pool.copy()
    assert values(change(data)) != before
    assert values(data) == before
    np.testing.assert_array_equal(data.pool, pool)


def test_items_without_a_label_become_unlabeled_examples(data):
    assert data.index.tolist() == [0, 1, 2, 0]
    assert data.examples == ("item 0", "item 1", "item 2", "item 3")
    np.testing.assert_array_equal(data.vectors, ITEMS[:4])
    np.testing.assert_array_equal(data.unlabeled, ITEMS[4:])
    np.testing.assert_array_equal(data.pool, ITEMS[4:])


def test_only_unlabeled_examples_change_the_pool(data):
    pool = data.pool
    np.testing.assert_array_equal(data.with_labels(ITEMS[:1], np.array([1]), ["one"]).pool, pool)
    for same in (data.with_class_prior(np.full(3, 1 / 3)), data.sorted(), data.subset(slice(2))):
        assert same.pool is pool
    more = data.with_unlabeled(POOL)
    assert len(more.pool) == len(POOL) + 1
    fewer = more.with_defaults(replace(DEFAULTS, max_pool=3))
    np.testing.assert_array_equal(fewer.pool, more.pool[np.linspace(0, len(POOL), 3).astype(int)])


def test_no_unlabeled_items_change_nothing(data):
    assert data.with_unlabeled(ITEMS[:0]) is data


def test_other_classes_have_the_examples_of_the_classes_that_they_contain(data):
    texts = describe(["pet", "dog"])
    found = data.regrouped(texts, [[2, 0], []])
    assert found.classes.tolist() == ["pet", "dog"]
    assert found.index.tolist() == [0, 0, 0]
    assert found.examples == ("item 0", "item 2", "item 3")
    np.testing.assert_array_equal(found.vectors, ITEMS[[0, 2, 3]])
    np.testing.assert_array_equal(found.class_embeddings, [[0.5, 0, 0.5], [0, 0, 0]])
    np.testing.assert_array_equal(found.unlabeled, data.unlabeled)
    with pytest.raises(DuplicateClassError, match="'bee'"):
        data.regrouped(describe(["bee"]).joined(describe(["bee"])), [[0], [1]])


def test_a_class_without_a_vector_does_not_count_in_the_mean(classes):
    none = classes.with_class_vector(1, np.zeros((1, 3), np.float32))
    assert none.regrouped(describe(["x", "cat"]), [[0, 1], [2]]).class_embeddings.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_sorting_the_classes_moves_everything_of_a_class(data):
    mixed = data.regrouped(data.texts.of([2, 0, 1]), [[2], [0], [1]])
    assert mixed.classes.tolist() == ["cat", "ant", "bee"]
    assert values(mixed.sorted()) == values(data)


def test_the_number_of_class_vectors_must_be_that_of_the_classes(classes):
    with pytest.raises(ClassesError, match="There are 3 classes and 2 class vectors"):
        without_items(classes.texts, np.eye(2, dtype=np.float32))


# --- centering ---


def test_vectors_are_centered_by_the_shrunk_mean_of_the_unlabeled_examples(classes, centering):
    assert classes.centered(ITEMS) is ITEMS
    moved = centering.with_unlabeled(POOL[:2]).with_unlabeled(POOL[2:])
    center = POOL.sum(axis=0) / (len(POOL) + DEFAULTS.center_items)
    np.testing.assert_allclose(moved.center, center, atol=1e-6)
    np.testing.assert_allclose(moved.centered(ITEMS), unit(ITEMS - center), atol=1e-6)
    np.testing.assert_allclose(moved.pool, unit(POOL - center), atol=1e-6)
    np.testing.assert_array_equal(classes.with_unlabeled(POOL).pool, POOL)


def test_labeled_examples_give_the_center_only_without_unlabeled_ones(centering):
    labeled = centering.with_labels(ITEMS[:3], np.arange(3), list("abc"))
    np.testing.assert_allclose(labeled.center, ITEMS[:3].sum(axis=0) / (3 + DEFAULTS.center_items), atol=1e-6)
    both = labeled.with_unlabeled(POOL)
    np.testing.assert_array_equal(both.center, centering.with_unlabeled(POOL).center)
    np.testing.assert_array_equal(both.labeled, unit(ITEMS[:3] - both.center))


def test_without_examples_there_is_no_center(classes, centering):
    assert not centering.center.any()
    assert not classes.with_unlabeled(POOL).center.any()


def test_vectors_of_another_width_are_refused(classes):
    wide = np.ones((2, 4), np.float32)
    changes = [classes.centered, classes.with_unlabeled, lambda X: classes.with_labels(X, np.array([0, -1]), "ab")]
    for change in changes:
        with pytest.raises(WidthError, match="The items have width 4; the model has width 3"):
            change(wide)
    assert len(classes.centered(np.zeros((0, 1), np.float32))) == 0


# --- class vectors ---


def test_a_subset_keeps_the_center(centering):
    index = np.array([0, 1, 2, 0, 1])
    part = centering.with_labels(ITEMS, index, list("abcde"))
    np.testing.assert_array_equal(part.subset(index < 2).labeled, part.labeled[index < 2])


def test_a_source_replaces_the_embeddings_of_its_labeled_classes(classes):
    coef = np.array([[1, 2, 0], [1, 0, 2], [9, 9, 9]], dtype=np.float32)
    changed = classes.with_source_weights(coef, np.array([True, True, False]))
    np.testing.assert_allclose(changed.class_embeddings, unit(np.array([[0, 1, -1], [0, -1, 1], [0, 0, 1.0]])))
    assert changed.from_source


# --- reading classes ---


def test_class_vectors_of_another_width_than_the_items_are_attributes():
    items = np.eye(3)
    same = without_items(*read_classes({"a": [3.0, 4.0, 0.0], "b": [0.0, 0.0, 2.0]}, [], allow_unknown=False))
    embedded = VECTORS.with_embeddings(same, items)
    np.testing.assert_allclose(embedded.class_embeddings, [[0.6, 0.8, 0], [0, 0, 1]], atol=1e-6)
    other = without_items(*read_classes({"a": [3.0, 4.0], "b": [0.0, 2.0]}, [], allow_unknown=False))
    embedded = VECTORS.with_embeddings(other, items)
    np.testing.assert_allclose(embedded.attributes, [[3, 4], [0, 2]])
    assert embedded.class_embeddings.shape == (2, 3)
    assert embedded.has_description.all()
    with pytest.raises(NotEnoughLabelsError, match="Give labels of at least two classes"):
        initial_class_vectors(embedded)


def test_numbers_as_classes_have_no_embedding(letters):
    embedder = Embedder(letters, cache=None)
    classes = embedder.with_embeddings(without_items(describe([0, 1]), np.zeros((2, 0), np.float32)), ["zoo"])
    assert not classes.has_description.any()


def test_digests_of_the_pool_are_those_of_centered_examples(centering):
    data = centering.with_unlabeled(POOL)
    assert data.pool_digests == frozenset(row_digests(data.centered(POOL))) != frozenset(row_digests(POOL))
