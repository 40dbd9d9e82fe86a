"""Labels <-> rows of the class table."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from anyshot.base.labels import (
    UNKNOWN,
    class_sums,
    class_table,
    classes_in,
    decisions,
    from_indexes,
    is_none,
    plain,
    row_of,
    to_indexes,
)
from anyshot.errors import DuplicateClassError, InputError, NotEnoughClassesError, UnknownClassError

ABC = class_table(["billing", "delivery", "login"])


@pytest.mark.parametrize("names", [["b", "a"], [3, 1], [2.5, 0.5], [True, False]])
def test_the_class_table_keeps_names_their_order_and_their_kind(names):
    table = class_table(names)
    assert table.tolist() == names
    assert table.dtype == np.array(names).dtype


def test_a_class_table_of_mixed_kinds_keeps_each():
    assert class_table(["a", 1]).tolist() == ["a", 1]
    assert class_table(np.array([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ([], NotEnoughClassesError, "At least two classes are needed; none was given"),
        (["a"], NotEnoughClassesError, "only 'a' was given"),
        (["a", "b", "a"], DuplicateClassError, "Class 'a' is named 2 times"),
        (["a", " "], DuplicateClassError, "Class 1 has an empty name"),
        ([None, "a"], DuplicateClassError, "Class 0 has an empty name"),
        (["a", "b\0"], InputError, "Class 1, .*, has a NUL character in its name"),
    ],
)
def test_classes_that_cannot_be_used_are_refused(names, error, words):
    with pytest.raises(error, match=words):
        class_table(names)


@pytest.mark.parametrize("none", [None, float("nan"), np.float64("nan")])
def test_no_label_is_none_or_nan_outside_and_minus_one_inside(none):
    assert to_indexes(["login", none, "billing"], ABC, n_items=3).tolist() == [2, -1, 0]
    assert classes_in(["b", none, "a", "b"]) == ["a", "b"]


def test_labels_in_a_pandas_column_are_read():
    assert to_indexes(pd.Series(["login", None, "billing"]), ABC, n_items=3).tolist() == [2, -1, 0]


def test_classes_in_labels_are_numbers_first_then_names():
    assert classes_in(["b", 10, "a", 9, 2.5, None]) == [2.5, 9, 10, "a", "b"]


def test_labels_return_from_their_indexes():
    labels = ["login", "billing", "login"]
    assert from_indexes(to_indexes(labels, ABC, n_items=3), ABC).tolist() == labels


def test_minus_one_reads_unknown_in_full_even_where_names_are_short():
    answers = from_indexes(np.array([0, -1]), class_table(["a", "b"]))
    assert answers.tolist() == ["a", UNKNOWN]
    assert from_indexes(np.array([1, -1]), class_table([3, 4])).tolist() == [4, UNKNOWN]


def test_a_label_that_is_no_class_is_met_with_the_nearest_name():
    with pytest.raises(UnknownClassError, match=r"Label 'bilings' is not among the 3 .* Did you mean 'billing'\?"):
        to_indexes(["bilings"], ABC, n_items=1)
    with pytest.raises(UnknownClassError, match=r"Label 7 is not among .* Correct it, name it among the classes"):
        to_indexes([7], ABC, n_items=1)


def test_labels_may_stand_in_a_table_of_one_column():
    assert plain(pd.DataFrame({"label": ["a", None]})) == ["a", None]
    assert plain(np.array([["a"], ["b"]])) == ["a", "b"]


@pytest.mark.parametrize("name", [b"a", ["a"], pd.NaT, np.ones(2)], ids=repr)
def test_classes_that_are_neither_names_nor_numbers_are_refused(name):
    with pytest.raises(InputError, match=rf"Class 1 is a {type(name).__name__}, .* Classes are names or numbers"):
        class_table(["b", name])


def test_not_a_number_is_no_name():
    with pytest.raises(DuplicateClassError, match="Class 1 has an empty name"):
        class_table(["a", float("nan")])


def test_of_many_classes_the_error_shows_the_first_eight():
    with pytest.raises(UnknownClassError, match=r"the 9 classes \(0, 1, 2, 3, 4, 5, 6, 7, \.\.\.\)"):
        to_indexes([50], class_table(range(9)), n_items=1)


def test_one_row_is_found_by_its_name():
    assert row_of("delivery", ABC) == 1
    with pytest.raises(UnknownClassError, match="Did you mean 'login'"):
        row_of("logon", ABC)


def test_another_number_of_labels_than_items_is_refused():
    with pytest.raises(InputError, match=r"There are 2 items and 1 labels\. Give one label an item, None for none"):
        to_indexes(["login"], ABC, n_items=2)


@pytest.mark.parametrize("several", [["a", "b"], ("a",), {"a"}, np.array(["a"])])
def test_several_labels_for_one_item_are_refused(several):
    with pytest.raises(InputError, match=r"Row 1 has a \w+ of labels, .* several are not yet"):
        to_indexes(["login", several], ABC, n_items=2)


@pytest.mark.parametrize("label", [date(2026, 11, 21), b"a"])
def test_labels_that_are_neither_names_nor_numbers_are_refused(label):
    with pytest.raises(InputError, match=r"Row 1 has a label of type (date|bytes), .* give str\(label\)"):
        to_indexes(["login", label], ABC, n_items=2)


@pytest.mark.parametrize("none", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan")], ids=repr)
def test_whatever_is_not_itself_is_no_label(none):
    assert is_none(none)
    assert to_indexes(pd.Series(["b", none, "a"], dtype=object), class_table(["a", "b"]), n_items=3).tolist() == [
        1,
        -1,
        0,
    ]


def test_class_sums_add_up_the_vectors_of_each_class_and_leave_others_at_zero():
    X = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    assert class_sums(X, np.array([2, 0, 2]), 4).tolist() == [[3, 4], [0, 0], [6, 8], [0, 0]]
    assert class_sums(X[:0], np.zeros(0, np.intp), 2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("label", ["", 0, False, "nan", np.int64(0)], ids=repr)
def test_falsehoods_are_labels(label):
    assert not is_none(label)


def test_of_two_classes_the_second_s_lead_decides_and_of_more_all_scores():
    two, three = np.array([[0.5, 2.0], [3.0, 1.0]]), np.eye(3)
    np.testing.assert_array_equal(decisions(two), [1.5, -2.0])
    assert decisions(three) is three
