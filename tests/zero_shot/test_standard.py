"""The contract of every zero-shot estimator, and cosine."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone

from anyshot.errors import (
    BadItemError,
    ClassesError,
    DuplicateClassError,
    InputError,
    NotEnoughLabelsError,
    UnknownClassError,
    WidthError,
)
from anyshot.zero_shot.class_wise import ClassWiseSearch
from anyshot.zero_shot.compatibility import CompatibilityClassifier
from anyshot.zero_shot.direct import ConSEClassifier, DAPClassifier
from anyshot.zero_shot.gaussian import FeatureGeneratingClassifier, GaussianZeroShotClassifier
from anyshot.zero_shot.generalized import GeneralizedZeroShotClassifier
from anyshot.zero_shot.ridge import ESZSLClassifier, PrototypeRidgeClassifier, SAEClassifier, SemanticRidgeClassifier
from anyshot.zero_shot.semantic_map import CorrectedVectorClassifier, SemanticMapClassifier
from anyshot.zero_shot.standard import ZeroShotClassifier
from anyshot.zero_shot.synthesized import SYNCClassifier
from anyshot.zero_shot.transductive import TransductiveZeroShotClassifier

LEARNERS = [
    ESZSLClassifier(),
    ESZSLClassifier(target_coding="plus-minus"),
    SAEClassifier(),
    SAEClassifier(scoring="to-semantics"),
    SemanticRidgeClassifier(),
    PrototypeRidgeClassifier(),
    PrototypeRidgeClassifier(kernel="linear"),
    CompatibilityClassifier(loss="devise", random_state=0),
    CompatibilityClassifier(loss="ale", random_state=0),
    CompatibilityClassifier(loss="sje", random_state=0),
    ConSEClassifier(),
    DAPClassifier(),
    SYNCClassifier(),
    GaussianZeroShotClassifier(),
    GaussianZeroShotClassifier(covariance="diagonal"),
    FeatureGeneratingClassifier(random_state=0),
    SemanticMapClassifier(),
]
COMPOUND = [GeneralizedZeroShotClassifier(SemanticMapClassifier()), ClassWiseSearch([ESZSLClassifier()])]
SAME_SPACE = [ZeroShotClassifier(), CorrectedVectorClassifier(), TransductiveZeroShotClassifier()]
EVERY = [*LEARNERS, *COMPOUND, *SAME_SPACE]


def world(*, seed=0, n_classes=8, n_unseen=2, n_attributes=10, width=10, n_each=20):
    """Items that follow their class's attributes through a rotation; the last classes have no label."""
    random = np.random.default_rng(seed)
    S = random.uniform(size=(n_classes, n_attributes))
    turn = np.linalg.qr(random.normal(size=(width, n_attributes)))[0]
    y = np.repeat(np.arange(n_classes), n_each)
    X = (S[y] - 0.5) @ turn.T + 0.1 * random.normal(size=(len(y), width))
    return X, y, np.where(y < n_classes - n_unseen, y, -1), S


@pytest.fixture(scope="module")
def data():
    return world()


@pytest.mark.parametrize("model", EVERY, ids=repr)
def test_a_clone_has_the_same_parameters_and_nothing_learned(model):
    copy = clone(model)
    assert repr(copy) == repr(model)
    assert not [name for name in vars(copy) if name.endswith("_")]


@pytest.mark.parametrize("model", EVERY, ids=repr)
def test_fit_returns_self_repeats_itself_and_leaves_its_input_alone(model, data):
    X, _, y, S = data
    before = X.copy(), y.copy(), S.copy()
    first = clone(model)
    assert first.fit(X, y, class_vectors=S) is first
    scores = first.decision_function(X)
    np.testing.assert_allclose(first.fit(X, y, class_vectors=S).decision_function(X), scores, rtol=1e-5, atol=1e-6)
    for given, kept in zip((X, y, S), before, strict=True):
        np.testing.assert_array_equal(given, kept)


@pytest.mark.parametrize("model", EVERY, ids=repr)
def test_answers_are_the_best_scores_and_stay_among_the_candidates(model, data):
    X, _, y, S = data
    fitted = clone(model).fit(X, y, class_vectors=S)
    np.testing.assert_array_equal(fitted.predict(X), fitted.decision_function(X).argmax(axis=1))
    scores = fitted.decision_function(X, candidates=[6, 7])
    assert np.isneginf(scores[:, :6]).all()
    mask = np.arange(8) >= 6
    np.testing.assert_array_equal(fitted.predict(X, candidates=mask), fitted.predict(X, candidates=[6, 7]))
    assert set(fitted.predict(X, candidates=[6, 7])) <= {6, 7}


@pytest.mark.parametrize("model", LEARNERS, ids=repr)
def test_rows_without_a_label_change_nothing(model, data):
    X, _, y, S = data
    whole = clone(model).fit(X, y, class_vectors=S)
    labeled = clone(model).fit(X[y >= 0], y[y >= 0], class_vectors=S)
    np.testing.assert_allclose(whole.decision_function(X), labeled.decision_function(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", LEARNERS, ids=repr)
def test_unseen_classes_are_told_apart_where_items_follow_their_attributes(model):
    right = []
    for seed in range(3):
        X, truth, y, S = world(seed=seed, n_classes=26)
        unseen = y < 0
        answers = clone(model).fit(X, y, class_vectors=S).predict(X[unseen], candidates=[24, 25])
        right.append((answers == truth[unseen]).mean())
    assert np.mean(right) > 0.75


DRAWING = (CompatibilityClassifier, FeatureGeneratingClassifier)  # what they draw follows the order


@pytest.mark.parametrize("model", [model for model in LEARNERS if not isinstance(model, DRAWING)], ids=repr)
def test_the_order_of_the_classes_does_not_matter(model, data):
    X, _, y, S = data
    order = np.random.default_rng(1).permutation(8)
    place = np.argsort(order)
    turned = clone(model).fit(X, np.where(y >= 0, place[y], -1), class_vectors=S[order])
    scores = clone(model).fit(X, y, class_vectors=S).decision_function(X)
    np.testing.assert_allclose(turned.decision_function(X)[:, place], scores, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("model", [m for m in [*LEARNERS, *SAME_SPACE] if hasattr(m, "predict_proba")], ids=repr)
def test_probabilities_sum_to_one_over_the_candidates(model, data):
    X, _, y, S = data
    probabilities = clone(model).fit(X, y, class_vectors=S).predict_proba(X, candidates=[1, 6])
    np.testing.assert_allclose(probabilities[:, [1, 6]].sum(axis=1), 1)


def test_cosine_answers_the_class_of_the_smallest_angle():
    model = ZeroShotClassifier().fit(np.eye(2), [-1, 0], class_vectors=[[2.0, 0.0], [3.0, 3.0]])
    np.testing.assert_allclose(model.decision_function([[0.0, 5.0]]), [[0.0, np.sqrt(0.5)]], atol=1e-6)
    assert model.seen_classes_.tolist() == [0]
    assert model.unseen_classes_.tolist() == [1]


def test_cosine_refuses_class_vectors_of_another_space():
    with pytest.raises(WidthError, match="the items are 2 wide, the class vectors 3"):
        ZeroShotClassifier().fit(np.eye(2), [0, 1], class_vectors=np.eye(3))


def test_a_label_beyond_the_class_vectors_is_refused(data):
    X, _, y, S = data
    with pytest.raises(ClassesError, match="class_vectors has 4 rows and y names class 5"):
        ESZSLClassifier().fit(X, y, class_vectors=S[:4])


def test_no_seen_class_is_refused_by_a_method_that_learns(data):
    X, _, y, S = data
    with pytest.raises(NotEnoughLabelsError, match=r"needs 1 or more, y names 0.*ZeroShotClassifier"):
        ESZSLClassifier().fit(X, np.full_like(y, -1), class_vectors=S)


def test_a_ranking_of_one_class_is_refused(data):
    X, _, y, S = data
    with pytest.raises(NotEnoughLabelsError, match="needs 2 or more, y names 1"):
        CompatibilityClassifier().fit(X, np.where(y == 0, 0, -1), class_vectors=S)


def test_labels_for_all_classes_are_said_not_to_be_zero_shot(data):
    X, truth, _, S = data
    with pytest.warns(UserWarning, match="All 8 classes have labels, so this is not zero-shot"):
        ESZSLClassifier().fit(X, truth, class_vectors=S)


def test_labels_for_some_classes_bring_no_warning(data):
    X, _, y, S = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ESZSLClassifier().fit(X, y, class_vectors=S)


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda S: np.where(np.arange(8)[:, None] == 3, np.nan, S), BadItemError, "NaN or infinity in row 3"),
        (lambda S: np.where(np.arange(8)[:, None] == 3, 0, S), ClassesError, "zero in row 3"),
        (lambda S: S[[0, 1, 2, 3, 4, 1, 6, 7]], DuplicateClassError, "point the same way: 1 and 5"),
        (lambda S: S[:, 0], InputError, "class_vectors must be a table"),
    ],
)
@pytest.mark.parametrize("model", [ESZSLClassifier(), *COMPOUND, TransductiveZeroShotClassifier()], ids=repr)
def test_class_vectors_that_cannot_serve_are_named(model, spoil, error, text, data):
    X, _, y, S = data
    with pytest.raises(error, match=text):
        clone(model).fit(X, y, class_vectors=spoil(S))


@pytest.mark.parametrize(
    ("candidates", "error", "text"),
    [
        ([3, 8], UnknownClassError, "Candidate 8 is not in the table of 8"),
        ([], ClassesError, "one class or more"),
        ([0.5], ClassesError, "float64"),
        (np.zeros(8, dtype=bool), ClassesError, "one class or more"),
    ],
)
def test_candidates_outside_the_table_are_refused(candidates, error, text, data):
    X, _, y, S = data
    with pytest.raises(error, match=text):
        ESZSLClassifier().fit(X, y, class_vectors=S).predict(X, candidates=candidates)


def test_items_of_another_width_are_refused(data):
    X, _, y, S = data
    with pytest.raises(WidthError, match="width 4"):
        ESZSLClassifier().fit(X, y, class_vectors=S).predict(X[:, :4])
