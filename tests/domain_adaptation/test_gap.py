"""How far two domains are apart."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics.pairwise import rbf_kernel

from anyshot.domain_adaptation import gap
from anyshot.domain_adaptation.gap import a_distance, domain_gap, mmd, shifted_features
from anyshot.errors import BadItemError, DomainError, InputError, TargetLabelsError, WidthError
from domain_adaptation.worlds import moved_world


def twins(*, n=60, width=4, move=0.0, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, width)), random.normal(size=(n - 10, width)) + move


def test_domains_far_apart_are_told_always_and_domains_alike_hardly():
    assert a_distance(*twins(move=20.0)) == pytest.approx(2)
    assert a_distance(*twins(n=400)) < 0.3


def test_the_smaller_domain_weighs_as_much_as_the_larger():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(400, 2)), random.normal(2.0, 1, size=(40, 2))
    assert a_distance(source, target) > 1.3  # all "source" would be 0


def test_mmd_is_the_unbiased_estimate_of_its_definition():
    source, target = twins(n=25, move=0.5)
    both = np.vstack([source, target])
    squares = np.square(both[:, None] - both).sum(axis=2)
    kernel = rbf_kernel(both, gamma=1 / np.median(squares[np.triu_indices(len(both), 1)]))
    np.fill_diagonal(kernel, 0)
    s, t = slice(None, 25), slice(25, None)
    oracle = kernel[s, s].sum() / (25 * 24) + kernel[t, t].sum() / (15 * 14) - 2 * kernel[s, t].mean()
    assert mmd(source, target) == pytest.approx(oracle)


def test_p_values_are_even_where_there_is_no_gap_and_least_where_there_is():
    pairs = [domain_gap(*twins(n=40, seed=seed), n_permutations=39, random_state=seed) for seed in range(12)]
    for values in ([one.a_distance_p for one in pairs], [one.mmd_p for one in pairs]):
        assert 0.2 < np.mean(values) < 0.8
    apart = domain_gap(*twins(move=2.0), n_permutations=39, random_state=0)
    assert (apart.a_distance_p, apart.mmd_p) == (1 / 40, 1 / 40)


def test_a_shift_of_variance_alone_is_seen_by_mmd():
    random = np.random.default_rng(0)
    found = domain_gap(random.normal(size=(150, 3)), 3 * random.normal(size=(150, 3)), random_state=0)
    assert found.mmd_p < 0.02
    assert found.a_distance < 0.5


def test_the_most_shifted_features_come_first_with_their_names():
    source, target = twins(n=400)
    target[:, 2] -= 3
    frame = shifted_features(source, target, ["hue", "light", "grain", "edge"])
    assert frame.index[0] == "grain"
    assert frame.moved.iloc[0] == pytest.approx(-3, abs=0.3)
    found = domain_gap(source, target, feature_names=["hue", "light", "grain", "edge"], n_features=2, random_state=0)
    assert list(found.features.index[:1]) == ["grain"]
    assert len(found.features) == 2


def test_a_gap_of_means_and_spreads_is_taken_by_normalizing_each_domain():
    random = np.random.default_rng(0)
    source = random.normal(size=(200, 4))
    target = 3 * random.normal(size=(200, 4)) + 5
    found = domain_gap(source, target, random_state=0)
    assert found.normalizations.a_distance["domain"] < 0.3
    assert found.normalizations.a_distance["source"] > 1.5
    assert found.verdict.startswith("There is a gap, and normalize='domain' takes more than half of it")
    assert "A-distance 1.9" in str(found)


def test_a_gap_that_is_not_in_means_or_spreads_stays():
    random = np.random.default_rng(0)
    turned = random.normal(size=(300, 2)) @ [[1, 0.95], [0, 0.3]]
    found = domain_gap(turned, turned[:, ::-1] * [1, -1], random_state=0)
    assert "that no normalization takes" in found.verdict


def test_identical_domains_have_no_gap_and_nothing_to_adapt():
    X = moved_world().X
    found = domain_gap(X, X, random_state=0)
    assert found.identical
    assert (found.a_distance, found.mmd, found.a_distance_p) == (0, 0, 1)
    assert "nothing to adapt" in found.verdict
    thin = csr_array(np.maximum(X, 0))
    assert domain_gap(thin, thin, random_state=0).identical


def test_domains_alike_are_told_to_keep_the_source_model():
    assert "keep the source model" in domain_gap(*twins(), random_state=0).verdict


def test_sparse_tables_have_the_gap_of_dense_ones():
    source, target = (np.maximum(table, 0).astype(np.float32) for table in twins(move=1.0))
    dense = domain_gap(source, target, random_state=0)
    thin = domain_gap(csr_array(source), csr_array(target), random_state=0)
    assert thin.mmd == pytest.approx(dense.mmd, rel=1e-4)
    np.testing.assert_allclose(thin.features, dense.features, rtol=1e-4)


def test_raw_items_go_through_the_encoder(letters):
    found = domain_gap(["aab", "abb", "aba"] * 4, ["xyz", "zzy", "yxx"] * 4, encoder=letters, random_state=0)
    assert found.a_distance == pytest.approx(2)
    with pytest.raises(InputError, match="must be lists of raw items"):
        domain_gap("aab", 3, encoder=letters)


def test_raw_items_without_an_encoder_are_told_to_take_one():
    with pytest.raises(InputError, match="Texts and images are compared through an encoder: give encoder='minilm'"):
        domain_gap(["a", "b"], ["c", "d"])


def test_large_domains_are_drawn_from(monkeypatch):
    monkeypatch.setattr(gap, "ITEMS", 80)
    source, target = twins(n=300, width=2, move=1.0)
    one, other = (domain_gap(source, target, n_permutations=39, random_state=seed) for seed in (0, 1))
    assert one.mmd != other.mmd
    assert one.mmd == pytest.approx(other.mmd, rel=0.7)


def test_deals_too_few_to_show_a_gap_are_refused():
    source, target = twins(move=5.0)
    with pytest.raises(InputError, match=r"is 1 in 39\. Take 39 or more"):
        domain_gap(source, target, n_permutations=38)
    assert "No gap" not in str(domain_gap(source, target, n_permutations=39, random_state=0))


def test_what_is_wrong_is_named():
    source, target = twins()
    with pytest.raises(DomainError, match="source has 1 item"):
        domain_gap(source[:1], target)
    with pytest.raises(DomainError, match="target has 1 item"):
        domain_gap(source, target[:1])
    with pytest.raises(WidthError, match="target has vectors of width 3"):
        domain_gap(source, target[:, :3])
    with pytest.raises(BadItemError, match="NaN"):
        domain_gap(np.full((3, 4), np.nan), target)
    with pytest.raises(TargetLabelsError, match="must not see labels"):
        domain_gap(source, (target, np.zeros(len(target))))
    with pytest.raises(InputError, match="feature_names holds 1 names; the vectors are 4 wide"):
        domain_gap(source, target, feature_names=["hue"])
