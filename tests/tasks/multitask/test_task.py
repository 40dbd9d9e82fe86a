"""Tasks read from {task: labels}."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.tasks.multitask.task import read_tasks, rows_of


def test_numbers_with_fractions_make_a_regression():
    y = {"pass": ["no", "yes", None], "mark": [1.5, None, 3.0], "grade": [0, 1, 2], "flag": [True, False, None]}
    kinds = {task.name: task.kind for task in read_tasks(y, n_items=3)}
    assert kinds == {
        "pass": "classification",
        "mark": "regression",
        "grade": "classification",
        "flag": "classification",
    }


def test_many_whole_numbers_are_a_regression_and_it_is_said():
    grades = [row % 21 for row in range(60)]
    (task,) = read_tasks({"grade": grades}, n_items=60)
    assert task.kind == "regression"
    assert task.reason.startswith(
        "Task 'grade' is a regression: its labels are 21 different whole numbers. If they are"
    )
    (stated,) = read_tasks({"grade": grades}, n_items=60, kinds={"grade": "classification"})
    assert (stated.kind, len(stated.classes)) == ("classification", 21)


@pytest.mark.parametrize("labels", [pd.array([1, 0, None], "Int64"), pl.Series([1, None, 0])])
def test_labels_may_be_columns_of_any_library(labels):
    (task,) = read_tasks({"pass": labels}, n_items=3)
    assert task.classes.tolist() == [0, 1]
    frame = pl.DataFrame({"a": ["x", "y", None], "b": [1.5, None, 2.5]})
    assert [task.kind for task in read_tasks(frame, n_items=3)] == ["classification", "regression"]


@pytest.mark.torch
def test_labels_may_be_tensors():
    import torch

    (task,) = read_tasks({"pass": torch.tensor([1, 0, 1])}, n_items=3)
    assert task.classes.tolist() == [0, 1]


def test_whole_numbers_may_be_declared_a_regression():
    (task,) = read_tasks({"grade": [10, None, 20]}, n_items=3, kinds={"grade": "regression"})
    np.testing.assert_array_equal(task.rows, [0, 2])
    np.testing.assert_allclose(task.targets, [-1, 1])
    np.testing.assert_allclose(task.predictions(np.array([[0.0], [2.0]])), [15, 25])


def test_the_name_of_a_task_does_not_make_it_a_regression():
    (task,) = read_tasks({"regression": ["no", "yes", None]}, n_items=3)
    assert task.kind == "classification"


def test_missing_labels_are_none_or_nan():
    (task,) = read_tasks({"mark": np.array([1.5, np.nan, 2.5])}, n_items=3)
    np.testing.assert_array_equal(task.rows, [0, 2])


def test_two_classes_need_one_column_of_scores():
    (task,) = read_tasks({"pass": ["no", "yes"]}, n_items=2)
    assert task.width == 1
    np.testing.assert_array_equal(task.predictions(np.array([[-1.0], [2.0]])), ["no", "yes"])
    np.testing.assert_allclose(task.probabilities(np.array([[0.0]])), [[0.5, 0.5]])


def test_labels_of_some_rows():
    assert rows_of({"a": ["x", None, "z"]}, np.array([2, 1])) == {"a": ["z", None]}


def test_a_task_without_labels_raises_an_error():
    with pytest.raises(NotEnoughLabelsError, match="Task 'late' has no labels"):
        read_tasks({"pass": ["no", "yes"], "late": [None, None]}, n_items=2)


def test_a_task_with_equal_labels_raises_an_error():
    with pytest.raises(NotEnoughClassesError, match="All labels of task 'pass' are 'yes'"):
        read_tasks({"pass": ["yes", "yes"]}, n_items=2)


@pytest.mark.parametrize(
    ("y", "kinds", "message"),
    [
        ({"a": [1, 2]}, None, "Task 'a' has 2 labels for 3 items"),
        ({}, None, "at least one task"),
        ([0, 1, 0], None, "got a list"),
        ({"a": pl.LazyFrame({"a": [1, 2, 1]})}, None, "A LazyFrame holds no rows yet"),
        ({"a": iter(["x"])}, None, r"labels of task 'a' is needed; got a list_iterator, .* Write list\("),
        ({"a": [1, 2, 3]}, None, r"3 different whole numbers, 1 to 3, which may be numbers or classes.*'regression'"),
        ({"a": pd.to_datetime(["2020", None, "2021"])}, {"a": "regression"}, "Task 'a' holds a Timestamp in row 0"),
        ({"a": [1, 2, 1]}, ["a"], r"tasks must be {task: 'classification' or 'regression'} or None; got \['a'\]"),
        ({"a": [1, 2, 1]}, {"b": "regression"}, "tasks contains 'b', which is not in y. Tasks in y: a"),
        ({"a": [1, 2, 1]}, {"a": "ranking"}, "Unknown kind 'ranking' of task 'a'"),
        ({"a": [1.5, np.inf, 2.0]}, None, "Task 'a' contains infinity in row 1"),
        ({"a": ["x", "y", None]}, {"a": "regression"}, "Task 'a' holds 'x' in row 0, which is not a number"),
    ],
)
def test_invalid_tasks_raise_an_error(y, kinds, message):
    with pytest.raises(InputError, match=message):
        read_tasks(y, n_items=3, kinds=kinds)


def test_quantities_with_units_are_said_to_be_classes():
    weights = [f"{row} kg" for row in range(12)]
    with pytest.warns(UserWarning, match=r"12 different texts, such as '0 kg'.*tasks=\{'w': 'classification'\}"):
        read_tasks({"w": weights}, n_items=12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_tasks({"w": weights}, n_items=12, kinds={"w": "classification"})
        read_tasks({"floor": ["1st", "2nd", "3rd"] * 4}, n_items=12)


def test_a_wrong_label_is_refused_with_its_task_and_names_that_look_alike_are_said():
    with pytest.raises(InputError, match=r"Task 'mood': Row 0 has a list of labels"):
        read_tasks({"mood": [["a", "c"], "b"]}, n_items=2)
    with pytest.warns(UserWarning, match="'Good' and 'good' look alike"):
        read_tasks({"mood": ["good", "Good", "bad"]}, n_items=3)


def test_two_tasks_of_one_name_are_refused():
    with pytest.raises(InputError, match="several columns with the name 'a'"):
        read_tasks(pd.DataFrame([[1.5, 2.5], [3.5, 4.5]], columns=["a", "a"]), n_items=2)
