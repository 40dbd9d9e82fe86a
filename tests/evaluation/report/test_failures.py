"""The sections on confusions, calibration, groups, mistakes and labels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from anyshot.evaluation.report import failures
from anyshot.evaluation.report.collect import Inputs, collect_classes, collect_numbers


class Given:
    """A classifier whose probabilities are its items."""

    classes_ = np.array(["a", "b"])

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.stack([X[:, 0], 1 - X[:, 0]], axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def results(p, y, *, train=None, pool=None, **groups):
    items = np.array(p, dtype=float)[:, None]
    data = None if train is None else (items[: len(train)], train)
    return collect_classes(Inputs(model=Given(), X=items, y=y, groups=groups, train=data, pool=pool))


def numbers(truth, predicted, **groups):
    X = np.array(predicted, dtype=float)[:, None]
    return collect_numbers(
        Inputs(model=LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), X=X, y=truth, groups=groups)
    )


def test_the_largest_confusion_is_named_and_the_matrix_counts():
    section = failures.confusions(results([0.9, 0.8, 0.2, 0.9], ["a", "b", "b", "b"]))
    assert section.lead == 'The most frequent confusion: 2 items of class "b" predicted as "a", 66.7 % of that class.'
    assert [[cell.text for cell in cells] for _, cells in section.matrix.rows] == [["1", "0"], ["2", "1"]]


def test_without_confusions_the_section_says_so():
    assert failures.confusions(results([0.9], ["a"])).lead == "No class was confused with another."


@pytest.mark.parametrize(
    ("p", "word"), [(0.99, "overconfident"), (0.5001, "underconfident"), (0.75, "well calibrated on average")]
)
def test_confidence_is_compared_with_accuracy(p, word):
    y = ["a", "a", "a", "b" if p > 0.6 else "a"]
    assert word in failures.calibration(results([p] * 4, y)).lead


def test_a_difference_that_may_be_chance_is_not_called_overconfidence():
    lead = failures.calibration(results([0.9] * 4, ["a", "a", "a", "b"])).lead
    assert lead.startswith("Its mean confidence is 90.0 %, its accuracy 75.0 %; from so few")


@pytest.mark.filterwarnings("ignore:None of the labels")
def test_calibration_needs_known_classes():
    missing = failures.calibration(results([0.9], ["new"])).missing
    assert "classes that the model knows" in missing["reliability"]


def test_unknown_classes_are_described_if_there_are_any():
    assert "All test items belong to classes" in failures.unknowns(results([0.9], ["a"])).lead
    section = failures.unknowns(results([0.9, 0.9], ["a", "new"]))
    assert "for 0.0 % of the items of other classes" in section.lead
    assert "unknown_rate" in section.notes[0]


def test_closeness_counts_items_by_their_weights():
    class Near(Given):
        def closeness(self, X):
            return X[:, 0]

    items, y = np.array([[0.9], [0.6], [0.8], [0.2]]), ["a", "a", "new", "new"]
    for weight, auroc in ([1, 1, 1, 1], "75.0"), ([1, 3, 3, 1], "43.8"):
        found = collect_classes(Inputs(model=Near(), X=items, y=y, sample_weight=weight))
        assert f"AUROC of {auroc} %" in failures.unknowns(found).notes[-1]
    found = collect_classes(Inputs(model=Near(), X=items, y=y, sample_weight=[1, 1, 0, 0]))
    assert not any("AUROC" in note for note in failures.unknowns(found).notes)


def test_classes_are_sorted_by_recall_and_show_training_labels():
    table = failures.classes(results([0.9, 0.9, 0.1], ["a", "b", "b"], train=["a", "a", None])).tables["classes"]
    assert table["class"].tolist() == ["b", "a"]
    assert table["labels"].tolist() == [0, 2]


def test_groups_are_compared_and_training_labels_are_a_group():
    p, y = [0.9] * 40, ["a"] * 20 + ["b"] * 20
    section = failures.groups(results(p, y, train=["a"], site=["x"] * 20 + ["y"] * 20))
    assert section.lead == (
        "By site: the best group is x (100.0 %), the worst y (0.0 %); their intervals do not overlap. By training "
        "labels of the class: the best group is class with labels (100.0 %), the worst class without labels (0.0 %); "
        "their intervals do not overlap."
    )
    assert section.tables["groups"]["group"].tolist() == ["x", "y", "class with labels", "class without labels"]
    equal = failures.groups(results(p, ["a"] * 40, site=["x"] * 20 + ["y"] * 20))
    assert equal.lead == "By site: all 2 groups have the same result (100.0 %)."


def test_each_column_of_groups_is_compared_alone():
    y = ["a"] * 18 + ["b"] * 22
    age, sex = ["old", "young"] * 20, ["f"] * 20 + ["m"] * 20
    section = failures.groups(results([0.9] * 40, y, age=age, sex=sex))
    assert section.lead == (
        "By age: all 2 groups have the same result (45.0 %). By sex: the best group is f (90.0 %), the worst m (0.0 %);"
        " their intervals do not overlap."
    )


def test_groups_may_be_missing_and_items_without_a_label_do_not_count():
    groups = pd.Series(["x", pd.NA, "x", "x"] * 5, dtype="string")
    table = failures.groups(results([0.9] * 20, ["a", "a", None, "a"] * 5, site=groups)).tables["groups"]
    assert table["group"].tolist() == ["not given", "x"]
    assert table["n"].tolist() == [5, 10]
    assert table["accuracy"].tolist() == [1.0, 1.0]


def test_how_often_a_class_is_predicted_is_compared_by_group():
    p, y = [0.9, 0.1, 0.1, 0.1, 0.9, 0.9], ["a", "b", "a", "b", "a", "b"]
    rates = failures.groups(results(p, y, site=["x", "x", "x", "y", "y", "y"])).tables["rates"].set_index("group")
    assert set(rates["class"]) == {"b"}
    assert rates["selected"].to_dict() == pytest.approx({"x": 2 / 3, "y": 1 / 3})
    assert rates["true_positive"].to_dict() == pytest.approx({"x": 1.0, "y": 0.5})
    assert rates["false_positive"].to_dict() == pytest.approx({"x": 0.5, "y": 0.0})


def test_groups_of_numbers_are_compared_by_error():
    section = failures.groups(numbers([0.0] * 10, [1.0, 1.1] * 3 + [5.0, 5.1] * 2, site=["x"] * 6 + ["y"] * 4))
    assert "nothing to compare" in section.lead
    section = failures.groups(numbers([0.0] * 12, [1.0, 1.1] * 3 + [5.0, 5.1] * 3, site=["x"] * 6 + ["y"] * 6))
    assert section.lead.startswith("By site: the best group is x (error 1.051), the worst y (error 5.05")


def test_without_groups_the_section_says_what_it_needs():
    section = failures.groups(results([0.9], ["a"]))
    assert section.needs == [section.missing["groups"]]
    assert "groups={" in section.missing["groups"]


def test_a_mistake_shows_the_item_the_label_and_the_prediction():
    card = failures.mistakes(results([0.9, 0.8], ["b", "a"])).cards[0]
    assert (card.label, card.predicted, card.note) == ("b · 10 %", "a", "90 % confident")
    assert "vector of 1 numbers: 0.9" in card.item.text


def test_mistakes_are_counted():
    assert failures.mistakes(results([0.9], ["a"])).lead == "All labeled items are predicted correctly."
    assert failures.mistakes(results([0.9], ["b"])).lead == "One prediction is wrong:"
    few = failures.mistakes(results([0.9, 0.8, 0.7], ["b", "b", "a"]))
    assert few.lead == "2 of 3 predictions are wrong. These are all of them, the most confident first:"
    many = failures.mistakes(results([0.9] * 30, ["b"] * 30))
    assert many.lead == "30 of 30 predictions are wrong. These are 20 of them, the most confident first:"


def test_a_label_that_the_model_contradicts_is_listed():
    section = failures.wrong_labels(results([0.9, 0.9, 0.1, 0.1, 0.99], ["a", "a", "b", "b", "b"]))
    assert "train=(items, labels)" in section.missing["label_errors_train"]
    assert section.tables["label_errors"]["row"].tolist() == [4]
    assert section.shown[0].rows[0][1].text == "b"


def test_what_to_label_next_needs_a_pool():
    assert "pool=items" in failures.next_labels(results([0.9], ["a"])).missing["next"]
    section = failures.next_labels(results([0.9], ["a"], pool=np.array([[0.4]])))
    assert section.cards[0].predicted == "b"
    assert section.tables["next"]["guess"].tolist() == ["b"]


def test_a_wrong_number_shows_how_far_it_is_off():
    card = failures.mistakes(numbers([1.0, 2.0], [1.5, 2.0])).cards[0]
    assert (card.label, card.predicted, card.note) == ("1", "1.5", "0.5 too high")


def test_without_suggest_the_least_certain_items_come_first():
    suggestion = failures.next_to_label(results([0.9], ["a"]), np.array([[0.1], [0.55], [0.9]]), n=1)
    assert suggestion.rows.tolist() == [1]
    assert "least certain" in suggestion.reason


def test_a_model_without_probabilities_suggests_nothing_and_finds_no_wrong_labels():
    class PredictsOnly:
        def predict(self, X):
            return ["a"] * len(X)

    X, y = np.zeros((2, 1)), ["a", "b"]
    found = collect_classes(Inputs(model=PredictsOnly(), X=X, y=y))
    suggestion = failures.next_to_label(found, X)
    assert suggestion.rows.tolist() == []
    assert "predict_proba" in suggestion.reason
    assert failures.training_errors(found, (X, y)) is None
