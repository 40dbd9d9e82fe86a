"""The loop: it repeats bit for bit, goes on exactly after a kill, stops in time, and says what went wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from anyshot.errors import BatchMemoryError, CheckpointError, InputError, TrainingDivergedError
from anyshot.training.checkpoint import Checkpoints
from anyshot.training.history import HeldOut
from anyshot.training.loop import Recipe, train
from anyshot.training.schedule import LayerGroup, constant
from launched import launched
from small_training_run import BATCHES, EPOCHS, X, Y, network, run

SCRIPT = Path(__file__).parents[1] / "small_training_run.py"


@pytest.fixture(autouse=True)
def one_thread():
    """Compare with processes that have one thread too: sums come out alike bit for bit only so."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def assert_same_weights(one, other):
    one, other = (part if isinstance(part, dict) else part.state_dict() for part in (one, other))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def descend(weight: float = 0.0, *, held_out=None, groups=None, loss_of=None, **recipe) -> nn.Linear:
    """Move one number towards 3 by one batch an epoch."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, weight)
    settings = {"epochs": 1, "learning_rate": 0.1, "warm_up": 0.0, "schedule": constant, "weight_decay": 0.0, **recipe}
    train(
        [module] if groups is None else groups(module),
        lambda generator: [None],
        loss_of or (lambda batch, progress: (module.weight - 3).square().sum()),
        recipe=Recipe(**settings),
        held_out=held_out and (lambda: held_out(module)),
        random_state=0,
    )
    return module


def test_the_first_step_of_adam_is_one_learning_rate_long():
    assert descend().weight.item() == pytest.approx(0.1, abs=1e-6)


def test_it_ends_where_torchs_own_loop_ends():
    model = network()
    run(model, schedule=constant, warm_up=0.0, clip=None, epochs=1)
    assert model(X).argmax(dim=1).eq(Y).float().mean() > 0.5
    expected = nn.Linear(1, 1, bias=False)
    nn.init.constant_(expected.weight, 1.0)
    optimizer = torch.optim.AdamW(expected.parameters(), lr=0.1, weight_decay=0.2)
    for _ in range(5):
        optimizer.zero_grad()
        (expected.weight - 3).square().sum().backward()
        optimizer.step()
    ours = descend(1.0, epochs=5, weight_decay=0.2, clip=None)
    assert ours.weight.item() == expected.weight.item()


def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_leaves_torchs_generator_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, other = network(), network()
    run(one)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    run(other)
    assert_same_weights(one, other)


def test_after_a_kill_at_a_random_step_it_ends_with_the_same_weights(tmp_path):
    step = int(np.random.default_rng().integers(1, BATCHES * EPOCHS))
    folder, weights = tmp_path / "run", tmp_path / "weights.safetensors"
    command = [sys.executable, str(SCRIPT), str(folder), str(weights)]
    assert subprocess.run([*command, str(step)], check=False).returncode == -9
    assert not weights.exists()
    subprocess.run(command, check=True)
    whole = network()
    history = run(whole)
    assert_same_weights(whole, load_file(weights))
    assert [record.epoch for record in history.records] == list(range(EPOCHS + 1))


def test_a_run_that_was_done_is_not_done_again(tmp_path):
    one, other = network(), network()
    first, again = run(one, tmp_path), run(other, tmp_path, die_at=0)
    assert_same_weights(one, other)
    assert [record.loss for record in again.records] == [record.loss for record in first.records]
    assert len(list(tmp_path.iterdir())) == 1


def test_two_processes_under_accelerate_launch_do_what_one_does_with_twice_the_batches_a_step(tmp_path):
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


def test_weights_that_the_last_step_made_no_numbers_are_not_kept(tmp_path):
    """No later loss would tell: there is none."""
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


def test_a_checkpoint_of_another_seed_is_refused_and_no_seed_takes_any(tmp_path):
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


def test_a_loss_that_is_no_number_stops_at_its_step_with_the_weights_before_it(tmp_path):
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


def test_a_gradient_that_is_no_number_stops_it_too():
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


def test_out_of_memory_names_the_batch_that_would_fit():
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


def test_the_best_epochs_weights_are_put_back_be_it_the_one_before_the_first_step():
    wanted = descend(held_out=lambda module: HeldOut(abs(module.weight.item())), epochs=4)
    assert wanted.weight.item() == 0.0


def test_it_stops_when_held_out_figures_stay_worse():
    asked = []

    def held_out(module):
        asked.append(module.weight.item())
        return HeldOut(abs(module.weight.item() - 0.1))

    module = descend(held_out=held_out, epochs=20, patience=2)
    assert len(asked) == 1 + 1 + 2  # before, the best epoch, two more
    assert module.weight.item() == pytest.approx(0.1, abs=1e-5)


def test_accumulated_batches_are_one_step_over_their_mean():
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    recipe = Recipe(epochs=1, learning_rate=0.1, accumulate=2, clip=None, warm_up=0.0, schedule=constant)
    targets = [1.0, -1.0]  # whose mean gradient is none
    train(
        module,
        lambda generator: targets,
        lambda target, progress: (module.weight * target).sum(),
        recipe=recipe,
        random_state=0,
    )
    assert module.weight.item() == 0.0


def test_a_group_learns_at_its_own_rate_from_its_own_epoch():
    early = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(early.weight)

    def groups(module):
        return [LayerGroup("early", early, rate=0.1, starts=2.0), LayerGroup("late", module)]

    def loss_of(batch, progress):
        return (early.weight - 3).square().sum()

    for epochs, expected in ((2, 0.0), (3, 0.01)):
        nn.init.zeros_(early.weight)
        late = nn.Linear(1, 1, bias=False)
        train(
            groups(late),
            lambda generator: [None],
            lambda batch, progress, late=late: (early.weight - 3).square().sum() + late.weight.square().sum(),
            recipe=Recipe(epochs=epochs, learning_rate=0.1, warm_up=0.0, schedule=constant),
            random_state=0,
        )
        assert early.weight.item() == pytest.approx(expected, abs=1e-6)


def test_progress_runs_from_0_to_1_over_the_whole_run():
    seen = []

    def loss_of(batch, progress):
        seen.append(progress)
        return module.weight.sum()

    module = nn.Linear(1, 1)
    train(module, lambda generator: [1, 2], loss_of, recipe=Recipe(epochs=2, learning_rate=0.1), random_state=0)
    assert seen == [0.125, 0.375, 0.625, 0.875]


def test_bfloat16_rounds_the_products_and_leaves_the_weights_in_float32():
    module, made = nn.Linear(4, 4), []

    def loss_of(batch, progress):
        made.append(module(X[:8]).dtype)
        return module(X[:8]).float().square().mean()

    recipe = Recipe(epochs=1, learning_rate=0.1, precision="bfloat16")
    train(module, lambda generator: [None], loss_of, recipe=recipe, random_state=0)
    assert made == [torch.bfloat16]
    assert module.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1; it is 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"warm_up": 2.0}, "warm_up is a share"),
        ({"accumulate": 0}, "accumulate must be at least 1"),
        ({"clip": 0.0}, "clip must be above 0"),
        ({"precision": "float16"}, "precision='float16' is not float32 or bfloat16"),
        ({"epochs": 2.5}, "epochs must be a whole number; it is 2.5"),
        ({"epochs": "3"}, "epochs must be a whole number; it is '3'"),
        ({"learning_rate": "fast"}, "learning_rate must be a number; it is 'fast'"),
        ({"weight_decay": float("nan")}, "weight_decay cannot be negative, and must be finite"),
    ],
)
def test_a_recipe_out_of_range_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        descend(**wrong)


def test_nothing_to_train_is_refused():
    frozen = nn.Linear(1, 1).requires_grad_(False)
    recipe = Recipe(epochs=1, learning_rate=0.1)
    with pytest.raises(InputError, match="no module has a parameter"):
        train(frozen, lambda generator: [1], lambda batch, progress: torch.zeros(()), recipe=recipe)
    with pytest.raises(InputError, match="an epoch has no batch"):
        train(nn.Linear(1, 1), lambda generator: [], lambda batch, progress: torch.zeros(()), recipe=recipe)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_it_repeats_too():
    one, other = network().cuda(), network().cuda()
    for model in (one, other):
        train(
            model,
            lambda generator: np.array_split(generator.permutation(len(X)), BATCHES),
            lambda rows, progress, model=model: nn.functional.cross_entropy(model(X[rows].cuda()), Y[rows].cuda()),
            recipe=Recipe(epochs=2, learning_rate=0.01, precision="bfloat16"),
            random_state=0,
        )
    assert_same_weights(one, other)


def test_what_needs_no_gradient_keeps_its_statistics_too():
    norm, layer = nn.BatchNorm1d(4).requires_grad_(False), nn.Linear(4, 2)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    model = nn.Sequential(norm, nn.Dropout(0.5), layer)
    train(
        model, lambda _: [X], lambda batch, _: model(batch).square().sum(), recipe=Recipe(epochs=2, learning_rate=0.1)
    )
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
