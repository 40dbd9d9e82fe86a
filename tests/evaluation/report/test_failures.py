"""What the sections on confusions, trust, groups, mistakes and labels say."""

import numpy as np
import pytest

from anyshot.evaluation.report.collect import Extras
from anyshot.evaluation.report.failures import (
    by_class,
    by_group,
    confusions,
    mistakes,
    next_labels,
    trust,
    unknowns,
    wrong_labels,
)
from anyshot.evaluation.report.findings import ask


class Given:
    """Answers with the probabilities that are its items."""

    classes_ = np.array(["a", "b"])

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.stack([X[:, 0], 1 - X[:, 0]], axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def found_for(p, y, *, learned=None, pool=None, **groups):
    items = np.array(p, dtype=float)[:, None]
    train = None if learned is None else (items[: len(learned)], learned)
    return ask(Given(), items, y, groups=groups, extras=Extras(train=train, pool=pool))


def test_the_largest_confusion_is_named_with_its_share_and_the_matrix_counts():
    part = confusions(found_for([0.9, 0.8, 0.2, 0.9], ["a", "b", "b", "b"]))
    assert part.section.lead == 'The largest confusion: 2 items were "b" and got the answer "a", 66.7 % of that class.'
    assert [[cell.text for cell in cells] for _, cells in part.section.matrix.rows] == [["1", "0"], ["2", "1"]]


def test_without_confusions_it_is_said():
    assert confusions(found_for([0.9], ["a"])).section.lead == "No class was taken for another."


@pytest.mark.parametrize(
    ("sure", "word"), [(0.99, "surer than it is right"), (0.5001, "less sure"), (0.75, "about as sure as it is right")]
)
def test_whether_it_is_as_sure_as_it_is_right_is_said_in_words(sure, word):
    y = ["a", "a", "a", "b" if sure > 0.6 else "a"]
    assert word in trust(found_for([sure] * 4, y)).section.lead


def test_of_classes_it_does_not_know_nothing_can_be_said_about_trust():
    assert "only for items of classes that the model knows" in trust(found_for([0.9], ["new"])).missing["reliability"]


def test_unknowns_are_spoken_of_where_there_are_any():
    assert "Every item belongs to a class" in unknowns(found_for([0.9], ["a"])).section.lead
    section = unknowns(found_for([0.9, 0.9], ["a", "new"])).section
    assert "to 0.0 % of those of classes that it does not" in section.lead
    assert "unknown_rate" in section.notes[0]


def test_the_hardest_class_comes_first_and_carries_its_labels():
    table = by_class(found_for([0.9, 0.9, 0.1], ["a", "b", "b"], learned=["a", "a", None])).tables["classes"]
    assert table["class"].tolist() == ["b", "a"]
    assert table["labels"].tolist() == [0, 2]


def test_groups_far_apart_are_named_and_classes_with_labels_are_a_group():
    p, y = [0.9] * 40, ["a"] * 20 + ["b"] * 20
    part = by_group(found_for(p, y, learned=["a"], site=["x"] * 20 + ["y"] * 20))
    assert "Best for x (100.0 %), worst for y (0.0 %)" in part.section.lead
    assert "do not overlap" in part.section.lead
    assert part.tables["groups"]["group"].tolist() == ["x", "y", "class with labels", "class without a label"]


def test_without_groups_the_section_says_how_to_give_them():
    part = by_group(found_for([0.9], ["a"]))
    assert part.section.needs == (part.missing["groups"],)
    assert "groups={" in part.missing["groups"]
    assert "--group-column" in part.missing["groups"]


def test_a_mistake_shows_the_item_the_label_and_the_answer():
    card = mistakes(found_for([0.9, 0.8], ["b", "a"])).section.cards[0]
    assert (card.truth, card.answer, card.sure) == ("b · 10%", "a", "90% sure")
    assert "vector of 1 numbers: 0.9" in card.item.text


def test_no_mistake_is_said():
    assert "answered right" in mistakes(found_for([0.9], ["a"])).section.lead
    assert mistakes(found_for([0.9], ["b"])).section.lead == "One answer is wrong:"
    few = mistakes(found_for([0.9, 0.8, 0.7], ["b", "b", "a"]))
    assert few.section.lead == "2 of 3 answers are wrong. Here they are, the surest first:"
    many = mistakes(found_for([0.9] * 30, ["b"] * 30))
    assert many.section.lead == "30 of 30 answers are wrong. Here are 20 of them, the surest first:"


def test_a_label_that_the_model_contradicts_is_listed():
    found = found_for([0.9, 0.9, 0.1, 0.1, 0.99], ["a", "a", "b", "b", "b"])
    part = wrong_labels(found)
    assert "train=(items, labels)" in part.missing["label_errors_train"]
    assert part.tables["label_errors"]["row"].tolist() == [4]
    assert part.section.tables[0].rows[0][1].text == "b"


def test_what_to_label_next_needs_a_pool():
    assert "rows without a label in --train" in next_labels(found_for([0.9], ["a"])).missing["next"]
    part = next_labels(found_for([0.9], ["a"], pool=np.array([[0.4]])))
    assert part.section.cards[0].answer == "b"
    assert part.tables["next"]["guess"].tolist() == ["b"]
