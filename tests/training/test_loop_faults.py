"""The training loop when a process is killed, a checkpoint is of another run, or a loss is not a number."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from anyshot.errors import BatchMemoryError, CheckpointError, TrainingDivergedError
from anyshot.training.checkpoint import Checkpoints
from anyshot.training.loop import train
from anyshot.training.recipe import LayerGroup, Recipe, constant
from launched import launched
from small_training_run import BATCHES, EPOCHS, assert_same_weights, network, run

SCRIPT = Path(__file__).parents[1] / "small_training_run.py"

N_FAULTS = 1, 20  # kills at a random step, by default and in full
pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_run_killed_at_a_random_step_and_resumed_gives_the_same_weights(tmp_path, fault):
    step = int(np.random.default_rng(fault).integers(1, BATCHES * EPOCHS))
    command = [sys.executable, str(SCRIPT), str(tmp_path), "-", str(step)]
    assert subprocess.run(command, check=False).returncode == -9
    resumed, whole = network(), network()
    history = run(resumed, tmp_path)
    run(whole)
    assert_same_weights(whole, resumed)
    assert [record.epoch for record in history.records] == list(range(EPOCHS + 1))


def test_a_finished_run_is_not_repeated(tmp_path):
    one, other = network(), network()
    first, again = run(one, tmp_path), run(other, tmp_path, die_at=0)
    assert_same_weights(one, other)
    assert [record.loss for record in again.records] == [record.loss for record in first.records]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.full
def test_two_processes_give_the_weights_of_one_with_twice_the_batches_per_step(tmp_path):
    pytest.importorskip("accelerate")
    argv = [
        "small_training_run",
        "-",
        str(tmp_path / "two.safetensors"),
    ]  # some launchers choke on a script's arguments
    script = tmp_path / "two.py"
    script.write_text(f"import runpy, sys\nsys.argv = {argv!r}\nrunpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n")
    launched(script)
    alone = network()
    run(alone, accumulate=2)
    one, two = alone.state_dict(), load_file(tmp_path / "two.safetensors")
    for name in (name for name in one if "running" not in name and "num_batches" not in name):
        torch.testing.assert_close(two[name], one[name], atol=2e-5, rtol=1e-4)


def test_weights_that_are_nan_after_the_last_step_are_not_saved(tmp_path):
    """There is no later loss that would show it."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, 3.3e38)  # a step from the largest of float32
    with pytest.raises(TrainingDivergedError, match="Weights are NaN or infinite after step 1, epoch 1 of 1"):
        train(
            module,
            lambda generator: [None],
            lambda batch, progress: -module.weight.sum(),
            recipe=Recipe(epochs=1, learning_rate=3e37, weight_decay=0.0, warm_up=0.0, schedule=constant),
            checkpoints=Checkpoints(tmp_path),
        )
    assert Checkpoints(tmp_path).newest() is None


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    run(network(), tmp_path)
    other = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 2))
    with pytest.raises(CheckpointError, match=r"another architecture: 0\.0\.weight is 8 x 4 there and 9 x 4 here"):
        run(other, tmp_path)


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    run(network(), tmp_path)
    with pytest.raises(CheckpointError, match=r"learning_rate is 0\.02 there and 0\.5 here"):
        run(network(), tmp_path, learning_rate=0.5)


def test_a_checkpoint_of_another_seed_is_refused_unless_no_seed_is_given(tmp_path):
    module = nn.Linear(1, 1)

    def again(seed):
        train(
            module,
            lambda generator: [None],
            lambda batch, progress: module.weight.square().sum(),
            recipe=Recipe(epochs=1, learning_rate=0.1),
            checkpoints=Checkpoints(tmp_path),
            random_state=seed,
        )

    again(0)
    again(None)
    with pytest.raises(CheckpointError, match="another random_state"):
        again(1)


def test_a_nan_loss_stops_training_with_the_weights_before_its_step(tmp_path):
    module, seen = nn.Linear(1, 1, bias=False), []

    def loss_of(batch, progress):
        seen.append(module.weight.item())
        return module.weight.square().sum() * (float("nan") if len(seen) == 3 else 1.0)

    with pytest.raises(TrainingDivergedError, match=r"loss is nan at step 3, epoch 2 of 5.*checkpoint is .*step-2"):
        train(
            module,
            lambda generator: [None, None],
            loss_of,
            recipe=Recipe(epochs=5, learning_rate=0.1),
            checkpoints=Checkpoints(tmp_path, every=1),
            random_state=0,
        )
    assert module.weight.item() == seen[-1]


def test_a_nan_gradient_stops_training():
    def loss_of(batch, progress):
        return descending.weight.clamp(min=0).sqrt().sum()

    descending = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(descending.weight)
    with pytest.raises(TrainingDivergedError, match=r"gradient's norm is (nan|inf) at step 1"):
        train(
            descending,
            lambda generator: [None],
            loss_of,
            recipe=Recipe(epochs=1, learning_rate=0.1),
            random_state=0,
        )


@pytest.mark.parametrize("error", [KeyboardInterrupt, torch.OutOfMemoryError("out of memory"), None])
def test_after_an_error_the_same_modules_can_be_trained_as_if_nothing_had_happened(error):
    """Neither the gradients of the failed step nor the freezing of a group that had not started yet remain."""

    def trained(*losses):
        early, late = nn.Linear(1, 1), nn.Linear(1, 1)
        for part in (early, late):
            nn.init.constant_(part.weight, 2.0)
            nn.init.constant_(part.bias, 0.0)
        groups = [LayerGroup("early", early, starts=1.0), LayerGroup("late", late)]
        for factor, raised in losses:
            seen = []

            def loss_of(batch, progress, factor=factor, raised=raised, seen=seen):
                seen.append(batch)
                if raised is not None and len(seen) == 2:
                    raise raised
                return factor * late(early(torch.ones(len(batch), 1))).square().mean()

            def batches(generator):
                return [np.arange(2), np.arange(2)]

            recipe = Recipe(epochs=2, learning_rate=0.1, accumulate=2)
            if raised is None and np.isfinite(factor):
                train(groups, batches, loss_of, recipe=recipe, random_state=0)
            else:
                with pytest.raises((KeyboardInterrupt, BatchMemoryError, TrainingDivergedError)):
                    train(groups, batches, loss_of, recipe=recipe, random_state=0)
        return nn.Sequential(early, late)

    failed = (float("nan"), None) if error is None else (100.0, error)
    assert_same_weights(trained(failed, (1.0, None)), trained((1.0, None)))


def test_out_of_memory_names_a_batch_size_that_fits():
    module = nn.Linear(1, 1)

    def loss_of(batch, progress):
        if len(batch) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return module.weight.square().sum()

    with pytest.raises(BatchMemoryError, match=r"batch of 16 items.*batch_size=4 and accumulate=4"):
        train(
            module,
            lambda generator: [np.arange(16)],
            loss_of,
            recipe=Recipe(epochs=1, learning_rate=0.1),
            random_state=0,
        )
