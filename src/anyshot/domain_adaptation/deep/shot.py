"""SHOT: a source model moves to the target when the source's data are no longer at hand."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from anyshot.base.validation import Indexes, RandomState
from anyshot.domain_adaptation.deep.alignment_losses import entropy
from anyshot.domain_adaptation.deep.domain_items import in_order, shuffled
from anyshot.training.history import History
from anyshot.training.loop import Recipe, train
from anyshot.training.losses import cross_entropy

# The head, which says what a class looks like, stays; the features are trained until target items look like one class
# each, and all classes occur:
#
#     L = mean entropy(p_t) - entropy(mean p_t) + beta cross_entropy(p_t, nearest center)
#
# The centers are the means of the features, weighted by the answers, and are found anew every epoch (Liang, Hu, Feng.
# Do We Really Need to Access the Source Data? Source Hypothesis Transfer for Unsupervised Domain Adaptation. ICML 2020,
# eq. 3 to 7).

BETA: Final = 0.3


def information_loss(scores: Tensor) -> Tensor:
    """Return how unsure single answers are less how various they are together (a scalar) [nats].

    scores (n, c), logits. Liang, Hu, Feng, ICML 2020, eq. (3).
    """
    answers = scores.softmax(dim=1)  # (n, c)
    return entropy(answers).mean() - entropy(answers.mean(dim=0, keepdim=True))[0]


def nearest_centers(features: Tensor, answers: Tensor) -> Tensor:
    """Return the class (n,) whose center each item is nearest to by angle; a class that nobody is in takes nobody.

    features (n, d); answers (n, c), probabilities. Two rounds: centers by the answers, then by the classes so found.
    Liang, Hu, Feng, ICML 2020, eq. (4) to (6).
    """
    rows = functional.normalize(functional.pad(features, (0, 1), value=1.0), dim=1)  # (n, d + 1)
    n_classes = answers.shape[1]
    present = torch.bincount(answers.argmax(dim=1), minlength=n_classes) > 0
    weights = answers
    for _ in range(2):
        centers = functional.normalize(weights.T @ rows / (weights.sum(dim=0)[:, None] + 1e-8), dim=1)  # (c, d + 1)
        nearest = (rows @ centers.T).masked_fill(~present, -2.0).argmax(dim=1)
        weights = functional.one_hot(nearest, n_classes).to(answers)
    return nearest


def adapt_source_free(
    network: nn.Module,
    head: nn.Module,
    read: Callable[[Indexes], object],
    n_items: int,
    *,
    recipe: Recipe,
    batch_size: int = 64,
    random_state: RandomState = None,
) -> History:
    """Train `network` in place on target items alone; `head`, which classifies its features, stays as it is.

    read: rows (b,) to those items as `network` takes them; n_items: how many the target has.

    Raises
    ------
    TrainingDivergedError
        As `training.loop.train`.
    """
    head.requires_grad_(False)

    def batches(random: np.random.Generator) -> list[tuple[Indexes, Tensor]]:
        network.eval()
        with torch.no_grad():
            parts = [network(read(rows)) for rows in in_order(n_items, 4 * batch_size)]
            features = torch.cat(parts)  # (n, d)
            nearest = nearest_centers(features, head(features).softmax(dim=1))  # (n,)
        return [(rows, nearest[torch.from_numpy(rows)]) for rows in shuffled(n_items, batch_size, random)]

    def loss_of(batch: tuple[Indexes, Tensor], progress: float) -> Tensor:
        rows, nearest = batch
        scores = head(network(read(rows)))  # (b, c)
        return information_loss(scores) + BETA * cross_entropy(scores, nearest)

    try:
        return train(network, batches, loss_of, recipe=recipe, random_state=random_state)
    finally:
        head.requires_grad_(True)
