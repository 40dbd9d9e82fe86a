"""Tasks: what is read from {task: labels}, and what is refused by the task's name."""

import numpy as np
import pytest

from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.tasks.multitask.task import read_tasks, rows_of


def test_classes_and_numbers_are_told_apart_by_fractions():
    y = {"pass": ["no", "yes", None], "mark": [1.5, None, 3.0], "grade": [1, 2, 3], "flag": [True, False, None]}
    kinds = {task.name: task.kind for task in read_tasks(y, n_items=3)}
    assert kinds == {
        "pass": "classification",
        "mark": "regression",
        "grade": "classification",
        "flag": "classification",
    }


def test_whole_numbers_are_a_regression_where_that_is_said():
    (task,) = read_tasks({"grade": [10, None, 20]}, n_items=3, kinds={"grade": "regression"})
    np.testing.assert_array_equal(task.rows, [0, 2])
    np.testing.assert_allclose(task.targets, [-1, 1])
    np.testing.assert_allclose(task.answers(np.array([[0.0], [2.0]])), [15, 25])


def test_missing_labels_are_none_or_nan():
    (task,) = read_tasks({"mark": np.array([1.5, np.nan, 2.5])}, n_items=3)
    np.testing.assert_array_equal(task.rows, [0, 2])


def test_two_classes_take_one_column_and_answer_by_its_sign():
    (task,) = read_tasks({"pass": ["no", "yes"]}, n_items=2)
    assert task.width == 1
    np.testing.assert_array_equal(task.answers(np.array([[-1.0], [2.0]])), ["no", "yes"])
    np.testing.assert_allclose(task.probabilities(np.array([[0.0]])), [[0.5, 0.5]])


def test_labels_of_some_rows():
    assert rows_of({"a": ["x", None, "z"]}, np.array([2, 1])) == {"a": ["z", None]}


def test_a_task_without_a_label_is_refused_by_name():
    with pytest.raises(NotEnoughLabelsError, match="Task 'late' has no label at all"):
        read_tasks({"pass": ["no", "yes"], "late": [None, None]}, n_items=2)


def test_a_task_whose_labels_are_all_the_same_is_refused_by_name():
    with pytest.raises(NotEnoughClassesError, match="All labels of task 'pass' are 'yes'"):
        read_tasks({"pass": ["yes", "yes"]}, n_items=2)


@pytest.mark.parametrize(
    ("y", "kinds", "said"),
    [
        ({"a": [1, 2]}, None, "Task 'a' has 2 labels for 3 items"),
        ({}, None, "at least one task"),
        ([0, 1, 0], None, "a list of"),
        ({"a": [1, 2, 1]}, {"b": "regression"}, "tasks names 'b', which has no labels in y. Its tasks: a"),
        ({"a": [1, 2, 1]}, {"a": "ranking"}, "Task 'a' is called a 'ranking'"),
        ({"a": [1.5, np.inf, 2.0]}, None, "infinite number in row 1"),
        ({"a": ["x", "y", None]}, {"a": "regression"}, "Task 'a' is a regression and needs numbers"),
    ],
)
def test_what_cannot_be_used_is_named(y, kinds, said):
    with pytest.raises(InputError, match=said):
        read_tasks(y, n_items=3, kinds=kinds)
