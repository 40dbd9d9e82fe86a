"""Whether fine-tuning pays: tried where it can be, within its budget, and believed only where it wins."""

import numpy as np
import pytest

from anyshot import AnyShotClassifier
from anyshot.any_shot.cross_validation import check_budget
from anyshot.errors import InputError
from anyshot.tasks.tuning_choice import wins

TEXTS = ["refund my money", "money back please", "where is my parcel", "the parcel is late"] * 5
LABELS = ["refund", "refund", "delivery", "delivery"] * 5
NAMES = ["refund", "delivery"]


@pytest.mark.parametrize("wrong", ["slow", 0, -3.0, None, True])
def test_a_budget_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match="budget must be 'fast', 'best' or a number of seconds"):
        check_budget(wrong)


def test_a_lead_within_its_noise_does_not_win():
    right = np.repeat([True, False], [60, 40])
    assert not wins(right, right)
    one_more = right.copy()
    one_more[60] = True
    assert not wins(one_more, right)  # one label: its standard error is one label
    nine_more = right.copy()
    nine_more[60:69] = True
    assert wins(nine_more, right)
    assert not wins(right, nine_more)


@pytest.mark.parametrize(
    ("labels", "parameters", "cause"),
    [
        (LABELS[:6], {}, "some class has 2 labels, and it needs 5 of each"),
        (LABELS, {"method": "any-shot"}, "method='any-shot' is asked for"),
        (LABELS, {"unknown_rate": 0.1}, "unknown_rate is set"),
    ],
)
def test_what_speaks_against_trying_is_said(labels, parameters, cause):
    clf = AnyShotClassifier(NAMES, budget="best", cache=False, **parameters).fit(TEXTS[: len(labels)], labels)
    assert clf.reasons_[-1] == f"Fine-tuning was not tried: {cause}."
    assert clf.method_ != "fine-tuned"


def test_vectors_have_no_network():
    X = np.eye(2).repeat(10, axis=0) + 0.1
    clf = AnyShotClassifier(budget="best", cache=False).fit(X, ["a"] * 10 + ["b"] * 10)
    assert clf.reasons_[-1] == "Fine-tuning was not tried: vectors have no network to train."


def test_a_budget_that_is_spent_leaves_the_closed_form():
    clf = AnyShotClassifier(NAMES, budget=1e-3, cache=False, random_state=0).fit(TEXTS, LABELS)
    assert "was not tried to the end: it would take about" in clf.reasons_[-1]
    assert "fine-tuned" not in set(clf.leaderboard_.method)


def test_what_was_tried_stands_on_the_leaderboard_with_its_price():
    clf = AnyShotClassifier(NAMES, budget="best", cache=False, random_state=0).fit(TEXTS, LABELS)
    assert "fine-tuned" in set(clf.leaderboard_.method)
    assert clf.method_ != "fine-tuned"  # the closed form tells every label: there is nothing to win
    assert "Fine-tuning does not win: held out in turn, 20 labels" in clf.reasons_[-1]
    assert clf.reasons_[-1].endswith(" s.")


def test_without_a_cache_nothing_is_kept_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path))
    AnyShotClassifier(NAMES, budget="best", cache=False, random_state=0).fit(TEXTS, LABELS)
    assert not list(tmp_path.rglob("*"))
