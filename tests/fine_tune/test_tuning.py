"""Settings out of range are named."""

import pytest

from anyshot.errors import InputError
from anyshot.fine_tune.tuning import Tuning


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1; it is 0"),
        ({"head_rate": 0.0}, "head_rate must be above 0"),
        ({"depth_decay": 1.5}, "depth_decay must lie above 0"),
        ({"unfreeze_every": -1.0}, "unfreeze_every cannot be negative"),
        ({"smoothing": 1.0}, "smoothing is a share"),
        ({"class_weight": "even"}, "class_weight='even' is not 'balanced'"),
        ({"class_prior": "even"}, "class_prior='even' is neither"),
        ({"held_out": 1.0}, "held_out is a share"),
        ({"augment": -1}, "augment is a number of views"),
        ({"rank": 0}, "rank must be at least 1"),
        ({"precision": "float16"}, "precision='float16' is none of"),
    ],
)
def test_a_setting_out_of_range_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Tuning(**wrong).check()


def test_the_defaults_are_in_range():
    Tuning().check()
