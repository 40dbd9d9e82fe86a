"""ConSE: the combination of class vectors."""

import numpy as np

from anyshot.zero_shot.conse import convex_combination


def test_only_the_most_probable_classes_are_combined():
    S = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
    np.testing.assert_allclose(convex_combination(np.array([[0.6, 0.3, 0.1]]), S, n_nearest=2), [[2 / 3, 1 / 3]])


def test_the_combination_of_all_classes_is_the_expected_class_vector():
    random = np.random.default_rng(0)
    P, S = random.dirichlet(np.ones(3), size=4), random.normal(size=(3, 5))
    np.testing.assert_allclose(convex_combination(P, S, n_nearest=10), P @ S)
