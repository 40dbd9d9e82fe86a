"""Label propagation, against its closed form."""

import numpy as np
from scipy.sparse import csr_matrix

from anyshot.base.validation import unit
from anyshot.zero_shot.pool_refinement import make_pool
from anyshot.zero_shot.propagation import mean_of_nearest, neighbor_graph, propagate


def test_spreading_ends_at_the_closed_form():
    random = np.random.default_rng(0)
    W, prior = np.triu(random.uniform(size=(6, 6)), 1), random.dirichlet(np.ones(3), size=6)
    both = W + W.T
    root = np.diag(both.sum(axis=1) ** -0.5)
    S = root @ both @ root
    exact = 0.2 * np.linalg.inv(np.eye(6) - 0.8 * S) @ prior  # (1 - alpha) (I - alpha S)^-1 Y
    found = propagate(prior, csr_matrix(W), alpha=0.8, rounds=200)
    np.testing.assert_allclose(found, exact / exact.sum(axis=1, keepdims=True), atol=1e-8)


def test_one_label_a_cluster_tells_the_whole_cluster():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], 15)
    X = unit(np.eye(2)[y] + 0.1 * random.normal(size=(30, 2)))
    prior = np.full((30, 2), 0.5)
    prior[[0, 15]] = np.eye(2)
    graph = neighbor_graph(X, make_pool(X, n_neighbors=5).neighbors)
    np.testing.assert_array_equal(propagate(prior, graph).argmax(axis=1), y)


def test_without_trust_in_the_graph_nothing_moves():
    prior = np.random.default_rng(0).dirichlet(np.ones(3), size=4)
    np.testing.assert_allclose(propagate(prior, csr_matrix(np.ones((4, 4))), alpha=0.0), prior)


def test_the_graph_holds_the_cosines_and_no_negative_ones():
    X = unit(np.array([[1.0, 0], [1, 1], [-1, -0.5]]))
    graph = neighbor_graph(X, np.array([[1], [0], [1]])).toarray()
    np.testing.assert_allclose(graph, [[0, np.sqrt(0.5), 0], [np.sqrt(0.5), 0, 0], [0, 0, 0]], atol=1e-6)


def test_the_nearest_nodes_answer_for_a_new_item():
    nodes = unit(np.array([[1.0, 0], [1, 0.1], [0, 1.0]]))
    found = mean_of_nearest(
        unit(np.array([[1.0, 0.05]])), nodes, np.array([[1.0, 0], [0.5, 0.5], [0, 1]]), n_neighbors=2
    )
    np.testing.assert_allclose(found, [[0.75, 0.25]])
