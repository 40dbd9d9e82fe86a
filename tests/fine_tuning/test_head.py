"""The head: the any-shot head's own arithmetic, as a module."""

import numpy as np
import torch

from anyshot.any_shot.head import AnyShotHead
from anyshot.base.validation import unit
from anyshot.fine_tuning.head import LinearHead

X = unit(np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32))
Y = np.repeat([0, 1, 2], 4)


def test_it_answers_as_the_closed_form_it_starts_from_whatever_the_length_of_the_features():
    closed = AnyShotHead().fit(X, Y, class_vectors=np.eye(3, 4))
    head = LinearHead(closed.coef_, closed.intercept_)
    np.testing.assert_allclose(head(torch.from_numpy(7 * X)).detach(), closed.decision_function(X), atol=1e-5)


def test_features_are_centered_where_there_is_a_center():
    center = np.array([0.1, -0.2, 0.3, 0.0], np.float32)
    head = LinearHead(np.eye(4, dtype=np.float32), np.zeros(4), center=center)
    np.testing.assert_allclose(head(torch.from_numpy(X)).detach(), unit(X - center), atol=1e-6)


def test_a_blank_head_holds_every_class_as_likely():
    assert torch.equal(LinearHead.blank(3, 4)(torch.from_numpy(X)), torch.zeros(12, 3))


def test_the_center_is_kept_but_not_trained():
    head = LinearHead(np.eye(2, dtype=np.float32), np.zeros(2), center=np.ones(2))
    assert set(head.state_dict()) == {"coef", "intercept", "center"}
    assert {name for name, _ in head.named_parameters()} == {"coef", "intercept"}
