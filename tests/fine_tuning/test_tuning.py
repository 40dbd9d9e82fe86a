"""Settings out of range raise an error that names them."""

import numpy as np
import pytest
import torch

from anyshot.errors import InputError
from anyshot.fine_tuning.tuning import Tuning, check_tuning


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1; it is 0"),
        ({"batch_size": "4"}, "batch_size must be an integer; it is '4'"),
        ({"accumulate": 1.5}, "accumulate must be an integer; it is 1.5"),
        ({"rank": 0}, "rank must be at least 1"),
        ({"augment": -1}, "augment must be at least 0; it is -1"),
        ({"head_rate": 0.0}, "head_rate must be positive and finite; it is 0.0"),
        ({"depth_decay": 1.5}, "depth_decay must be above 0 and at most 1"),
        ({"unfreeze_every": -1.0}, "unfreeze_every must be finite and not negative"),
        ({"unfreeze_every": float("nan")}, "unfreeze_every must be finite and not negative; it is nan"),
        ({"smoothing": 1.0}, "smoothing must be at least 0 and below 1; it is 1.0"),
        ({"dropout": -0.1}, "dropout must be at least 0 and below 1; it is -0.1"),
        ({"budget_mb": None}, "budget_mb must be a number; it is None"),
        ({"budget_mb": float("nan")}, "budget_mb must not be negative; it is nan"),
        ({"class_weight": "even"}, "class_weight must be 'balanced' or None; it is 'even'"),
        ({"class_weight": np.ones(3)}, "class_weight must be 'balanced' or None; it is array"),
        ({"class_weight": {"a": 1}}, "class_weight must be 'balanced' or None; it is {'a': 1}"),
        ({"class_prior": "even"}, "class_prior must be 'balanced' or 'labels'; it is 'even'"),
        ({"held_out": 1.0}, "held_out must be at least 0 and below 1, or 'auto'"),
        ({"held_out": "0.1"}, "held_out must be at least 0 and below 1, or 'auto'"),
        ({"interpolation": np.ones(2)}, "interpolation must be between 0 and 1, or 'auto'"),
        ({"precision": "float16"}, "precision must be 'auto', 'float32' or 'bfloat16'; it is 'float16'"),
        ({"cache": "/tmp/here"}, "cache must be True or False; it is '/tmp/here'"),
        ({"checkpoints": 3}, "checkpoints must be the path of a folder, or None; it is 3"),
    ],
)
def test_a_setting_out_of_range_is_an_error(setting, message):
    with pytest.raises(InputError, match=message):
        Tuning(**setting)


@pytest.mark.parametrize(
    "setting",
    [
        {"weight_decay": float("nan")},
        {"weight_decay": float("inf")},
        {"clip": float("nan")},
        {"warm_up": float("nan")},
        {"patience": "3"},
        {"patience": 0},
    ],
)
def test_a_setting_of_the_training_loop_out_of_range_is_an_error(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        Tuning(**setting).recipe(epochs=1, learning_rate=1e-3, device=torch.device("cpu"))


def test_the_defaults_and_numpy_scalars_are_in_range():
    assert check_tuning(None) == Tuning()
    own = Tuning(batch_size=np.int64(4), interpolation=np.float32(0.5), held_out=np.float64(0.1), patience=np.int64(2))
    assert check_tuning(own) is own


@pytest.mark.parametrize(("wrong", "got"), [({"batch_size": 4}, "got a dict"), (Tuning, "got the class itself")])
def test_an_object_of_another_type_is_an_error(wrong, got):
    with pytest.raises(InputError, match=rf"such as Tuning\(batch_size=16\), or None; {got}"):
        check_tuning(wrong)


def test_a_run_with_checkpoints_and_no_seed_is_seeded(tmp_path):
    def draw(tuning, random_state=None):
        return tuning.generator(random_state, device=torch.device("cpu")).integers(2**62)

    seeded = Tuning(checkpoints=tmp_path)
    assert draw(seeded) == draw(seeded) != draw(seeded, 1) == draw(Tuning(), 1)
    assert draw(Tuning()) != draw(Tuning())
