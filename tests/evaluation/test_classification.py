import numpy as np
import pytest

from anyshot.base.items import UNKNOWN
from anyshot.errors import InputError, NotEnoughLabelsError, UnknownClassError
from anyshot.evaluation.classification import evaluate_answers
from anyshot.evaluation.metrics import expected_calibration_error, log_loss, macro_f1

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
    assert evaluation.accuracy == pytest.approx(2 / 5)
    assert evaluation.per_class_accuracy == pytest.approx((1 / 2 + 1 + 0 + 0) / 4)
    assert evaluation.unknown_rate == pytest.approx(1 / 4)
    assert evaluation.unknown_found == 1.0


def test_the_table_holds_every_class_and_says_which_the_model_never_saw(evaluation):
    table = evaluation.per_class.set_index("class")
    assert table["n"].to_dict() == {"billing": 2, "delivery": 1, "login": 1, "refund": 1}
    assert table["seen"].to_dict() == {"billing": True, "delivery": True, "login": True, "refund": False}
    assert table.loc["billing", ["precision", "recall", "f1"]].tolist() == pytest.approx([1, 0.5, 2 / 3])
    assert np.isnan(table.loc["login", "precision"])  # never answered


def test_losses_are_taken_over_the_items_of_known_classes(evaluation):
    assert evaluation.log_loss == pytest.approx(log_loss(PROBABILITIES[:4], [0, 0, 1, 2]))
    assert evaluation.ece == pytest.approx(expected_calibration_error(PROBABILITIES[:4], [0, 0, 1, 2]))
    without = evaluate_answers(CLASSES, TRUTH, ANSWERS)
    assert without.log_loss is None
    assert without.ece is None


def test_macro_f1_is_scikit_learns_where_nothing_is_unknown():
    truth, answers = ["billing", "login", "login", "refund"], ["billing", "login", "delivery", "login"]
    assert evaluate_answers(CLASSES, truth, answers).macro_f1 == pytest.approx(macro_f1(truth, answers))


def test_confusions_are_between_classes_and_the_largest_comes_first():
    truth = ["billing"] * 4 + ["login"] * 2
    found = evaluate_answers(CLASSES, truth, ["login", "delivery", "delivery", UNKNOWN, "billing", "login"])
    assert found.confusions.to_dict("records")[0] == {"truth": "billing", "answer": "delivery", "n": 2, "share": 0.5}
    assert len(found.confusions) == 3


def test_unknown_is_right_where_the_truth_itself_is_unknown():
    found = evaluate_answers(CLASSES, [UNKNOWN, UNKNOWN, "login"], [UNKNOWN, "login", "login"])
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.unknown_found == pytest.approx(1 / 2)


def test_a_class_named_unknown_is_a_class_like_any_other():
    found = evaluate_answers(np.array(["a", UNKNOWN]), ["a", UNKNOWN], ["a", UNKNOWN])
    assert (found.accuracy, found.unknown_rate, found.unknown_found) == (1.0, 0.0, None)


def test_numbers_serve_as_classes():
    found = evaluate_answers(np.array([0, 1]), np.array([0, 1, 2]), np.array([0, 1, 1]))
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.per_class["class"].tolist() == [0, 1, 2]


def test_permuting_the_items_changes_nothing(evaluation):
    order = [3, 5, 0, 4, 2, 1]
    again = evaluate_answers(
        CLASSES, [TRUTH[row] for row in order], [ANSWERS[row] for row in order], PROBABILITIES[order]
    )
    assert str(again) == str(evaluation)


def test_small_samples_and_classes_never_seen_are_spoken_of(evaluation):
    # Wilson's interval of 2 in 5: 11.8 to 76.9 %.
    assert "only 5 items: the interval spans 65 points" in evaluation.notes
    assert "4 of 4 classes tested have fewer than 5 items: their rows say little" in evaluation.notes
    assert "never seen by the model: refund (1 of the 5 items)" in evaluation.notes
    assert "left out, for they have no label: 1 of 6 items" in evaluation.notes


def test_one_class_only_is_spoken_of():
    notes = evaluate_answers(CLASSES, ["login"] * 6, ["login"] * 6).notes
    assert any(note.startswith("all items are of one class, login") for note in notes)


def test_it_prints_its_headline_its_classes_and_its_confusions(evaluation):
    shown = str(evaluation)
    assert "accuracy 40.0 % (11.8 to 76.9) on 5 items" in shown
    assert "refund (never seen)" in shown
    assert "Largest confusions" in shown
    assert repr(evaluation) == shown


def test_hostile_names_are_shown_as_they_stand():
    hostile = "<script>alert('x')</script>[red]&"
    found = evaluate_answers(np.array([hostile, "b"]), [hostile, "b"], ["b", "b"])
    assert "<script>" not in found._repr_html_()
    assert "&lt;script&gt;" in found._repr_html_()
    assert "[red]" in str(found)


def test_many_classes_are_printed_the_hardest_first_and_kept_whole():
    names = np.array([f"class {number:02d}" for number in range(30)])
    answers = names.copy()
    answers[7] = names[8]
    found = evaluate_answers(names, names, answers)
    assert len(found.per_class) == 30
    assert "20 more in .per_class" in str(found)
    assert "class 07" in str(found)


def test_an_answer_outside_the_classes_is_refused():
    with pytest.raises(UnknownClassError, match="Did you mean 'login'"):
        evaluate_answers(CLASSES, ["login"], ["logn"])


def test_no_label_at_all_is_refused():
    with pytest.raises(NotEnoughLabelsError, match="None of the 2 items has a label"):
        evaluate_answers(CLASSES, [None, None], ["login", "login"])


def test_unequal_lengths_and_a_table_of_another_shape_are_refused():
    with pytest.raises(InputError, match="1 items and 2 labels"):
        evaluate_answers(CLASSES, ["login", "login"], ["login"])
    with pytest.raises(InputError, match=r"1 items and 3 classes; their shape is \(1, 2\)"):
        evaluate_answers(CLASSES, ["login"], ["login"], [[0.5, 0.5]])


def test_an_item_of_weight_two_counts_like_two_items_and_one_of_weight_zero_like_none():
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
    assert "weighted: the items say as much as 4 equal ones" in weighed.notes
