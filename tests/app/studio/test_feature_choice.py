"""Which columns of a table are features."""

import pandas as pd
import pytest

from anyshot.app.studio import preview
from anyshot.app.studio.feature_choice import features_of
from anyshot.data.tables import read_table


@pytest.fixture
def features(tmp_path):
    def of(columns):
        pd.DataFrame(columns).to_csv(tmp_path / "t.csv", sep=";", index=False)
        return features_of(read_table(tmp_path / "t.csv"), list(columns))

    return of


def test_columns_that_only_name_the_rows_are_not_proposed(features):
    found = features(
        {
            "number": range(1, 13),
            "customer id": [12, 7, 31, 8, 44, 3, 2, 9, 18, 5, 77, 1],
            "bottle": [12, 7, 1, 8, 4, 3, 2, 9, 11, 5, 6, 10],
            "name": [f"person {n}" for n in range(12)],
            "empty": [""] * 12,
            "age": [31, 40, 31, 22, 50, 19, 77, 41, 33, 32, 30, 29],
            "weight": ["70,5", "80,1", "n/a", *["61"] * 9],
            "since": [f"{n + 1:02}.02.2024" for n in range(12)],
            "city": ["Rome", "Oslo"] * 6,
        }
    )
    assert {one.name: one.kind for one in found if one.is_proposed} == {
        "age": "number",
        "weight": "number",
        "since": "date",
        "city": "category",
    }


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([f"{n} kg" for n in range(12)], "holds numbers with a unit"),
        (["03/04/2024", "05/06/2024"], "the order of day and month is not clear"),
    ],
)
def test_a_column_that_cannot_be_read_says_why(features, cells, fault):
    (found,) = features({"x": cells})
    assert (found.kind, found.is_proposed) == (None, False)
    assert fault in found.fault


def test_a_few_texts_among_numbers_leave_numbers(features):
    (found,) = features({"age": [*range(30, 50), "old"]})
    assert (found.kind, found.fault) == ("number", "")


def test_a_class_column_of_another_name_is_proposed_by_its_values(tmp_path):
    table = pd.DataFrame(
        {"id": range(12), "age": range(20, 44, 2), "city": ["Rome", "Oslo"] * 6, "income": [0, 1, 1] * 4}
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    found = preview(tmp_path / "t.csv")
    assert (found.class_column, found.class_is_guess) == ("income", True)
    table.rename(columns={"city": "status"}).to_csv(tmp_path / "t.csv", index=False)
    found = preview(tmp_path / "t.csv")
    assert (found.class_column, found.class_is_guess) == ("status", False)
