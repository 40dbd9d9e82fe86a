"""Fine-tuning is tried within its budget, and used only if it is better."""

from functools import partial
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from anyshot import AnyShotClassifier
from anyshot.tasks import tuning_choice
from anyshot.tasks.tuning_choice import is_better

TEXTS = ["refund my money", "money back please", "where is my parcel", "the parcel is late"] * 5
LABELS = ["refund", "refund", "delivery", "delivery"] * 5
NAMES = ["refund", "delivery"]


def test_a_lead_within_one_standard_error_is_not_better():
    correct = np.repeat([True, False], [60, 40])
    assert not is_better(correct, correct)
    one_more = correct.copy()
    one_more[60] = True
    assert not is_better(one_more, correct)  # the standard error is one label
    nine_more = correct.copy()
    nine_more[60:69] = True
    assert is_better(nine_more, correct)
    assert not is_better(correct, nine_more)


@pytest.mark.parametrize(
    ("labels", "parameters", "cause"),
    [
        (LABELS[:6], {}, "some class has 2 labels, and every class needs 5"),
        (LABELS, {"method": "any-shot"}, "method='any-shot' was chosen"),
        (LABELS, {"unknown_rate": 0.1}, "unknown_rate is set"),
    ],
)
def test_the_reason_for_not_trying_is_given(labels, parameters, cause):
    clf = AnyShotClassifier(NAMES, budget="best", cache=False, **parameters).fit(TEXTS[: len(labels)], labels)
    assert clf.reasons_[-1] == f"Fine-tuning was not tried: {cause}."
    assert clf.method_ != "fine-tuned"


def test_vectors_have_no_network_to_fine_tune():
    X = np.eye(2).repeat(10, axis=0) + 0.1
    clf = AnyShotClassifier(budget="best", cache=False).fit(X, ["a"] * 10 + ["b"] * 10)
    assert clf.reasons_[-1] == "Fine-tuning was not tried: vectors have no network to train."


@pytest.mark.torch
def test_a_budget_that_is_too_small_keeps_the_closed_form():
    clf = AnyShotClassifier(NAMES, budget=1e-3, cache=False, random_state=0).fit(TEXTS, LABELS)
    assert "Fine-tuning was not tried: it would take about" in clf.reasons_[-1]
    assert "fine-tuned" not in set(clf.leaderboard_.method)


@pytest.mark.torch
def test_fine_tuning_is_on_the_leaderboard_with_its_time_and_nothing_is_stored_without_a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE", str(tmp_path))
    clf = AnyShotClassifier(NAMES, budget="best", cache=False, random_state=0).fit(TEXTS, LABELS)
    assert "fine-tuned" in set(clf.leaderboard_.method)
    assert clf.method_ != "fine-tuned"  # the closed form makes no errors
    assert "Fine-tuning is not used, because it is not better (accuracy on 20 labels" in clf.reasons_[-1]
    assert clf.reasons_[-1].endswith(" s.")
    assert {path.name for path in tmp_path.iterdir()} <= {"checked"}  # which weights were found to be whole


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.* are nearly the same for the encoder")  # whose weights are random
def test_how_long_it_takes_is_said_before_it_begins_and_decides_whether_it_does(bert, monkeypatch, caplog):
    began = []
    clock = SimpleNamespace(monotonic=partial(next, count(0.0, 10.0)))  # each look is ten seconds later

    def fine_tuned(model, items, rows, random_state):
        began.append(int(rows.sum()))
        return fine_tuning(model, items, rows, random_state)

    fine_tuning = tuning_choice._fine_tuned
    monkeypatch.setattr(tuning_choice, "_fine_tuned", fine_tuned)
    monkeypatch.setattr(tuning_choice, "time", clock)
    clf = AnyShotClassifier(NAMES, encoder=bert, budget=20.0, cache=False, random_state=0).fit(TEXTS, LABELS)
    assert len(began) == 1  # the trial
    assert "Fine-tuning was not tried: it would take about" in clf.reasons_[-1]
    assert "and the budget is 20 s" in clf.reasons_[-1]
    with caplog.at_level("INFO", logger="anyshot"):
        AnyShotClassifier(NAMES, encoder=bert, budget=5000.0, cache=False, random_state=0).fit(TEXTS, LABELS)
    assert any(
        line.startswith("Fine-tuning will take about") and "of a budget of 83 min" in line for line in caplog.messages
    )
