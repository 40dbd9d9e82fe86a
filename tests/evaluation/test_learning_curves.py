"""Learning curves and their figures."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import NearestCentroid

from anyshot import AnyShotClassifier
from anyshot.base.validation import generator
from anyshot.data.datasets import few_per_class
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.learning_curves import (
    LearningCurve,
    Line,
    curve_picture,
    learning_curve,
    spread_apart,
)
from anyshot.evaluation.splits import paired_difference

SEEN_BY_FIT = []  # the arguments of NameReader.fit, of all clones


class NameReader(ClassifierMixin, BaseEstimator):
    """A zero-shot classifier that predicts the first letter of a text and accepts unlabeled items."""

    def fit(self, X=None, y=None, *, unlabeled=None):
        SEEN_BY_FIT.append((X, y, unlabeled))
        self.offset_ = 0 if X is None else len(X)
        return self

    def predict(self, X):
        return np.array([text[0] for text in X])


@pytest.fixture
def seen_by_fit():
    SEEN_BY_FIT.clear()
    return SEEN_BY_FIT


@pytest.fixture
def clouds():
    return drawn_clouds()


def drawn_clouds():
    """Vectors (90, 4) in three clouds that overlap, and their labels (90,)."""
    random = generator(0)
    y = np.repeat(["x", "y", "z"], 30)
    centers = np.repeat(np.eye(4)[:3], 30, axis=0)
    return (centers + 0.6 * random.normal(size=(90, 4))).astype(np.float32), y


def test_a_curve_agrees_with_fits_by_hand(clouds):
    X, y = clouds
    curve = learning_curve(NearestCentroid(), X[::2], y[::2], X[1::2], y[1::2], shots=(2, "all"), seeds=2)
    assert curve.scores["model"].unique().tolist() == ["NearestCentroid"]
    labels = y[::2].tolist()
    expected = []
    for rows in [*(few_per_class(labels, 2, random_state=seed) for seed in range(2)), np.arange(45)]:
        expected.append(NearestCentroid().fit(X[::2][rows], y[::2][rows]).score(X[1::2], y[1::2]))
    assert curve.scores["accuracy"].tolist() == pytest.approx(expected)
    assert curve.scores["n_labels"].tolist() == [6, 6, 45]
    assert curve.scores["shots"].tolist() == [2, 2, "all"]


def test_only_models_that_need_no_labels_have_a_point_at_zero(seen_by_fit):
    texts, labels = ["ab", "ac", "bb", "bc"], ["a", "a", "b", "b"]
    models = {"reader": NameReader(), "needy": _Needy()}
    scores = learning_curve(models, texts, labels, ["a1", "c1"], ["a", "b"], shots=(0, 1), seeds=2).scores
    assert scores[scores["shots"] == 0]["model"].tolist() == ["reader"]
    assert scores[scores["shots"] == 1]["model"].tolist() == ["reader", "needy"] * 2
    assert seen_by_fit[0] == (None, None, None)
    assert sorted(seen_by_fit[1][1]) == ["a", "b"]


@pytest.mark.parametrize("parameters", [{}, {"unknown_rate": 0.5}])
def test_a_model_that_needs_labels_is_not_measured_without(letters, parameters):
    classes = ["aa", "bb"] if parameters else None
    model = AnyShotClassifier(classes, encoder=letters, cache=False, **parameters)
    texts, labels = ["ab a", "ac a", "bb b", "bc b"], ["aa", "aa", "bb", "bb"]
    curve = learning_curve(model, texts, labels, ["a1"], ["aa"], shots=iter((0, 2)), seeds=iter((0,)))
    assert curve.scores["shots"].tolist() == [2]
    with pytest.raises(NotEnoughLabelsError, match=r"No model can be fitted at shots=\(0,\)\. Give more labels\. "):
        learning_curve(model, texts, labels, ["a1"], ["aa"], shots=(0,), seeds=1)


def test_without_test_items_a_part_of_each_class_is_held_out():
    items, labels = [f"{letter}{n}" for letter in "ab" for n in range(10)], ["a"] * 10 + ["b"] * 10
    SEEN_BY_FIT.clear()
    curve = learning_curve(NameReader(), items, labels, shots=("all",), seeds=1)
    assert curve.n_test == 6
    (learned, _, _), *_ = SEEN_BY_FIT
    assert len(learned) == 14


class _Needy(NameReader):
    def fit(self, X, y):
        return self


def test_unlabeled_items_are_passed_to_models_that_accept_them(seen_by_fit):
    texts, labels = ["ab", "ac", "bb", "bc"], ["a", None, "b", "b"]
    models = {"reader": NameReader(), "needy": _Needy()}
    learning_curve(models, texts, labels, ["a1"], ["a"], shots=(0, 1), seeds=1, unlabeled="rest")
    assert seen_by_fit[0] == (None, None, texts)
    drawn, _, rest = seen_by_fit[1]
    assert sorted([*drawn, *rest]) == texts
    assert "ac" in rest  # it has no label
    seen_by_fit.clear()
    learning_curve(NameReader(), texts, labels, ["a1"], ["a"], shots=(1,), seeds=1, unlabeled=["more"])
    assert seen_by_fit[0][2] == ["more"]


def test_the_model_is_not_fitted_itself_and_unlabeled_test_items_are_left_out():
    reader = NameReader()
    curve = learning_curve(reader, ["ab", "bb"], ["a", "b"], ["a1", "b1", "c1"], ["a", "b", None], shots=(1,), seeds=1)
    assert not hasattr(reader, "offset_")
    assert curve.n_test == 2
    assert curve.scores["accuracy"].tolist() == [1.0]


def test_data_frames_are_indexed_by_position(clouds):
    X, y = clouds
    frame = pd.DataFrame(X, index=np.arange(90)[::-1])
    by_frame = learning_curve(NearestCentroid(), frame, y, frame, y, shots=(3,), seeds=2)
    by_array = learning_curve(NearestCentroid(), X, y, X, y, shots=(3,), seeds=2)
    assert by_frame.scores["accuracy"].tolist() == by_array.scores["accuracy"].tolist()


@pytest.fixture(scope="module")
def curve():
    X, y = drawn_clouds()
    models = {"logistic": LogisticRegression(), "centroid": NearestCentroid()}
    return learning_curve(models, X[::2], y[::2], X[1::2], y[1::2], shots=("all", 5, 2), seeds=3)


def test_the_summary_is_sorted_by_shots(curve):
    table = curve.summary()
    assert table.index.tolist() == list(range(6))
    assert table["model"].tolist() == ["logistic", "centroid"] * 3
    assert table["shots"].tolist() == [2, 2, 5, 5, "all", "all"]
    assert table["n_draws"].tolist() == [3, 3, 3, 3, 1, 1]
    cell = curve.scores.query("model == 'centroid' and shots == 5")["accuracy"]
    assert table.loc[3, ["mean", "sd"]].tolist() == pytest.approx([cell.mean(), cell.std()])


def test_models_are_compared_on_the_same_draws(curve):
    table = curve.compare("logistic", "centroid")
    by_model = {name: rows["accuracy"].to_numpy() for name, rows in curve.scores.query("shots == 2").groupby("model")}
    expected = paired_difference(by_model["logistic"], by_model["centroid"])
    assert table["shots"].tolist() == [2, 5, "all"]
    assert table.loc[0, ["mean", "lower"]].tolist() == pytest.approx([expected.mean, expected.lower])
    with pytest.raises(InputError, match=r"Unknown model 'tree'. Choose one of: centroid, logistic"):
        curve.compare("tree", "logistic")


def test_curves_with_distinct_names_are_joined(curve):
    renamed = LearningCurve(curve.scores.assign(model=curve.scores["model"] + " 2"), curve.n_test)
    both = curve.joined(renamed)
    assert both.compare("logistic", "logistic 2")["mean"].tolist() == [0, 0, 0]
    with pytest.raises(InputError, match="both have a model 'centroid'"):
        curve.joined(curve)
    with pytest.raises(InputError, match="measured on other test items"):
        curve.joined(LearningCurve(renamed.scores, curve.n_test + 1))


def test_a_row_is_printed_for_each_number_of_labels(curve):
    shown = str(curve)
    assert shown.startswith("Accuracy (%) by labels per class")
    rows = [line.split()[0] for line in shown.splitlines() if line.startswith(" ")]
    assert rows == ["labels", "─" * len(rows[1]), "2", "5", "all"]
    assert "45 test items; ± is the standard deviation over 3 draws." in shown
    assert "<table" in curve._repr_html_()


def test_the_figure_has_a_tick_for_each_number_of_labels_and_names_every_line(curve):
    (axes,) = curve.plot(title="Clouds").axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "5", "all"]
    written = " ".join(text.get_text() for text in axes.texts)
    assert "logistic" in written
    assert "centroid" in written
    assert axes.get_title(loc="left") == "Clouds"


def test_inputs_that_cannot_be_measured_are_refused():
    with pytest.raises(InputError, match="There is no model to measure"):
        learning_curve({}, ["a"], ["a"], ["a"], ["a"])
    with pytest.raises(InputError, match="Give X_test and y_test together, or neither"):
        learning_curve(NameReader(), ["a", "b"], ["a", "b"], ["a"])
    with pytest.raises(NotEnoughLabelsError, match=r"No model can be fitted at shots=\(0,\)"):
        learning_curve(_Needy(), ["a", "b"], ["a", "b"], ["a"], ["a"], shots=(0,))
    with pytest.raises(NotEnoughLabelsError, match="1 test items have 0 labels"):
        learning_curve(_Needy(), ["a", "b"], ["a", "b"], ["a"], [None])


def test_heights_far_enough_apart_are_not_moved():
    np.testing.assert_allclose(spread_apart(np.array([0.9, 0.1, 0.5]), gap=0.2), [0.9, 0.1, 0.5])


def test_close_heights_are_moved_apart_in_order():
    np.testing.assert_allclose(spread_apart(np.array([0.5, 0.5, 2.0]), gap=0.2), [0.4, 0.6, 2.0])
    moved = spread_apart(np.array([0.55, 0.5, 0.6]), gap=0.2)
    np.testing.assert_allclose(moved, [0.55, 0.35, 0.75])


def test_a_single_point_without_spread_can_be_drawn(tmp_path):
    lines = [
        Line("zero", ["0"], np.array([0.5]), np.array([np.nan])),
        Line("all $x", ["1", "all"], np.array([0.6, 0.8]), np.array([0.1, np.nan])),
    ]
    figure = curve_picture(lines, ticks=["0", "1", "all"], title="Curve", note="note")
    figure.savefig(tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").stat().st_size > 1000
    assert [text.get_text() for text in figure.axes[0].texts[1:]] == ["zero  50.0", "all $x  80.0"]


@pytest.mark.parametrize("mean", [0.0, 0.97, 1.0])
def test_no_tick_of_the_accuracy_is_below_zero_or_above_100_percent(mean):
    line = Line("a", ["1", "2"], np.array([mean, mean]), np.array([0.1, 0.0]))
    (axes,) = curve_picture([line], ticks=["1", "2"], title="t", note="n").axes
    low, high = axes.get_ylim()
    assert low < mean < high
    assert all(0 <= round(tick, 9) <= 1 for tick in axes.get_yticks() if low <= tick <= high)


@pytest.mark.parametrize("n_lines", [1, 9])
def test_more_lines_than_colors_can_be_drawn(n_lines):
    lines = [Line(str(n), ["1", "2"], np.array([0.5, 0.6]), np.array([0.1, 0.1])) for n in range(n_lines)]
    assert len(curve_picture(lines, ticks=["1", "2"], title="t", note="n").axes[0].texts) == n_lines + 1


@pytest.mark.parametrize(
    "options", [{"shots": "all"}, {"shots": 1}, {"shots": (1, 2.5)}, {"shots": ("All",)}, {"seeds": 0}]
)
def test_shots_and_draws_that_are_no_numbers_are_refused_before_a_fit(options):
    with pytest.raises(InputError, match=next(iter(options))):
        learning_curve(_Needy(), ["a", "b"], ["a", "b"], ["a"], ["a"], **options)


def test_test_items_among_the_items_to_draw_from_are_counted():
    X, y = np.arange(12.0)[:, None], ["low"] * 6 + ["high"] * 6
    curve = learning_curve(NearestCentroid(), X, y, X[:4], y[:4], shots=[2], seeds=1)
    assert curve.n_repeated == 4
    assert "4 of the 4 test items equal training items" in str(curve)
    assert learning_curve(NearestCentroid(), X, y, X + 0.5, y, shots=[2], seeds=1).n_repeated == 0


def test_a_model_that_predicts_numbers_is_refused_with_the_function_that_measures_it():
    with pytest.raises(InputError, match=r"Ridge predicts numbers. Use evaluation.number_curve"):
        learning_curve(Ridge(), np.eye(4), [0.5, 1.5, 2.5, 3.5])


def test_a_list_of_models_is_refused():
    with pytest.raises(InputError, match=r"models must be \{name: estimator\}"):
        learning_curve([NearestCentroid()], [[0.0], [1.0]], ["a", "b"], [[0.0]], ["a"])


def test_another_word_than_rest_is_no_list_of_unlabeled_items():
    with pytest.raises(InputError, match="unlabeled must be a list of items, 'rest' or None; it is 'all'"):
        learning_curve(NearestCentroid(), [[0.0], [1.0]], ["a", "b"], [[0.0]], ["a"], unlabeled="all")


@pytest.mark.parametrize(
    ("given", "words"),
    [({"shots": []}, "shots is empty"), ({"seeds": []}, "seeds must be"), ({"seeds": [0, 0]}, "different seeds")],
)
def test_no_shots_and_repeated_seeds_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        learning_curve(LogisticRegression(), [[0.0], [1.0]] * 4, ["a", "b"] * 4, **{"shots": [1], **given})
