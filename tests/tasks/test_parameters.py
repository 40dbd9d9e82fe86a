"""What a user gives to AnyShotClassifier: shares of classes."""

import numpy as np
import pytest

from anyshot.any_shot.training_set import without_items
from anyshot.errors import ClassesError
from anyshot.tasks.parameters import expected_shares
from anyshot.zero_shot.class_texts import describe


def test_class_shares_are_scaled_to_sum_to_one():
    classes = without_items(describe(["a", "b"]), np.zeros((2, 0), np.float32))
    np.testing.assert_allclose(expected_shares({"a": 3.0, "b": 1.0}, classes), [0.75, 0.25])
    assert expected_shares("balanced", classes) is None
    with pytest.raises(ClassesError, match="class_prior names 'z', which is not a class"):
        expected_shares({"a": 1.0, "b": 1.0, "z": 1.0}, classes)
    with pytest.raises(ClassesError, match="class_prior gives 'b' no share above 0"):
        expected_shares({"a": 1.0}, classes)
