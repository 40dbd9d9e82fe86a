"""The test for label shift."""

import numpy as np
import pytest

from anyshot.domain_adaptation.shift_test import compare_predictions, label_shift_test
from anyshot.errors import DomainError, NotEnoughLabelsError, TargetLabelsError

MEANS = np.array([[0.0, 0], [3, 0], [0, 3]])
EVEN, UNEVEN = np.full(3, 1 / 3), np.array([0.7, 0.25, 0.05])


def sample(prior, n, *, seed, move=0.0):
    random = np.random.default_rng(seed)
    y = random.choice(3, n, p=prior)
    return MEANS[y] + random.normal(size=(n, 2)) + move, y


def verdicts(prior, *, move=0.0, seeds=range(25)):
    found = []
    for seed in seeds:
        (X, y), (target, _) = sample(EVEN, 400, seed=seed), sample(prior, 300, seed=1000 + seed, move=move)
        found.append(label_shift_test(X, y, target=target, random_state=seed))
    return found


def test_equal_domains_are_rarely_called_shifted():
    found = [one.verdict for one in verdicts(EVEN)]
    assert found.count("no shift detected") >= 20


def test_label_shift_is_detected_and_its_prior_estimated():
    found = verdicts(UNEVEN)
    assert [one.verdict for one in found].count("label shift") >= 20
    np.testing.assert_allclose(np.mean([one.prior for one in found], axis=0), UNEVEN, atol=0.03)


def test_classes_that_moved_are_another_shift():
    found = [one.verdict for one in verdicts(EVEN, move=np.array([1.5, 1.5]))]
    assert found.count("other shift") >= 20


def test_identical_predictions_are_no_shift():
    random = np.random.default_rng(0)
    index = np.arange(90) % 3
    predicted = np.exp(2 * np.eye(3)[index] + random.normal(size=(90, 3)))
    predicted /= predicted.sum(axis=1, keepdims=True)
    found = compare_predictions(predicted, index, predicted)
    assert found.no_shift_p == 1
    assert found.label_shift_p > 0.5
    np.testing.assert_allclose(found.prior, 1 / 3, atol=0.05)
    assert str(found).startswith("no shift detected (no shift p 1,")


def test_a_class_with_too_few_items_is_refused():
    X, y = np.random.default_rng(0).normal(size=(20, 2)), ["ash"] * 13 + ["birch"] * 7
    with pytest.raises(NotEnoughLabelsError, match=r"'birch' has 7 source item\(s\); at least 8 of each"):
        label_shift_test(X, y, target=X)


def test_target_labels_and_single_items_are_refused():
    X, y = sample(EVEN, 60, seed=0)
    with pytest.raises(TargetLabelsError, match="must not see labels"):
        label_shift_test(X, y, target=(X, y))
    with pytest.raises(DomainError, match="target has 1 item"):
        label_shift_test(X, y, target=X[:1])
