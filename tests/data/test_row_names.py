"""Columns that only name the rows are warned of, and measurements are not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from anyshot.data import TableVectors
from anyshot.data.row_names import are_names_of_rows, are_numbers_of_rows

RANDOM = np.random.default_rng(0)
AGES = RANDOM.integers(18, 80, 60)
ORDER = RANDOM.permutation(60)


@pytest.mark.parametrize(
    "column",
    [
        {"row": range(60)},
        {"bottle": 1000 + ORDER},
        {"sample": np.delete(ORDER, range(0, 60, 3))},  # a third of the rows is in the test file
        {"customer_id": 7919 * ORDER},
        {"CustomerId": [float("nan"), *7919 * ORDER[1:]]},
        {"Kundennummer": 7919 * ORDER},
    ],
)
def test_ids_and_row_numbers_are_warned_of_with_the_remedy(column):
    table = pd.DataFrame(column)
    with pytest.warns(
        UserWarning, match=f"'{table.columns[0]}' has another whole number in nearly every row.*--except"
    ):
        TableVectors().fit(table.assign(age=AGES[: len(table)]))


@pytest.mark.parametrize("form", ["C-{:04}", "9f3{}a", "p{}@mail.org", "person number {} here"])
def test_texts_that_name_the_rows_are_warned_of(form):
    with pytest.warns(UserWarning, match="'who' holds texts that are nearly all different.*--except"):
        TableVectors().fit(pd.DataFrame({"who": [form.format(n) for n in ORDER], "age": AGES}))


def test_measurements_are_not_warned_of():
    TableVectors().fit(
        pd.DataFrame(
            {
                "age": AGES,
                "year": range(1960, 2020),
                "price": 100 + 49 * ORDER,
                "paid": 49 * ORDER,
                "weight": 50 + ORDER / 10,
                "city": [f"city {n % 30}" for n in ORDER],
            }
        )
    )
    TableVectors().fit(pd.DataFrame({"country": list("abcdefghijkl"), "rooms": [3, 1, 2, 4] * 3}))  # few rows


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits, load_diabetes])
def test_no_measurement_of_real_tables_is_taken_for_ids(load):
    table = load(as_frame=True).frame
    parts = [RANDOM.permutation(len(table))[:n] for n in (11, 15, 25, 60, len(table))]
    names = list(table.columns)
    assert [name for part in parts for name in names if are_numbers_of_rows(name, table[name].to_numpy()[part])] == []


def test_a_few_texts_are_no_names_of_rows():
    assert not are_names_of_rows(list("abcdefghij"))
    assert are_names_of_rows(list("abcdefghijk"))
