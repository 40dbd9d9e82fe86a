"""Weights of the items of AnyShotClassifier."""

import numpy as np
import pytest
from sklearn.base import clone

from anyshot import AnyShotClassifier, load
from anyshot.errors import (
    InputError,
)
from labeled_items import LABELS, TEXTS, WORDS


def test_an_item_of_weight_three_counts_as_three_and_one_of_weight_zero_is_left_out(letters):
    clf = AnyShotClassifier(encoder=letters, cache=False)
    weights, wrong = [3] * 6 + [1] * 12 + [0] * 18, LABELS[::-1]
    weighted = clone(clf).fit([*TEXTS, *TEXTS], [*LABELS, *wrong], sample_weight=weights)
    repeated = clone(clf).fit(WORDS["zoo"] * 2 + TEXTS, ["zoo"] * 12 + LABELS)
    np.testing.assert_allclose(weighted.predict_proba(TEXTS), repeated.predict_proba(TEXTS), atol=1e-2)
    with pytest.raises(InputError, match="one weight for each of 18 items"):
        clf.fit(TEXTS, LABELS, sample_weight=[1])


@pytest.mark.parametrize("method", ["any-shot", "prototype", "logistic-regression"])
def test_an_item_of_weight_a_half_counts_as_half_an_item(letters, method, tmp_path):
    clf = AnyShotClassifier(encoder="vectors", method=method, cache=False)
    X = letters.encode(TEXTS)
    # Two halves of an item are the item; held-out labels are fewer there, so that the method is compared by hand.
    halves = clone(clf).fit(np.repeat(X, 2, axis=0), np.repeat(LABELS, 2), sample_weight=np.full(36, 0.5))
    data = halves.any_shot_model().data
    np.testing.assert_allclose(data.counts, clone(clf).fit(X, LABELS).any_shot_model().data.counts)
    whole = clone(clf).fit(X, LABELS)
    np.testing.assert_allclose(halves.predict_proba(X), whole.predict_proba(X), atol=0.05)
    halves.save(tmp_path / "model")
    again = load(tmp_path / "model").partial_fit(X[:1], LABELS[:1], sample_weight=[0.25])
    assert again.any_shot_model().data.weights.sum() == pytest.approx(18.25)


def test_a_small_weight_moves_the_model_less_than_a_large_one(letters):
    clf, wrong = AnyShotClassifier(["tea", "zoo"], encoder=letters, cache=False), ["zoo bees", "zoo cats"]
    weights = [1e-3, 0.3, 1, 4.5]
    p = [clone(clf).fit(wrong, ["tea", "tea"], sample_weight=[w, w]).predict_proba(wrong)[0, 0] for w in weights]
    assert p == sorted(p)
    without = clone(clf).fit().predict_proba(wrong)[0, 0]
    assert p[0] == pytest.approx(without, abs=1e-3)
    tiny = clone(clf).fit(wrong, ["tea", "tea"], sample_weight=[1e-50, 1e-50])  # 0 as a float32
    assert tiny.predict_proba(wrong)[0, 0] == without


@pytest.mark.parametrize(("weight", "named"), [(-1, "-1 in row 1"), (np.nan, "nan in row 1"), (np.inf, "inf in row 1")])
def test_a_weight_that_is_no_weight_is_refused_by_row(letters, weight, named):
    with pytest.raises(InputError, match=f"sample_weight is {named}"):
        AnyShotClassifier(encoder=letters, cache=False).fit(TEXTS, LABELS, sample_weight=[1, weight] + [1] * 16)


def test_fractions_of_items_are_refused_where_they_are_not_used(letters):
    with pytest.raises(InputError, match="budget='best', which fine-tunes the encoder, can only be used with whole"):
        AnyShotClassifier(encoder=letters, budget="best").fit(TEXTS, LABELS, sample_weight=[0.5] * 18)
    attributes = {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    with pytest.raises(InputError, match="Class vectors of another width than the items can only be used with whole"):
        AnyShotClassifier(attributes, cache=False).fit(np.eye(4), [*"abab"], sample_weight=[0.5] * 4)
