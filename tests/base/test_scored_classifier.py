import numpy as np
import pytest

from anyshot.base.scored_classifier import ScoredClassifier


class Fixed(ScoredClassifier):
    def __init__(self, *names):
        self.classes_ = np.array(names)

    def _scores(self, X):
        return np.asarray(X, dtype=float)


def test_the_prediction_has_the_highest_score_and_the_probabilities_are_the_softmax():
    model, scores = Fixed("a", "b", "c"), np.log([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]])
    assert model.predict(scores).tolist() == ["b", "a"]
    np.testing.assert_allclose(model.predict_proba(scores), [[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]])
    np.testing.assert_array_equal(model.decision_function(scores), scores)


def test_a_class_of_score_minus_infinity_has_probability_0():
    assert Fixed("a", "b", "c").predict_proba([[0.0, -np.inf, 0.0]]).tolist() == [[0.5, 0.0, 0.5]]


def test_two_classes_have_one_column():
    assert Fixed("a", "b").decision_function([[0.5, 2.0]]) == pytest.approx([1.5])
