"""Labels in the types of the classes that they name."""

import pytest

from anyshot.base.written_labels import as_classes_write_them, one_class, spelling_of
from anyshot.errors import ClassesError


def test_whole_numbers_are_one_label_however_they_are_written():
    assert as_classes_write_them([1.0, 2, "3", 4.5], ["1", "2", "3", "4.5"]) == ["1", "2", "3", "4.5"]
    assert as_classes_write_them(["1", 2, 3.0], [1.0, 2.0, 3.0]) == [1.0, 2.0, 3.0]
    assert as_classes_write_them([1.0, 1], ["1", "1.0"]) == ["1.0", "1"]
    assert as_classes_write_them([float("inf"), 7.0], ["1"]) == [float("inf"), 7.0]


def test_truth_values_are_one_label_however_they_are_written():
    assert as_classes_write_them(["FALSE", "true", "maybe"], [False, True]) == [False, True, "maybe"]
    assert as_classes_write_them(["TRUE", True], ["TRUE", "other"]) == ["TRUE", "TRUE"]
    assert as_classes_write_them(["YES"], ["yes", "no"]) == ["YES"]
    assert as_classes_write_them(["WAHR", "faux", "ЛОЖЬ"], [False, True]) == [True, False, False]
    assert as_classes_write_them([True, False, "VRAI"], ["WAHR", "FALSCH"]) == ["WAHR", "FALSCH", "VRAI"]
    assert as_classes_write_them([True, "SAND"], ["sand", "clay"]) == [True, "SAND"]


def test_a_class_is_found_by_its_name_with_decomposed_accents_or_spaces():
    assert one_class("Cafe\u0301 ", ["Caf\u00e9", "login"]) == "Caf\u00e9"


def test_a_class_among_integers_is_an_integer():
    assert [one_class("2", [1, 2]), one_class("3", [1, 2]), one_class("3", ["1", "2"])] == [2, 3, "3"]
    with pytest.raises(ClassesError, match="'new' is not an integer"):
        one_class("new", [1, 2])


def test_categories_are_the_same_with_and_without_a_point():
    assert list(map(spelling_of(["1", "2.0", "b"]), ["1.0", "2", 2, "b.0"])) == ["1", "2.0", "2.0", "b.0"]
    assert list(map(spelling_of(["1", "1.0"]), ["1", "1.0", 1, 1.0])) == ["1", "1.0", "1", "1.0"]
    assert spelling_of(["a"])(["a list"]) == ["a list"]


def test_only_digits_are_codes_that_lost_their_zeros():
    assert list(map(spelling_of(["00000", "00012"]), [0, "12", "", "1e1"])) == ["00000", "00012", "", "1e1"]


def test_no_label_is_no_class_named_none():
    assert as_classes_write_them([None, "None"], ["None", "other"]) == [None, "None"]
