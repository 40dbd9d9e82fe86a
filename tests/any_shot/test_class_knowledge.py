"""What is known of the classes before any label."""

import numpy as np
import pytest

from anyshot.any_shot.class_knowledge import bare_classes, is_vector, known_from_source, placed_classes, shares_of
from anyshot.any_shot.embedder import Space
from anyshot.base.validation import generator
from anyshot.errors import ClassesError


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *((np.zeros(2), True), (np.zeros(2, int), True), ([0.5, 1], True), ([], False)),
        *((["late"], False), ("late", False), (np.array(["a"]), False)),
    ],
)
def test_a_description_is_a_vector_where_it_is_numbers(value, told):
    assert is_vector(value) is told


def test_class_vectors_of_the_items_width_are_what_is_said_and_others_are_attributes():
    space, items = Space("vectors", cache=None), np.eye(3)
    bare = bare_classes({"a": [3.0, 4.0, 0.0], "b": [0.0, 0.0, 2.0]}, [], with_unknown=False)
    np.testing.assert_allclose(placed_classes(space, bare, items).said, [[0.6, 0.8, 0], [0, 0, 1]], atol=1e-6)
    other = bare_classes({"a": [3.0, 4.0], "b": [0.0, 2.0]}, [], with_unknown=False)
    placed = placed_classes(space, other, items)
    np.testing.assert_allclose(placed.attributes, [[3, 4], [0, 2]])
    assert placed.said.shape == (2, 3)
    assert placed.described.all()


def test_a_source_stands_for_the_classes_that_it_has_labels_of():
    space = Space("vectors", cache=None)
    given = {"a": [1.0, 0.0, 0.0], "b": [0.0, 1.0, 0.0], "c": [0.0, 0.0, 1.0]}
    bare = placed_classes(space, bare_classes(given, [], with_unknown=False), np.eye(3))
    items = np.eye(3)[[1, 1, 1, 0, 0, 0]] + 0.01 * generator(0).normal(size=(6, 3))  # no two of them copies
    swapped = known_from_source(space, bare, items, ["a", "a", "a", "b", "b", "b"])
    assert swapped.said[0] @ [0, 1, 0] > 0.5 > swapped.said[0] @ [1, 0, 0]
    np.testing.assert_allclose(swapped.said[2], [0, 0, 1])
    assert not len(swapped.index)  # the source's labels are no labels of this domain


def test_shares_name_every_class_and_sum_to_one():
    bare = bare_classes(["a", "b"], [], with_unknown=False)
    np.testing.assert_allclose(shares_of({"a": 3.0, "b": 1.0}, bare), [0.75, 0.25])
    assert shares_of("balanced", bare) is None
    with pytest.raises(ClassesError, match="'z' a share, and it is no class"):
        shares_of({"a": 1.0, "b": 1.0, "z": 1.0}, bare)
