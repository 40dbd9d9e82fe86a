"""Subspace alignment: the formula, and equal domains."""

import numpy as np
from sklearn.decomposition import PCA

from anyshot.domain_adaptation.subspace_alignment import subspace_alignment
from domain_adaptation.worlds import moved_world


def test_equal_domains_have_equal_maps():
    X = moved_world().X
    ours, theirs = subspace_alignment(X, X, n_components=3)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_alignment_is_the_papers_product():
    world = moved_world()
    ours, theirs = subspace_alignment(world.X, world.target, n_components=2)
    P_s, P_t = (PCA(2).fit(X).components_.T for X in (world.X, world.target))
    np.testing.assert_allclose(ours @ theirs.T, P_s @ P_s.T @ P_t @ P_t.T, atol=1e-8)
