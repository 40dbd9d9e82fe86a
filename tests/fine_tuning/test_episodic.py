"""Episodic training: the loss by the paper's formula, a network that learns to classify new classes, and Conv-4."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.fine_tuning.episodic import (
    ConvNet,
    encode_rows,
    episode_accuracy,
    episode_loss,
    episodes_of,
    prototype_scores,
    train_on_episodes,
)
from anyshot.training.recipe import Recipe


def test_the_loss_is_that_of_the_paper():
    """Each item is support in turn, the others are queries; squared distances, eq. (1) and (2)."""
    vectors = normalize(torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)), dim=2)
    losses = []
    for first in range(4):
        support = [(first + shot) % 4 for shot in range(2)]
        prototypes = vectors[:, support].mean(dim=1)
        for own in range(3):
            for item in set(range(4)) - set(support):
                distances = ((vectors[own, item] - prototypes) ** 2).sum(dim=1)
                losses.append(-torch.log_softmax(-distances / 0.2, dim=0)[own])
    ours = episode_loss(vectors, n_shots=2, temperature=0.2)
    assert float(ours) == pytest.approx(float(torch.stack(losses).mean()), rel=1e-5)


def test_the_loss_is_almost_zero_where_items_of_a_class_are_equal():
    vectors = torch.eye(3)[:, None].expand(3, 2, 3)
    assert float(episode_loss(vectors, n_shots=1)) == pytest.approx(np.log1p(2 * np.exp(-20)), abs=1e-6)


def test_scores_rank_classes_by_distance():
    queries, prototypes = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    by_distance = torch.cdist(queries, prototypes).argsort(dim=1)
    assert torch.equal(prototype_scores(queries, prototypes).argsort(dim=1, descending=True), by_distance)


@pytest.mark.parametrize("n_shots", [0, 2])
def test_an_episode_without_queries_or_examples_is_an_error(n_shots):
    with pytest.raises(InputError, match=f"n_shots={n_shots} must be at least 1 and below 2"):
        episode_loss(torch.ones(2, 2, 3), n_shots=n_shots)


def items():
    """Return items whose classes differ in two of ten columns; the other columns are noise of a larger scale."""
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
    train, test = (np.where(part, index, -1) for part in (index < 10, index >= 10))
    episodes, held_out = (episodes_of(part, n_classes=5, n_each=4) for part in (train, test))
    recipe = Recipe(epochs=4, learning_rate=0.05)

    def embed(rows, random):
        return network(x[rows])

    before = episode_accuracy(network, embed, held_out)
    history = train_on_episodes(
        network, embed, episodes, recipe=recipe, per_epoch=20, held_out=held_out, random_state=seed
    )
    return network, embed, held_out, before, history


@pytest.fixture(scope="module")
def training():
    return trained()


def test_training_improves_the_accuracy_on_new_classes(training):
    network, embed, held_out, before, history = training
    after = episode_accuracy(network, embed, held_out)
    assert after > before + 0.2
    assert history.records[history.best_epoch].held_out.accuracy == pytest.approx(after)


def test_the_same_seed_gives_the_same_weights(training):
    assert torch.equal(training[0].weight, trained()[0].weight)


def test_vectors_have_unit_length_and_are_in_the_order_of_the_rows(training):
    network, embed, *_ = training
    vectors = encode_rows(network, embed, np.arange(5))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(encode_rows(network, embed, np.array([3, 0])), vectors[[3, 0]], rtol=1e-5)


def test_conv_net_has_the_size_of_the_papers():
    """64 channels: 9 (1 + 3 * 64) 64 weights of convolutions, and 2 * 64 of each batch norm."""
    network = ConvNet(random_state=0)
    assert sum(weights.numel() for weights in network.parameters()) == 9 * (1 + 3 * 64) * 64 + 4 * 2 * 64
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 64)
    assert ConvNet(channels=3, width=4, random_state=0)(torch.zeros(2, 3, 32, 48)).shape == (2, 4 * 2 * 3)


def test_the_seed_decides_the_weights_of_conv_net_and_does_not_change_torchs_generator():
    before = torch.random.get_rng_state()
    first, again, other = (ConvNet(width=4, random_state=seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["blocks.0.0.weight"], other["blocks.0.0.weight"])


def test_images_that_are_too_small_for_conv_net_are_an_error():
    with pytest.raises(InputError, match="at least 16 x 16 pixels; got 12 x 28"):
        ConvNet(width=4)(torch.zeros(1, 1, 12, 28))


# --- episodes ---------------------------------------------------------------------------------------------------------


SIX_CLASSES = np.repeat(np.arange(6), 4)
ALPHABET = np.repeat([0, 0, 0, 0, 1, 1], 4)


def test_an_episode_has_different_items_of_different_classes():
    rows = episodes_of(SIX_CLASSES, n_classes=5, n_each=3).draw(np.random.default_rng(0))
    assert rows.shape == (5, 3)
    assert len(np.unique(rows)) == 15
    assert (SIX_CLASSES[rows] == SIX_CLASSES[rows[:, :1]]).all()
    assert len(np.unique(SIX_CLASSES[rows[:, 0]])) == 5


def test_a_group_is_sampled_in_proportion_to_its_number_of_classes():
    episodes, draws = episodes_of(SIX_CLASSES, n_classes=3, n_each=2, groups=ALPHABET), np.random.default_rng(0)
    drawn = [episodes.draw(draws) for _ in range(300)]
    alphabets = [np.unique(ALPHABET[rows]) for rows in drawn]
    assert all(len(one) == 1 for one in alphabets)
    assert np.mean([one[0] == 0 for one in alphabets]) == pytest.approx(4 / 6, abs=0.1)
    assert {len(rows) for rows in drawn} == {2, 3}  # the smaller group gives all that it has


def test_unlabeled_items_and_small_classes_are_never_sampled():
    index = np.where(SIX_CLASSES == 2, -1, SIX_CLASSES)
    index[1:4] = -1  # class 0 keeps one item
    episodes, draws = episodes_of(index, n_classes=6, n_each=2), np.random.default_rng(0)
    seen = {int(one) for _ in range(30) for one in index[episodes.draw(draws)].ravel()}
    assert seen == {1, 3, 4, 5}


def test_the_same_seed_gives_the_same_episode():
    episodes = episodes_of(SIX_CLASSES, n_classes=3, n_each=2)
    np.testing.assert_array_equal(episodes.draw(np.random.default_rng(3)), episodes.draw(np.random.default_rng(3)))


def test_too_few_items_for_an_episode_are_refused():
    with pytest.raises(NotEnoughLabelsError, match=r"two classes with 5 items each; the largest of 6 classes has 4"):
        episodes_of(SIX_CLASSES, n_classes=2, n_each=5)
    with pytest.raises(NotEnoughLabelsError, match="in one group"):
        episodes_of(SIX_CLASSES, n_classes=2, n_each=2, groups=SIX_CLASSES)
