"""Predictions adjusted to a pool of unlabeled items."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from scipy.special import softmax
from scipy.stats import multivariate_normal
from sklearn.base import clone

from anyshot.base.validation import generator, unit
from anyshot.errors import InputError, WidthError
from anyshot.zero_shot.base import ZeroShotClassifier
from anyshot.zero_shot.eszsl import ESZSL
from anyshot.zero_shot.generalized import GeneralizedZeroShotClassifier
from anyshot.zero_shot.semantic_map import CorrectedVectorClassifier, SemanticMapClassifier
from anyshot.zero_shot.transductive import (
    LabeledSums,
    TransductiveZeroShotClassifier,
    agreement_by_side,
    fit_mixture,
    independent_fraction,
    log_density,
    mean_of_nearest,
    nearest_neighbors,
    neighbor_graph,
    propagate,
    share_offsets,
)

METHODS = ["refine", "mixture", "propagation"]


def clusters(*, seed=0, n_classes=8, n_unseen=3, width=16, n_each=30, off=0.8):
    """Return items in clusters and class vectors near their centers; the last classes have no label."""
    random = generator(seed)
    centers = np.linalg.qr(random.normal(size=(width, n_classes)))[0].T
    S = centers + off * random.normal(size=(n_classes, width)) / np.sqrt(width)
    y = np.repeat(np.arange(n_classes), n_each)
    X = centers[y] + 0.6 * random.normal(size=(len(y), width)) / np.sqrt(width)
    return X, y, np.where((y < n_classes - n_unseen) & (np.arange(len(y)) % 3 == 0), y, -1), S


@pytest.mark.parametrize("method", METHODS)
def test_fit_is_repeatable_and_does_not_change_its_input(method):
    X, _, y, S = clusters()
    before = X.copy(), y.copy(), S.copy()
    model = TransductiveZeroShotClassifier(method)
    assert model.fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0]) is model
    scores = model.decision_function(X)
    again = model.fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0]).decision_function(X)
    np.testing.assert_allclose(again, scores, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), scores.argmax(axis=1))
    assert set(model.predict(X, candidates=[5, 6])) <= {5, 6}
    for after, copy in zip((X, y, S), before, strict=True):
        np.testing.assert_array_equal(after, copy)


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_of_seen_and_unseen_classes_helps_both(method):
    gains = []
    for seed in range(3):
        X, truth, y, S = clusters(seed=seed, off=1.3)
        has = y >= 0
        model = TransductiveZeroShotClassifier(method).fit(X[has], y[has], class_vectors=S, unlabeled=X[~has])
        assert model.pool_used_
        before, after = ((one.predict(X[~has]) == truth[~has]) for one in (model.base_, model))
        gains.append([(after[part].mean() - before[part].mean()) for part in (truth[~has] < 5, truth[~has] >= 5)])
    assert np.mean(gains, axis=0).min() > -0.01
    assert np.mean(gains) > 0.01


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("empty", [([], []), (np.zeros((0, 16)), np.zeros(0, dtype=int))], ids=["lists", "arrays"])
def test_labels_are_optional(method, empty):
    X, truth, _, S = clusters(off=1.5)
    model = TransductiveZeroShotClassifier(method).fit(*empty, class_vectors=S, unlabeled=X)
    inductive = ZeroShotClassifier().fit(X, np.full(len(X), -1), class_vectors=S)
    assert isinstance(model.base_, ZeroShotClassifier)
    assert (model.predict(X) == truth).mean() > (inductive.predict(X) == truth).mean()


@pytest.mark.parametrize("method", METHODS)
def test_pool_probabilities_sum_to_one_and_agree_with_the_predictions(method):
    X, _, y, S = clusters()
    model = TransductiveZeroShotClassifier(method).fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0])
    np.testing.assert_allclose(model.pool_probabilities_.sum(axis=1), 1)
    assert (model.pool_probabilities_.argmax(axis=1) == model.predict(X[y < 0])).mean() > 0.95


def test_class_vectors_of_another_width_are_mapped_first():
    X, truth, y, S = clusters(n_classes=12)
    rotated = S @ np.linalg.qr(generator(5).normal(size=(16, 16)))[0][:, :14]
    model = TransductiveZeroShotClassifier().fit(X[y >= 0], y[y >= 0], class_vectors=rotated, unlabeled=X[y < 0])
    assert isinstance(model.base_, GeneralizedZeroShotClassifier)
    assert isinstance(model.base_.base_, SemanticMapClassifier)
    assert (model.predict(X) == truth).mean() > 0.6


def test_any_estimator_may_be_the_base_and_is_cloned():
    X, _, y, S = clusters()
    base = ESZSL()
    model = TransductiveZeroShotClassifier(base=base).fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0])
    assert isinstance(model.base_, ESZSL)
    assert not hasattr(base, "bilinear_")
    assert repr(clone(model)) == repr(model)


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_with_low_agreement_is_not_used(method, monkeypatch):
    X, _, y, S = clusters()
    model = TransductiveZeroShotClassifier(method)
    monkeypatch.setattr("anyshot.zero_shot.transductive.MIN_AGREEMENT_BY_SIDE", 1.01)
    model.fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0])
    assert not model.pool_used_
    np.testing.assert_array_equal(model.decision_function(X), model.base_.decision_function(X))
    assert "so the base estimator is used" in model.reasons_[0]


def test_agreement_is_that_of_the_worse_side():
    seen = np.array([True, True, False, False])
    before = np.repeat(10.0 * np.eye(4), 20, axis=0) + generator(0).normal(size=(80, 4))
    assert agreement_by_side(before, before, seen) == 1
    assert agreement_by_side(before, before[:, [1, 0, 3, 2]], seen) == 0
    worse = before.copy()
    worse[60:] = worse[:20]  # one of two unseen classes predicted to be a seen one
    assert agreement_by_side(before, worse, seen) < 1
    assert agreement_by_side(before[:40], before[:40], seen) == 1  # no unseen class is predicted


def test_agreement_with_one_unseen_class():
    before = np.repeat(10.0 * np.eye(3), 10, axis=0)
    assert agreement_by_side(before, before, np.array([True, True, False])) == 1
    assert agreement_by_side(before, before[:, [0, 2, 1]], np.array([True, True, False])) == 0


def test_the_reason_says_that_the_pool_is_used():
    X, _, y, S = clusters()
    model = TransductiveZeroShotClassifier().fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=X[y < 0])
    assert "so they are used (refine). Only labels could show" in model.reasons_[0]
    assert model.agreement_ >= 0.83


@pytest.mark.parametrize("pool", [None, np.zeros((0, 16)), np.ones((1, 16))], ids=["none", "empty", "one"])
def test_without_a_pool_the_base_estimator_is_used(pool):
    X, _, y, S = clusters()
    model = TransductiveZeroShotClassifier(base=CorrectedVectorClassifier())
    model.fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=pool)
    np.testing.assert_array_equal(model.decision_function(X), model.base_.decision_function(X))
    assert "no pool" in model.reasons_[0]


@pytest.mark.parametrize(
    ("options", "pool", "error", "text"),
    [
        (
            {"method": "magic"},
            lambda X: X,
            InputError,
            "Unknown method 'magic'. Choose one of: refine, mixture, propagation",
        ),
        ({"balance": 2}, lambda X: X, InputError, "balance must be between 0 and 1; got 2"),
        ({}, lambda X: X[:, :5], WidthError, "unlabeled has vectors of width 5"),
        ({}, lambda X: np.where(np.arange(16) == 3, np.nan, X), InputError, "NaN"),
    ],
)
def test_invalid_input_raises_an_error(options, pool, error, text):
    X, _, y, S = clusters()
    with pytest.raises(error, match=text):
        TransductiveZeroShotClassifier(**options).fit(X[y >= 0], y[y >= 0], class_vectors=S, unlabeled=pool(X))


def test_class_vectors_of_another_width_without_labels_raise_an_error():
    X, _, _, S = clusters()
    with pytest.raises(WidthError, match="Cosine needs class vectors as wide as the items"):
        TransductiveZeroShotClassifier().fit([], [], class_vectors=S[:, :5], unlabeled=X)


def test_labels_of_all_classes_give_one_warning():
    X, _, _, S = clusters(n_unseen=0)
    y = np.repeat(np.arange(8), 30)
    with pytest.warns(UserWarning, match="All 8 classes have labels") as warned:
        TransductiveZeroShotClassifier().fit(X, y, class_vectors=S, unlabeled=X)
    assert len(warned) == 1


# --- the Gaussian mixture ---------------------------------------------------------------------------------------------

NONE = LabeledSums(np.zeros((2, 3)), np.zeros(3), np.zeros(2))


@pytest.fixture
def mixture_pool():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    U = np.array([[1.0, 0, 0], [0, 1.0, 0]])[y] + 0.3 * random.normal(size=(40, 3))
    prior = np.log(softmax(1.0 * np.eye(2)[y] + random.normal(size=(40, 2)), axis=1))
    near = np.argsort(((U[:, None] - U[None]) ** 2).sum(axis=2), axis=1)[:, 1:4]
    around = np.zeros((40, 40))
    np.put_along_axis(around, near, 1 / 3, axis=1)
    return U, prior, around, y


def test_one_round_follows_the_formula(mixture_pool):
    U, prior, around, _ = mixture_pool
    found = fit_mixture(U, prior, csr_matrix(around), NONE, anchor=0.7, smoothness=2.0, balance=0.0, rounds=1)
    z = np.exp(prior) / np.exp(prior).sum(axis=1, keepdims=True)
    means = np.stack([(z[:, k, None] * U).sum(axis=0) / z[:, k].sum() for k in range(2)])
    variance = sum((z[:, k, None] * (U - means[k]) ** 2).sum(axis=0) for k in range(2)) / len(U)
    fraction = independent_fraction(U)
    for _ in range(2):
        density = np.stack([multivariate_normal(mean, np.diag(variance)).pdf(U) for mean in means], axis=1)
        z = density**fraction * np.exp(prior) ** 0.7 * np.exp(2.0 * around @ z)
        z = z / z.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.means, means)
    np.testing.assert_allclose(found.variance, variance)
    np.testing.assert_allclose(found.probabilities, z)


def test_the_mixture_raises_accuracy(mixture_pool):
    U, prior, around, y = mixture_pool
    before = (prior.argmax(axis=1) == y).mean()
    after = (fit_mixture(U, prior, csr_matrix(around), NONE).probabilities.argmax(axis=1) == y).mean()
    assert before < 0.9 < after


def test_labeled_vectors_enter_means_and_variance(mixture_pool):
    U, prior, around, y = mixture_pool
    sums = np.stack([U[y == k].sum(axis=0) for k in range(2)])
    labeled = LabeledSums(1e6 * sums, 1e6 * (U**2).sum(axis=0), 1e6 * np.bincount(y))
    found = fit_mixture(U, prior, csr_matrix(around), labeled)
    means = np.stack([U[y == k].mean(axis=0) for k in range(2)])
    np.testing.assert_allclose(found.means, means, atol=1e-4)
    np.testing.assert_allclose(found.variance, ((U - means[y]) ** 2).mean(axis=0), atol=1e-4)


def test_a_class_without_items_gives_finite_results(mixture_pool):
    U, _, around, _ = mixture_pool
    prior = np.column_stack([np.zeros(40), np.full(40, -800.0)])
    found = fit_mixture(U, prior, csr_matrix(around), NONE, balance=0.0)
    assert all(np.isfinite(part).all() for part in found)


def test_log_density_equals_that_of_scipy_up_to_a_constant():
    random = np.random.default_rng(0)
    X, means, variance = random.normal(size=(5, 3)), random.normal(size=(4, 3)), random.uniform(0.5, 2, size=3)
    full = np.stack([multivariate_normal(mean, np.diag(variance)).logpdf(X) for mean in means], axis=1)
    found = log_density(X, means, variance)
    np.testing.assert_allclose(found - found[:, :1], full - full[:, :1])


def test_repeated_features_count_once():
    X = np.random.default_rng(0).normal(size=(20_000, 1))
    assert independent_fraction(np.repeat(X, 4, axis=1)) == pytest.approx(0.25)
    assert independent_fraction(np.random.default_rng(1).normal(size=(20_000, 4))) == pytest.approx(1, abs=0.01)
    assert independent_fraction(np.ones((3, 2))) == 1


def test_offsets_move_mean_probabilities_to_equal_shares():
    logits = np.random.default_rng(0).normal(size=(200, 4)) + np.array([2, 0, 0, -1])
    gap = {
        balance: np.abs(softmax(logits + share_offsets(logits, balance=balance), axis=1).mean(axis=0) - 0.25).max()
        for balance in (0.0, 0.5, 1.0)
    }
    assert gap[0.0] > gap[0.5] > gap[1.0]
    assert gap[1.0] < 0.05
    np.testing.assert_array_equal(share_offsets(logits, balance=0.0), np.zeros(4))


# --- label propagation ------------------------------------------------------------------------------------------------


def test_propagation_converges_to_the_closed_form():
    random = np.random.default_rng(0)
    W, prior = np.triu(random.uniform(size=(6, 6)), 1), random.dirichlet(np.ones(3), size=6)
    both = W + W.T
    root = np.diag(both.sum(axis=1) ** -0.5)
    S = root @ both @ root
    exact = 0.2 * np.linalg.inv(np.eye(6) - 0.8 * S) @ prior  # (1 - alpha) (I - alpha S)^-1 Y
    found = propagate(prior, csr_matrix(W), alpha=0.8, rounds=200)
    np.testing.assert_allclose(found, exact / exact.sum(axis=1, keepdims=True), atol=1e-8)


def test_one_label_in_each_cluster_labels_the_cluster():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], 15)
    X = unit(np.eye(2)[y] + 0.1 * random.normal(size=(30, 2)))
    prior = np.full((30, 2), 0.5)
    prior[[0, 15]] = np.eye(2)
    graph = neighbor_graph(X, nearest_neighbors(X, n_neighbors=5))
    np.testing.assert_array_equal(propagate(prior, graph).argmax(axis=1), y)


def test_propagation_with_alpha_zero_changes_nothing():
    prior = np.random.default_rng(0).dirichlet(np.ones(3), size=4)
    np.testing.assert_allclose(propagate(prior, csr_matrix(np.ones((4, 4))), alpha=0.0), prior)


def test_the_graph_contains_non_negative_cosines():
    X = unit(np.array([[1.0, 0], [1, 1], [-1, -0.5]]))
    graph = neighbor_graph(X, np.array([[1], [0], [1]])).toarray()
    np.testing.assert_allclose(graph, [[0, np.sqrt(0.5), 0], [np.sqrt(0.5), 0, 0], [0, 0, 0]], atol=1e-6)


def test_a_new_item_gets_the_mean_of_the_nearest_nodes():
    nodes = unit(np.array([[1.0, 0], [1, 0.1], [0, 1.0]]))
    found = mean_of_nearest(
        unit(np.array([[1.0, 0.05]])), nodes, np.array([[1.0, 0], [0.5, 0.5], [0, 1]]), n_neighbors=2
    )
    np.testing.assert_allclose(found, [[0.75, 0.25]])


def test_neighbors_are_the_nearest_other_vectors():
    angles = np.radians([0, 10, 30, 90, 95])
    X = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    assert nearest_neighbors(X, n_neighbors=1).ravel().tolist() == [1, 0, 1, 4, 3]


def test_neighbors_do_not_depend_on_blocks_of_rows():
    X = unit(generator(0).normal(size=(1100, 4)))
    similarity = X @ X.T - 2 * np.eye(1100)
    assert (nearest_neighbors(X, n_neighbors=1).ravel() == similarity.argmax(axis=1)).all()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_there_may_be_fewer_vectors_than_neighbors(size):
    assert nearest_neighbors(np.eye(5, dtype=np.float32)[:size], n_neighbors=10).shape == (size, max(1, size - 1))


def test_columns_of_the_pool_keep_their_order_and_missing_labels_are_none():
    X = pd.DataFrame([[1.0, 0.1], [0.9, 0.0], [0.1, 1.0], [0.0, 0.8]], columns=["a", "b"])
    model = TransductiveZeroShotClassifier().fit(X, [0, None, 1, np.nan], class_vectors=np.eye(3, 2) + 0.1, unlabeled=X)
    assert model.seen_classes_.tolist() == [0, 1]
    with pytest.raises(InputError, match="feature_names_in_"):
        model.fit(X, [0, -1, 1, -1], class_vectors=np.eye(3, 2) + 0.1, unlabeled=X[["b", "a"]])
