import logging
import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

from anyshot.base import validation
from anyshot.base.validation import check_indexes, check_rows, decision_scores, mask, refuse_lazy, vectors
from anyshot.errors import BadItemError, InputError, UnknownClassError, WidthError


def test_vectors_are_returned_as_float32():
    table = validation.vectors([[1, 2], [3, 4]])
    assert table.dtype == np.float32
    np.testing.assert_array_equal(table, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([["a", "b"]], "X must be a table of numbers"),
        ([[1.0], [1.0, 2.0]], "X must be a table of numbers"),
        ([1.0, 2.0], r"its shape is \(2,\)\. Reshape one vector with x\[None, :\]"),
        (np.zeros((2, 0)), r"its shape is \(2, 0\)\.$"),
        (np.zeros((2, 2, 2)), r"its shape is \(2, 2, 2\)\.$"),
    ],
)
def test_anything_but_a_table_of_numbers_is_refused(X, words):
    with pytest.raises(InputError, match=words):
        validation.vectors(X)


def test_rows_that_are_not_finite_are_named():
    X = np.zeros((9, 2))
    X[3, 1] = np.nan
    with pytest.raises(BadItemError, match=r"class_vectors contains NaN or infinity in row 3\. Remove or correct"):
        validation.vectors(X, name="class_vectors")
    X[:7, 0] = np.inf
    with pytest.raises(BadItemError, match="in rows 0, 1, 2, 3, 4 and 2 more"):
        validation.vectors(X)


def test_numbers_without_a_square_are_named():
    with pytest.raises(BadItemError, match=r"X contains numbers beyond 3\.4e38 in row 1"):
        vectors([[1.0], [1e100]])


def test_vectors_of_another_width_are_refused():
    assert validation.vectors(np.zeros((1, 3)), width=3).shape == (1, 3)
    with pytest.raises(WidthError, match="vectors of width 3; the model needs width 4"):
        validation.vectors(np.zeros((1, 3)), width=4)


def test_unit_scales_rows_to_length_one_and_leaves_zeros():
    np.testing.assert_allclose(validation.unit(np.array([[3.0, 4.0], [0, 0]])), [[0.6, 0.8], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("seed", [7, np.int64(7)])
def test_the_same_seed_gives_the_same_numbers(seed):
    assert validation.generator(seed).random() == validation.generator(7).random() != validation.generator(8).random()


def test_a_generator_is_used_unchanged_and_a_random_state_seeds_one():
    random = np.random.default_rng(0)
    assert validation.generator(random) is random
    first, second = (validation.generator(np.random.RandomState(0)).random() for _ in range(2))
    assert first == second


def test_without_a_seed_the_numbers_differ():
    assert validation.generator(None).random() != validation.generator(None).random()


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_unit_handles_very_small_and_very_large_numbers(size):
    X = (np.array([[3.0, 4.0], [0.0, 0.0]]) * size).astype(np.float32)
    np.testing.assert_allclose(validation.unit(X), [[0.6, 0.8], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("wrong", ["x", -1, 1.5])
def test_an_invalid_random_state_is_refused(wrong):
    with pytest.raises(InputError, match="random_state must be a non-negative integer, a generator or None; it is"):
        validation.generator(wrong)


@pytest.mark.parametrize("whole", [3, np.int64(3), np.uint8(3)])
def test_integers_of_python_and_numpy_are_whole_numbers(whole):
    assert validation.is_whole(whole)
    assert validation.is_number(whole)
    validation.check_whole(3, epochs=whole)
    with pytest.raises(InputError, match="epochs must be at least 4; it is 3"):
        validation.check_whole(4, epochs=whole)


@pytest.mark.parametrize("wrong", [True, np.True_, 2.0, np.float64(2), "3", None])
def test_a_parameter_that_is_not_a_whole_number_is_named(wrong):
    with pytest.raises(InputError, match=r"epochs must be an integer; it is "):
        validation.check_whole(1, rank=1, epochs=wrong)


def test_a_parameter_that_is_not_a_number_is_named():
    validation.check_numbers(learning_rate=1, dropout=0.5, moved=np.float32(0.5))
    for wrong in ("fast", None, True, [1.0]):
        with pytest.raises(InputError, match="learning_rate must be a number; it is "):
            validation.check_numbers(learning_rate=wrong)


def test_class_sums_adds_the_vectors_of_each_class_and_is_zero_for_the_others():
    X = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    assert validation.class_sums(X, np.array([2, 0, 2]), 4).tolist() == [[3, 4], [0, 0], [6, 8], [0, 0]]
    assert validation.class_sums(X[:0], np.zeros(0, np.intp), 2).tolist() == [[0, 0], [0, 0]]


def test_class_sums_add_in_the_order_of_the_vectors():
    X, index = (
        validation.generator(0).normal(size=(500, 7)).astype(np.float32),
        validation.generator(1).integers(0, 9, 500),
    )
    sums = np.zeros((9, 7), np.float32)
    np.add.at(sums, index, X)  # one after the other, in float32
    np.testing.assert_array_equal(validation.class_sums(X, index, 9), sums)


def test_nullable_numbers_are_vectors_and_their_gaps_are_named():
    table = pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": pd.array([0.5, None], "double[pyarrow]")})
    assert vectors(table[:1]).tolist() == [[1.0, 0.5]]
    with pytest.raises(BadItemError, match="NaN or infinity in row 1"):
        vectors(table)


def test_a_sparse_table_becomes_dense_within_a_bound(caplog):
    with caplog.at_level(logging.INFO):
        assert vectors(csr_array(np.eye(2))).tolist() == [[1, 0], [0, 1]]
    assert "X is sparse and was converted to a dense table of 0 MiB" in caplog.text
    with pytest.raises(InputError, match="would need 37 GiB"):
        vectors(csr_array((10, 10**9)))


def test_the_column_of_a_table_that_holds_no_numbers_is_named():
    table = pd.DataFrame({"age": ["31", "40"], "city": ["7", "Oslo"]}, dtype=object)
    with pytest.raises(InputError, match=r"its column 'city' has 'Oslo' in row 1; leave the column out, or encode it"):
        vectors(table)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"a": [1]}, "it is a dict"),
        (["one text", "another"], "row 0 is the text 'one text'. Encode texts"),
        ([[1, 2], [3, 4], [5]], "row 2 has length 1, and row 0 has 2"),
        ([[1, 2], ["3", "4 kg"]], "row 1 holds the text '4 kg'"),
        (np.array([["a", 1]], dtype=object), "row 0 holds the text 'a'"),
        (pd.DataFrame({"a": [1, 2], "b": ["1", "x"]}), "its column 'b' has 'x' in row 1"),
    ],
)
def test_rows_that_are_no_numbers_are_refused_by_row(rows, words):
    with pytest.raises(InputError, match=re.escape(words)):
        vectors(rows)


def test_numbers_as_text_and_ragged_objects_are_left_to_the_conversion():
    check_rows([["1", "2"], [3, 4]])
    check_rows(csr_array(np.eye(2)).todok())


def test_a_mask_is_truth_values_and_not_row_numbers():
    assert mask([True, False], 2, name="seen").tolist() == [True, False]
    with pytest.raises(InputError, match=r"seen must be 3 truth values.*np\.isin"):
        mask([0, 2], 3, name="seen")
    with pytest.raises(InputError, match="int64"):
        mask([0, 1, 1], 3, name="seen")


def test_decision_scores_are_one_difference_for_two_classes_and_all_scores_for_more():
    two, three = np.array([[0.5, 2.0], [3.0, 1.0]]), np.eye(3)
    np.testing.assert_array_equal(decision_scores(two), [1.5, -2.0])
    assert decision_scores(three) is three


def test_indexes_are_rows_or_minus_one():
    index = check_indexes([0, -1, 2], n_items=3, n_classes=3)
    assert index.dtype == np.intp
    assert index.tolist() == [0, -1, 2]
    assert check_indexes([], n_items=0, n_classes=3).shape == (0,)


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        ([0, 1], InputError, r"one label for each of the 3 items; its shape is \(2,\)"),
        ([[0], [1], [2]], InputError, r"its shape is \(3, 1\)"),
        ([0.0, 0.5, 1.0], InputError, r"rows of the class table, whole numbers from 0, .* row 1 holds 0.5"),
        (["a", "b", "a"], InputError, r"row 0 holds .a.. Of names, write \[names.index\(label\) for label in y\]"),
        ([True, False, True], InputError, "row 0 holds True"),
        ([0.0, float("inf"), 1.0], InputError, "row 1 holds inf"),
        ([0, 3, 1], UnknownClassError, "y contains class 3; there are 3 classes, 0 to 2"),
        ([0, -2, 1], UnknownClassError, "y contains class -2"),
    ],
)
def test_invalid_indexes_are_refused(y, error, words):
    with pytest.raises(error, match=words):
        check_indexes(y, n_items=3, n_classes=3)


@pytest.mark.parametrize("wrong", [-1, np.nan, np.inf, "1", True])
def test_a_parameter_that_is_no_finite_number_in_its_range_is_refused(wrong):
    for check in (validation.check_not_negative, validation.check_positive):
        with pytest.raises(InputError, match=f"ridge must be a number .*; it is {wrong!r}"):
            check(alpha=1, ridge=wrong)
    validation.check_not_negative(ridge=0, alpha=np.float32(2))
    with pytest.raises(InputError, match="ridge must be a number above 0; it is 0"):
        validation.check_positive(ridge=0)


def test_a_loader_of_batches_is_refused_with_the_remedy():
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.eye(2)))
    with pytest.raises(InputError, match=r"A DataLoader gives batches.*loader\.dataset"):
        refuse_lazy(loader)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("make", [torch.nested.nested_tensor, lambda rows: torch.empty(2, 3, device="meta")])
def test_a_tensor_that_has_no_rows_of_equal_length_is_refused(make):
    with pytest.raises(InputError, match="no rows of equal length"):
        refuse_lazy(make([torch.ones(3), torch.ones(2)]))
