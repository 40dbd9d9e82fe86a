"""Columns that determine the label are warned of, and those that only tell much about it are not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from anyshot import AnyShotClassifier
from anyshot.data.label_leaks import ENOUGH, determining_columns
from anyshot.errors import LeakWarning

LABELS = np.tile([0, 1], 50)


def leaking(n=160):
    """Return a table whose columns after `age` tell the label, each in a way of its own, and the labels."""
    random = np.random.default_rng(0)
    churned = np.tile([False, True], n // 2)
    table = pd.DataFrame({"age": random.integers(18, 80, n), "status_code": 10 + churned})
    table["state"] = np.where(churned, random.choice(["gone", "left"], n), random.choice(["new", "loyal"], n))
    table["churned_on"] = pd.Series(pd.date_range("2024-01-01", periods=n)).where(churned)
    table["reason"] = pd.Series([f"reason {row % 9}" for row in range(n)]).where(churned)
    table["risk"] = random.normal(size=n) + 9 * churned
    return table, np.where(churned, "churned", "active").tolist()


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_no_measurement_of_real_tables_determines_the_label(load):
    X, y = load(return_X_y=True)
    columns = {str(number): column for number, column in enumerate(X.T)}
    random = np.random.default_rng(0)
    parts = [random.permutation(len(y))[:n] for n in (30, 60, 80, 100, len(y)) for _ in range(3)]
    assert [determining_columns({name: own[rows] for name, own in columns.items()}, y[rows]) for rows in parts] == [
        [] for _ in parts
    ]


def test_columns_that_determine_the_label_are_named_once():
    table, labels = leaking()
    with pytest.warns(LeakWarning) as caught:
        AnyShotClassifier(encoder="table", cache=False).fit(table, labels)
    assert len(caught) == 1
    assert "each by itself: 'status_code', 'churned_on', 'risk', 'state', 'reason'. If" in str(caught[0].message)
    with pytest.warns(LeakWarning, match="each by itself: '1'"):
        AnyShotClassifier(cache=False).fit(table[["age", "status_code"]].to_numpy(), labels)


def test_labels_that_are_added_are_counted_with_earlier_ones():
    table, labels = leaking()
    clf = AnyShotClassifier(encoder="table", cache=False).fit(table[["age", "status_code"]][:40], labels[:40])
    with pytest.warns(LeakWarning, match="'status_code'"):
        clf.partial_fit(table[["age", "status_code"]][40:80], labels[40:80])
    clf.partial_fit(table[["age", "status_code"]][80:], labels[80:])  # without a warning, which is an error here


def test_few_rows_and_rare_classes_are_no_evidence():
    n = ENOUGH + 3
    assert determining_columns({"code": LABELS[:n].astype(float)}, LABELS[:n]) == ["code"]
    assert determining_columns({"code": LABELS[: n - 1].astype(float)}, LABELS[: n - 1]) == []
    sizes = LABELS * 9 + np.random.default_rng(0).random(100)
    assert determining_columns({"size": sizes}, LABELS) == []
    assert determining_columns({"size": np.tile(sizes, 2) + np.arange(200) / 1e6}, np.tile(LABELS, 2)) == ["size"]
    rare = (np.arange(1000) < 20).astype(int)
    assert determining_columns({"code": rare.astype(float)}, rare) == []


def test_one_exception_is_enough():
    code = LABELS.astype(float)
    code[0] = 1
    assert determining_columns({"code": code, "id": np.arange(100.0), "none": np.full(100, np.nan)}, LABELS) == []


@pytest.mark.parametrize("weights", [np.full(12, 30), np.full(12, 29.5)])
def test_weights_are_no_evidence(weights):
    table = pd.DataFrame({"age": np.arange(12.0), "risk": np.tile([0.0, 1.0], 6), "city": np.tile(["Rome", "Oslo"], 6)})
    clf = AnyShotClassifier(encoder="table", cache=False)
    clf.fit(table, LABELS[:12], sample_weight=weights)  # without a warning, which is an error here
    table, labels = leaking()
    with pytest.warns(LeakWarning, match="'status_code', 'churned_on', 'risk', 'state', 'reason'"):
        clf.fit(table, labels, sample_weight=np.full(len(labels), 3))
