"""Answers from before the label of their item was given."""

import numpy as np
import pytest

from anyshot.app.studio import tested_answers
from anyshot.app.studio.answer_accuracy import SHARPENINGS
from anyshot.app.studio.items import Labels


def made(items, answers):
    return tested_answers.TestedAnswers(
        np.array(items), np.array(answers), np.zeros((len(items), len(SHARPENINGS)), np.float32)
    )


def test_an_answer_is_that_of_the_model_before_the_label(half_labeled, half_answers):
    answers, ids = half_answers, half_labeled.items.labels().ids
    opened = ids[half_labeled.items.labels().labels == 0][:3]
    found = made([opened[1], 999], [7, 7]).and_those_of(answers.learned, opened, answers._learner.vectors)
    assert found.items.tolist() == [999, *opened]
    assert found.answers[1:].tolist() == answers.current.classes[answers.current.rows_of(opened)].tolist()
    at_one = found.log_odds[1:, np.abs(np.log(SHARPENINGS)).argmin()]
    sure = answers.current.confidence[answers.current.rows_of(opened)]
    assert 1 / (1 + np.exp(-at_one)) == pytest.approx(sure, abs=1e-3)


def test_the_last_ones_are_kept(half_labeled, half_answers, monkeypatch):
    monkeypatch.setattr(tested_answers, "MAX_TESTED", 3)
    ids = half_labeled.items.labels().ids
    for n, kept in ((2, [998]), (3, []), (5, [])):
        found = made([997, 998], [1, 1]).and_those_of(half_answers.learned, ids[:n], half_answers._learner.vectors)
        assert found.items.tolist() == [*kept, *ids[:n][-3:]]


def test_only_items_with_a_label_count():
    rows, given = made([5, 3, 9, 1], [1, 2, 1, 1]).with_labels(
        Labels(1, np.array([1, 2, 3, 5]), np.array([0, 4, 2, -1]))
    )
    assert (rows.tolist(), given.tolist()) == ([0, 1], [-1, 2])


def test_what_is_stored_is_read_unless_it_has_other_temperatures():
    given, read = made([5, 3], [1, -1]).arrays(), tested_answers.TestedAnswers.from_arrays
    assert (read(given).items.tolist(), read(given).answers.tolist()) == ([5, 3], [1, -1])
    assert len(read(given | {"tested_log_odds": np.zeros((2, 1))}).items) == len(read({}).items) == 0
