"""The accuracy of answers, estimated from their confidence and from tested answers."""

import numpy as np
import pytest
from scipy import special

from anyshot.app.studio.answer_accuracy import SHARPENINGS, answer_accuracy, log_odds


def drawn(seed, n, *, temperature=1.0, n_classes=4):
    """Return probabilities of classes (n, c) that are too sure by a temperature, and whether answers are right."""
    chance = np.random.default_rng(seed)
    scores = chance.normal(0, 2, (n, n_classes))
    right = [chance.choice(n_classes, p=row) for row in special.softmax(scores / temperature, axis=1)]
    return special.softmax(scores, axis=1), scores.argmax(axis=1) == right


def estimate(tested, correct, asked):
    return answer_accuracy(log_odds(tested), correct, log_odds(asked), len(asked))


def test_log_odds_are_those_of_the_surest_class_at_each_temperature():
    given = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3]])
    for k, sharpening in enumerate(SHARPENINGS):
        powers = given**sharpening
        expected = special.logit(powers.max(axis=1) / powers.sum(axis=1))
        assert log_odds(given)[:, k] == pytest.approx(expected)
    assert np.isfinite(log_odds([[1.0, 0.0]])).all()


def test_labels_of_hard_items_do_not_hide_that_the_others_are_answered_well():
    given, right = drawn(0, 2000)
    hard = np.argsort(given.max(axis=1))[:30]
    found, lower, upper = estimate(given[hard], right[hard], given)
    assert right[hard].mean() < 0.5
    assert found == pytest.approx(right.mean(), abs=0.07)
    assert lower < right.mean() < upper


@pytest.mark.parametrize("choose", ["hard", "random", "sure"])
@pytest.mark.parametrize("temperature", [0.7, 1.2])
def test_the_interval_contains_the_accuracy(choose, temperature):
    inside = 0
    for seed in range(15):
        given, right = drawn(seed, 300, temperature=temperature)
        order = np.random.default_rng(seed).permutation(300) if choose == "random" else np.argsort(given.max(axis=1))
        some = order[-20:] if choose == "sure" else order[:20]
        rest = np.setdiff1d(np.arange(300), some)
        _, lower, upper = estimate(given[some], right[some], given[rest])
        inside += lower <= right[rest].mean() <= upper
    assert inside >= 13


def test_answers_that_are_surer_than_right_are_found_out_by_labels():
    given, right = drawn(1, 2000, temperature=2.5)
    assert given.max(axis=1).mean() > right.mean() + 0.15
    assert estimate(given[:400], right[:400], given)[0] == pytest.approx(right.mean(), abs=0.06)


def test_more_labels_narrow_the_interval():
    given, right = drawn(2, 2000)
    widths = [upper - lower for _, lower, upper in (estimate(given[:n], right[:n], given) for n in (5, 500))]
    assert widths[1] < widths[0] / 2


def test_few_answers_may_all_be_right_by_chance():
    assert answer_accuracy(log_odds([[0.9, 0.1]]), [True], log_odds([[0.9, 0.1]]), 5)[2] == 1.0
