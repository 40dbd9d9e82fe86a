"""Settings out of range are named."""

import numpy as np
import pytest
import torch

from anyshot.errors import InputError
from anyshot.fine_tuning.tuning import Tuning, settled


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
        ({"augment": -1}, "augment must be at least 0; it is -1"),
        ({"rank": 0}, "rank must be at least 1"),
        ({"precision": "float16"}, "precision='float16' is none of"),
        ({"batch_size": "4"}, "batch_size must be a whole number; it is '4'"),
        ({"batch_size": 2.5}, "batch_size must be a whole number; it is 2.5"),
        ({"accumulate": 1.5}, "accumulate must be a whole number; it is 1.5"),
        ({"rank": 2.5}, "rank must be a whole number; it is 2.5"),
        ({"augment": 1.5}, "augment must be a whole number; it is 1.5"),
        ({"budget_mb": None}, "budget_mb must be a number; it is None"),
        ({"budget_mb": float("nan")}, "budget_mb cannot be negative; it is nan"),
        ({"unfreeze_every": float("nan")}, "unfreeze_every cannot be negative, and must be finite; it is nan"),
        ({"class_weight": np.ones(3)}, "class_weight=array"),
        ({"class_weight": {"a": 1}}, "class_weight={'a': 1} is not 'balanced'"),
        ({"held_out": "0.1"}, "held_out is a share"),
        ({"moved": np.ones(2)}, "moved is a share"),
        ({"cache": "/tmp/here"}, "cache must be True or False; it is '/tmp/here'"),
        ({"checkpoints": 3}, "checkpoints must be a folder's path, or None; it is 3"),
    ],
)
def test_a_setting_out_of_range_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Tuning(**wrong).check()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"weight_decay": float("nan")}, "weight_decay cannot be negative, and must be finite; it is nan"),
        ({"weight_decay": float("inf")}, "weight_decay cannot be negative, and must be finite; it is inf"),
        ({"clip": float("nan")}, "clip must be above 0, or None; it is nan"),
        ({"warm_up": float("nan")}, "warm_up is a share"),
        ({"patience": "3"}, "patience must be a whole number; it is '3'"),
        ({"patience": 0}, "patience must be at least 1; it is 0"),
    ],
)
def test_what_training_is_told_is_refused_out_of_range(wrong, message):
    with pytest.raises(InputError, match=message):
        Tuning(**wrong).recipe(epochs=1, learning_rate=1e-3, device=torch.device("cpu"))


def test_the_defaults_and_numpy_s_numbers_are_in_range():
    assert settled(None) == Tuning()
    own = Tuning(batch_size=np.int64(4), moved=np.float32(0.5), held_out=np.float64(0.1), patience=np.int64(2))
    assert settled(own) is own


@pytest.mark.parametrize(
    ("wrong", "what"), [({"batch_size": 4}, "a dict was given"), (Tuning, "the class itself was given")]
)
def test_what_are_no_settings_is_refused(wrong, what):
    with pytest.raises(InputError, match=rf"as Tuning\(batch_size=16\), or None; {what}"):
        settled(wrong)


def test_a_kept_run_without_a_seed_draws_the_same_again_and_any_other_does_not(tmp_path):
    def drawn(tuning, random_state=None):
        return tuning.randomness(random_state, device=torch.device("cpu")).integers(2**62)

    kept = Tuning(checkpoints=tmp_path)
    assert drawn(kept) == drawn(kept) != drawn(kept, 1) == drawn(Tuning(), 1)
    assert drawn(Tuning()) != drawn(Tuning())
