"""The training loop: its steps, schedules, layer groups, processes and best epoch."""

import threading
import time
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from anyshot.errors import InputError
from anyshot.training import checkpoint
from anyshot.training.loop import LAUNCHER_VARIABLES, Processes, processes, train, wait_until_freed
from anyshot.training.recipe import LayerGroup, Recipe, constant
from anyshot.training.run import HeldOut
from small_training_run import BATCHES, EPOCHS, X, Y, assert_same_weights, network, run

pytestmark = pytest.mark.usefixtures("one_thread")


def descend(weight: float = 0.0, *, held_out=None, groups=None, loss_of=None, **recipe) -> nn.Linear:
    """Train one number toward 3, with one batch per epoch."""
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


def test_it_gives_the_weights_of_a_plain_torch_loop():
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


def test_the_same_seed_gives_the_same_weights_and_torchs_generator_is_restored():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, other = network(), network()
    run(one)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    run(other)
    assert_same_weights(one, other)


def test_the_weights_of_the_best_epoch_are_restored_even_those_before_training():
    wanted = descend(held_out=lambda module: HeldOut(abs(module.weight.item())), epochs=4)
    assert wanted.weight.item() == 0.0


def test_training_stops_when_held_out_figures_do_not_improve():
    asked = []

    def held_out(module):
        asked.append(module.weight.item())
        return HeldOut(abs(module.weight.item() - 0.1))

    module = descend(held_out=held_out, epochs=20, patience=2)
    assert len(asked) == 1 + 1 + 2  # before, the best epoch, two more
    assert module.weight.item() == pytest.approx(0.1, abs=1e-5)


def test_accumulated_batches_make_one_step_with_their_mean_gradient():
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    recipe = Recipe(epochs=1, learning_rate=0.1, accumulate=2, clip=None, warm_up=0.0, schedule=constant)
    targets = [1.0, -1.0]  # whose mean gradient is zero
    train(
        module,
        lambda generator: targets,
        lambda target, progress: (module.weight * target).sum(),
        recipe=recipe,
        random_state=0,
    )
    assert module.weight.item() == 0.0


def test_a_layer_group_has_its_own_rate_and_first_epoch():
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


def test_bfloat16_applies_to_products_and_weights_stay_float32():
    module, made = nn.Linear(4, 4), []

    def loss_of(batch, progress):
        made.append(module(X[:8]).dtype)
        return module(X[:8]).float().square().mean()

    recipe = Recipe(epochs=1, learning_rate=0.1, precision="bfloat16")
    train(module, lambda generator: [None], loss_of, recipe=recipe, random_state=0)
    assert made == [torch.bfloat16]
    assert module.weight.dtype == torch.float32


def test_nothing_to_train_is_refused():
    frozen = nn.Linear(1, 1).requires_grad_(False)
    recipe = Recipe(epochs=1, learning_rate=0.1)
    with pytest.raises(InputError, match="no module has a parameter"):
        train(frozen, lambda generator: [1], lambda batch, progress: torch.zeros(()), recipe=recipe)
    with pytest.raises(InputError, match="an epoch has no batch"):
        train(nn.Linear(1, 1), lambda generator: [], lambda batch, progress: torch.zeros(()), recipe=recipe)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_on_a_gpu_is_reproducible():
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


def test_frozen_batch_norms_keep_their_statistics():
    norm, layer = nn.BatchNorm1d(4).requires_grad_(False), nn.Linear(4, 2)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    model = nn.Sequential(norm, nn.Dropout(0.5), layer)
    train(
        model, lambda _: [X], lambda batch, _: model(batch).square().sum(), recipe=Recipe(epochs=2, learning_rate=0.1)
    )
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_batch_norms_of_a_group_keep_their_statistics_until_the_group_starts():
    norm, layer = nn.BatchNorm1d(4), nn.Linear(4, 2)
    groups, means = [LayerGroup("norm", norm, starts=1.0), LayerGroup("layer", layer)], []

    def loss_of(batch, progress):
        loss = layer(norm(X)).square().sum()
        means.append(norm.running_mean.abs().sum().item())
        return loss

    train(groups, lambda _: [X], loss_of, recipe=Recipe(epochs=2, learning_rate=0.1))
    assert means[0] == 0
    assert means[1] > 0


def test_each_checkpoint_has_a_name_of_its_own_so_that_the_last_one_stays_until_the_next_is_complete(
    tmp_path, monkeypatch
):
    written, replace_folder = [], checkpoint.replace_folder

    def noted(target, files):
        written.append(target.name)
        replace_folder(target, files)

    monkeypatch.setattr(checkpoint, "replace_folder", noted)
    run(network(), tmp_path)  # writes every two steps, and after every epoch of six
    assert written == [f"step-{step}" for step in range(2, BATCHES * EPOCHS + 1, 2)]


def test_a_step_includes_the_batches_of_all_processes():
    steps = list(Processes(rank=0, size=2).steps(range(10), accumulate=2))
    assert steps == [range(4), range(4, 8), range(8, 10)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_batch_belongs_to_exactly_one_process(size):
    shares = [Processes(rank, size).share(range(3, 11)) for rank in range(size)]
    assert sorted(number for share in shares for number in share) == list(range(3, 11))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_only_the_first_process_writes():
    assert [Processes(rank, 3).is_first for rank in range(3)] == [True, False, False]


def test_a_single_process_exchanges_nothing():
    layer, alone = nn.Linear(2, 1), Processes()
    kept = layer.weight.detach().clone()
    assert alone.sum([layer.weight, layer.bias], 0.5) == 0.5
    assert layer.weight.grad is None
    alone.copy_first([layer.weight])
    assert torch.equal(layer.weight, kept)
    assert alone.agree(7) == 7
    alone.wait()


@pytest.mark.parametrize("size", [None, "", "1", "4"])
def test_without_a_launcher_there_is_one_process(monkeypatch, size):
    """Some clusters set WORLD_SIZE for every job; a launcher sets the other variables as well."""
    for name in ("WORLD_SIZE", *LAUNCHER_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    if size is not None:
        monkeypatch.setenv("WORLD_SIZE", size)
    assert processes(torch.device("cpu")) == Processes(0, 1)


def test_wait_until_freed_waits_for_another_thread_to_free_the_tensor():
    tensors, freed = [torch.zeros(1)], []

    def free():
        time.sleep(0.05)
        freed.append(True)
        tensors.clear()

    other = threading.Thread(target=free)
    reference = weakref.ref(tensors[0])
    other.start()
    wait_until_freed(reference)
    assert freed
    assert reference() is None
    other.join()
