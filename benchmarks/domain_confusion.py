"""Domain confusion: a small convolutional network from MNIST to USPS, five seeds, after the last epoch.

    python benchmarks/domain_confusion.py [METHOD ...]

2,000 labeled images, 1,800 unlabeled ones, 16 x 16 pixels. The network, batches and epochs are the same for every row;
the other settings of a method are the library's defaults. They were chosen without USPS labels: the critic (spectral
norms, ten times the network's learning rate, DANN's weight of 0.3) and the network's batch norms on MNIST alone, one
half against the other, slanted and thickened. Targets, mean of five seeds: MCC at least 89, CDAN and MMD at least 83,
DANN not below the source alone. About 10 minutes on one core.
"""

import sys
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from support import SEEDS, line, shared, table
from torch import nn

from anyshot.domain_adaptation.deep.confusion import DomainConfusionClassifier
from anyshot.domain_adaptation.deep.losses import Align

Images = NDArray[np.floating]

ROWS = {
    "source": (None, None, "measured 75.1 (sd 4.2)"),
    "DANN": (
        "dann",
        None,
        "not below the source; measured, plain, 69.3 (5.8); published 77.1, ADDA 89.4",
    ),
    "MCC": ("mcc", 89.0, "measured 89.7 (0.8)"),
    "MMD": ("mmd", 83.0, "measured 83.0 (1.4)"),
    "CDAN": ("cdan", 83.0, "measured 83.2 (2.5)"),
    "Deep CORAL": ("deep-coral", None, "measured 82.7"),
}


def network(seed: int) -> nn.Module:
    """Return two convolutions and a layer of 128 with random weights."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 128), nn.BatchNorm1d(128), nn.ReLU(),
    )  # fmt: skip


def trained(align: Align | None, seed: int, X: Images, y: Images, target: Images) -> DomainConfusionClassifier:
    """Return the model of one seed; without `align` it is trained on the source alone."""
    model = DomainConfusionClassifier(network(seed), align=align or "mcc", random_state=seed)
    return model.fit(X, y, target=target if align else None)


def digits() -> tuple[Images, Images, Images, Images]:
    """Return images and labels of the source, then of the target."""
    data = np.load(shared() / "data/mnist_usps_2000/mnist2000_usps1800_16x16.npz")
    X, target = (data[f"X_{name}"].reshape(-1, 1, 16, 16) for name in ("mnist", "usps"))
    return X, data["y_mnist"].astype(int), target, data["y_usps"].astype(int)


def lines(wanted: list[str]) -> Iterator[str]:
    """Yield a row for each method as it is evaluated; a seed gives the same initial weights to all."""
    X, y, target, truth = digits()

    def accuracy(model: DomainConfusionClassifier) -> float:
        return 100 * float(np.mean(model.predict(target) == truth))

    for name in wanted:
        align, least, note = ROWS[name]
        found: dict[str, list[float]] = {name: []}
        warnings: list[str] = []
        for seed in SEEDS:
            model = trained(align, seed, X, y, target)
            found[name].append(accuracy(model))
            if align:
                warnings.extend(model.diagnostics_.messages)
            else:
                found.setdefault("source, then AdaBN", []).append(accuracy(model.adapt_norms(target)))
                found.setdefault("source, then SHOT", []).append(accuracy(model.refit_source_free(target)))
        if warnings:
            note += f"; {len(warnings)} warnings, such as: {warnings[0]}"
        for what, shares in found.items():
            each = f"sd {np.std(shares):.1f}: {' '.join(f'{share:.1f}' for share in shares)}"
            yield line(what, float(np.mean(shares)), least, note=f"{each}; {note}" if what == name else each)


if __name__ == "__main__":
    torch.set_num_threads(1)
    table("MNIST to USPS, last epoch, mean of five seeds (%)", lines(sys.argv[1:] or list(ROWS)))
