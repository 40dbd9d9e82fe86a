import numpy as np
import pytest
from sklearn.base import BaseEstimator

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.class_splits import over_class_splits, zero_shot_figures


class Nearest(BaseEstimator):
    """Scores by distance to the class vectors, with `pull` added for seen classes."""

    def __init__(self, pull=0.0):
        self.pull = pull

    def fit(self, X, y, *, class_vectors):
        self.table_, self.seen_ = class_vectors, np.isin(np.arange(len(class_vectors)), y)
        return self

    def decision_function(self, X):
        return -((X[:, None] - self.table_[None]) ** 2).sum(axis=2) + self.pull * self.seen_


class Corrected(Nearest):
    def uncorrected_scores(self, X):
        return super().decision_function(X) + 100 * self.seen_


SCORES = np.array([[5, 0, 1], [0, 5, 9], [9, 0, 1], [0, 3, 1], [0, 1, 3]], dtype=float)


def test_figures_by_hand():
    found = zero_shot_figures(SCORES, [0, 1, 2, 2, 2], [True, True, False])
    assert found["t1"] == 1.0
    assert found["u"] == pytest.approx(1 / 3)
    assert found["s"] == pytest.approx(1 / 2)
    assert found["h"] == pytest.approx(0.4)


def test_scores_of_minus_infinity_are_never_predicted():
    scores = np.where(SCORES == 0, -np.inf, SCORES)
    found = zero_shot_figures(scores, [0, 1, 2, 2, 2], [True, True, False])
    assert found["u"] == pytest.approx(1 / 3)
    assert 0 <= found["ausuc"] <= 1


def test_items_of_seen_and_unseen_classes_are_needed():
    with pytest.raises(NotEnoughLabelsError, match="seen and of unseen"):
        zero_shot_figures(SCORES, [0, 1, 0, 1, 0], [True, True, False])


@pytest.fixture(scope="module")
def measured():
    random = np.random.default_rng(0)
    S, y = random.normal(size=(5, 3)), np.repeat(np.arange(5), 20)
    X = S[y] + 0.7 * random.normal(size=(100, 3))
    models = {"plain": Nearest(), "pulled": Nearest(1000.0), "corrected": Corrected()}
    return over_class_splits(
        models, X, y, class_vectors=S, unseen=[[0, 1], [3, 4], [1, 2]], train=np.arange(100) % 2 == 0
    )


def test_raw_and_corrected_figures_are_both_listed(measured):
    rows = measured.scores[["model", "corrected"]].value_counts()
    assert rows["corrected", True] == rows["corrected", False] == rows["plain", False] == 3
    table = measured.summary().set_index(["model", "corrected"])
    assert table.loc[("corrected", True), "h"] == pytest.approx(table.loc[("plain", False), "h"])
    assert table.loc[("corrected", False), "u"] == 0.0


def test_a_bias_to_seen_classes_lowers_u_but_not_t1(measured):
    assert measured.compare("plain", "pulled", figure="u").lower > 0
    assert measured.compare("plain", "pulled", figure="t1").mean == 0


def test_a_correction_does_not_change_t1_and_ausuc(measured):
    table = measured.summary().set_index(["model", "corrected"])
    for figure in ("t1", "ausuc"):
        assert table.loc[("corrected", True), figure] == table.loc[("corrected", False), figure]


def test_the_number_of_splits_is_printed(measured):
    assert "over 3 class splits" in str(measured)
    assert "corrected" in str(measured)


def test_an_unknown_model_is_refused(measured):
    with pytest.raises(InputError, match=r"Unknown model 'other'\. Choose one of: "):
        measured.compare("other", "plain")


def test_no_split_is_refused():
    with pytest.raises(InputError, match="one split"):
        over_class_splits({"a": Nearest()}, np.eye(2), [0, 1], class_vectors=np.eye(2), unseen=[], train=[True, True])


def test_transductive_models_get_the_test_items_without_labels():
    given = []

    class Transductive(Nearest):
        def fit(self, X, y, *, class_vectors, unlabeled):
            given.append(unlabeled)
            return super().fit(X, y, class_vectors=class_vectors)

    S = np.eye(3)
    y = np.repeat(np.arange(3), 4)
    X, train = S[y] + np.linspace(0, 0.1, 12)[:, None], np.arange(12) % 2 == 0
    over_class_splits(
        {"one": Transductive()}, X, y, class_vectors=S, unseen=[[2]], train=train, test=~train, transductive=True
    )
    np.testing.assert_array_equal(given[0], X[~train].astype(np.float32))


@pytest.mark.parametrize("unseen", [[1], [2]])
def test_items_without_a_label_are_not_trained_on(unseen):
    given = []

    class Recording(Nearest):
        def fit(self, X, y, *, class_vectors):
            given.extend(y)
            return super().fit(X, y, class_vectors=class_vectors)

    y, S = np.array([0, 1, 2, 0, 1, 2, -1]), np.eye(3)
    over_class_splits(
        {"one": Recording()}, S[y], y, class_vectors=S, unseen=[unseen], train=np.isin(np.arange(7), [0, 1, 2, 6])
    )
    assert sorted(given) == sorted({0, 1, 2} - set(unseen))


@pytest.mark.parametrize("row", [[np.nan, 1.0, 0.0], [np.inf, 1.0, 0.0], [-np.inf] * 3])
def test_scores_that_say_nothing_are_refused_with_their_row(row):
    scores = np.vstack([SCORES[:2], [row], SCORES[3:]])
    with pytest.raises(InputError, match="finite, or -inf to exclude a class; row 2 has"):
        zero_shot_figures(scores, [0, 1, 2, 2, 2], [True, True, False])


def test_row_numbers_are_no_mask():
    with pytest.raises(InputError, match="seen must be 3 truth values"):
        zero_shot_figures(SCORES, [0, 1, 2, 2, 2], [0, 1])
    X, S = np.eye(3)[[0, 1, 2, 0]], np.eye(3)
    with pytest.raises(InputError, match="train must be 4 truth values"):
        over_class_splits({"n": Nearest()}, X, [0, 1, 2, 0], class_vectors=S, unseen=[[2]], train=[0, 1])


def test_items_without_a_label_are_left_out_and_names_are_refused():
    scores, seen = np.vstack([SCORES, SCORES[:1]]), [True, True, False]
    assert zero_shot_figures(scores, [0, 1, 2, 2, 2, -1], seen) == zero_shot_figures(SCORES, [0, 1, 2, 2, 2], seen)
    with pytest.raises(InputError, match="rows of the class table"):
        zero_shot_figures(SCORES, list("abccc"), seen)
