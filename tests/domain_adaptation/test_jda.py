"""JDA."""

import numpy as np
import pytest
from sklearn.preprocessing import normalize

from anyshot.domain_adaptation.jda import JDA
from anyshot.domain_adaptation.tca import TCA
from anyshot.errors import InputError
from domain_adaptation.worlds import moved_world


def test_jda_brings_the_class_means_together():
    world = moved_world(n_each=40)
    gaps = []
    for rounds in (0, 5):
        model = JDA(n_components=2, rounds=rounds, penalty=0.1, normalize=None)
        model.fit(world.X, world.y, target=world.target)
        projected = [normalize(X) @ model.axes_ for X in (world.X, world.target)]
        means = [[Z[world.y == k].mean(axis=0) for k in np.unique(world.y)] for Z in projected]
        gaps.append(np.linalg.norm(np.subtract(*means)) / np.linalg.norm(np.vstack(projected).std(axis=0)))
    assert gaps[1] < gaps[0]


def test_zero_rounds_are_tca():
    world = moved_world()
    jda, tca = (model.fit(world.X, world.y, target=world.target) for model in (JDA(rounds=0), TCA()))
    np.testing.assert_array_equal(jda.axes_, tca.axes_)


def test_negative_rounds_are_refused():
    world = moved_world()
    with pytest.raises(InputError, match="rounds=-1"):
        JDA(rounds=-1).fit(world.X, world.y, target=world.target)
