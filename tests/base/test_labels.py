import enum
import warnings
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from anyshot.base.labels import (
    UNKNOWN,
    class_table,
    classes_in,
    clean_name,
    clean_names,
    from_indexes,
    label_list,
    look_of,
    row_of,
    to_indexes,
    warn_of_look_alikes,
)
from anyshot.errors import DuplicateClassError, InputError, NotEnoughClassesError, UnknownClassError

ABC = class_table(["billing", "delivery", "login"])


@pytest.mark.parametrize("names", [["b", "a"], [3, 1], [2.5, 0.5], [True, False]])
def test_the_class_table_keeps_names_order_and_type(names):
    table = class_table(names)
    assert table.tolist() == names
    assert table.dtype == np.array(names).dtype


def test_a_class_table_of_mixed_types_keeps_each():
    assert class_table(["a", 1]).tolist() == ["a", 1]
    assert class_table(np.array([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        ([], NotEnoughClassesError, "At least two classes are needed; got none"),
        (["a"], NotEnoughClassesError, "got only 'a'"),
        (["a", "b", "a"], DuplicateClassError, "Class 'a' is named 2 times"),
        (["a", " "], DuplicateClassError, "Class 1 has an empty name"),
        ([None, "a"], DuplicateClassError, "Class 0 has an empty name"),
        (["a", "b\0"], InputError, "Class 1, .*, has a NUL character in its name"),
    ],
)
def test_unusable_classes_are_refused(names, error, words):
    with pytest.raises(error, match=words):
        class_table(names)


@pytest.mark.parametrize("none", [None, float("nan"), np.float64("nan")])
def test_a_missing_label_has_index_minus_one(none):
    assert to_indexes(["login", none, "billing"], ABC, n_items=3).tolist() == [2, -1, 0]
    assert classes_in(["b", none, "a", "b"]) == ["a", "b"]


def test_classes_of_an_earlier_version_are_found_by_their_clean_names():
    assert to_indexes(["lost card"], np.array(["a", "lost  card"], dtype=object), n_items=1).tolist() == [1]


def test_labels_may_be_a_pandas_column():
    assert to_indexes(pd.Series(["login", None, "billing"]), ABC, n_items=3).tolist() == [2, -1, 0]


def test_classes_in_labels_are_numbers_first_then_names():
    assert classes_in(["b", 10, "a", 9, 2.5, None]) == [2.5, 9, 10, "a", "b"]


def test_indexes_are_turned_back_into_labels():
    labels = ["login", "billing", "login"]
    assert from_indexes(to_indexes(labels, ABC, n_items=3), ABC).tolist() == labels


def test_minus_one_becomes_unknown_untruncated_even_if_names_are_short():
    answers = from_indexes(np.array([0, -1]), class_table(["a", "b"]))
    assert answers.tolist() == ["a", UNKNOWN]
    assert from_indexes(np.array([1, -1]), class_table([3, 4])).tolist() == [4, UNKNOWN]


def test_the_error_for_an_unknown_label_suggests_the_closest_name():
    with pytest.raises(UnknownClassError, match=r"Label 'bilings' is not among the 3 .* Did you mean 'billing'\?"):
        to_indexes(["bilings"], ABC, n_items=1)
    with pytest.raises(UnknownClassError, match=r"Label 'BILLING' is not among the 3 .* Did you mean 'billing'\?"):
        to_indexes(["BILLING"], ABC, n_items=1)
    with pytest.raises(UnknownClassError, match=r"Label 7 is not among .* Correct it, or add it to the classes"):
        to_indexes([7], ABC, n_items=1)
    with pytest.raises(UnknownClassError) as refused:
        to_indexes(["b"], class_table(["a" * 9999, "c"]), n_items=1)
    assert len(str(refused.value)) < 200


def test_every_label_that_is_no_class_is_named_at_once():
    with pytest.raises(UnknownClassError, match=r"Label 'x' is not among the 3 classes \(.*\), nor are 'y', 7\. Corr"):
        to_indexes(["x", "billing", "y", "x", 7, None], ABC, n_items=6)
    with pytest.raises(UnknownClassError, match=r"\), nor is 'y'\. Correct"):
        to_indexes(["x", "y"], ABC, n_items=2)


def test_labels_may_be_a_table_of_one_column():
    assert label_list(pd.DataFrame({"label": ["a", None]})) == ["a", None]
    assert label_list(np.array([["a"], ["b"]])) == ["a", "b"]


@pytest.mark.parametrize("name", [["a"], date(2026, 11, 21), np.ones(2)], ids=repr)
def test_classes_that_are_neither_names_nor_numbers_are_refused(name):
    with pytest.raises(InputError, match=rf"Class 1 is a {type(name).__name__}, .* Classes are names or numbers"):
        class_table(["b", name])


@pytest.mark.parametrize("none", [float("nan"), pd.NA, pd.NaT], ids=repr)
def test_a_missing_value_is_not_a_class_name(none):
    with pytest.raises(DuplicateClassError, match="Class 1 has an empty name"):
        class_table(["a", none])


def test_the_error_lists_the_first_eight_classes():
    with pytest.raises(UnknownClassError, match=r"the 9 classes \(0, 1, 2, 3, 4, 5, 6, 7, \.\.\.\)"):
        to_indexes([50], class_table(range(9)), n_items=1)


def test_row_of_finds_a_class_by_name():
    assert row_of("delivery", ABC) == 1
    with pytest.raises(UnknownClassError, match="Did you mean 'login'"):
        row_of("logon", ABC)


def test_a_wrong_number_of_labels_is_refused():
    with pytest.raises(InputError, match=r"There are 2 items and 1 labels\. Give one label per item, None for"):
        to_indexes(["login"], ABC, n_items=2)


@pytest.mark.parametrize("several", [["a", "b"], ("a", "b"), {"a"}, np.array(["a", "b"])])
def test_several_labels_for_one_item_are_refused(several):
    with pytest.raises(InputError, match=r"Row 1 has a \w+ of labels, .* one label per item"):
        to_indexes(["login", several], ABC, n_items=2)


@pytest.mark.parametrize("label", [date(2026, 11, 21), b"\xff"])
def test_labels_that_are_neither_names_nor_numbers_are_refused(label):
    with pytest.raises(InputError, match=r"Row 1 has a label of type (date|bytes), .* pass str\(label\)"):
        to_indexes(["login", label], ABC, n_items=2)


@pytest.mark.parametrize("none", [None, float("nan"), pd.NA, pd.NaT, np.float64("nan")], ids=repr)
def test_none_and_nan_like_values_are_missing_labels(none):
    column = pd.Series(["b", none, "a"], dtype=object)
    assert to_indexes(column, class_table(["a", "b"]), n_items=3).tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([2, 1]),
        pa.array([2, 1]),
        pa.chunked_array([[2], [1]]),
        [pa.scalar(2), pa.scalar(1)],
        pd.array([2, 1], "Int64"),
        np.array([[2], [1]]),
    ],
    ids=lambda column: type(column).__module__,
)
def test_labels_may_come_from_any_library(column):
    found = label_list(column)
    assert found == [2, 1]
    assert {type(label) for label in found} == {int}


@pytest.mark.torch
def test_labels_may_be_tensors():
    import torch

    assert label_list(torch.tensor([2, 1])) == label_list([torch.tensor(2), torch.tensor(1)]) == [2, 1]


@pytest.mark.parametrize("kind", ["Int64", "int64[pyarrow]"])
def test_integers_beside_a_missing_label_stay_exact(kind):
    large = 2**53
    column = pd.Series([large, None, large + 1], dtype=kind)
    assert label_list(column) == [large, None, large + 1]
    assert classes_in(column) == [large, large + 1]


def test_floats_that_stand_for_several_integers_are_refused():
    with pytest.raises(InputError, match=r"row 0 is the float 9007199254740992, .* dtype=\"Int64\""):
        label_list(pd.Series([2**53 + 1, None]))


def test_labels_of_bytes_are_decoded():
    assert label_list(np.array([b"cat", "caf\u00e9".encode()])) == ["cat", "caf\u00e9"]


@pytest.mark.parametrize(
    "written", ["caf\u00e9 ", "caf\u00e9\u200b", "\ufeffcaf\u00e9", "cafe\u0301", "caf\u00e9\u00a0"], ids=ascii
)
def test_labels_that_look_alike_are_the_same_and_it_is_said(written):
    classes = class_table(["caf\u00e9", "bar"])
    with pytest.warns(
        UserWarning, match=r"1 of 2 labels have spaces at their ends, several spaces, invisible .* read as 'caf\\xe9'"
    ):
        assert to_indexes(["bar", written], classes, n_items=2).tolist() == [1, 0]
    with pytest.warns(UserWarning, match="1 of 1 labels"):
        assert row_of(written, classes) == 0


def test_missing_labels_do_not_count_among_those_that_are_read_otherwise():
    with pytest.warns(UserWarning, match="1 of 2 labels have .* such as 'lost  card'. They are read as 'lost card'"):
        assert label_list(["lost  card", None, "lost card", None]) == ["lost card", None, "lost card", None]


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        (" cat\t", "cat"),
        ("late   parcel", "late parcel"),
        ("late\u00a0 \u00e9tat", "late \u00e9tat"),
        ("late\u00a0parcel", "late parcel"),
        ("zero\u200bwidth", "zerowidth"),
        ("cafe\u0301", "caf\u00e9"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),  # Persian needs its joiner
        ("Straße", "Straße"),
    ],
    ids=ascii,
)
def test_names_are_written_in_one_way(written, clean):
    assert clean_name(written) == clean
    assert clean_name(clean) == clean


def test_clean_names_are_returned_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clean_names(["a", 1, None, "caf\u00e9"]) == ["a", 1, None, "caf\u00e9"]


def test_the_warning_counts_the_names_that_changed():
    with pytest.warns(UserWarning, match=r"2 of 3 columns have spaces .* such as 'a '\. They are read as 'a'"):
        assert clean_names(["a ", "b", "a "], what="columns") == ["a", "b", "a"]


def test_integers_beyond_64_bits_stay_exact_and_sorted():
    large = [2**63 + 3, -1, 2**63 + 1]
    assert class_table(classes_in(large)).tolist() == sorted(large)
    assert to_indexes(large, class_table(large), n_items=3).tolist() == [0, 1, 2]


def test_decimals_of_a_database_are_numbers():
    labels = label_list([Decimal("2"), Decimal("2.5"), Decimal("NaN"), None])
    assert labels == [2, 2.5, None, None]
    assert isinstance(labels[0], int)


def test_half_of_a_character_in_a_name_is_replaced():
    with pytest.warns(UserWarning, match="half of a character"):
        assert clean_names(["late \ud83d", "b"]) == ["late \N{REPLACEMENT CHARACTER}", "b"]


def test_an_empty_label_is_refused_by_its_row():
    with pytest.raises(InputError, match=r"The label in row 1 is empty\. Write None"):
        label_list(["a", " \u200b"])


def test_a_list_of_one_label_is_that_label():
    labels = label_list([["login"], np.array(["refund"]), [], '["login"]', "['refund']", "[]"])
    assert labels == ["login", "refund", None, "login", "refund", None]


@pytest.mark.parametrize("several", ['{"choices":["a","b"]}', "['a', 'b']", '{"a": "b"}'])
def test_the_text_of_a_list_of_names_is_no_label(several):
    with pytest.raises(InputError, match=r"Row 1 has .*Only one label per item"):
        label_list(["a", several])
    assert label_list(["[urgent]", "{x}", "[1]"]) == ["[urgent]", "{x}", "[1]"]


def test_a_label_of_another_type_is_not_suggested_as_itself():
    with pytest.raises(UnknownClassError, match="The class is a truth value, the label a text"):
        to_indexes(["True"], class_table([True, False]), n_items=1)


@pytest.mark.parametrize("table", [pd.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"a": [1], "b": [2]})])
def test_a_table_of_several_columns_is_no_column_of_labels(table):
    with pytest.raises(InputError, match="the table has 2: a, b"):
        label_list(table)


def test_several_names_are_no_class_name():
    with pytest.raises(InputError, match="The name of one class is needed; got a list"):
        row_of(["a", "b"], class_table(["a", "b"]))


def test_a_member_of_an_enum_and_a_sparse_column_are_refused_with_the_remedy():
    with pytest.raises(InputError, match=r"pass label\.value"):
        label_list(list(enum.Enum("Kind", ["refund"])))
    with pytest.raises(InputError, match=r"got a csr_array\. Pass y\.toarray"):
        label_list(csr_array(np.eye(2)))
    with pytest.raises(InputError, match=r"table\.idxmax\(axis=1\)"):
        label_list(pd.get_dummies(pd.Series(["a", "b"])))


def test_one_text_is_no_list_of_labels():
    with pytest.raises(InputError, match=r"got one str. Write \[label\]"):
        label_list("abc")


def test_a_signaling_nan_of_a_decimal_is_no_label():
    assert label_list([Decimal("sNaN"), Decimal(2), np.longdouble(1.5)]) == [None, 2, 1.5]


def test_labels_of_several_tasks_are_no_list():
    with pytest.raises(InputError, match=r"got one dict\. For one of several tasks, pass labels\[name\]"):
        label_list({"color": ["red", "blue"]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Refund", "refund"),
        ("credit", "\u0441redit"),
        ("A1", "\uff21\uff11"),
        (1, "1"),
        (True, "true"),
        ("a  b", "a b"),
    ],
)
def test_names_that_look_alike_are_named_as_a_pair(one, other):
    assert look_of(one) == look_of(other)
    with pytest.warns(UserWarning, match="look alike") as found:
        warn_of_look_alikes(["else", one, other])
    assert f"{one!r} and {other!r}" in str(found[0].message)


def test_names_that_differ_to_the_eye_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_look_alikes(["refund", "refunds", 1, 2, 1.5, "\u0437\u0430\u043a\u0430\u0437", False])


def test_at_most_three_pairs_that_look_alike_are_named():
    with pytest.warns(UserWarning, match="look alike") as found:
        warn_of_look_alikes([*"abcdef", *"ABCDEF"])
    assert len(found) == 3
