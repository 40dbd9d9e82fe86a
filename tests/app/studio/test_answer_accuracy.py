"""The accuracy of answers, estimated from held-out labels and from how sure the answers are."""

import numpy as np
import pytest
from scipy import special

from anyshot.app.studio.answer_accuracy import answer_accuracy


def drawn(seed, n, *, shift=0.0, slope=1.0):
    """Return the confidence of answers, and whether they are right, with log odds of shift + slope * logit."""
    chance = np.random.default_rng(seed)
    odds = chance.normal(1.5, 1.5, n)
    return special.expit(odds), chance.random(n) < special.expit(shift + slope * odds)


def test_labels_of_hard_items_do_not_hide_that_the_others_are_answered_well():
    confidence, right = drawn(0, 2000)
    hard = np.argsort(confidence)[:30]
    found, lower, upper = answer_accuracy(confidence[hard], right[hard], confidence)
    assert right[hard].mean() < 0.35
    assert found == pytest.approx(right.mean(), abs=0.05)
    assert lower < right.mean() < upper


@pytest.mark.parametrize("choose", ["hard", "random", "sure"])
def test_the_interval_contains_the_accuracy(choose):
    inside = 0
    for seed in range(15):
        confidence, right = drawn(seed, 500, shift=0.3, slope=0.8)
        order = np.random.default_rng(seed).permutation(500) if choose == "random" else np.argsort(confidence)
        some = order[-20:] if choose == "sure" else order[:20]
        rest = np.setdiff1d(np.arange(500), some)
        _, lower, upper = answer_accuracy(confidence[some], right[some], confidence[rest])
        inside += lower <= right[rest].mean() <= upper
    assert inside >= 13


def test_answers_that_are_surer_than_right_are_found_out_by_random_labels():
    confidence, right = drawn(1, 2000, shift=-1.5)
    assert answer_accuracy(confidence[:200], right[:200], confidence)[0] == pytest.approx(right.mean(), abs=0.1)
    assert confidence.mean() > right.mean() + 0.2


def test_more_labels_narrow_the_interval():
    confidence, right = drawn(2, 500)
    widths = [
        upper - lower for _, lower, upper in (answer_accuracy(confidence[:n], right[:n], confidence) for n in (5, 200))
    ]
    assert widths[1] < widths[0] / 2
