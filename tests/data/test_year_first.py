"""Dates that begin with the year, as forms, databases and spreadsheets of several countries write them."""

import numpy as np
import pandas as pd
import pytest

from anyshot.data.column_kinds import as_numbers, kind_of
from anyshot.data.year_first import date_of_year_first

DAY = 19846.0  # 2024-05-03, in days since 1970


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("2024.05.03", DAY),
        ("2024. 5. 3.", DAY),
        ("2024\u5e745\u67083\u65e5", DAY),
        ("2024\ub144 5\uc6d4 3\uc77c", DAY),
        ("3. 5. 2024", DAY),
        ("2024-05", DAY - 2),
        ("2024-W18-5", DAY),
        ("5/2024", DAY - 2),
        ("2024-05-03 12:00:00 UTC", DAY + 0.5),
        ("2024/05/03 2:00:00 PM GMT+2", DAY + 0.5),
        ("2024-05-03T12:00:00.000+0000", DAY + 0.5),
        ("2024-05-03 15:30 +03:30", DAY + 0.5),
    ],
)
def test_a_date_of_clear_order_is_read_with_its_time(cell, number):
    column = pd.Series([cell, "30. 12. 2024" if cell.startswith("3.") else "2024-12-30"], dtype=object)
    np.testing.assert_allclose(as_numbers(column, kind_of(column))[0], number)


@pytest.mark.parametrize(
    "text", ["2024-13", "2024-5", "1224-05", "2024.05", "2024-05/03", "13/2024", "2024-05-32", "2024"]
)
def test_other_numbers_are_no_dates(text):
    assert date_of_year_first(text) is None
