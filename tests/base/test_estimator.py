"""A classifier without scikit-learn's base meets its contract: `clone`, `Pipeline`, cross-validation and tags."""

import datetime
import enum
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from anyshot.base.estimator import ClassifierBase, all_or_nothing, class_labels, fresh_copy, not_fitted, validate_data
from anyshot.errors import BadItemError, InputError, WidthError

X = np.array([[0.0], [1.0], [0.2], [0.9], [0.1], [0.8]])
Y = np.array(["no", "yes"] * 3)


class Above(ClassifierBase):
    """Predict "yes" above a limit."""

    def __init__(self, limit=0.5, *, names=("no", "yes")):
        self.limit, self.names = limit, names

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.array(self.names)[(np.asarray(X)[:, 0] > self.limit).astype(int)]

    def score(self, X, y):
        return np.mean(self.predict(X) == y)


def test_parameters_are_read_set_and_cloned():
    one = Above(0.3)
    assert one.get_params() == {"limit": 0.3, "names": ("no", "yes")}
    assert one.set_params(limit=0.7) is one
    assert clone(one).limit == 0.7


def test_an_unknown_parameter_is_refused_and_none_is_set():
    one = Above()
    with pytest.raises(InputError, match=r"Above has no parameter 'upper'. It has: limit, names"):
        one.set_params(limit=0.1, upper=0.7)
    assert one.limit == 0.5


def test_scikit_learn_takes_it_for_a_classifier():
    assert is_classifier(Above())
    assert cross_val_score(Above(), X, Y, cv=3).tolist() == [1.0, 1.0, 1.0]
    search = GridSearchCV(Above(), {"limit": [0.5, 2.0]}, cv=3).fit(X, Y)
    assert search.best_params_ == {"limit": 0.5}
    assert make_pipeline(StandardScaler(), Above(0.0)).fit(X, Y).score(X, Y) == 1.0


def test_the_repr_names_what_differs_from_the_defaults():
    assert repr(Above()) == "Above()"
    assert repr(Above(names=("a", "b"))) == "Above(names=('a', 'b'))"
    assert len(repr(Above(names=["name"] * 1000))) < 100


def test_the_error_of_an_estimator_that_is_not_fitted_is_scikit_learns():
    assert isinstance(not_fitted("Call fit first."), NotFittedError)


def test_it_is_defined_and_shown_without_scikit_learn():
    code = (
        "import sys; from anyshot.base.estimator import ClassifierBase; repr(type('One', (ClassifierBase,), "
        "{'predict': None})()); print('sklearn' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


LEVELS = pd.MultiIndex.from_tuples([("x", "mean"), ("x", "max")])


@pytest.mark.parametrize("names", [range(2), LEVELS], ids=["numbers", "levels"])
def test_columns_without_names_in_texts_keep_their_order(names):
    table, estimator = pd.DataFrame([[0.0, 1.0]], columns=names), StandardScaler()
    validate_data(estimator, table)
    assert validate_data(estimator, table, reset=False).tolist() == [[0, 1]]
    with pytest.raises(InputError, match="same order"):
        validate_data(estimator, table.iloc[:, ::-1], reset=False)


def test_a_lazy_table_is_refused_with_the_remedy():
    with pytest.raises(InputError, match="collect"):
        validate_data(StandardScaler(), pl.LazyFrame({"a": [1.0]}))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[1.0], [np.nan], [np.inf]], "X contains NaN or infinity in rows 1, 2"),
        (["one", "two"], "row 0 is the text 'one'"),
        ({"a": [1.0]}, r"it is a dict. Write pandas.DataFrame\(X\)"),
        ({"a": 1.0}, r"it is a dict. Write pandas.DataFrame\(\[X\]\)"),
        ([{"a": 1.0}], r"it is a list of dict. Write pandas.DataFrame\(X\)"),
        (([1.0] for _ in range(2)), r"it is a generator. Write list\(X\)"),
        (np.arange(3.0), r"a ndarray of shape \(3,\). Reshape your data: X\[:, None\]"),
        (pd.Series([1.0]), "X.to_frame"),
        (2.0, "it is one number"),
        (np.zeros((0, 2)), "X has no rows"),
        ([[1.0], [1.0, 2.0]], "row 1 has length 2, and row 0 has 1"),
    ],
)
def test_rows_that_scikit_learn_refuses_are_named(rows, words):
    with pytest.raises(InputError, match=words):
        validate_data(StandardScaler(), rows)


@pytest.mark.parametrize("labels", [{"a": 1, "b": 2}, (label for label in "ab")], ids=["mapping", "generator"])
def test_labels_are_a_list(labels):
    with pytest.raises(InputError, match=r"A list of labels is needed; got a \w+.* Write list\("):
        validate_data(StandardScaler(), [[1.0], [2.0]], labels)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_row_of_a_table_is_refused_with_the_remedy():
    table, estimator = pd.DataFrame([[0.0, 1.0]], columns=["a", "b"]), StandardScaler()
    validate_data(estimator, table)
    with pytest.raises(InputError, match=r"of a row, table.iloc\[\[row\]\]"):
        validate_data(estimator, table.iloc[0], reset=False)


def test_columns_and_widths_of_fit_are_named_with_the_remedy():
    table, estimator = pd.DataFrame([[0.0, 1.0]], columns=["a", "b"]), StandardScaler()
    validate_data(estimator, table)
    with pytest.raises(InputError, match=r"(?s)in the same order.*Pass X\[model.feature_names_in_\]"):
        validate_data(estimator, table[["b", "a"]], reset=False)
    validate_data(estimator, [[0.0, 1.0]])
    with pytest.raises(WidthError, match=r"X has 1 features, but StandardScaler is expecting 2 .*Pass the columns"):
        validate_data(estimator, [[1.0]], reset=False)


def test_a_sparse_table_is_refused_with_the_remedy_where_a_dense_one_is_needed():
    with pytest.raises(InputError, match=r"X is sparse; StandardScaler needs a dense table. Write X.toarray\(\)"):
        validate_data(StandardScaler(), csr_array([[1.0]]))


def test_a_masked_number_is_refused_and_a_mask_of_none_is_ignored():
    cells = np.ma.MaskedArray(np.eye(3), mask=np.eye(3, k=1, dtype=bool))
    with pytest.raises(BadItemError, match="X contains NaN or infinity in rows 0, 1"):
        validate_data(StandardScaler(), cells)
    np.testing.assert_array_equal(validate_data(StandardScaler(), np.ma.MaskedArray(np.eye(3))), np.eye(3))


@pytest.mark.parametrize("rows", [lambda X: X, list], ids=["tensor", "list"])
def test_tensors_with_gradients_and_of_half_precision_are_taken(rows):
    X = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for given in (X, X.bfloat16()):
        assert validate_data(StandardScaler(), rows(given)).tolist() == [[1, 2], [3, 4]]


def test_numbers_that_float32_cannot_hold_are_not_taken_for_infinity():
    with pytest.raises(BadItemError, match=r"numbers beyond 3.4e38 in row 1. Divide them"):
        validate_data(StandardScaler(), [[1.0], [1e200]], dtype=np.float32, ensure_all_finite=False)


@pytest.mark.parametrize("make", [pl.Series, lambda rows: pl.Series(rows, dtype=pl.Array(pl.Float64, 2))])
def test_a_column_of_vectors_is_a_table(make):
    found = validate_data(Above(), make([[1.0, 2.0], [3.0, 4.0]]), dtype=np.float64)
    np.testing.assert_array_equal(found, [[1, 2], [3, 4]])


class Interrupted(Above):
    """Stop in the middle of a fit to labels that are all "no"."""

    @all_or_nothing
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if len(self.classes_) == 1:
            self.begun_ = True
            raise KeyboardInterrupt
        return super().fit(X, y)


def test_a_fit_that_is_interrupted_leaves_the_earlier_one():
    model = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, ["no"] * 6)
    assert vars(model) == vars(Interrupted())
    before = dict(vars(model.fit(X, Y)))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, ["no"] * 6)
    assert vars(model) == before


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (StandardScaler, r"is the class StandardScaler. Pass an instance, StandardScaler\(\)"),
        ({"a": Above()}, "The model is a dict. Pass one estimator"),
    ],
)
def test_a_model_that_cannot_be_copied_is_refused(model, message):
    with pytest.raises(InputError, match=message):
        fresh_copy(model)


class Answer(enum.Enum):
    YES = 1
    NO = 2


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        ([Answer.YES, Answer.NO], r"Row 0 has a label of type Answer.*pass label\.value"),
        ([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)], r"type date.*pass str\(label\)"),
        ([(1, 2), (3, 4)], "Row 0 has a tuple of labels"),
        (np.eye(2), "Row 0 has a list of labels"),
        (pd.get_dummies(pd.Series(["a", "b"])), "One column is needed"),
        ([0.5, 1.5], "AnyShotRegressor predicts continuous ones"),
        (pd.array([1, pd.NA], dtype="Int64"), "y has no label in row 1"),
        (["a", 1], "y has texts and numbers, 'a' and 1"),
    ],
)
def test_labels_that_are_none_of_classes_are_refused(labels, fault):
    with pytest.raises(InputError, match=fault):
        class_labels(labels)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pd.array([2, 1], dtype="Int64"), [2, 1]),
        (pd.Categorical(["b", "a"]), ["b", "a"]),
        ([b"b", b"a"], ["b", "a"]),
        (pl.DataFrame({"y": [True, False]}), [True, False]),
        ([2**70, 1], [2**70, 1]),
        ([0.5, 1.5, 0.5], [0.5, 1.5, 0.5]),
    ],
)
def test_labels_keep_their_type(labels, expected):
    found = class_labels(labels)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == expected
