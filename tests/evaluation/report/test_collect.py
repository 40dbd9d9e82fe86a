"""What a report is given, and what asking a model takes."""

import numpy as np
import pytest

from anyshot.errors import InputError
from anyshot.evaluation.report.collect import Extras, priced, question, reasons_for, spread_rows
from anyshot.store.disk_cache import EncodingCounts, encode_once


class Silent:
    def fit(self, X, y):
        return self

    def predict(self, X):
        return ["a"] * len(X)


def test_a_sample_keeps_items_labels_groups_and_weights_together():
    labels = list(range(50))
    asked = question(Silent(), np.arange(50.0)[:, None], labels, groups={"g": labels}, sample_weight=np.arange(1, 51))
    some = asked.sampled(most=10)
    rows = some.X[:, 0].astype(int).tolist()
    assert rows == sorted(set(rows))
    assert list(some.y) == rows == some.groups["g"]
    assert some.weight.tolist() == [row + 1 for row in rows]
    assert (len(rows), some.n_given) == (10, 50)
    assert asked.sampled(most=50) is asked


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"groups": {"site": ["a"]}}, "Group 'site' has 1 values for 3 items"),
        ({"groups": {}, "sample_weight": [0, 0, 0]}, "weights of the 3 items sum to zero"),
        ({"groups": {}, "sample_weight": [1, -1, 1]}, "row 1 is -1"),
    ],
)
def test_what_does_not_fit_together_is_refused(more, said):
    with pytest.raises(InputError, match=said):
        question(Silent(), ["x", "y", "z"], ["a", "b", "a"], **more)


class Encoding:
    """Predicts the vectors of an encoder, and counts them."""

    def __init__(self, encoder):
        self.encoder, self.encoding_counts = encoder, EncodingCounts()

    def predict(self, X):
        return encode_once(self.encoder, X, cache=None, counts=self.encoding_counts)


def test_what_the_answers_took_is_counted_apart_from_what_the_whole_took(letters):
    model = Encoding(letters)
    model.predict(["before"])
    answers, price = priced(model, ["a", "a", "b"])
    model.predict(["after"])
    assert answers.shape == (3, 26)
    assert (price.encoding.requested, price.encoding.duplicates, price.encoding.encoded) == (3, 1, 2)
    assert price.total.requested == 4
    assert price.seconds_in_all >= price.seconds > 0


def test_a_model_that_explains_nothing_has_no_reasons():
    assert reasons_for(Silent(), ["x"], np.array([0])) == [()]
    assert Extras().train is None


def test_rows_are_spread_evenly_from_first_to_last():
    assert spread_rows(9, 3).tolist() == [0, 4, 8]
    assert spread_rows(2, 3).tolist() == [0, 1]


def test_no_items_and_what_cannot_predict_are_refused():
    with pytest.raises(InputError, match="There are no items to ask about"):
        question(Silent(), [], [], groups={})
    with pytest.raises(InputError, match="which has predict; a int was given"):
        question(5, [1], [1], groups={})
