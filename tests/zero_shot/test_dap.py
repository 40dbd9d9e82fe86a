"""DAP: the posterior of the paper, and attributes that tell nothing."""

import numpy as np
import pytest

from anyshot.errors import ClassesError
from anyshot.zero_shot.dap import DAP, class_log_posterior


def test_the_posterior_is_the_product_in_the_paper():
    random = np.random.default_rng(0)
    p, has, prior = random.uniform(0.1, 0.9, size=(4, 3)), random.uniform(size=(5, 3)) > 0.5, np.array([0.2, 0.5, 0.7])
    by_hand = np.ones((4, 5))
    for i, k, m in np.ndindex(4, 5, 3):
        by_hand[i, k] *= p[i, m] / prior[m] if has[k, m] else (1 - p[i, m]) / (1 - prior[m])
    np.testing.assert_allclose(np.exp(class_log_posterior(np.log(p / (1 - p)), has, prior)), by_hand)


def test_attributes_on_which_the_seen_classes_agree_are_left_out():
    S = np.array([[1.0, 0.0, 0.1], [0.0, 1.0, 0.1], [0.1, 0.1, 1.0]])
    model = DAP().fit(np.eye(3), [0, 1, -1], class_vectors=S)
    assert model.learned_attributes_.tolist() == [0, 1]


def test_seen_classes_that_agree_in_every_attribute_raise_an_error():
    S = np.array([[1.0, 0.1, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.9, 0.1]])
    with pytest.raises(ClassesError, match="agree in every attribute"):
        DAP().fit(np.eye(3), [0, 1, -1], class_vectors=S)
