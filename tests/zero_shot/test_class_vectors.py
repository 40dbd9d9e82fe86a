import numpy as np
import pandas as pd
import pytest
from sklearn.kernel_ridge import KernelRidge

from anyshot.errors import InputError
from anyshot.zero_shot.class_vectors import (
    checked_class_vectors,
    gram,
    kernel_ridge_weights,
    median_squared_distance,
    ridge_solve,
    squared_distances,
    standardized,
)


@pytest.mark.parametrize("as_row", [list, np.array, lambda row: dict(zip(("hoof", "fur"), row, strict=True))])
def test_class_vectors_by_name_are_refused_with_the_way_to_write_them(as_row):
    given = {"zebra": as_row([3.0, 4.0]), "horse": as_row([0.0, 2.0])}
    with pytest.raises(InputError, match=r"class_vectors is a dict; a row for each class .*from_dict\(class_vectors"):
        checked_class_vectors(given)
    table = checked_class_vectors(pd.DataFrame.from_dict(given, orient="index"))
    np.testing.assert_allclose(table, [[0.6, 0.8], [0.0, 1.0]])


def test_class_vectors_are_scaled_to_unit_length():
    table = checked_class_vectors([[3.0, 4.0], [0.0, 2.0]])
    np.testing.assert_allclose(table, [[0.6, 0.8], [0.0, 1.0]])


def test_attributes_on_very_different_scales_are_rescaled_with_a_warning():
    table = np.array([[1.0, 0.0, 0.2, 9000.0], [0.0, 1.0, 0.4, 1000.0], [0.5, 0.5, 0.6, 4000.0]])
    with pytest.warns(UserWarning, match="of attribute 3 is .* each was divided by its largest absolute value"):
        scaled = checked_class_vectors(table)
    by_hand = table / np.abs(table).max(axis=0)
    np.testing.assert_allclose(scaled, by_hand / np.linalg.norm(by_hand, axis=1, keepdims=True), rtol=1e-6)


def test_z_scores_leave_out_attributes_on_which_the_seen_classes_agree():
    table = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 1.0], [2.0, 9.0, 0.0]])
    by_hand = np.array([[-1.0, -1.0], [1.0, 1.0], [0.0, -1.0]])
    by_hand /= np.linalg.norm(by_hand, axis=1, keepdims=True)
    np.testing.assert_allclose(standardized(table, np.array([0, 1])), by_hand)


def test_a_table_in_which_all_seen_classes_agree_is_not_standardized():
    table = np.array([[1.0, 5.0], [1.0, 5.0], [2.0, 9.0]])
    assert standardized(table, np.array([0, 1])) is table


def test_distances_follow_the_formula():
    S, T = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 2.0], [1.0, 0.0], [4.0, 4.0]])
    np.testing.assert_allclose(squared_distances(S, T), [[4, 1, 32], [5, 0, 25]])
    assert median_squared_distance(T) == 20  # of 5, 20 and 25
    assert median_squared_distance(T[:1]) == 1


@pytest.mark.parametrize(("kernel", "width"), [("linear", None), ("rbf", None), ("rbf", 0.4)])
def test_the_weights_are_those_of_kernel_ridge_regression(kernel, width):
    random = np.random.default_rng(0)
    S, Z = random.normal(size=(6, 3)), random.normal(size=(4, 5))
    seen = np.array([0, 2, 3, 5])
    gamma = 1 / (width or median_squared_distance(S[seen]))
    expected = KernelRidge(alpha=0.7, kernel=kernel, gamma=gamma).fit(S[seen], Z).predict(S)
    weights = kernel_ridge_weights(S, S[seen], penalty=0.7, kernel=kernel, width=width)
    np.testing.assert_allclose(weights @ Z, expected, atol=1e-10)


def test_each_class_may_have_its_own_penalty():
    S, penalty = np.eye(3), np.array([0.1, 5.0])
    known = np.exp(-(1 - np.eye(2))) + np.diag(penalty)
    expected = np.exp(-np.array([[0, 1], [1, 0], [1, 1]])) @ np.linalg.inv(known)
    np.testing.assert_allclose(kernel_ridge_weights(S, S[:2], penalty=penalty), expected)


def test_no_class_has_no_weights():
    assert kernel_ridge_weights(np.zeros((0, 3)), np.eye(3), penalty=0.1).shape == (0, 3)


def test_ridge_regression_on_items_far_from_the_origin_is_that_of_float64():
    random = np.random.default_rng(0)
    X = (1e4 + random.normal(size=(30, 5))).astype(np.float32)
    right = random.normal(size=(5, 2))
    expected = np.linalg.solve(X.astype(float).T @ X.astype(float) + np.eye(5), right)
    np.testing.assert_allclose(ridge_solve(gram(X), right, penalty=1.0), expected, rtol=1e-4)


def test_a_penalty_below_the_rounding_error_is_refused():
    with pytest.raises(InputError, match=r"A penalty of 1e-12 is too small for .* Standardize X"):
        ridge_solve(gram(np.full((9, 4), 1e8, np.float32)), np.ones((4, 1)), penalty=1e-12)
