import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from anyshot.zero_shot.class_vectors import checked_class_vectors, class_kernel, smoother, standardized


def test_class_vectors_come_back_with_unit_length():
    table = checked_class_vectors([[3.0, 4.0], [0.0, 2.0]])
    np.testing.assert_allclose(table, [[0.6, 0.8], [0.0, 1.0]])


def test_attributes_on_wildly_different_scales_are_scaled_and_it_is_said():
    table = np.array([[1.0, 0.0, 0.2, 9000.0], [0.0, 1.0, 0.4, 1000.0], [0.5, 0.5, 0.6, 4000.0]])
    with pytest.warns(UserWarning, match="attribute 3 spreads .* each was divided by its largest absolute value"):
        scaled = checked_class_vectors(table)
    by_hand = table / np.abs(table).max(axis=0)
    np.testing.assert_allclose(scaled, by_hand / np.linalg.norm(by_hand, axis=1, keepdims=True), rtol=1e-6)


def test_z_scores_leave_out_what_seen_classes_agree_on():
    table = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 1.0], [2.0, 9.0, 0.0]])
    by_hand = np.array([[-1.0, -1.0], [1.0, 1.0], [0.0, -1.0]])
    by_hand /= np.linalg.norm(by_hand, axis=1, keepdims=True)
    np.testing.assert_allclose(standardized(table, np.array([0, 1])), by_hand)


def test_seen_classes_that_agree_on_everything_leave_the_table_as_it_is():
    table = np.array([[1.0, 5.0], [1.0, 5.0], [2.0, 9.0]])
    assert standardized(table, np.array([0, 1])) is table


def test_the_rbf_kernel_is_one_over_e_at_the_median_distance():
    table = np.array([[0.0, 0.0], [1.0, 0.0], [7.0, 3.0]])
    alike = class_kernel(table, np.array([0, 1]), kernel="rbf")
    np.testing.assert_allclose(alike[:2, :2], [[1, np.exp(-1)], [np.exp(-1), 1]])


def test_the_smoother_is_kernel_ridge():
    random = np.random.default_rng(0)
    S, Z = random.normal(size=(6, 3)), random.normal(size=(4, 5))
    seen = np.array([0, 2, 3, 5])
    alike = class_kernel(S, seen, kernel="linear")
    oracle = KernelRidge(alpha=0.7, kernel="linear").fit(S[seen], Z).predict(S)
    np.testing.assert_allclose(smoother(alike, seen, penalty=0.7) @ Z, oracle, atol=1e-10)
