"""Figures by group, and which group of words a class leans to."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test
from sklearn.metrics import recall_score

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.fairness import (
    accuracy_by_group,
    answers_that_change,
    association,
    class_leanings,
    figures_by_group,
    holm,
    leaning,
    rates_by_group,
)
from anyshot.evaluation.intervals import wilson_interval

Y = np.array([1, 1, 0, 0, 1, 0, 1, 0])
ANSWERS = np.array([1, 1, 0, 0, 0, 1, 1, 0])
GROUPS = ["a", "a", "a", "a", "b", "b", "b", "b"]


@pytest.fixture
def fairlearn():
    return pytest.importorskip("fairlearn.metrics", reason='needs fairlearn: pip install "anyshot[test]"')


def test_each_group_has_its_accuracy_size_and_interval():
    found = figures_by_group(Y, ANSWERS, GROUPS)
    assert found.table["group"].tolist() == ["a", "b"]
    assert found.table["n"].tolist() == [4, 4]
    assert found.table["value"].tolist() == [1.0, 0.5]
    assert tuple(found.table.loc[1, ["lower", "upper"]]) == pytest.approx(wilson_interval(2, 4))
    assert (found.overall, found.difference, found.ratio) == (0.75, 0.5, 0.5)


def test_any_metric_of_scikit_learn_is_computed_by_group():
    found = figures_by_group(Y, ANSWERS, GROUPS, metric=recall_score, n_draws=50)
    assert found.table["value"].tolist() == [recall_score(Y[:4], ANSWERS[:4]), recall_score(Y[4:], ANSWERS[4:])]
    assert (found.table["lower"] <= found.table["value"]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"groups": pd.DataFrame({"site": GROUPS, "sex": GROUPS})}, r"groups is a DataFrame. Pass one column"),
        ({"groups": {"site": GROUPS}}, r"groups is a dict. Pass one column, .*groups\['site'\]"),
        ({"metric": "accuracy"}, "metric must be a function of labels and predictions; it is 'accuracy'"),
    ],
)
def test_groups_or_a_metric_that_cannot_be_used_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        figures_by_group(**({"y": Y, "predicted": ANSWERS, "groups": GROUPS} | change))


def test_weights_of_one_change_nothing():
    def right(y, answers, sample_weight=None):
        return float(np.average(np.asarray(y) == np.asarray(answers), weights=sample_weight))

    weighed = figures_by_group(Y, ANSWERS, GROUPS, metric=right, sample_weight=np.ones(8), n_draws=20)
    assert weighed.table["value"].tolist() == figures_by_group(Y, ANSWERS, GROUPS).table["value"].tolist()


def test_a_group_of_one_item_has_a_figure_and_a_note():
    found = figures_by_group(Y, ANSWERS, ["only", *["all others"] * 7], metric=recall_score, n_draws=20)
    alone = found.table[found.table["group"] == "only"].iloc[0]
    assert alone["n"] == 1
    assert np.isnan(alone["lower"])
    assert "only" in found.notes[0]
    assert "fewer than 5 items" in str(found)


@pytest.mark.parametrize("weights", [[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]])
def test_weights_that_sum_to_zero_are_refused_with_the_group(weights):
    with pytest.raises(InputError, match=r"weights of group '[ab]' sum to zero\. Leave it out"):
        figures_by_group(Y, ANSWERS, GROUPS, sample_weight=weights)


@pytest.mark.parametrize(
    ("weights", "message"),
    [(np.zeros(8), "8 items sum to zero"), ([1] * 7 + [-1], "row 7 has -1"), ([1], "8 items and")],
)
def test_invalid_weights_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        figures_by_group(Y, ANSWERS, GROUPS, sample_weight=weights)


def test_an_item_of_weight_two_counts_like_two_items():
    twice = [*range(8), 0, 5]
    heavy = figures_by_group(Y, ANSWERS, GROUPS, sample_weight=[2, 1, 1, 1, 1, 2, 1, 1])
    copied = figures_by_group(*(np.asarray(column)[twice] for column in (Y, ANSWERS, GROUPS)))
    assert heavy.table["value"].tolist() == pytest.approx(copied.table["value"].tolist())
    plain = accuracy_by_group(np.array(Y) == np.array(ANSWERS), GROUPS, sample_weight=[2, 1, 1, 1, 1, 2, 1, 1])
    assert plain["accuracy"].tolist() == heavy.table["value"].tolist()
    assert plain["lower"].tolist() == pytest.approx(heavy.table["lower"].tolist())


def test_a_group_without_weight_has_no_accuracy():
    found = accuracy_by_group([True, False], ["a", "b"], sample_weight=[1, 0])
    assert found["n"].tolist() == [1, 1]
    assert np.isnan(found["accuracy"][1])


def test_one_group_per_item_is_needed():
    with pytest.raises(InputError, match="8, 8 and 2"):
        figures_by_group(Y, ANSWERS, ["a", "b"])


def test_a_metric_returns_one_number():
    with pytest.raises(InputError, match=r"metric must return one number; it returned array\("):
        figures_by_group(Y, ANSWERS, ["a", "b"] * 4, metric=lambda y, predicted: np.ones(2))


def test_a_metric_that_is_undefined_for_a_group_has_no_value_there():
    y, answers, groups = [1, 1, 0, 0, 0], [1, 0, 0, 0, 1], ["a", "a", "b", "b", "b"]
    found = figures_by_group(y, answers, groups, metric=recall_score, n_draws=20)
    assert found.table["value"].tolist()[0] == 0.5
    assert np.isnan(found.table["value"][1])  # no positive item, and so no recall
    assert np.isnan(found.difference)
    assert "groups for which the metric is undefined: b" in found.notes
    assert "between the highest" not in str(found)
    many = figures_by_group(np.eye(5)[0], np.eye(5)[0], list("abcde"), metric=recall_score, n_draws=20)
    assert "groups for which the metric is undefined: b, c, d and 1 more" in many.notes


def test_items_without_a_label_are_left_out_and_counted():
    labels = [1, 1, None, 0, 1, float("nan"), 1, 0]
    found = figures_by_group(labels, ANSWERS, GROUPS, sample_weight=np.ones(8))
    assert found.table["n"].tolist() == [3, 3]
    assert found.table["value"].tolist() == pytest.approx([1.0, 2 / 3])
    assert "left out because they have no label: 2 items" in found.notes
    with pytest.raises(NotEnoughLabelsError, match="None of the 8 items has a label"):
        figures_by_group([None] * 8, ANSWERS, GROUPS)


def test_rates_are_those_of_demographic_parity_and_equalized_odds(fairlearn):
    rates = rates_by_group(Y, ANSWERS, GROUPS)
    of_one = rates[rates["class"] == 1].set_index("group")
    for name, metric in (
        ("selected", fairlearn.selection_rate),
        ("true_positive", fairlearn.true_positive_rate),
        ("false_positive", fairlearn.false_positive_rate),
    ):
        frame = fairlearn.MetricFrame(metrics=metric, y_true=Y, y_pred=ANSWERS, sensitive_features=GROUPS)
        assert of_one[name].to_dict() == pytest.approx(frame.by_group.to_dict())


def test_rates_without_items_are_nan_and_classes_may_be_mixed():
    rates = rates_by_group(["a", 1, None], [1, 1, "a"], ["x", pd.NA, "x"]).set_index(["class", "group"])
    assert np.isnan(rates.loc[("a", "not given"), "true_positive"])
    assert rates.loc[(1, "x")].tolist() == [1, 1.0, pytest.approx(np.nan, nan_ok=True), 1.0]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_a_missing_group_of_any_kind_is_a_group(missing):
    assert accuracy_by_group([True, False], ["x", missing])["group"].tolist() == ["not given", "x"]
    column = pd.Series(["x", None], dtype="string")
    assert accuracy_by_group([True, False], column)["group"].tolist() == ["not given", "x"]


def test_predictions_that_change_with_the_pronoun_are_counted():
    found = answers_that_change({"she": ["a", "b", "b", "a"], "he": ["a", "a", "b", "a"], "they": ["a", "b", "b", "a"]})
    assert found["share"].tolist() == [0.25, 0.0, 0.25]
    assert found["n"].tolist() == [4, 4, 4]


def test_the_association_is_the_difference_of_mean_cosines():
    assert leaning([[2.0, 0.0], [1.0, 1.0]], [[1.0, 0.0]], [[0.0, 1.0]]) == pytest.approx([1.0, 0.0], abs=1e-6)


def test_the_association_agrees_with_scipys_permutation_test():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(4, 6)), random.normal(size=(4, 6))
    X, Y = random.normal(size=(5, 6)) + first.mean(axis=0), random.normal(size=(5, 6))
    found = association(X, Y, first, second)
    leans = leaning(X, first, second), leaning(Y, first, second)
    oracle = permutation_test(leans, lambda a, b: abs(a.mean() - b.mean()), alternative="greater", n_resamples=np.inf)
    assert found.p == pytest.approx(oracle.pvalue)
    assert found.effect == pytest.approx((leans[0].mean() - leans[1].mean()) / np.concatenate(leans).std(ddof=1))


def test_equal_sets_are_not_associated():
    X = np.random.default_rng(0).normal(size=(4, 5))
    found = association(X, X, X[:2], X[2:])
    assert found.effect == 0
    assert found.p == 1


def test_the_class_with_the_largest_leaning_comes_first():
    women, men = np.eye(8)[0] + 0.1 * np.eye(8)[1:5], np.eye(8)[7] + 0.1 * np.eye(8)[1:5]
    found = class_leanings(["nurse", "tree"], [np.eye(8)[0], np.eye(8)[6]], women, men)
    assert found["class"].tolist() == ["nurse", "tree"]
    assert found["leaning"][0] > 0.9
    assert found["p"].tolist() == pytest.approx(
        [2 / 70, 1.0]
    )  # of the 70 divisions of the words, this one and its mirror
    assert found["p_adjusted"].tolist() == pytest.approx([4 / 70, 1.0])


def test_holms_adjustment_is_that_of_the_book():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@pytest.mark.parametrize(
    ("names", "first", "message"),
    [
        (["a"], np.eye(3), "There are 1 names and 3 class vectors"),
        (["a", "b", "c"], np.eye(2), "first has vectors of width 2; the model needs width 3"),
        (["a", "b", "c"], np.zeros((0, 3)), "first holds no word"),
    ],
)
def test_names_and_words_that_do_not_fit_the_class_vectors_are_refused(names, first, message):
    with pytest.raises(InputError, match=message):
        class_leanings(names, np.eye(3), first, np.eye(3))


def test_a_metric_by_group_agrees_with_fairlearn(fairlearn):
    weight = np.arange(8) + 1.0
    frame = fairlearn.MetricFrame(
        metrics=recall_score,
        y_true=Y,
        y_pred=ANSWERS,
        sensitive_features=GROUPS,
        sample_params={"sample_weight": weight},
    )
    found = figures_by_group(Y, ANSWERS, GROUPS, metric=recall_score, sample_weight=weight, n_draws=20)
    assert found.table["value"].tolist() == pytest.approx(frame.by_group.tolist())
    assert (found.overall, found.difference) == pytest.approx((frame.overall, frame.difference()))
    assert found.ratio == pytest.approx(frame.ratio())


def test_a_single_vector_is_too_few_to_test():
    with pytest.raises(NotEnoughLabelsError, match="Two vectors or more"):
        association([[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]], [[0.0, 1.0]])


def test_many_different_numbers_are_no_groups():
    ages = np.arange(30.0)
    with pytest.raises(InputError, match=r"30 different numbers.*pandas\.cut"):
        accuracy_by_group(np.ones(30), ages)
    assert len(accuracy_by_group(np.ones(30), ages.astype(str))) == 30


@pytest.mark.parametrize("right", [["True", "False"], [0.9, 0.2]])
def test_whether_an_item_is_correct_is_a_truth_value(right):
    with pytest.raises(InputError, match="True or False"):
        accuracy_by_group(right, ["a", "b"])


def test_groups_in_another_order_are_said():
    y = pd.Series(["hire", "no", "no"])
    with pytest.warns(UserWarning, match="indexes of y and groups"):
        rates_by_group(y, list(y), pd.Series(["a", "a", "b"]).iloc[::-1])


def test_rates_of_labels_and_predictions_of_two_types_are_refused():
    with pytest.raises(InputError, match="labels are of type int, such as 0, and the predictions of type str"):
        rates_by_group(Y, ANSWERS.astype(str), GROUPS)
    with pytest.raises(InputError, match="labels are of type int, such as 1, and the predictions of type str"):
        rates_by_group([None, 1, 2], [None, "1", "2"], ["a", "b", "a"])


def test_answers_that_change_have_a_name_and_names_may_be_a_generator():
    with pytest.raises(InputError, match=r"answers is a list\. Pass {'she'"):
        answers_that_change([["a"], ["b"]])
    assert class_leanings((name for name in "ab"), np.eye(2), [[1, 0]], [[0, 1]])["class"].tolist() == ["a", "b"]
