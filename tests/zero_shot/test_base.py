"""The contract of every zero-shot estimator, and `ZeroShotClassifier`."""

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
from anyshot.zero_shot import (
    ALE,
    DAP,
    ESZSL,
    GFZSL,
    SAE,
    SJE,
    SYNC,
    ClassWiseSearch,
    ConSE,
    CorrectedVectorClassifier,
    DeViSE,
    FeatureGeneration,
    GeneralizedZeroShotClassifier,
    PrototypeRidge,
    SemanticMapClassifier,
    SemanticRidge,
    TransductiveZeroShotClassifier,
    ZeroShotClassifier,
)

INDUCTIVE = [
    ESZSL(),
    ESZSL(target_coding="plus-minus"),
    SAE(),
    SAE(scoring="to-semantics"),
    SemanticRidge(),
    PrototypeRidge(),
    PrototypeRidge(kernel="linear"),
    DeViSE(random_state=0),
    ALE(random_state=0),
    SJE(random_state=0),
    ConSE(),
    DAP(),
    SYNC(),
    GFZSL(),
    GFZSL(covariance="diagonal"),
    FeatureGeneration(random_state=0),
    SemanticMapClassifier(),
]
COMPOUND = [GeneralizedZeroShotClassifier(SemanticMapClassifier()), ClassWiseSearch([ESZSL()])]
SAME_WIDTH = [ZeroShotClassifier(), CorrectedVectorClassifier(), TransductiveZeroShotClassifier()]
EVERY = [*INDUCTIVE, *COMPOUND, *SAME_WIDTH]


def rotated_attributes(*, seed=0, n_classes=8, n_unseen=2, n_attributes=10, width=10, n_each=20):
    """Return items that are rotated attributes of their class plus noise; the last classes have no label."""
    random = np.random.default_rng(seed)
    S = random.uniform(size=(n_classes, n_attributes))
    turn = np.linalg.qr(random.normal(size=(width, n_attributes)))[0]
    y = np.repeat(np.arange(n_classes), n_each)
    X = (S[y] - 0.5) @ turn.T + 0.1 * random.normal(size=(len(y), width))
    return X, y, np.where(y < n_classes - n_unseen, y, -1), S


@pytest.fixture(scope="module")
def data():
    return rotated_attributes()


@pytest.mark.parametrize("model", EVERY, ids=repr)
def test_a_clone_has_the_same_parameters_and_no_learned_attributes(model):
    copy = clone(model)
    assert repr(copy) == repr(model)
    assert not [name for name in vars(copy) if name.endswith("_")]


@pytest.mark.parametrize("model", EVERY, ids=repr)
def test_fit_returns_self_is_repeatable_and_does_not_change_its_input(model, data):
    X, _, y, S = data
    before = X.copy(), y.copy(), S.copy()
    first = clone(model)
    assert first.fit(X, y, class_vectors=S) is first
    scores = first.decision_function(X)
    np.testing.assert_allclose(first.fit(X, y, class_vectors=S).decision_function(X), scores, rtol=1e-5, atol=1e-6)
    for after, copy in zip((X, y, S), before, strict=True):
        np.testing.assert_array_equal(after, copy)


@pytest.mark.parametrize("model", EVERY, ids=repr)
def test_predictions_are_the_best_scores_among_the_candidates(model, data):
    X, _, y, S = data
    fitted = clone(model).fit(X, y, class_vectors=S)
    np.testing.assert_array_equal(fitted.predict(X), fitted.decision_function(X).argmax(axis=1))
    scores = fitted.decision_function(X, candidates=[6, 7])
    assert np.isneginf(scores[:, :6]).all()
    mask = np.arange(8) >= 6
    np.testing.assert_array_equal(fitted.predict(X, candidates=mask), fitted.predict(X, candidates=[6, 7]))
    assert set(fitted.predict(X, candidates=[6, 7])) <= {6, 7}


@pytest.mark.parametrize("model", [ConSE(), FeatureGeneration(random_state=0), *COMPOUND, *SAME_WIDTH], ids=repr)
def test_no_items_have_no_predictions(model, data):
    X, _, y, S = data
    fitted = clone(model).fit(X, y, class_vectors=S)
    assert fitted.decision_function(X[:0], candidates=[6, 7]).shape == (0, 8)
    assert fitted.predict(X[:0]).shape == (0,)
    with pytest.raises(UnknownClassError, match="Candidate 8"):
        fitted.predict(X[:0], candidates=[8])


@pytest.mark.parametrize("model", [ESZSL(), *COMPOUND, *SAME_WIDTH], ids=repr)
def test_a_fit_that_fails_leaves_the_earlier_one(model, data):
    X, _, y, S = data
    fitted = clone(model).fit(X, y, class_vectors=S)
    scores = fitted.decision_function(X)
    with pytest.raises((NotEnoughLabelsError, WidthError)):
        fitted.fit(X[:, :7], np.full_like(y, -1), class_vectors=S)
    assert fitted.n_features_in_ == 10
    np.testing.assert_array_equal(fitted.decision_function(X), scores)


@pytest.mark.parametrize("model", INDUCTIVE, ids=repr)
def test_items_without_a_label_have_no_effect(model, data):
    X, _, y, S = data
    with_unlabeled = clone(model).fit(X, y, class_vectors=S)
    labeled = clone(model).fit(X[y >= 0], y[y >= 0], class_vectors=S)
    np.testing.assert_allclose(with_unlabeled.decision_function(X), labeled.decision_function(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", INDUCTIVE, ids=repr)
def test_unseen_classes_are_predicted_from_their_attributes(model):
    accuracies = []
    for seed in range(3):
        X, truth, y, S = rotated_attributes(seed=seed, n_classes=26)
        unseen = y < 0
        predicted = clone(model).fit(X, y, class_vectors=S).predict(X[unseen], candidates=[24, 25])
        accuracies.append((predicted == truth[unseen]).mean())
    assert np.mean(accuracies) > 0.75


DEPENDING_ON_ORDER = (DeViSE, ALE, SJE, FeatureGeneration)


@pytest.mark.parametrize("model", [model for model in INDUCTIVE if not isinstance(model, DEPENDING_ON_ORDER)], ids=repr)
def test_the_order_of_the_classes_does_not_matter(model, data):
    X, _, y, S = data
    order = np.random.default_rng(1).permutation(8)
    position = np.argsort(order)
    permuted = clone(model).fit(X, np.where(y >= 0, position[y], -1), class_vectors=S[order])
    scores = clone(model).fit(X, y, class_vectors=S).decision_function(X)
    np.testing.assert_allclose(permuted.decision_function(X)[:, position], scores, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("model", [m for m in [*INDUCTIVE, *SAME_WIDTH] if hasattr(m, "predict_proba")], ids=repr)
def test_probabilities_sum_to_one_over_the_candidates(model, data):
    X, _, y, S = data
    probabilities = clone(model).fit(X, y, class_vectors=S).predict_proba(X, candidates=[1, 6])
    np.testing.assert_allclose(probabilities[:, [1, 6]].sum(axis=1), 1)


def test_scores_are_cosines_with_the_class_vectors():
    model = ZeroShotClassifier().fit(np.eye(2), [-1, 0], class_vectors=[[2.0, 0.0], [3.0, 3.0]])
    np.testing.assert_allclose(model.decision_function([[0.0, 5.0]]), [[0.0, np.sqrt(0.5)]], atol=1e-6)
    assert model.seen_classes_.tolist() == [0]
    assert model.unseen_classes_.tolist() == [1]


def test_class_vectors_of_another_width_raise_an_error():
    with pytest.raises(WidthError, match="the items are 2 wide, the class vectors 3"):
        ZeroShotClassifier().fit(np.eye(2), [0, 1], class_vectors=np.eye(3))


def test_a_label_beyond_the_class_vectors_raises_an_error(data):
    X, _, y, S = data
    with pytest.raises(ClassesError, match="class_vectors has 4 rows and y contains class 5"):
        ESZSL().fit(X, y, class_vectors=S[:4])


def test_no_seen_class_raises_an_error(data):
    X, _, y, S = data
    with pytest.raises(
        NotEnoughLabelsError, match=r"needs labels of 1 or more classes; y has labels of 0.*ZeroShotClassifier"
    ):
        ESZSL().fit(X, np.full_like(y, -1), class_vectors=S)


def test_one_seen_class_raises_an_error_for_a_ranking_loss(data):
    X, _, y, S = data
    with pytest.raises(NotEnoughLabelsError, match="needs labels of 2 or more classes; y has labels of 1"):
        ALE().fit(X, np.where(y == 0, 0, -1), class_vectors=S)


def test_labels_of_all_classes_give_a_warning(data):
    X, truth, _, S = data
    with pytest.warns(UserWarning, match="All 8 classes have labels, so this is not zero-shot"):
        ESZSL().fit(X, truth, class_vectors=S)


def test_labels_of_some_classes_give_no_warning(data):
    X, _, y, S = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ESZSL().fit(X, y, class_vectors=S)


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda S: np.where(np.arange(8)[:, None] == 3, np.nan, S), BadItemError, "NaN or infinity in row 3"),
        (
            lambda S: np.where(np.arange(8)[:, None] == 3, 0, S),
            ClassesError,
            "Row 3 of class_vectors contains only zeros",
        ),
        (lambda S: S[[0, 1, 2, 3, 4, 1, 6, 7]], DuplicateClassError, "rows with the same direction: 1 and 5"),
        (lambda S: S[:, 0], InputError, "class_vectors must be a table"),
    ],
)
@pytest.mark.parametrize("model", [ESZSL(), *COMPOUND, TransductiveZeroShotClassifier()], ids=repr)
def test_invalid_class_vectors_raise_an_error(model, spoil, error, text, data):
    X, _, y, S = data
    with pytest.raises(error, match=text):
        clone(model).fit(X, y, class_vectors=spoil(S))


@pytest.mark.parametrize(
    ("candidates", "error", "text"),
    [
        ([3, 8], UnknownClassError, "Candidate 8 is outside the 8 rows"),
        ([], ClassesError, "one class or more"),
        ([0.5], ClassesError, "float64"),
        (np.zeros(8, dtype=bool), ClassesError, "one class or more"),
    ],
)
def test_invalid_candidates_raise_an_error(candidates, error, text, data):
    X, _, y, S = data
    with pytest.raises(error, match=text):
        ESZSL().fit(X, y, class_vectors=S).predict(X, candidates=candidates)


def test_items_of_another_width_raise_an_error(data):
    X, _, y, S = data
    with pytest.raises(WidthError, match="width 4"):
        ESZSL().fit(X, y, class_vectors=S).predict(X[:, :4])


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (ESZSL(target_coding="pm"), "Unknown target_coding 'pm'. Choose one of: zero-one, plus-minus"),
        (SAE(scoring=None), "Unknown scoring None. Choose one of: to-features, to-semantics"),
        (GFZSL(covariance="full"), "Unknown covariance 'full'. Choose one of: shared, diagonal"),
        (FeatureGeneration(n_samples="all"), "Unknown n_samples 'all'. Choose one of: match"),
        (FeatureGeneration(n_samples=0), "n_samples must be a number above 0; it is 0"),
        (ConSE(n_nearest=-3), "n_nearest must be a number above 0; it is -3"),
        (DeViSE(epochs="20"), "epochs must be a number above 0; it is '20'"),
        (SemanticRidge(penalty=-1), "penalty must be a number of at least 0; it is -1"),
        (ZeroShotClassifier(temperature=0), "temperature must be a number above 0; it is 0"),
    ],
)
def test_a_parameter_out_of_range_is_refused(data, model, error):
    X, _, y, S = data
    with pytest.raises(InputError, match=error):
        model.fit(X, y, class_vectors=S)


def test_numbers_whose_squares_overflow_are_refused(data):
    X, _, y, S = data
    with pytest.raises(InputError, match=r"X contains .*e\+\d+ in rows .*; numbers up to 1e\+15 are supported"):
        ESZSL().fit(X * 1e30, y, class_vectors=S)
    model = ESZSL().fit(X, y, class_vectors=S)
    with pytest.raises(InputError, match="numbers up to"):
        model.predict(X * 1e30)
