"""Zero-shot answers that a pool of unlabeled items has moved, or has not."""

import numpy as np
import pytest
from sklearn.base import clone

from anyshot.base.validation import generator
from anyshot.errors import InputError, WidthError
from anyshot.zero_shot.generalized import GeneralizedZeroShotClassifier
from anyshot.zero_shot.ridge import ESZSLClassifier
from anyshot.zero_shot.semantic_map import CorrectedVectorClassifier, SemanticMapClassifier
from anyshot.zero_shot.standard import ZeroShotClassifier
from anyshot.zero_shot.transductive import TransductiveZeroShotClassifier, surest_stand

METHODS = ["refine", "mixture", "propagation"]


def world(*, seed=0, n_classes=8, n_unseen=3, width=16, n_each=30, off=0.8):
    """Clusters, and class vectors that point beside them; the last classes have no label."""
    random = generator(seed)
    centers = np.linalg.qr(random.normal(size=(width, n_classes)))[0].T
    S = centers + off * random.normal(size=(n_classes, width)) / np.sqrt(width)
    y = np.repeat(np.arange(n_classes), n_each)
    X = centers[y] + 0.6 * random.normal(size=(len(y), width)) / np.sqrt(width)
    return X, y, np.where((y < n_classes - n_unseen) & (np.arange(len(y)) % 3 == 0), y, -1), S


@pytest.mark.parametrize("method", METHODS)
def test_fit_repeats_itself_and_leaves_its_input_alone(method):
    X, _, y, S = world()
    before = X.copy(), y.copy(), S.copy()
    model = TransductiveZeroShotClassifier(method)
    assert model.fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0]) is model
    scores = model.decision_function(X)
    again = model.fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0]).decision_function(X)
    np.testing.assert_allclose(again, scores, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), scores.argmax(axis=1))
    assert set(model.predict(X, candidates=[5, 6])) <= {5, 6}
    for given, kept in zip((X, y, S), before, strict=True):
        np.testing.assert_array_equal(given, kept)


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_of_seen_and_unseen_classes_mends_both(method):
    gains = []
    for seed in range(3):
        X, truth, y, S = world(seed=seed, off=1.3)
        has = y >= 0
        model = TransductiveZeroShotClassifier(method).fit(X[has], y[has], class_vectors=S, unlabeled=X[~has])
        assert model.moved_
        before, after = ((one.predict(X[~has]) == truth[~has]) for one in (model.base_, model))
        gains.append([(after[part].mean() - before[part].mean()) for part in (truth[~has] < 5, truth[~has] >= 5)])
    assert np.mean(gains, axis=0).min() > -0.01
    assert np.mean(gains) > 0.01


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("empty", [([], []), (np.zeros((0, 16)), np.zeros(0, dtype=int))], ids=["lists", "arrays"])
def test_no_label_is_needed(method, empty):
    X, truth, _, S = world(off=1.5)
    model = TransductiveZeroShotClassifier(method).fit(*empty, class_vectors=S, unlabeled=X)
    inductive = ZeroShotClassifier().fit(X, np.full(len(X), -1), class_vectors=S)
    assert isinstance(model.base_, ZeroShotClassifier)
    assert (model.predict(X) == truth).mean() > (inductive.predict(X) == truth).mean()


@pytest.mark.parametrize("method", METHODS)
def test_pool_answers_are_distributions_and_like_the_predictions(method):
    X, _, y, S = world()
    model = TransductiveZeroShotClassifier(method).fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0])
    np.testing.assert_allclose(model.pool_answers_.sum(axis=1), 1)
    assert (model.pool_answers_.argmax(axis=1) == model.predict(X[y < 0])).mean() > 0.95


def test_class_vectors_of_another_space_are_mapped_first():
    X, truth, y, S = world(n_classes=12)
    turned = S @ np.linalg.qr(generator(5).normal(size=(16, 16)))[0][:, :14]
    model = TransductiveZeroShotClassifier().fit(X[y >= 0], y[y >= 0], class_vectors=turned, unlabeled=X[y < 0])
    assert isinstance(model.base_, GeneralizedZeroShotClassifier)
    assert isinstance(model.base_.base_, SemanticMapClassifier)
    assert (model.predict(X) == truth).mean() > 0.6


def test_any_method_serves_as_base_and_is_cloned():
    X, _, y, S = world()
    base = ESZSLClassifier()
    model = TransductiveZeroShotClassifier(base=base).fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0])
    assert isinstance(model.base_, ESZSLClassifier)
    assert not hasattr(base, "bilinear_")
    assert repr(clone(model)) == repr(model)


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_of_other_things_leaves_the_inductive_answers(method, monkeypatch):
    X, _, y, S = world()
    model = TransductiveZeroShotClassifier(method)
    monkeypatch.setattr("anyshot.zero_shot.transductive.STANDING_NEEDED", 1.01)  # no pool can pass
    model.fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0])
    assert not model.moved_
    np.testing.assert_array_equal(model.decision_function(X), model.base_.decision_function(X))
    assert "the inductive answers stay" in model.reasons_[0]


def test_the_side_that_was_swept_away_tells():
    seen = np.array([True, True, False, False])
    before = np.repeat(10.0 * np.eye(4), 20, axis=0) + generator(0).normal(size=(80, 4))
    assert surest_stand(before, before, seen) == 1
    assert surest_stand(before, before[:, [1, 0, 3, 2]], seen) == 0
    swept = before.copy()
    swept[60:] = swept[:20]  # one of two unseen classes taken for a seen one
    assert surest_stand(before, swept, seen) < 1
    assert surest_stand(before[:40], before[:40], seen) == 1  # nobody was answered with an unseen class


def test_one_unseen_class_alone_has_surest_answers_too():
    before = np.repeat(10.0 * np.eye(3), 10, axis=0)
    assert surest_stand(before, before, np.array([True, True, False])) == 1
    assert surest_stand(before, before[:, [0, 2, 1]], np.array([True, True, False])) == 0


def test_what_moved_says_so_and_claims_no_proof():
    X, _, y, S = world()
    model = TransductiveZeroShotClassifier().fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0])
    assert "so they move it (refine). No label was asked" in model.reasons_[0]
    assert model.agreement_ >= 0.83


@pytest.mark.parametrize("pool", [None, np.zeros((0, 16)), np.ones((1, 16))], ids=["none", "empty", "one"])
def test_without_a_pool_the_inductive_answers_stand(pool):
    X, _, y, S = world()
    model = TransductiveZeroShotClassifier(base=CorrectedVectorClassifier())
    model.fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=pool)
    np.testing.assert_array_equal(model.decision_function(X), model.base_.decision_function(X))
    assert "no pool" in model.reasons_[0]


@pytest.mark.parametrize(
    ("options", "pool", "error", "text"),
    [
        ({"method": "magic"}, lambda X: X, InputError, "'magic' is none of refine, mixture, propagation"),
        ({"balance": 2}, lambda X: X, InputError, "balance=2 must lie between 0 and 1"),
        ({}, lambda X: X[:, :5], WidthError, "unlabeled has vectors of width 5"),
        ({}, lambda X: np.where(np.arange(16) == 3, np.nan, X), InputError, "unlabeled holds NaN"),
    ],
)
def test_what_cannot_serve_is_refused(options, pool, error, text):
    X, _, y, S = world()
    with pytest.raises(error, match=text):
        TransductiveZeroShotClassifier(**options).fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=pool(X))


def test_no_label_and_class_vectors_of_another_width_are_refused():
    X, _, _, S = world()
    with pytest.raises(WidthError, match="Cosine needs class vectors in the space of the items"):
        TransductiveZeroShotClassifier().fit([], [], class_vectors=S[:, :5], unlabeled=X)


def test_that_every_class_has_labels_is_said_once():
    X, _, _, S = world(n_unseen=0)
    y = np.repeat(np.arange(8), 30)
    with pytest.warns(UserWarning, match="All 8 classes have labels") as said:
        TransductiveZeroShotClassifier().fit(X, y, class_vectors=S, unlabeled=X)
    assert len(said) == 1
