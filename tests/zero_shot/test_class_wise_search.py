import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.zero_shot.class_wise_search import ClassWiseSearch, class_folds, held_out_scores, mean_class_accuracy
from anyshot.zero_shot.eszsl import ESZSL
from anyshot.zero_shot.generalized import GeneralizedZeroShotClassifier
from anyshot.zero_shot.ridge import SemanticRidge


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    S = random.uniform(size=(12, 6))
    y = np.repeat(np.arange(12), 10)
    return S[y] + 0.1 * random.normal(size=(120, 6)), np.where(y < 9, y, -1), S


def test_every_seen_class_is_held_out_once_in_the_proportion_of_the_unseen(data):
    _, y, _ = data
    folds = list(class_folds(y, n_classes=12))
    assert sorted(np.concatenate([fold.held_out_classes for fold in folds])) == list(range(9))
    assert {len(fold.held_out_classes) for fold in folds} <= {2, 3}


def test_a_fold_trains_on_train_classes_and_tests_on_both(data):
    _, y, _ = data
    for fold in class_folds(y, n_classes=12):
        assert set(y[fold.train]) == set(fold.train_classes)
        assert set(y[fold.test]) >= set(fold.held_out_classes)
        assert not set(fold.train) & set(fold.test)
        assert not set(y[fold.test]) - set(fold.train_classes) - set(fold.held_out_classes)


def test_one_item_in_each_class_is_enough_to_train():
    y = np.arange(6)
    for fold in class_folds(y, n_classes=9):
        assert set(y[fold.train]) == set(fold.train_classes)


def test_two_seen_classes_are_too_few_to_hold_one_out():
    with pytest.raises(NotEnoughLabelsError, match="three classes or more; y has labels of 2"):
        next(class_folds(np.array([0, 1, -1]), n_classes=5))


def test_unseen_classes_are_not_candidates(data):
    X, y, S = data
    fold = next(class_folds(y, n_classes=12))
    scores, _ = held_out_scores(ESZSL(), X.astype(np.float32), y, S, fold)
    assert np.isneginf(scores[:, 9:]).all()
    assert np.isfinite(scores[:, :9]).all()


def test_vectors_of_unseen_classes_have_no_effect(data):
    X, y, S = data
    other = S.copy()
    other[9:] += 1
    fold = next(class_folds(y, n_classes=12))
    first, second = (held_out_scores(ESZSL(), X.astype(np.float32), y, T, fold)[0] for T in (S, other))
    np.testing.assert_array_equal(first, second)


def test_every_class_has_the_same_weight():
    assert mean_class_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])) == pytest.approx((2 / 3 + 1) / 2)


def test_the_search_selects_the_most_accurate_setting_on_held_out_classes(data):
    X, y, S = data
    search = ClassWiseSearch([SemanticRidge(), ESZSL()], [{"penalty": [1e-3, 1e6]}, {"feature_penalty": [1e9]}]).fit(
        X, y, class_vectors=S
    )
    board = search.leaderboard_
    assert len(board) == 3
    assert board["accuracy"].is_monotonic_decreasing
    assert type(search.best_estimator_).__name__ == board["estimator"].iloc[0]
    assert board["parameters"].iloc[0] == search.best_estimator_.get_params()
    assert search.best_estimator_.seen_classes_.tolist() == list(range(9))


@pytest.mark.parametrize(
    ("estimators", "grid", "words"),
    [
        (ESZSL, None, "Each of estimators must be .*, such as ESZSL.*; it is <class"),
        ([ESZSL(), LogisticRegression()], None, r"Each of estimators must be .*; it is LogisticRegression\(\)"),
        ({"first": ESZSL()}, None, "Each of estimators must be .*; it is {'first'"),
        ([], None, "estimators has 0 and grid 0 entries. Give one estimator or more"),
        ([ESZSL(), SemanticRidge()], [{}], "estimators has 2 and grid 1 entries"),
    ],
)
def test_what_cannot_be_tried_is_refused(data, estimators, grid, words):
    X, y, S = data
    with pytest.raises(InputError, match=words):
        ClassWiseSearch(estimators, grid).fit(X, y, class_vectors=S)


def test_candidates_reach_the_best_estimator_whose_gate_depends_on_them(data):
    X, y, S = data
    gate = GeneralizedZeroShotClassifier(ESZSL(), seen_penalty=-1.0, correction="gate")  # every item is of a seen class
    search = ClassWiseSearch(gate).fit(X, y, class_vectors=S)
    assert np.isneginf(search.decision_function(X)[:, 9:]).all()
    assert np.isfinite(search.decision_function(X, [9, 10, 11])[:, 9:]).all()
