"""Self-training on the target."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.self_training import SelfTraining, most_confident
from anyshot.errors import InputError
from domain_adaptation.worlds import moved_world


def test_the_most_confident_are_chosen_by_class():
    predicted = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.45, 0.55], [0.3, 0.7]])
    np.testing.assert_array_equal(most_confident(predicted, 0.5), [0, 2, 4])
    np.testing.assert_array_equal(most_confident(predicted, 1.0), np.arange(5))
    np.testing.assert_array_equal(most_confident(predicted, 0.01), [0, 4])


def test_one_round_fits_the_base_on_the_source_and_all_predictions():
    world = moved_world()
    start = KNeighborsClassifier(3).fit(world.X, world.y).predict(world.target)
    oracle = KNeighborsClassifier(3).fit(np.vstack([world.X, world.target]), np.r_[world.y, start])
    model = SelfTraining(rounds=1, base=KNeighborsClassifier(3), normalize=None)
    model.fit(world.X, world.y, target=world.target)
    np.testing.assert_array_equal(model.predict(world.target), oracle.predict(world.target))


def test_rounds_follow_a_target_that_drifts_away_from_the_source():
    # Two bands that bend away from the source: the nearest items are confident, the others follow.
    random = np.random.default_rng(0)
    along, side = np.linspace(0, 4, 300), np.tile([-1.0, 1.0], 150)
    target = np.column_stack([side + 0.7 * along, along]) + 0.1 * random.normal(size=(300, 2))
    source = np.column_stack([np.tile([-1.0, 1.0], 30), np.zeros(60)]) + 0.1 * random.normal(size=(60, 2))
    y = (source[:, 0] > 0).astype(int)
    plain = SourceModel(normalize=None).fit(source, y, target=target)
    adapted = SelfTraining(rounds=20, normalize=None).fit(source, y, target=target)
    assert adapted.score(target, side > 0) > plain.score(target, side > 0)


def test_an_adapted_base_receives_the_target():
    world = moved_world()
    model = SelfTraining(rounds=1, base=CORAL()).fit(world.X, world.y, target=world.target)
    assert model.model_.adapted_


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"rounds": 0}, "rounds must be at least 1; it is 0"), ({"base": LinearSVC()}, "LinearSVC has none")],
)
def test_invalid_parameters_are_refused(parameters, message):
    world = moved_world()
    with pytest.raises(InputError, match=message):
        SelfTraining(**parameters).fit(world.X, world.y, target=world.target)
