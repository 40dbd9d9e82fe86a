"""The picture of two domains."""

import numpy as np
import pytest
from matplotlib.patches import Ellipse
from scipy.sparse import csr_array
from sklearn.decomposition import PCA

from anyshot.domain_adaptation.gap_picture import domain_picture, in_two_axes
from anyshot.errors import DomainError
from domain_adaptation.worlds import moved_world


def test_the_axes_are_scikit_learns_principal_ones():
    world = moved_world()
    ours = np.vstack(in_two_axes(world.X, world.target))
    oracle = PCA(2).fit_transform(np.vstack([world.X, world.target]))
    np.testing.assert_allclose(np.abs(ours), np.abs(oracle), atol=1e-8)


def test_both_domains_are_drawn_twice_and_named(tmp_path):
    world = moved_world()
    figure = domain_picture(world.X, world.target[:50])
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert [len(dots.get_offsets()) for dots in axes.collections] == [60, 50]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["source (60)", "target (50)"]
    figure.savefig(tmp_path / "gap.png")
    assert (tmp_path / "gap.png").stat().st_size > 1000


def test_an_ellipse_reaches_two_standard_deviations():
    random = np.random.default_rng(0)
    source, target = random.normal(size=(900, 2)) * [4, 1], random.normal(size=(900, 2))
    ellipse = next(patch for patch in domain_picture(source, target).axes[0].patches if isinstance(patch, Ellipse))
    assert sorted([ellipse.width, ellipse.height]) == pytest.approx([4, 16], rel=0.1)


def test_sparse_domains_are_drawn_too():
    X = np.maximum(moved_world().X, 0)
    ours, _ = in_two_axes(csr_array(X), csr_array(X))
    axes = np.linalg.svd(np.vstack([X, X]))[2][:2]
    np.testing.assert_allclose(np.abs(ours), np.abs(X @ axes.T), atol=1e-4)


def test_vectors_of_one_number_have_no_picture():
    with pytest.raises(DomainError, match="two features and two items"):
        domain_picture([[0.0], [1.0]], [[0.0], [1.0]])
