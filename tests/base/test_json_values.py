"""Values as JSON has them."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from anyshot.base.json_values import json_in_parts, json_value


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": np.int64(1), 2: np.array([[1.5, np.nan]])}, {"a": 1, "2": [[1.5, None]]}),
        ((pd.NA, pd.NaT, np.datetime64("NaT"), float("inf")), [None, None, None, None]),
        ([np.bool_(True), b"cat", np.str_("dog"), np.array(3)], [True, "cat", "dog", 3]),
        ([date(2026, 9, 1), Decimal("1.10"), Path("a/b")], ["2026-09-01", "1.10", str(Path("a/b"))]),
    ],
)
def test_values_become_what_json_has(given, expected):
    found = json_value(given)
    assert found == expected
    assert json.loads(json.dumps(found, allow_nan=False)) == expected


def test_the_place_of_a_value_is_told():
    places = []
    json_value({"a": [1, {"b": 2}]}, lambda value, path: places.append(path))
    assert places == ["['a'][0]", "['a'][1]['b']"]


def test_json_in_parts_is_the_json_of_all():
    numbers = [{"label": "a", "proba": {str(k): 1 / (k + row + 1) for k in range(30)}} for row in range(41)]
    content = {"model": "\u00e9", "version": 1, "answers": numbers, "few": numbers[:2], "none": [], "empty": {}}
    assert json_in_parts(content) == json.dumps(content, separators=(",", ":"))
