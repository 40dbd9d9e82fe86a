import numpy as np
import pytest

from anyshot.errors import ClassesError
from anyshot.zero_shot.direct import DAPClassifier, attribute_log_odds, seen_mixture


def test_the_mixture_takes_the_most_probable_classes_only():
    S = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
    np.testing.assert_allclose(seen_mixture(np.array([[0.6, 0.3, 0.1]]), S, n_nearest=2), [[2 / 3, 1 / 3]])


def test_a_mixture_of_all_classes_is_their_expected_vector():
    random = np.random.default_rng(0)
    P, S = random.dirichlet(np.ones(3), size=4), random.normal(size=(3, 5))
    np.testing.assert_allclose(seen_mixture(P, S, n_nearest=10), P @ S)


def test_the_posterior_is_the_product_of_the_paper():
    random = np.random.default_rng(0)
    p, has, prior = random.uniform(0.1, 0.9, size=(4, 3)), random.uniform(size=(5, 3)) > 0.5, np.array([0.2, 0.5, 0.7])
    by_hand = np.ones((4, 5))
    for i, k, m in np.ndindex(4, 5, 3):
        by_hand[i, k] *= p[i, m] / prior[m] if has[k, m] else (1 - p[i, m]) / (1 - prior[m])
    np.testing.assert_allclose(np.exp(attribute_log_odds(np.log(p / (1 - p)), has, prior)), by_hand)


def test_attributes_that_no_seen_class_tells_apart_are_left_out():
    S = np.array([[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [0.1, 0.1, 1.0]])
    model = DAPClassifier().fit(np.eye(3), [0, 1, -1], class_vectors=S)
    assert model.learned_attributes_.tolist() == [0, 1]


def test_seen_classes_without_a_difference_are_refused():
    S = np.array([[1.0, 0.1, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.9, 0.1]])
    with pytest.raises(ClassesError, match="agree in every attribute"):
        DAPClassifier().fit(np.eye(3), [0, 1, -1], class_vectors=S)
