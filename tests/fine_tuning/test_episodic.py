"""Episodic training: the loss by the paper's formula, and a network that learns to tell new classes apart."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from anyshot.errors import InputError
from anyshot.fine_tuning.episodic import embedded, episode_accuracy, episode_loss, prototype_scores, train_on_episodes
from anyshot.training.loop import Recipe
from anyshot.training.sampling import episodes_of


def test_the_loss_is_the_papers():
    """Each item is support in turn, the others are queries; distances squared, eq. (1) and (2)."""
    vectors = normalize(torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)), dim=2)
    losses = []
    for first in range(4):
        support = [(first + shot) % 4 for shot in range(2)]
        prototypes = vectors[:, support].mean(dim=1)
        for own in range(3):
            for item in set(range(4)) - set(support):
                distances = ((vectors[own, item] - prototypes) ** 2).sum(dim=1)
                losses.append(-torch.log_softmax(-7.0 * distances, dim=0)[own])
    ours = episode_loss(vectors, n_shots=2, sharpness=7.0)
    assert float(ours) == pytest.approx(float(torch.stack(losses).mean()), rel=1e-5)


def test_items_that_agree_within_classes_cost_next_to_nothing():
    vectors = torch.eye(3)[:, None].expand(3, 2, 3)
    assert float(episode_loss(vectors, n_shots=1)) == pytest.approx(np.log1p(2 * np.exp(-20)), abs=1e-6)


def test_scores_order_classes_as_distances_do():
    queries, prototypes = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    by_distance = torch.cdist(queries, prototypes).argsort(dim=1)
    assert torch.equal(prototype_scores(queries, prototypes).argsort(dim=1, descending=True), by_distance)


@pytest.mark.parametrize("n_shots", [0, 2])
def test_an_episode_without_query_or_example_is_refused(n_shots):
    with pytest.raises(InputError, match=f"n_shots={n_shots} of 2 items"):
        episode_loss(torch.ones(2, 2, 3), n_shots=n_shots)


def items():
    """Classes differ in two of ten columns; in the others items vary far more."""
    random = np.random.default_rng(0)
    index = np.repeat(np.arange(16), 6)
    x = 2 * random.normal(size=(len(index), 10))
    x[:, :2] = random.normal(size=(16, 2))[index] + 0.05 * random.normal(size=(len(index), 2))
    return torch.from_numpy(x.astype(np.float32)), index


def trained(seed=0):
    x, index = items()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Linear(10, 6)
    learned, judged = (np.where(part, index, -1) for part in (index < 10, index >= 10))
    episodes, held_out = (episodes_of(part, n_classes=5, n_each=4) for part in (learned, judged))
    recipe = Recipe(epochs=4, learning_rate=0.05)

    def embed(rows, draws):
        return network(x[rows])

    before = episode_accuracy(network, embed, held_out)
    history = train_on_episodes(
        network, embed, episodes, recipe=recipe, per_epoch=20, held_out=held_out, random_state=seed
    )
    return network, embed, held_out, before, history


def test_it_learns_what_tells_classes_apart_that_it_has_never_seen():
    network, embed, held_out, before, history = trained()
    after = episode_accuracy(network, embed, held_out)
    assert after > before + 0.2
    assert history.records[history.best_epoch].held_out.accuracy == pytest.approx(after)


def test_the_same_seed_gives_the_same_weights():
    first, again = (trained()[0].weight for _ in range(2))
    assert torch.equal(first, again)


def test_vectors_have_unit_length_and_come_in_the_order_asked_for():
    network, embed, *_ = trained()
    vectors = embedded(network, embed, np.arange(5))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(embedded(network, embed, np.array([3, 0])), vectors[[3, 0]], rtol=1e-5)
