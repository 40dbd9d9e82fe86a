"""Which tests `make quick` runs, and in which order."""

import touched


def test_the_test_of_a_changed_file_comes_before_those_of_its_importers():
    near = touched.distances({"src/anyshot/base/items.py"})
    assert near["tests/base/test_items.py"] == 1
    assert near["tests/app/test_doctor.py"] > 1


def test_a_test_that_does_not_import_the_change_is_left_out():
    near = touched.distances({"src/anyshot/training/recipe.py"})
    assert "tests/training/test_recipe.py" in near
    assert touched.order_of("tests/data/test_tables.py", "test_a_table_is_read", near) is None


def test_structure_comes_first_and_other_contracts_last():
    assert touched.order_of("tests/test_directions.py", "test_there_is_no_circle", {}) == -1
    assert touched.order_of("tests/x/test_y.py", "test_contract", {}) == 1000


def test_a_changed_page_is_run():
    assert touched.distances({"docs/report.md"}) == {"tests/test_docs.py": 0}
