import numpy as np
import pandas as pd
import pytest

from anyshot.data.attributes import attribute_table, load_attributes
from anyshot.errors import ClassesError, DataFileError, DuplicateClassError, InputError, UnknownClassError


@pytest.fixture
def animals():
    return pd.DataFrame(
        {"stripes": [0, 1, np.nan], "hooves": [1, 1, 1], "height": [160.0, 130.0, 150.0]},
        index=["horse", "zebra", "okapi"],
    )


def test_a_missing_value_is_replaced_with_the_mean_and_noted(animals):
    known = attribute_table(animals)
    np.testing.assert_allclose(known.vectors[:, 0], [0, 1, 0.5])
    assert (
        known.notes[0] == "1 of 9 values was missing and was replaced with the mean of its attribute: stripes of okapi."
    )


def test_constant_attributes_are_named(animals):
    assert attribute_table(animals).notes[1].endswith("has the same value for all classes: hooves.")


def test_many_missing_values_are_counted_and_the_first_named():
    table = pd.DataFrame(np.where(np.eye(12, 12), np.nan, np.arange(144).reshape(12, 12)))
    assert "12 of 144 values were missing" in attribute_table(table).notes[0]
    assert attribute_table(table).notes[0].endswith("and 2 more.")


def test_classes_are_returned_in_the_given_order_and_means_are_over_these_only(animals):
    known = attribute_table(animals, ["okapi", "zebra"])
    assert known.names == ("okapi", "zebra")
    assert known.vectors[0].tolist() == [1.0, 1.0, 150.0]


def test_a_number_can_mean_missing(animals):
    known = attribute_table(animals.fillna(-1), missing=[-1])
    np.testing.assert_array_equal(known.vectors, attribute_table(animals).vectors)


def test_the_input_is_not_changed(animals):
    before = animals.copy()
    attribute_table(animals, missing=[130.0])
    pd.testing.assert_frame_equal(animals, before)


def test_mappings_are_accepted_as_tables():
    known = attribute_table({"horse": {"stripes": 0}, "zebra": {"stripes": 1, "hooves": 1}})
    assert known.columns == ("stripes", "hooves")
    np.testing.assert_array_equal(known.vectors, [[0, 1], [1, 1]])


@pytest.mark.parametrize(
    ("spoil", "classes", "error", "text"),
    [
        (lambda t: t, ["zebra", "quagga", "tapir"], UnknownClassError, "2 of 3 classes have no row.*quagga, tapir"),
        (lambda t: pd.concat([t, t[:1]]), None, DuplicateClassError, "'horse' has several rows"),
        (lambda t: t.assign(tail=np.nan), None, ClassesError, "Attribute 'tail' has no value"),
        (lambda t: pd.concat([t[:2], t[2:] * np.nan]), None, ClassesError, "Class 'okapi' has no value"),
        (lambda t: t.replace(160.0, np.inf), None, InputError, "height of 'horse' is infinite"),
        (lambda t: t[[]], None, InputError, "no attribute"),
    ],
)
def test_an_unusable_table_is_refused(spoil, classes, error, text, animals):
    with pytest.raises(error, match=text):
        attribute_table(spoil(animals), classes)


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_gives_the_same_as_its_table(tmp_path, animals):
    path = tmp_path / "animals.csv"
    path.write_text("animal,stripes,hooves,height\nhorse,0,1,160\nzebra,1,1,130\nokapi,?,1,150\n", encoding="utf-8")
    found, same = load_attributes(path), attribute_table(animals)
    assert (found.names, found.columns, found.notes) == (same.names, same.columns, same.notes)
    np.testing.assert_array_equal(found.vectors, same.vectors)


def test_a_parquet_file_with_another_class_column(tmp_path, animals):
    path = tmp_path / "animals.parquet"
    animals.assign(animal=animals.index).to_parquet(path, index=False)
    np.testing.assert_array_equal(
        load_attributes(path, class_column="animal").vectors, attribute_table(animals).vectors
    )


@pytest.mark.parametrize(
    ("content", "options", "text"),
    [
        ("animal,stripes\nhorse,many\n", {}, "'stripes' is 'many' in row 0"),
        ("animal,stripes\nhorse,1\n", {"class_column": "name"}, "no column 'name'; it has animal, stripes"),
    ],
)
def test_a_file_without_usable_attributes_is_refused(content, options, text, tmp_path):
    path = tmp_path / "animals.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataFileError, match=text):
        load_attributes(path, **options)


# --- combination ------------------------------------------------------------------------------------------------------


def test_a_value_that_is_no_number_is_named():
    with pytest.raises(InputError, match="hooves of 'horse' is 'yes'; attributes must be numbers"):
        attribute_table({"horse": {"hooves": "yes"}, "cat": {"hooves": "no"}})


def test_decimal_commas_and_truth_values_are_numbers(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("class;size;coat\nhorse;1.000,5;TRUE\nzebra;1,25;FALSE\nmule;;TRUE\n")
    assert load_attributes(file).vectors[:2].tolist() == [[1000.5, 1.0], [1.25, 0.0]]


def test_classes_in_another_column_are_named_with_the_remedy(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("size,class\n1,horse\n2,zebra\n")
    with pytest.raises(DataFileError, match="class_column='class'"):
        load_attributes(file)
    with pytest.raises(InputError, match=r"coat of 'horse' is 'yes'.*set_index\('coat'\)"):
        attribute_table({"horse": {"coat": "yes"}, "zebra": {"coat": "no"}})
