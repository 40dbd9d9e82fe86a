"""The inputs of a report, and the answers of a model."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.report import collect
from anyshot.evaluation.report.collect import (
    COVERAGES,
    Inputs,
    collect_classes,
    collect_numbers,
    encoding_counts,
    reasons_for,
    timed_predict,
)
from anyshot.store.encoding import EncodingCounts, encode_once
from anyshot.tasks.regression import AnyShotRegressor

X, Y = np.array([[0.0], [1.0], [3.0], [4.0]]), ["low", "low", "high", "high"]
ROWS, NUMBERS = np.arange(40.0)[:, None], np.arange(40.0)


class PredictOnly:
    """A classifier with nothing but predict."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return ["low"] * len(X)


@pytest.fixture(scope="module")
def model():
    return LogisticRegression().fit(X, Y)


def test_a_sample_keeps_items_labels_groups_and_weights_together():
    labels = list(range(50))
    inputs = Inputs(
        model=PredictOnly(), X=np.arange(50.0)[:, None], y=labels, groups={"g": labels}, sample_weight=np.arange(1, 51)
    ).checked()
    sample = inputs.sampled(10)
    rows = sample.X[:, 0].astype(int).tolist()
    assert rows == sorted(set(rows))
    assert list(sample.y) == rows == sample.groups["g"]
    assert sample.sample_weight.tolist() == [row + 1 for row in rows]
    assert (len(rows), sample.n_given) == (10, 50)
    assert inputs.sampled(50) is inputs


def test_what_is_derived_from_the_predictions_is_computed_once(model):
    results = collect_classes(Inputs(model=model, X=X, y=["low", None, "high", "new"]))
    assert results.index.tolist() == [1, -1, 0, -1]
    assert results.labeled.tolist() == [True, False, True, True]
    assert results.index is results.index
    assert results.labeled is results.labeled
    assert results.correct is results.correct


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": {"site": ["a"]}}, "Group column 'site' has 1 values for 3 items"),
        ({"sample_weight": [0, 0, 0]}, "weights of the 3 items sum to zero"),
        ({"sample_weight": [1, -1, 1]}, "row 1 has -1"),
        ({"y": ["a"]}, "3 items and 1 labels"),
        ({"X": [], "y": []}, "the list is empty"),
        ({"model": 5}, "needs a fitted model with predict, not 5"),
        ({"model": PredictOnly}, "needs a fitted model with predict, not <class .*PredictOnly"),
    ],
)
def test_inputs_that_do_not_fit_together_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Inputs(**{"model": PredictOnly(), "X": ["x", "y", "z"], "y": ["a", "b", "a"], **change}).checked()


def test_what_a_model_cannot_give_is_none():
    results = collect_classes(Inputs(model=PredictOnly(), X=X, y=Y))
    assert results.classes.tolist() == ["high", "low"]
    assert results.probabilities is None
    assert results.closeness is None
    assert results.train_labels is None
    assert results.correct.tolist() == [True, True, False, False]
    assert results.mistakes().tolist() == [2, 3]
    assert reasons_for(results.model, X, np.array([1])) == [()]


def test_mistakes_are_sorted_by_confidence(model):
    results = collect_classes(Inputs(model=model, X=X, y=["high", "low", "low", "low"]))
    assert results.mistakes().tolist()[-1] == 2
    assert set(results.mistakes()) == {0, 2, 3}
    assert results.probability(3, "high") == pytest.approx(model.predict_proba(X)[3, 0])
    assert results.probability(3, "other") is None


def test_probabilities_for_other_classes_are_refused():
    class ThreeColumns(LogisticRegression):
        def predict_proba(self, X):
            return np.full((len(X), 3), 1 / 3)

    with pytest.raises(InputError, match=r"4 items and 2 classes"):
        collect_classes(Inputs(model=ThreeColumns().fit(X, Y), X=X, y=Y))


def test_a_regressor_without_intervals_has_none():
    results = collect_numbers(Inputs(model=LinearRegression().fit(ROWS, NUMBERS), X=ROWS, y=[*NUMBERS[:-1], None]))
    assert results.intervals == {}
    assert results.labeled.sum() == 39
    assert results.train_labels is None


def test_intervals_are_collected_at_several_coverages():
    results = collect_numbers(Inputs(model=AnyShotRegressor().fit(ROWS, NUMBERS), X=ROWS, y=NUMBERS))
    assert tuple(results.intervals) == COVERAGES
    assert results.intervals[0.9].shape == (40, 2)


def test_mistakes_of_a_regressor_are_sorted_by_size_and_samples_stay_aligned(monkeypatch):
    model, truth = LinearRegression().fit(ROWS, NUMBERS), NUMBERS.copy()
    truth[[3, 7]] += [5, -9]
    assert collect_numbers(Inputs(model=model, X=ROWS, y=truth)).mistakes()[:2].tolist() == [7, 3]
    monkeypatch.setattr(collect, "MAX_ITEMS", 10)
    sample = collect_numbers(Inputs(model=model, X=ROWS, y=NUMBERS, groups={"g": list(range(40))}))
    assert len(sample.truth) == 10
    assert sample.inputs.X[:, 0].tolist() == sample.truth.tolist() == list(sample.inputs.groups["g"])


def test_numbers_that_cannot_be_compared_are_refused():
    model = LinearRegression().fit(ROWS, np.stack([NUMBERS, NUMBERS], axis=1))
    with pytest.raises(InputError, match="predictions must hold one number for each row; the shape is"):
        collect_numbers(Inputs(model=model, X=ROWS, y=NUMBERS))
    model = LinearRegression().fit(ROWS, NUMBERS)
    with pytest.raises(NotEnoughLabelsError, match="none of the 40 has a number"):
        collect_numbers(Inputs(model=model, X=ROWS, y=[None] * 40))
    with pytest.raises(InputError, match="40 items and 39 labels"):
        collect_numbers(Inputs(model=model, X=ROWS, y=NUMBERS[1:]))


def test_time_and_encoded_items_of_the_predictions_are_counted(letters):
    class Encodes(PredictOnly):
        encoding_counts = EncodingCounts()

        def predict(self, X):
            return encode_once(letters, X, cache=None, counts=self.encoding_counts)

    model = Encodes()
    model.predict(["before"])
    predicted, cost = timed_predict(model, ["a", "a", "b"])
    counts = cost.after - cost.before
    assert predicted.shape == (3, 26)
    assert (counts.requested, counts.duplicates, counts.encoded) == (3, 1, 2)
    assert cost.finished >= cost.started
    assert encoding_counts(PredictOnly()) == EncodingCounts()
