import numpy as np

from anyshot.zero_shot.feature_generation import FeatureGeneration


def test_the_head_predicts_all_classes_and_repeats_with_a_random_state():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, -1], 15)
    X, S = random.normal(size=(60, 4)) + y[:, None], random.normal(size=(5, 6))
    model = FeatureGeneration(random_state=0).fit(X, y, class_vectors=S)
    assert model.head_.classes_.tolist() == [0, 1, 2, 3, 4]
    again = FeatureGeneration(random_state=0).fit(X, y, class_vectors=S)
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
