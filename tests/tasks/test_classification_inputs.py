"""What AnyShotClassifier takes as items and labels, and what it refuses."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score

from anyshot import UNKNOWN, AnyShotClassifier, load
from anyshot.errors import (
    BadItemError,
    ClassesError,
    DuplicateClassError,
    InputError,
    NotEnoughClassesError,
    NotEnoughLabelsError,
    UnknownClassError,
    WidthError,
)
from labeled_items import LABELS, TEXTS, WORDS, measurements

FAULTS = [
    ({}, ([], []), NotEnoughClassesError, "At least two classes are needed; got none"),
    ({"classes": ["one"]}, (), NotEnoughClassesError, "got only 'one'"),
    ({"classes": ["a", "a"]}, (), DuplicateClassError, "Class 'a' is named 2 times"),
    ({"classes": ["a", " "]}, (), DuplicateClassError, "Class 1 has an empty name"),
    ({"classes": "a,b"}, (), ClassesError, "got one string: 'a,b'"),
    ({"classes": 5}, (), ClassesError, "got one int: 5"),
    ({"classes": b"ab"}, (), ClassesError, "got one bytes: b'ab'"),
    ({"classes": {"a": [1.0, 0.0], "b": [1.0]}}, (), WidthError, "of class 'a' has width 2 and that of 'b' 1"),
    ({"classes": {"a": [1.0, 0.0], "b": "late"}}, (), ClassesError, "'a' is given by a vector and 'b' by 'late'"),
    ({"classes": ["tea", "zoo"]}, (["x y"], ["teas"]), UnknownClassError, "Did you mean 'tea'"),
    ({"classes": ["tea", "zoo"]}, (["x", " "], ["tea", "zoo"]), BadItemError, "The text in row 1 is empty"),
    ({"classes": ["tea", "zoo"]}, (["x"], ["tea", "zoo"]), InputError, "There are 1 items and 2 labels"),
    ({"classes": ["tea", "zoo"]}, (["x"],), InputError, "1 items were given without labels"),
    ({"classes": ["tea", "zoo"]}, (["x"], [["tea", "zoo"]]), InputError, "Row 0 has a list of labels"),
    ({"classes": ["tea", "zoo"]}, (["x", 3], ["tea", "zoo"]), InputError, "1 texts, 1 of type int"),
    ({"classes": ["tea", "zoo"], "method": "magic"}, (), InputError, "Unknown method 'magic'"),
    ({"classes": ["tea", "zoo"]}, (csr_array(np.eye(2)), ["tea", "zoo"]), InputError, "the items are vectors"),
    (
        {"classes": ["tea", "zoo"]},
        (["x"], (label for label in ["tea"])),
        InputError,
        "A list of labels is needed; got a",
    ),
    ({"classes": ["tea", "zoo"]}, (["x", "y"], "zt"), InputError, "A list of labels is needed; got one str"),
    (
        {"encoder": "auto"},
        (["a/1.jpg", "b/2.PNG"], ["tea", "zoo"]),
        BadItemError,
        "'a/1.jpg' looks like the path",
    ),
    ({"classes": ["tea", "zoo"], "cache": "here"}, (), InputError, "cache must be True or False; got 'here'"),
    ({"classes": ["tea", "zoo"], "unknown_rate": "0.05"}, (), InputError, "a number between 0 and 1; got '0.05'"),
    ({"classes": ["tea", "zoo"], "class_prior": [0.5, 0.5]}, (), InputError, "class_prior must be 'auto'"),
    (
        {"classes": ["tea", "zoo"], "unknown_rate": 5},
        (),
        InputError,
        "a number between 0 and 1; got 5",
    ),
    (
        {"classes": ["tea", "zoo"], "unknown_rate": 0.05},
        (),
        NotEnoughLabelsError,
        "at least 20 labeled or 20",
    ),
    ({"classes": ["tea", "unknown"], "unknown_rate": 0.05}, (), ClassesError, "the prediction for items of no class"),
    ({"classes": ["tea", "zoo"], "class_prior": {"tea": "1", "zoo": 1}}, (), ClassesError, "gives 'tea' '1'"),
    ({"encoder": "vectors"}, ([[1.0, 2.0], [1.0]], ["a", "b"]), InputError, "items must be a table of numbers"),
    (
        {"classes": ["tea", "zoo"], "class_prior": "even"},
        (),
        InputError,
        "class_prior must be .*; got 'even'",
    ),
    ({"classes": ["tea", "zoo"], "class_prior": {"tea": 1}}, (), ClassesError, "does not name the class 'zoo'"),
    (
        {"classes": ["tea", "zoo"], "class_prior": {"tea": 1}, "encoder": "auto"},
        (),
        ClassesError,
        "does not name the class 'zoo'",
    ),
    ({"classes": ["tea", "zoo"], "method": "prototype"}, (), NotEnoughLabelsError, "method='prototype' needs labels"),
]


@pytest.mark.parametrize(("parameters", "given", "error", "text"), FAULTS)
def test_invalid_input_is_refused(letters, parameters, given, error, text):
    with pytest.raises(error, match=text):
        AnyShotClassifier(**{"encoder": letters, "cache": False, **parameters}).fit(*given)


def test_sparse_vectors_are_dense_ones_within_a_bound_of_memory():
    table, y = np.eye(6, dtype=np.float32), ["a", "b"] * 3
    dense, sparse = (AnyShotClassifier(cache=False).fit(X, y) for X in (table, csr_array(table)))
    np.testing.assert_array_equal(sparse.predict_proba(csr_array(table)), dense.predict_proba(table))
    with pytest.raises(InputError, match=r"is sparse, of shape \(6, 1000000000\).* would need 22 GiB"):
        AnyShotClassifier(cache=False).fit(csr_array((6, 10**9)), y)


@pytest.mark.parametrize("make", [pl.Series, pa.array, pd.Index, np.array, lambda texts: pd.DataFrame({"text": texts})])
def test_texts_and_labels_may_be_columns_of_any_library(letters, make):
    clf = AnyShotClassifier(encoder=letters, cache=False).fit(make(TEXTS), make(LABELS))
    expected = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(clf.predict_proba(make(TEXTS)), expected.predict_proba(TEXTS))
    assert clf.evaluate(make(TEXTS), make(LABELS)).accuracy == expected.evaluate(TEXTS, LABELS).accuracy


@pytest.mark.torch
def test_labels_may_be_tensors(letters):
    import torch

    numbers = torch.tensor([sorted(WORDS).index(label) for label in LABELS])
    clf = AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, numbers)
    assert clf.evaluate(TEXTS, list(numbers)).n == len(TEXTS)
    assert clf.partial_fit(TEXTS[:2], numbers[:2]).classes_.tolist() == sorted(set(numbers.tolist()))
    assert clf.predict_set(TEXTS, calibration=(TEXTS, numbers))


def test_items_that_are_not_a_list_are_refused():
    named = AnyShotClassifier(["tea", "zoo"]).fit()
    with pytest.raises(InputError, match="There are no items: the list is empty"):
        named.predict([])
    with pytest.raises(InputError, match="Write list"):
        named.predict(text for text in ["tea"])
    with pytest.raises(InputError, match="A list of the items of 'tea' is needed; got one str"):
        named.fit({"tea": "a cup of tea", "zoo": ["a lion"]})


@pytest.mark.parametrize("make", [lambda table: table, pl.from_pandas, pa.Table.from_pandas])
def test_columns_are_those_of_fit_in_their_order(tmp_path, make):
    X, y = measurements()
    clf = AnyShotClassifier(cache=False).fit(make(X), y)
    assert clf.feature_names_in_.tolist() == ["a", "b", "c"]
    clf.save(tmp_path / "model")
    for one in (clf, load(tmp_path / "model")):
        with pytest.warns(UserWarning, match="no column names"):
            by_position = one.score(X.to_numpy(), y)
        assert one.score(make(X), y) == by_position > 0.9
        with pytest.raises(InputError, match=r"another order than in `fit`\. Pass table\[model\.feature_names_in_\]"):
            one.predict(make(X[["c", "b", "a"]]))
        with pytest.raises(InputError, match="lacks the column 'b'"):
            one.evaluate(X.rename(columns={"b": "B"}), y)
    with pytest.raises(InputError, match="another order"):
        clf.partial_fit(X[["b", "a", "c"]], y)
    with pytest.raises(InputError, match="another order"):
        AnyShotClassifier(cache=False).fit(X, y, unlabeled=X[["b", "a", "c"]])


def test_features_with_units_of_their_own_are_standardized_and_it_is_said():
    X, y = load_wine(return_X_y=True)
    scores = {name: cross_val_score(AnyShotClassifier(encoder=name, cache=False), X, y) for name in ("auto", "vectors")}
    assert scores["auto"].mean() > 0.95 > 0.7 > scores["vectors"].mean()
    assert "The columns are taken for features" in AnyShotClassifier(cache=False).fit(X, y).reasons_[-1]


def test_a_table_with_categories_dates_and_gaps_is_read_if_it_is_called_one(tmp_path):
    X, y = measurements()
    table = X.assign(kind=np.where(y == "yes", "u", "v"), day=pd.date_range("2020-01-01", periods=len(X)))
    table.loc[5, "b"] = np.nan
    clf = AnyShotClassifier(encoder="table", cache=False).fit(table, y)
    assert clf.score(table, y) > 0.9
    clf.save(tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(table), clf.predict_proba(table), atol=1e-6)
    by_class = {label: table[y == label] for label in ("no", "yes")}
    again = AnyShotClassifier(encoder="table", cache=False, budget="best").fit(by_class)
    np.testing.assert_allclose(again.predict_proba(table), clf.predict_proba(table), atol=1e-4)


@pytest.mark.torch
def test_a_table_of_texts_may_be_given_with_a_budget(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False, budget=1)
    assert clf.fit(pd.DataFrame({"text": TEXTS}), LABELS).predict(TEXTS).tolist() == LABELS


def test_one_item_with_two_labels_is_said(clf):
    other = next(one for one in LABELS if one != LABELS[0])
    with pytest.warns(UserWarning, match=r"1 labeled item is the same .* 'aa', .* Both labels count"):
        clf.fit(["aa", "aa", *TEXTS], [LABELS[0], other, *LABELS])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.partial_fit(["bbb"], [LABELS[0]])  # the earlier conflict was said
    with pytest.warns(UserWarning, match="1 labeled item is the same"):
        clf.partial_fit(["ccc"] * 2, [LABELS[0], other])


def test_exchanged_items_and_labels_are_said(letters):
    with pytest.warns(UserWarning, match="were items and labels exchanged"):
        AnyShotClassifier(encoder=letters, cache=False).fit(["a", "b"] * 2, ["axx", "bby", "zzz", "ccc"])


def test_a_seed_as_text_is_refused(clf):
    with pytest.raises(InputError, match="random_state"):
        clf.set_params(random_state="42").fit(TEXTS, LABELS)


def test_errors_about_unlabeled_items_say_so():
    with pytest.raises(BadItemError, match=r"^Unlabeled items: .* in row 1 is missing"):
        AnyShotClassifier(["billing", "login"], cache=False).fit(["a"], ["login"], unlabeled=["b", None])
    with pytest.raises(WidthError, match=r"^Unlabeled items: "):
        AnyShotClassifier(cache=False).fit(np.eye(3), ["a", "b", "a"], unlabeled=np.eye(2))


def test_a_row_of_a_table_far_outside_of_all_others_is_unknown_also_in_the_direction_of_a_rare_class():
    random = np.random.default_rng(0)
    centers, y = np.array([[0.0, 0.0], [8.0, 8.0]]), np.repeat([0, 1], [57, 3])
    table = pd.DataFrame((centers[y] + random.normal(size=(60, 2))) * [1, 100], columns=["age", "pay"])
    clf = AnyShotClassifier(cache=False, unknown_rate=0.05).fit(table, np.array(["many", "few"])[y])
    of_rare = table[y == 1].mean().to_frame().T
    assert clf.predict(of_rare).tolist() == ["few"]
    with pytest.warns(UserWarning, match="'(age|pay)' is .* but .* in `fit`. Check its unit"):
        assert clf.predict(100 * of_rare).tolist() == [UNKNOWN]


@pytest.mark.parametrize("make", [lambda ages: pd.DataFrame({"age": ages}), lambda ages: np.array(ages)[:, None]])
def test_a_table_of_one_column_is_classified_by_its_numbers(make):
    ages = [15.5, 16.0, 17.5, 70.0, 71.5, 80.0]
    clf = AnyShotClassifier(cache=False).fit(make(ages), ["young"] * 3 + ["old"] * 3)
    assert clf.predict(make([14.0, 90.0])).tolist() == ["young", "old"]
