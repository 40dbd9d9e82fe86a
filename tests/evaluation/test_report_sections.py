"""What the sections on the task, the curve, the method and the cost say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.evaluation.findings import ask
from anyshot.evaluation.protocols import LearningCurve
from anyshot.evaluation.report_sections import asked, choice, cost, labels_worth, reproduced, tiles, verdict

X, Y = np.array([[0.0], [1.0], [3.0], [4.0]]), ["low", "low", "high", "high"]


@pytest.fixture
def found():
    return ask(LogisticRegression().fit(X, Y), X, ["low", "high", "high", "high"], groups={}, random_state=0)


def curve(scores):
    rows = [("m", k, 0, 2 * k, score) for k, score in scores.items()]
    frame = pd.DataFrame(rows, columns=["model", "shots", "seed", "n_labels", "accuracy"])
    return LearningCurve(frame.astype({"shots": object}), n_test=100)


def test_the_verdict_names_the_share_and_what_guessing_would_get(found):
    assert verdict(found).startswith("Of 100 such items it answers about 75 right (95 % interval 30.1 to 95.4 %")
    assert 'Always answering "high" would get 75 right.' in verdict(found)


def test_the_labels_learned_from_are_counted(found):
    notes = asked(found, ["low", "low", "low", None]).section.notes
    assert notes[0] == "It learned from 3 labels: 0 to 3 a class, median 1.5; 1 class has none."
    assert [tile.figure for tile in tiles(found, ["low", None])][2] == "1"


def test_without_a_curve_there_is_no_section():
    assert labels_worth(None).section is None


def test_a_curve_says_what_twice_the_labels_would_bring_or_why_it_cannot():
    steady = labels_worth(curve({1: 0.54, 2: 0.66, 3: 0.72, 4: 0.76, 5: 0.79})).section.lead
    assert steady.startswith("With 5 labels a class, 79.0 % of the answers are right on average. Twice as many are")
    short = labels_worth(curve({1: 0.5, 2: 0.6})).section.lead
    assert "cannot be said: 2 points are too few" in short


def test_a_model_that_names_no_others_is_named_itself(found):
    assert choice(found).section.lead == "LogisticRegression answers; the model names no other candidates."


def test_what_reproduces_it_is_the_same_for_the_same_data_and_not_for_others(found):
    code = reproduced(found, 0).section.code
    assert "LogisticRegression" in code
    assert "numpy" in code
    other = ask(found.model, X + 1, Y, groups={}, random_state=0)
    digest = [line for line in code.splitlines() if "sha256" in line]
    assert digest == [line for line in reproduced(found, 0).section.code.splitlines() if "sha256" in line]
    assert digest != [line for line in reproduced(other, 0).section.code.splitlines() if "sha256" in line]


def test_copies_among_texts_are_counted():
    class Same:
        classes_ = np.array(["a", "b"])

        def fit(self, X, y):
            return self

        def predict(self, X):
            return ["a"] * len(X)

    found = ask(Same(), ["x", "x", "y"], ["a", "a", "b"], groups={}, random_state=0)
    assert any(note.startswith("1 of the items are copies") for note in cost(found).section.notes)
