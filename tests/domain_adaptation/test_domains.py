"""How the tables of both domains are checked, normalized and joined."""

import numpy as np
import pytest
from scipy.sparse import csr_array, issparse
from scipy.stats import zscore

from anyshot.domain_adaptation.domains import (
    domain_table,
    is_sparse,
    normalize_domains,
    stack_domains,
    statistics_of,
)
from anyshot.errors import BadItemError, WidthError


def test_infinity_in_a_sparse_table_is_refused():
    table = csr_array(np.array([[0, 1.0], [0, 0], [np.inf, 0]]))
    with pytest.raises(BadItemError, match="NaN or infinity in row 2"):
        domain_table(table, name="X")


def test_a_sparse_table_of_another_width_is_refused():
    with pytest.raises(WidthError, match="X has 2 features; the source has 3"):
        domain_table(csr_array(np.eye(2)), width=3, name="X")


def test_stacking_keeps_sparse_tables_sparse():
    stacked = stack_domains(csr_array(np.eye(2)), csr_array(np.ones((1, 2))))
    np.testing.assert_array_equal(stacked.toarray(), [[1, 0], [0, 1], [1, 1]])


def tables():
    random = np.random.default_rng(0)
    return (
        random.normal(2, 3, size=(9, 4)).astype(np.float32),
        random.normal(size=(7, 4)).astype(np.float32),
    )


def test_domain_normalization_is_the_zscore_of_scipy():
    source, target = tables()
    for ours, oracle in zip(normalize_domains(source, target, "domain"), (zscore(source), zscore(target)), strict=True):
        np.testing.assert_allclose(ours, oracle, atol=1e-5)


def test_source_normalization_transforms_both_domains_alike():
    source, _ = tables()
    ours, theirs = normalize_domains(source, source, "source")
    np.testing.assert_array_equal(ours, theirs)


def test_no_normalization_returns_the_tables_unchanged():
    source, target = tables()
    ours, theirs = normalize_domains(source, target, None)
    assert ours is source
    assert theirs is target


def test_a_constant_feature_is_centered_but_not_scaled():
    table = np.array([[0.1, 1], [0.1, 3]], np.float32).repeat(50, axis=0)
    scaled = statistics_of(table).standardize(table)
    np.testing.assert_allclose(scaled[:, 0], 0, atol=1e-6)
    np.testing.assert_allclose(np.abs(scaled[:, 1]), 1, atol=1e-6)


def test_a_sparse_table_is_scaled_by_its_root_mean_square_and_stays_sparse():
    dense = np.array([[0, 2.0, 0], [0, 0, 1], [0, 2, 0], [0, 0, 0]], np.float32)
    table = csr_array(dense)
    scaled = statistics_of(table).standardize(table)
    assert issparse(scaled)
    np.testing.assert_allclose(scaled.toarray(), dense / [1, np.sqrt(2), 0.5], rtol=1e-6)
    np.testing.assert_array_equal(table.toarray(), dense)


def test_is_sparse_recognizes_sparse_tables():
    assert is_sparse(csr_array(np.eye(2)))
    assert not is_sparse(np.eye(2))
