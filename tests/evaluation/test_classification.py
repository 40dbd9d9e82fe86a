"""Evaluation of classifiers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from anyshot.base.labels import UNKNOWN
from anyshot.domain_adaptation.coral import CORAL
from anyshot.errors import InputError, NotEnoughLabelsError, UnknownClassError
from anyshot.evaluation.classification import EvaluatedClassifier, evaluate_answers
from anyshot.evaluation.metrics import expected_calibration_error, log_loss, macro_f1
from anyshot.fine_tuning.classifier import FineTunedClassifier

CLASSES = np.array(["billing", "delivery", "login"])
TRUTH = ["billing", "billing", "delivery", "login", "refund", None]
ANSWERS = ["billing", "delivery", "delivery", UNKNOWN, UNKNOWN, "login"]
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.1, 0.1, 0.8]]
)


@pytest.fixture
def evaluation():
    return evaluate_answers(CLASSES, TRUTH, ANSWERS, PROBABILITIES)


def test_the_figures_by_hand(evaluation):
    assert (evaluation.n, evaluation.n_without_label) == (5, 1)
    assert evaluation.accuracy == pytest.approx(3 / 5)  # UNKNOWN is right for "refund"
    assert evaluation.per_class_accuracy == pytest.approx((1 / 2 + 1 + 0 + 1) / 4)
    assert evaluation.unknown_rate == pytest.approx(1 / 4)
    assert evaluation.unknown_found == 1.0


def test_the_table_has_every_class_and_marks_unknown_ones(evaluation):
    table = evaluation.per_class.set_index("class")
    assert table["n"].to_dict() == {"billing": 2, "delivery": 1, "login": 1, "refund": 1}
    assert table["seen"].to_dict() == {"billing": True, "delivery": True, "login": True, "refund": False}
    assert table.loc["billing", ["precision", "recall", "f1"]].tolist() == pytest.approx([1, 0.5, 2 / 3])
    assert np.isnan(table.loc["login", "precision"])  # never predicted


def test_losses_are_computed_on_known_classes(evaluation):
    assert evaluation.log_loss == pytest.approx(log_loss(PROBABILITIES[:4], [0, 0, 1, 2]))
    assert evaluation.ece == pytest.approx(expected_calibration_error(PROBABILITIES[:4], [0, 0, 1, 2]))
    without = evaluate_answers(CLASSES, TRUTH, ANSWERS)
    assert without.log_loss is None
    assert without.ece is None


def test_macro_f1_agrees_with_scikit_learn():
    truth, answers = ["billing", "login", "login", "refund"], ["billing", "login", "delivery", "login"]
    assert evaluate_answers(CLASSES, truth, answers).macro_f1 == pytest.approx(macro_f1(truth, answers))


def test_confusions_are_sorted_by_frequency():
    truth = ["billing"] * 4 + ["login"] * 2
    found = evaluate_answers(CLASSES, truth, ["login", "delivery", "delivery", UNKNOWN, "billing", "login"])
    assert found.confusions.to_dict("records")[0] == {"truth": "billing", "answer": "delivery", "n": 2, "share": 0.5}
    assert len(found.confusions) == 3


@pytest.mark.parametrize("name", [UNKNOWN, "none", "other", "refund"])
def test_unknown_is_correct_for_every_class_that_the_model_does_not_know(name):
    found = evaluate_answers(CLASSES, [name, name, "login", "login"], [UNKNOWN, "login", "login", UNKNOWN])
    assert found.accuracy == pytest.approx(2 / 4)
    assert (found.unknown_found, found.unknown_rate) == pytest.approx((1 / 2, 1 / 2))
    last = found.per_class.iloc[-1]
    assert (last["class"], last["precision"], last["recall"]) == (name, 0.5, 0.5)
    assert len(found.confusions) == 1


def test_unknown_is_correct_for_several_classes_that_the_model_does_not_know():
    found = evaluate_answers(CLASSES, ["x", "y", "login"], [UNKNOWN, UNKNOWN, UNKNOWN])
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.per_class.set_index("class")["recall"].dropna().to_dict() == {"x": 1.0, "y": 1.0, "login": 0.0}


def test_a_class_may_be_named_unknown():
    found = evaluate_answers(np.array(["a", UNKNOWN]), ["a", UNKNOWN], ["a", UNKNOWN])
    assert (found.accuracy, found.unknown_rate, found.unknown_found) == (1.0, 0.0, None)


def test_classes_may_be_numbers():
    found = evaluate_answers(np.array([0, 1]), np.array([0, 1, 2]), np.array([0, 1, 1]))
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.per_class["class"].tolist() == [0, 1, 2]


def test_permuting_the_items_changes_nothing(evaluation):
    order = [3, 5, 0, 4, 2, 1]
    again = evaluate_answers(
        CLASSES, [TRUTH[row] for row in order], [ANSWERS[row] for row in order], PROBABILITIES[order]
    )
    assert str(again) == str(evaluation)


def test_few_items_and_unknown_classes_get_notes(evaluation):
    # Wilson's interval of 3 in 5: 23.1 to 88.2 %.
    assert "only 5 items: the interval of the accuracy is 65 percentage points wide" in evaluation.notes
    assert "4 of 4 classes have fewer than 5 test items; their figures are unreliable" in evaluation.notes
    assert (
        "classes that the model does not know: refund (1 of the 5 items); the correct prediction for them is unknown"
        in (evaluation.notes)
    )
    assert "left out because they have no label: 1 of 6 items" in evaluation.notes


def test_a_single_class_gets_a_note():
    notes = evaluate_answers(CLASSES, ["login"] * 6, ["login"] * 6).notes
    assert any(note.startswith("all items are of class login") for note in notes)


def test_headline_classes_and_confusions_are_printed(evaluation):
    shown = str(evaluation)
    assert "accuracy 60.0 % (23.1 to 88.2) on 5 items" in shown
    assert "refund (unknown)" in shown
    assert "Most frequent confusions" in shown
    assert repr(evaluation) == shown


def test_markup_in_names_is_escaped():
    hostile = "<script>alert('x')</script>[red]&"
    found = evaluate_answers(np.array([hostile, "b"]), [hostile, "b"], ["b", "b"])
    assert "<script>" not in found._repr_html_()
    assert "&lt;script&gt;" in found._repr_html_()
    assert "[red]" in str(found)


def test_of_many_classes_the_worst_are_printed():
    names = np.array([f"class {number:02d}" for number in range(30)])
    answers = names.copy()
    answers[7] = names[8]
    found = evaluate_answers(names, names, answers)
    assert len(found.per_class) == 30
    assert "20 more in .per_class" in str(found)
    assert "class 07" in str(found)


def test_a_prediction_outside_the_classes_is_refused():
    with pytest.raises(UnknownClassError, match="Did you mean 'login'"):
        evaluate_answers(CLASSES, ["login"], ["logn"])


def test_items_without_any_label_are_refused():
    with pytest.raises(NotEnoughLabelsError, match="None of the 2 items has a label"):
        evaluate_answers(CLASSES, [None, None], ["login", "login"])
    with pytest.raises(InputError, match="got a generator"):
        evaluate_answers(CLASSES, (label for label in ["login"]), ["login"])


def test_wrong_lengths_and_shapes_are_refused():
    with pytest.raises(InputError, match="1 items and 2 labels"):
        evaluate_answers(CLASSES, ["login", "login"], ["login"])
    with pytest.raises(InputError, match=r"1 items and 3 classes; their shape is \(1, 2\)"):
        evaluate_answers(CLASSES, ["login"], ["login"], [[0.5, 0.5]])


def test_weights_act_as_repeated_items():
    classes, y, answers = np.array(["a", "b"]), ["a", "b", "b", "a", "c"], ["a", "a", "b", "unknown", "unknown"]
    table = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.5, 0.5], [0.4, 0.6]])
    weight = np.array([2, 1, 1, 0, 1])
    rows = np.arange(5).repeat(weight)
    weighed = evaluate_answers(classes, y, answers, table, sample_weight=weight)
    copied = evaluate_answers(classes, [y[row] for row in rows], [answers[row] for row in rows], table[rows])
    for name in ("accuracy", "per_class_accuracy", "macro_f1", "log_loss", "ece", "unknown_rate", "unknown_found"):
        assert getattr(weighed, name) == pytest.approx(getattr(copied, name)), name
    assert weighed.confusions["share"].tolist() == copied.confusions["share"].tolist()
    assert weighed.per_class["n"].tolist() == [2, 2, 1]
    assert "items are weighted: as precise as 4 items of equal weight" in weighed.notes


def test_a_table_of_probabilities_is_read_by_the_names_of_its_columns(evaluation):
    table = pd.DataFrame(PROBABILITIES, columns=CLASSES)[["login", "billing", "delivery"]]
    assert evaluate_answers(CLASSES, TRUTH, ANSWERS, table).log_loss == pytest.approx(evaluation.log_loss)
    numbered = evaluate_answers([1, 0], [1, 0], [1, 0], [[0.9, 0.1], [0.2, 0.8]])  # an array: in the order of classes
    assert numbered.log_loss == pytest.approx(-np.log([0.9, 0.8]).mean())
    unnamed = evaluate_answers(CLASSES, TRUTH, ANSWERS, pd.DataFrame(PROBABILITIES))
    assert unnamed.log_loss == evaluation.log_loss
    with pytest.raises(InputError, match=r"The columns of the probabilities are .*'dog'"):
        evaluate_answers(CLASSES, TRUTH, ANSWERS, table.set_axis(["login", "billing", "dog"], axis=1))


def test_the_classes_may_be_a_list():
    assert evaluate_answers(["a", "b"], ["a", "b"], ["a", "a"]).accuracy == 0.5


def test_labels_written_otherwise_than_in_fit_are_named():
    classes = np.array(["billing", "login"])
    with pytest.warns(
        UserWarning, match=r"None of the labels, such as 0, is one of the classes \('billing', 'login'\)"
    ):
        evaluate_answers(classes, [0, 1], ["billing", "login"])
    with pytest.warns(UserWarning, match="'billing' and 'Billing' look alike"):
        evaluate_answers(classes, ["Billing", "login"], ["billing", "login"])


def test_predictions_and_weights_in_another_order_are_said():
    y = pd.Series(["cat", "dog", "dog"])
    with pytest.warns(UserWarning, match="indexes of y_true and predicted"):
        evaluate_answers(np.array(["cat", "dog"]), y, y.iloc[::-1])
    with pytest.warns(UserWarning, match="indexes of y_true and sample_weight"):
        evaluate_answers(np.array(["cat", "dog"]), y, y, sample_weight=pd.Series([1.0, 2.0, 3.0]).iloc[::-1])


def test_labels_and_predictions_may_be_tables_of_one_column():
    found = evaluate_answers(CLASSES, pd.DataFrame({"label": TRUTH}), pd.DataFrame({"predicted": ANSWERS}))
    assert found.accuracy == evaluate_answers(CLASSES, TRUTH, ANSWERS).accuracy


class Always(EvaluatedClassifier):
    def __init__(self, *classes):
        self.classes_ = np.array(classes)

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize(
    ("classes", "labels", "weights", "expected"),
    [
        (["a", "b"], ["a", "b", None], None, 0.5),
        (["a", "b"], ["a ", "b", None], [3, 1, 9], 0.75),
        ([1, 2], pd.array([1, 1, pd.NA], dtype="Int64"), None, 1.0),
    ],
)
@pytest.mark.filterwarnings("ignore:1 of 2 labels have spaces")
def test_the_score_of_a_classifier_leaves_out_items_without_a_label(classes, labels, weights, expected):
    assert Always(*classes).score(range(3), labels, weights) == expected


@pytest.mark.parametrize("classifier", [CORAL(), FineTunedClassifier()])
def test_the_score_of_a_classifier_that_is_not_fitted_says_so(classifier):
    with pytest.raises(NotFittedError):
        classifier.score([[1.0, 2.0]], ["a"])
