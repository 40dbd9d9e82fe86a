"""Columns of labels, whose names become classes."""

import pytest

from anyshot.app.studio import add_table
from anyshot.errors import InputError


def test_a_label_column_brings_classes_and_labels(project, written):
    file = written("text,label\nCharged twice,Billing\nWhere is it?,delivery\nHello,unknown\nNo idea,\n")
    added = add_table(project, file, label_column="label")
    assert (added.n_items, added.new_classes) == (4, ["Billing", "delivery"])
    assert [item.label for item in project.items.get([1, 2, 3, 4])] == [1, 2, "unknown", None]
    project.undo()
    assert project.facts()["items"] == project.facts()["classes"] == project.facts()["labels"] == 0


def test_a_column_of_ids_is_no_label_column(project, written):
    rows = "\n".join(f"text {number},{number}" for number in range(300))
    with pytest.raises(InputError, match="300 different values"):
        add_table(project, written(f"text,id\n{rows}\n"), label_column="id")
    assert project.facts()["items"] == project.facts()["classes"] == 0
    assert project.history.last() is None


def test_whole_numbers_beside_an_empty_label_are_no_decimals(project, written):
    file = written("text,label\na b,1.0\nb c,2.0\nc d,\n")
    assert add_table(project, file, label_column="label").new_classes == ["1", "2"]
    versions = written("text,label\na,3.0\nb,4.0\n", "versions.csv")
    assert add_table(project, versions, label_column="label").new_classes == ["3.0", "4.0"]
    with pytest.raises(InputError, match="Give two columns"):
        add_table(project, versions, text_column="text", label_column="text")


def test_new_classes_that_may_not_be_meant_are_said(project, written):
    project.classes.add("n/a")
    file = written('text,label\na,bill\nb,bug\nc,bill;bug\nd,N/A\ne,null\nf," bill "\ng,-\n')
    joined, missing = sorted(add_table(project, file, label_column="label").doubts, key=len, reverse=True)
    assert joined.startswith("The label 'bill;bug' consists of names that other labels have, too.")
    assert missing.startswith("No label was read from: 'null', '-'.")
    assert [one.name for one in project.classes.all()] == ["n/a", "bill", "bug", "bill;bug"]
    assert [item.label for item in project.items.get([4, 5])] == [1, None]
    assert add_table(project, file, label_column="label").doubts == [missing]


def test_a_column_of_prices_is_no_column_of_classes(project, written):
    file = written("text,price\n" + "".join(f"text {n},{n}.5\n" for n in range(11)))
    with pytest.raises(InputError, match=r"11 different numbers with fractions, such as '0.5', which are hardly"):
        add_table(project, file, label_column="price")
    assert project.facts()["classes"] == 0


def test_truth_values_of_spreadsheets_in_other_languages_are_the_same_classes(project, written):
    english, others = written("text,label\na,TRUE\nb,FALSE\n"), written("text,label\nc,WAHR\nd,FAUX\n", "b.csv")
    assert add_table(project, english, label_column="label").new_classes == ["TRUE", "FALSE"]
    assert add_table(project, others, label_column="label").new_classes == []
    assert [project.items.one(number).label for number in (1, 2, 3, 4)] == [1, 2, 1, 2]
    one = written("text,label\ne,VRAI\nf,ja\ng,JA\n")
    assert add_table(project, one, label_column="label").new_classes == ["ja"]


def test_a_class_is_no_truth_value_of_another_language_where_only_one_of_both_is_there(project, written):
    project.classes.add("sand")  # true in Danish
    assert add_table(project, written("text,label\na,true\n"), label_column="label").new_classes == ["true"]


def test_a_class_named_as_in_another_language_is_found_from_english(project, written):
    project.classes.add("WAHR")
    assert add_table(project, written("text,label\na,True\nb,False\n"), label_column="label").new_classes == ["False"]
    project.classes.add("true")
    assert add_table(project, written("text,label\nc,TRUE\nd,wahr\n"), label_column="label").new_classes == []
    assert [project.items.one(number).label for number in (3, 4)] == [3, 1]  # each by its own name
