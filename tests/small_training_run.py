"""A tiny training run that can be started as a separate process: `python small_training_run.py FOLDER WEIGHTS [STEP]`.

It kills itself at STEP, if given, as kill -9 does. With "-" for FOLDER it writes no checkpoints.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from anyshot.training.checkpoint import Checkpoints
from anyshot.training.loop import train
from anyshot.training.recipe import Recipe
from anyshot.training.run import HeldOut, History

X = torch.from_numpy(np.random.default_rng(0).normal(size=(48, 4)).astype(np.float32))
Y = (X[:, 0] + X[:, 1] > 0).long()
BATCHES, EPOCHS = 6, 3


def network() -> nn.Sequential:
    """Return a network with dropout, so that the result depends on torch's generator too."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))


def assert_same_weights(one: object, other: object) -> None:
    one, other = (part if isinstance(part, dict) else part.state_dict() for part in (one, other))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def run(model: nn.Module, folder: str | None = None, *, die_at: int | None = None, **recipe: object) -> History:
    """Train; with `die_at`, kill the process at that step."""
    steps = 0

    def loss_of(rows: np.ndarray, progress: float) -> torch.Tensor:
        nonlocal steps
        if steps == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
        return nn.functional.cross_entropy(model(X[rows]), Y[rows])

    def held_out() -> HeldOut:
        model.eval()
        with torch.inference_mode():
            return HeldOut(float(nn.functional.cross_entropy(model(X), Y)))

    settings = {"epochs": EPOCHS, "learning_rate": 0.02, **recipe}
    return train(
        model,
        lambda generator: np.array_split(generator.permutation(len(X)), BATCHES),
        loss_of,
        recipe=Recipe(**settings),
        held_out=held_out,
        checkpoints=None if folder is None else Checkpoints(folder, every=2, about={"data": "small"}),
        random_state=0,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, weights, *step = sys.argv[1:]
    model = network()
    run(
        model,
        None if folder == "-" else folder,
        die_at=int(step[0]) if step else None,
        accumulate=int(os.environ.get("ACCUMULATE", "1")),
    )
    if int(os.environ.get("RANK", "0")) == 0:
        save_file(model.state_dict(), Path(weights))
