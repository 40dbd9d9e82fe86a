"""Measures of the difference between two domains, and its plot."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Ellipse
from scipy.sparse import csr_array
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import rbf_kernel

from anyshot.domain_adaptation import gap
from anyshot.domain_adaptation.gap import (
    a_distance,
    domain_gap,
    plot_domains,
    principal_coordinates,
    shifted_features,
)
from anyshot.errors import BadItemError, DomainError, InputError, TargetLabelsError, WidthError
from domain_adaptation.worlds import moved_world


def twins(*, n=60, width=4, move=0.0, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, width)), random.normal(size=(n - 10, width)) + move


def test_a_distance_of_separable_and_of_equal_domains():
    assert a_distance(*twins(move=20.0)) == pytest.approx(2)
    assert a_distance(*twins(n=400)) < 0.3


def test_both_domains_have_the_same_weight():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(400, 2)), random.normal(2.0, 1, size=(40, 2))
    assert a_distance(source, target) > 1.3  # all "source" would be 0


def test_mmd_is_the_unbiased_estimate():
    source, target = twins(n=25, move=0.5)
    both = np.vstack([source, target])
    squares = np.square(both[:, None] - both).sum(axis=2)
    kernel = rbf_kernel(both, gamma=1 / np.median(squares[np.triu_indices(len(both), 1)]))
    np.fill_diagonal(kernel, 0)
    s, t = slice(None, 25), slice(25, None)
    oracle = kernel[s, s].sum() / (25 * 24) + kernel[t, t].sum() / (15 * 14) - 2 * kernel[s, t].mean()
    assert domain_gap(source, target, n_permutations=39).mmd == pytest.approx(oracle)


def test_p_values_are_uniform_without_a_gap_and_minimal_with_one():
    pairs = [domain_gap(*twins(n=40, seed=seed), n_permutations=39, random_state=seed) for seed in range(12)]
    for values in ([one.a_distance_p for one in pairs], [one.mmd_p for one in pairs]):
        assert 0.2 < np.mean(values) < 0.8
    apart = domain_gap(*twins(move=2.0), n_permutations=39, random_state=0)
    assert (apart.a_distance_p, apart.mmd_p) == (1 / 40, 1 / 40)


def test_mmd_detects_a_shift_of_variance_alone():
    random = np.random.default_rng(0)
    found = domain_gap(random.normal(size=(150, 3)), 3 * random.normal(size=(150, 3)), random_state=0)
    assert found.mmd_p < 0.02
    assert found.a_distance < 0.5


def test_the_most_shifted_features_come_first_with_their_names():
    source, target = twins(n=400)
    target[:, 2] -= 3
    frame = shifted_features(source, target, ["hue", "light", "grain", "edge"])
    assert frame.index[0] == "grain"
    assert frame["shift"].iloc[0] == pytest.approx(-3, abs=0.3)
    found = domain_gap(source, target, feature_names=["hue", "light", "grain", "edge"], n_features=2, random_state=0)
    assert list(found.features.index[:1]) == ["grain"]
    assert len(found.features) == 2


def test_domain_normalization_removes_a_gap_of_mean_and_variance():
    random = np.random.default_rng(0)
    source = random.normal(size=(200, 4))
    target = 3 * random.normal(size=(200, 4)) + 5
    found = domain_gap(source, target, random_state=0)
    assert found.normalizations.a_distance["domain"] < 0.3
    assert found.normalizations.a_distance["source"] > 1.5
    assert found.verdict.startswith("There is a gap, and normalize='domain' removes more than half of it")
    assert "A-distance 1.9" in str(found)


def test_normalization_does_not_remove_a_gap_of_correlation():
    random = np.random.default_rng(0)
    turned = random.normal(size=(300, 2)) @ [[1, 0.95], [0, 0.3]]
    found = domain_gap(turned, turned[:, ::-1] * [1, -1], random_state=0)
    assert "that no normalization removes" in found.verdict


def test_identical_domains_have_no_gap_and_nothing_to_adapt():
    X = moved_world().X
    found = domain_gap(X, X, random_state=0)
    assert found.identical
    assert (found.a_distance, found.mmd, found.a_distance_p) == (0, 0, 1)
    assert "nothing to adapt" in found.verdict
    thin = csr_array(np.maximum(X, 0))
    assert domain_gap(thin, thin, random_state=0).identical


def test_without_a_significant_gap_the_source_model_is_recommended():
    assert "keep the source model" in domain_gap(*twins(), random_state=0).verdict


def test_sparse_and_dense_tables_have_the_same_gap():
    source, target = (np.maximum(table, 0).astype(np.float32) for table in twins(move=1.0))
    dense = domain_gap(source, target, random_state=0)
    thin = domain_gap(csr_array(source), csr_array(target), random_state=0)
    assert thin.mmd == pytest.approx(dense.mmd, rel=1e-4)
    np.testing.assert_allclose(thin.features, dense.features, rtol=1e-4)


def test_raw_items_are_encoded(letters):
    found = domain_gap(["aab", "abb", "aba"] * 4, ["xyz", "zzy", "yxx"] * 4, encoder=letters, random_state=0)
    assert found.a_distance == pytest.approx(2)
    with pytest.raises(InputError, match="must be lists of raw items"):
        domain_gap("aab", 3, encoder=letters)


def test_raw_items_without_an_encoder_are_refused():
    with pytest.raises(InputError, match="Texts and images need an encoder: pass encoder='minilm'"):
        domain_gap(["a", "b"], ["c", "d"])


def test_large_domains_are_sampled(monkeypatch):
    monkeypatch.setattr(gap, "MAX_ITEMS", 80)
    source, target = twins(n=300, width=2, move=1.0)
    one, other = (domain_gap(source, target, n_permutations=39, random_state=seed) for seed in (0, 1))
    assert one.mmd != other.mmd
    assert one.mmd == pytest.approx(other.mmd, rel=0.7)


def test_too_few_permutations_for_a_significant_gap_are_refused():
    source, target = twins(move=5.0)
    with pytest.raises(InputError, match=r"is 1 in 39\. Use 39 or more"):
        domain_gap(source, target, n_permutations=38)
    assert "No significant gap" not in str(domain_gap(source, target, n_permutations=39, random_state=0))


def test_invalid_input_is_refused():
    source, target = twins()
    with pytest.raises(DomainError, match="source has 1 item"):
        domain_gap(source[:1], target)
    with pytest.raises(DomainError, match="target has 1 item"):
        domain_gap(source, target[:1])
    with pytest.raises(WidthError, match="target has 3 features; the source has 4"):
        domain_gap(source, target[:, :3])
    with pytest.raises(BadItemError, match="NaN"):
        domain_gap(np.full((3, 4), np.nan), target)
    with pytest.raises(TargetLabelsError, match="must not see labels"):
        domain_gap(source, (target, np.zeros(len(target))))
    with pytest.raises(InputError, match="feature_names has 1 names, but the vectors have 4 features"):
        domain_gap(source, target, feature_names=["hue"])


def test_the_plot_uses_the_principal_axes_of_both_domains():
    world = moved_world()
    ours = np.vstack(principal_coordinates(world.X, world.target))
    oracle = PCA(2).fit_transform(np.vstack([world.X, world.target]))
    np.testing.assert_allclose(np.abs(ours), np.abs(oracle), atol=1e-8)


def test_the_plot_shows_both_domains_twice_with_a_legend(tmp_path):
    world = moved_world()
    figure = plot_domains(world.X, world.target[:50])
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert [len(dots.get_offsets()) for dots in axes.collections] == [60, 50]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["source (60)", "target (50)"]
    figure.savefig(tmp_path / "gap.png")
    assert (tmp_path / "gap.png").stat().st_size > 1000


def test_the_radii_of_an_ellipse_are_two_standard_deviations():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(900, 2)) * [4, 1], random.normal(size=(900, 2))
    ellipse = next(patch for patch in plot_domains(source, target).axes[0].patches if isinstance(patch, Ellipse))
    assert sorted([ellipse.width, ellipse.height]) == pytest.approx([4, 16], rel=0.1)


def test_sparse_domains_can_be_plotted():
    X = np.maximum(moved_world().X, 0)
    ours, _ = principal_coordinates(csr_array(X), csr_array(X))
    axes = np.linalg.svd(np.vstack([X, X]))[2][:2]
    np.testing.assert_allclose(np.abs(ours), np.abs(X @ axes.T), atol=1e-4)


def test_vectors_with_one_feature_cannot_be_plotted():
    with pytest.raises(DomainError, match="two features and two items"):
        plot_domains([[0.0], [1.0]], [[0.0], [1.0]])


def test_columns_of_tables_are_named_and_keep_their_order():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["size", "weight"])
    gap = domain_gap(table, table.assign(size=table["size"] + 5), n_permutations=39, random_state=0)
    assert list(gap.features.index) == ["size", "weight"]
    with pytest.raises(DomainError, match=r"target\[X.columns\]"):
        plot_domains(table, table[["weight", "size"]])
