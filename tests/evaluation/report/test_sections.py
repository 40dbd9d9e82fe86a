"""What the sections on the task, the curve, the method and the cost say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.evaluation.learning_curves import LearningCurve
from anyshot.evaluation.report.collect import Extras
from anyshot.evaluation.report.findings import ask
from anyshot.evaluation.report.sections import asked, choice, cost, curve_part, labels_worth, reproduced, tiles, verdict
from anyshot.store.disk_cache import EncodingCounts, VectorCache, encode_once

X, Y = np.array([[0.0], [1.0], [3.0], [4.0]]), ["low", "low", "high", "high"]


def found_with(**extras):
    model = LogisticRegression().fit(X, Y)
    return ask(model, X, ["low", "high", "high", "high"], extras=Extras(**extras))


@pytest.fixture
def found():
    return found_with()


def curve(scores):
    rows = [("m", k, 0, 2 * k, score) for k, score in scores.items()]
    frame = pd.DataFrame(rows, columns=["model", "shots", "seed", "n_labels", "accuracy"])
    return LearningCurve(frame.astype({"shots": object}), n_test=100)


def test_the_verdict_names_the_share_and_what_guessing_would_get(found):
    assert verdict(found).startswith("Of 100 such items it answers about 75 right (95 % interval 30.1 to 95.4 %")
    assert 'Always answering "high" would get 75 right.' in verdict(found)


def test_the_labels_learned_from_are_counted():
    found = found_with(train=(X, ["low", "low", "low", None]))
    notes = asked(found).section.notes
    assert notes[0] == "It learned from 3 labels: 0 to 3 a class, median 1.5; 1 class has none."
    assert [tile.figure for tile in tiles(found)][2] == "3"


def test_without_labels_to_draw_from_the_section_says_what_a_curve_needs(found):
    part = labels_worth(found)
    assert part.section.needs == (part.missing["curve"],)
    assert "train=(items, labels)" in part.missing["curve"]
    assert "--train DATA" in part.missing["curve"]


def test_where_the_labels_learned_from_allow_no_curve_the_reason_is_said():
    part = labels_worth(found_with(train=(X, ["low"] * 4)))
    assert "needs labels of two classes; train has 1" in part.missing["curve"]


def test_without_a_leaderboard_it_is_said_who_has_one(found):
    assert "method='auto'" in choice(found).missing["leaderboard"]


def test_a_curve_says_what_twice_the_labels_would_bring_or_why_it_cannot():
    steady = curve_part(curve({1: 0.54, 2: 0.66, 3: 0.72, 4: 0.76, 5: 0.79})).section.lead
    assert steady.startswith("With 5 labels a class, 79.0 % of the answers are right on average. Twice as many are")
    short = curve_part(curve({1: 0.5, 2: 0.6})).section.lead
    assert "cannot be said: 2 points are too few" in short


def test_a_model_that_names_no_others_is_named_itself(found):
    assert choice(found).section.lead == "LogisticRegression answers; the model names no other candidates."


def test_what_reproduces_it_is_the_same_for_the_same_data_and_not_for_others(found):
    code = reproduced(found).section.code
    assert "LogisticRegression" in code
    assert "numpy" in code
    other = ask(found.model, X + 1, Y)
    digest = [line for line in code.splitlines() if "sha256" in line]
    assert digest == [line for line in reproduced(found).section.code.splitlines() if "sha256" in line]
    assert digest != [line for line in reproduced(other).section.code.splitlines() if "sha256" in line]


class Encoded:
    """Asks an encoder for every item."""

    classes_ = np.array(["a", "b"])

    def __init__(self, encoder, cache):
        self.encoder, self.cache, self.encoding_counts = encoder, cache, EncodingCounts()

    def fit(self, X, y):
        return self

    def predict(self, X):
        encode_once(self.encoder, X, cache=self.cache, counts=self.encoding_counts)
        return ["a"] * len(X)


def test_what_the_cache_spared_is_counted(letters, tmp_path):
    cache = VectorCache(tmp_path)
    encode_once(letters, ["x"], cache=cache)
    part = cost(ask(Encoded(letters, cache), ["x", "y", "y", "z"], ["a", "a", "b", "b"]))
    answers = part.tables["cost"].iloc[0]
    kept = 1 if hasattr(letters, "digest") else 0
    assert answers[["wanted", "copies", "from the cache", "encoded"]].tolist() == [4, 1, kept, 3 - kept]
    assert any(note.startswith("Of 4 vectors wanted for the answers") for note in part.section.notes)
    assert any(note.startswith("Peak memory: ") for note in part.section.notes)


def test_a_model_that_encodes_nothing_has_no_table_of_encodings(found):
    section = cost(found).section
    assert section.tables == ()
    assert "No item was encoded" in section.notes[0]
