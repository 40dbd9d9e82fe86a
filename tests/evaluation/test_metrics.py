import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics as oracle

from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.intervals import effective_size, wilson_interval
from anyshot.evaluation.metrics import (
    accuracy,
    ausuc,
    bias,
    confidence_bins,
    expected_calibration_error,
    harmonic_mean,
    item_weights,
    log_loss,
    macro_f1,
    mae,
    per_class_accuracy,
    r2,
    reliability,
    rmse,
    seen_unseen_curve,
    unknown_auroc,
)


@pytest.fixture
def scored():
    """Probabilities (60, 5) and classes (60,) that they often miss."""
    random = generator(3)
    y = random.integers(5, size=60)
    return softmax(random.normal(size=(60, 5)) + 1.5 * np.eye(5)[y], axis=1), y


def test_accuracy_accepts_names_numbers_and_unknown():
    assert accuracy([1, 2, 3, 4], np.array([1, 2, "unknown", 3], dtype=object)) == 0.5
    assert accuracy(["a", "b"], np.array(["a", "b"])) == 1.0


def test_per_class_accuracy_by_hand():
    assert per_class_accuracy(["a", "a", "a", "b"], ["a", "a", "c", "a"]) == pytest.approx((2 / 3 + 0) / 2)


def test_accuracies_and_f1_agree_with_scikit_learn(scored):
    probabilities, y = scored
    answers = probabilities.argmax(axis=1)
    assert accuracy(y, answers) == pytest.approx(oracle.accuracy_score(y, answers))
    assert per_class_accuracy(y, answers) == pytest.approx(oracle.balanced_accuracy_score(y, answers))
    assert macro_f1(y, answers) == pytest.approx(oracle.f1_score(y, answers, average="macro"))


def test_losses_agree_with_scikit_learn(scored):
    probabilities, y = scored
    assert log_loss(probabilities, y) == pytest.approx(oracle.log_loss(y, probabilities))
    assert rmse([1.0, 2.0], [2.0, 4.0]) == pytest.approx(np.sqrt(2.5))


@pytest.mark.parametrize(("unseen", "seen", "mean"), [(0.5, 0.5, 0.5), (0.2, 0.8, 0.32), (0.0, 0.0, 0.0), (0, 1, 0)])
def test_harmonic_mean_by_hand(unseen, seen, mean):
    assert harmonic_mean(unseen, seen) == pytest.approx(mean)


def test_calibration_error_by_hand():
    # One bin holds 0.9 twice (one right), another 0.6 once (right): (2 |0.9 - 0.5| + |0.6 - 1|) / 3.
    probabilities = [[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]]
    assert expected_calibration_error(probabilities, [0, 1, 1]) == pytest.approx((2 * 0.4 + 0.4) / 3)


def test_calibration_error_agrees_with_a_loop_over_bins(scored):
    probabilities, y = scored
    top, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == y
    total = 0.0
    for b in range(15):
        inside = (top > b / 15) & (top <= (b + 1) / 15)
        if inside.any():
            total += inside.sum() / 60 * abs(top[inside].mean() - right[inside].mean())
    assert expected_calibration_error(probabilities, y) == pytest.approx(total)


def test_a_bin_contains_its_upper_edge():
    assert confidence_bins(np.array([0.0, 0.1, 0.5, 0.51, 1.0]), n_bins=2).tolist() == [0, 0, 0, 1, 1]


def test_ausuc_by_hand():
    # Two classes, the second unseen. The seen item leads by 1, the unseen one by 2: no penalty has both right.
    assert ausuc([[2.0, 1.0], [3.0, 1.0]], [0, 1], [True, False]) == 0.0
    assert ausuc([[3.0, 1.0], [2.0, 1.0]], [0, 1], [True, False]) == 1.0


def test_the_seen_unseen_curve_agrees_with_a_loop_over_penalties(scored):
    scores, y = scored
    seen = np.array([True, True, False, True, False])
    lead = np.sort(scores[:, seen].max(axis=1) - scores[:, ~seen].max(axis=1))
    points = []
    for penalty in [-2.0, *(lead + 1e-12)]:
        answers = (scores - penalty * seen).argmax(axis=1)
        recalls = oracle.recall_score(y, answers, average=None, labels=range(5))
        points.append((recalls[~seen].mean(), recalls[seen].mean()))
    unseen_accuracy, seen_accuracy = seen_unseen_curve(scores, y, seen)
    np.testing.assert_allclose(np.stack([unseen_accuracy, seen_accuracy], axis=1), points, atol=1e-9)


def test_ausuc_ignores_a_bias_toward_seen_classes(scored):
    scores, y = scored
    seen = np.array([True, True, False, True, False])
    assert ausuc(scores + 5 * seen, y, seen) == pytest.approx(ausuc(scores, y, seen))


def test_auroc_agrees_with_the_count_of_pairs():
    scores, unknown = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert unknown_auroc(scores, unknown) == pytest.approx(3 / 4)


@pytest.mark.parametrize("metric", [log_loss, expected_calibration_error])
def test_invalid_probabilities_are_refused(metric):
    with pytest.raises(InputError, match="Row 1 does not contain probabilities: they must be 0 or more and sum to 1"):
        metric([[0.5, 0.5], [0.5, 0.7]], [0, 1])


def test_nan_scores_missing_labels_and_unequal_lengths_are_refused():
    with pytest.raises(InputError, match="scores contains NaN or infinity in row 1"):
        ausuc([[0.0, 1.0], [np.nan, 1.0]], [0, 1], [True, False])
    with pytest.raises(InputError, match="scores contains NaN or infinity in row 0"):
        unknown_auroc([np.nan, 0.2], [True, False])
    with pytest.raises(NotEnoughLabelsError, match="1 of 2 items have no label"):
        log_loss([[0.5, 0.5], [0.5, 0.5]], [0, -1])
    with pytest.raises(InputError, match="there are 2 and 1"):
        accuracy(["a", "b"], ["a"])


def test_known_and_unknown_items_are_needed():
    with pytest.raises(NotEnoughLabelsError, match="0 of 2 are unknown"):
        unknown_auroc([0.1, 0.2], [False, False])
    with pytest.raises(NotEnoughLabelsError, match="only one of the two"):
        ausuc([[1.0, 0.0]], [0], [True, False])


OF_TABLES = [log_loss, expected_calibration_error]
OF_ANSWERS = [accuracy, per_class_accuracy, macro_f1, rmse, mae, bias, r2]


def cases(scored):
    probabilities, y = scored
    answers = probabilities.argmax(axis=1)
    yield from ((metric, probabilities, y) for metric in OF_TABLES)
    yield from ((metric, y, answers) for metric in OF_ANSWERS)
    yield unknown_auroc, 1 - probabilities.max(axis=1), y == 3


def test_weights_act_as_repeated_items(scored):
    weight = np.arange(60) % 3
    rows = np.arange(60).repeat(weight)
    for metric, first, second in cases(scored):
        assert metric(first, second, sample_weight=weight) == pytest.approx(metric(first[rows], second[rows]))


def test_equal_weights_change_nothing(scored):
    for metric, first, second in cases(scored):
        assert metric(first, second, sample_weight=np.full(60, 0.3)) == pytest.approx(metric(first, second))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.zeros(60), "sum to zero"),
        (np.ones(3), "60 items and weights of shape"),
        (np.full(60, np.nan), "row 0 has nan"),
    ],
)
def test_invalid_weights_are_refused_by_every_metric(scored, weight, message):
    for metric, first, second in cases(scored):
        with pytest.raises(InputError, match=message):
            metric(first, second, sample_weight=weight)


def test_regression_metrics_agree_with_scikit_learn():
    y, answers, weight = generator(0).normal(size=(3, 30))
    weight = np.abs(weight)
    assert mae(y, answers) == pytest.approx(oracle.mean_absolute_error(y, answers))
    assert r2(y, answers, sample_weight=weight) == pytest.approx(oracle.r2_score(y, answers, sample_weight=weight))
    with pytest.raises(NotEnoughLabelsError, match="all numbers are equal"):
        r2([1.0, 1.0], [1.0, 2.0])


@pytest.mark.parametrize("metric", [rmse, mae, bias, r2])
def test_numbers_that_are_not_finite_or_not_one_each_are_refused(metric):
    with pytest.raises(InputError, match=r"One prediction per label is needed; the shapes are \(1,\) and \(2,\)"):
        metric([1.0, 2.0], [1.0])
    with pytest.raises(InputError, match=r"must be finite; row 1 has 2\.0 and nan"):
        metric([1.0, 2.0], [1.0, np.nan])
    with pytest.raises(InputError, match="are empty"):
        metric([], [])


def test_bias_is_predicted_minus_true():
    assert bias([1.0, 1.0], [2.0, 4.0], sample_weight=[1, 0]) == 1.0


def test_reliability_by_hand():
    table = reliability([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]], [0, 1, 1], n_bins=2)
    assert table[["low", "high", "n"]].to_numpy().tolist() == [[0.5, 1.0, 3.0]]
    assert table["confidence"].tolist() == pytest.approx([0.8])
    assert table["accuracy"].tolist() == pytest.approx([2 / 3])
    assert table["lower"].item() < 2 / 3 < table["upper"].item()


def test_the_mean_gap_of_the_bins_is_the_calibration_error(scored):
    table = reliability(*scored)
    gaps = (table["n"] * (table["confidence"] - table["accuracy"]).abs()).sum() / table["n"].sum()
    assert gaps == pytest.approx(expected_calibration_error(*scored))


def test_reliability_leaves_out_items_without_a_label(scored):
    probabilities, y = scored
    longer = reliability(np.vstack([probabilities, probabilities]), [*y, *([-1] * len(y))])
    assert longer.equals(reliability(probabilities, y))
    with pytest.raises(NotEnoughLabelsError, match="nothing to compare"):
        reliability([[0.5, 0.5]], [-1])


def test_reliability_counts_an_item_of_weight_two_as_two_items():
    table, y = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]]), [0, 1, 0]
    weighed = reliability(table, y, sample_weight=[2, 1, 0])
    copied = reliability(table[[0, 0, 1]], [0, 0, 1])
    assert weighed["accuracy"].tolist() == pytest.approx(copied["accuracy"].tolist())
    assert weighed["n"].tolist() == [2]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: wilson_interval(5, 3), "n_right must be from 0 to n; it is 5 of 3"),
        (lambda: wilson_interval(-1, 3), "it is -1 of 3"),
        (lambda: wilson_interval("1", 3), "must be a number"),
        (lambda: effective_size([-1.0, 2.0]), "row 0 has -1"),
        (lambda: accuracy(["a", "b"], ["a", "b"], sample_weight=["1", "x"]), "sample_weight must be numbers"),
        (lambda: accuracy(["a", None], ["a", "b"]), "label in row 1 is missing"),
        (lambda: macro_f1(["a", float("nan")], ["a", "b"]), "label in row 1 is missing"),
    ],
)
def test_what_would_give_a_wrong_figure_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_items_without_weight_are_none():
    assert effective_size([0.0, 0.0]) == 0.0


@pytest.mark.parametrize("weights", [{"a": 1.0}, "balanced"])
def test_weights_by_class_are_refused(weights):
    with pytest.raises(InputError, match=r"one for each item; got .*\[weights\[label\] for label in y\]"):
        item_weights(weights, 2)


@pytest.mark.parametrize("metric", [accuracy, macro_f1, per_class_accuracy])
def test_labels_that_equal_no_prediction_only_by_their_type_are_refused(metric):
    with pytest.raises(InputError, match=r"labels are of type int, such as 1, and the predictions of type str"):
        metric([1, 2], ["2", "1"])
    with pytest.raises(InputError, match=r"type str, such as '1', and .* of type int, such as 1, .* both as texts"):
        metric(["1", "2"], [2, 1])
    assert metric([1, 2], ["no", "yes"]) == 0
    assert metric([1, 2], [1.0, 2.0]) == 1


def test_probabilities_are_no_predictions():
    with pytest.raises(InputError, match="Only one label per item"):
        accuracy([0, 1], np.eye(2))
