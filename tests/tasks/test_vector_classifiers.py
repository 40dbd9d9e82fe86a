"""The any-shot head: exactly zero-shot without labels, logistic regression with many; and the nearest class mean."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.utils.estimator_checks import parametrize_with_checks

from anyshot.base.validation import class_means, generator, unit
from anyshot.errors import InputError, NotEnoughClassesError, UnknownClassError, WidthError
from anyshot.tasks.vector_classifiers import AnyShotHead, PrototypeClassifier
from anyshot.training.softmax_regression import Examples
from softmax_oracle import blobs, plain_minimum

TOL = 1e-9
CLOSE = 3e-3  # precision of float32 for scores up to 5


def rounded_differently(estimator):
    """Return the check that compares probabilities to seven digits, which float32 does not hold."""
    return {"check_sample_weight_equivalence_on_dense_data": "equal to four digits, as tested below"}


@parametrize_with_checks([AnyShotHead(), PrototypeClassifier()], expected_failed_checks=rounded_differently)
def test_sklearn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("with_names", [False, True], ids=["labels", "labels and class vectors"])
@pytest.mark.parametrize("model", [AnyShotHead(tol=TOL), PrototypeClassifier()], ids=["head", "prototypes"])
def test_a_weight_of_3_is_as_three_copies(model, with_names):
    X, y, S = blobs()
    weights, given = np.arange(len(y)) % 4, {"class_vectors": S} if with_names else {}
    rows = np.repeat(np.arange(len(y)), weights)
    copied = clone(model).fit(X[rows], y[rows], **given).predict_proba(X)
    weighted = clone(model).fit(X, y, sample_weight=weights, **given).predict_proba(X)
    np.testing.assert_allclose(weighted, copied, atol=5e-4)
    assert not np.allclose(weighted, clone(model).fit(X, y, **given).predict_proba(X), atol=1e-3)


def test_a_class_of_weight_0_is_not_learned():
    X, y, _ = blobs()
    assert AnyShotHead().fit(X, y, sample_weight=y > 0).classes_.tolist() == [1, 2, 3]


# --- no label ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 5])
def test_without_labels_the_head_is_zero_shot_exactly(rows):
    X, _, S = blobs()
    head = AnyShotHead(prior_scale=7.0).fit(X[:rows], np.full(rows, -1), class_vectors=S)
    np.testing.assert_array_equal(head.coef_, np.float32(7) * S)
    np.testing.assert_array_equal(head.intercept_, 0)
    np.testing.assert_array_equal(head.predict(X), (X @ S.T).argmax(axis=1))


def test_class_vectors_of_weight_zero_still_predict_without_labels():
    X, _, S = blobs()
    head = AnyShotHead(name_weight=0).fit(X[:0], [], class_vectors=S)
    np.testing.assert_array_equal(head.predict(X), (X @ S.T).argmax(axis=1))


# --- the minimum ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_each", "width"), [(10, 8), (2, 20)], ids=["more examples", "more features"])
@pytest.mark.parametrize("C", [0.3, 10.0])
def test_logistic_regression_reaches_the_minimum_of_the_formula(n_each, width, C):
    X, y, _ = blobs(n_each=n_each, width=width)
    head = AnyShotHead(C=C, tol=TOL).fit(X, y)
    V, b = plain_minimum(X.astype(float), np.eye(4)[y], np.ones(len(y)), 0.0, C)
    np.testing.assert_allclose(head.decision_function(X), X @ V.T + b, atol=CLOSE)


def test_names_soft_targets_and_uneven_weights_reach_the_minimum_of_the_formula():
    X, y, S = blobs(n_each=4)
    random = generator(1)
    keep = (y != 3) & ((y == 0) | (np.arange(len(y)) % 4 == 0))  # counts 4, 1, 1, 0
    U = unit(random.normal(size=(30, 8)))
    soft = random.dirichlet(np.ones(4), size=30)
    weights = random.uniform(0.1, 0.5, size=30)
    more = Examples(U, soft.astype(np.float32), weights.astype(np.float32))
    head = AnyShotHead(prior_scale=5.0, C=10.0, name_weight=0.5, tol=TOL).fit(
        X[keep], y[keep], class_vectors=S, more=more
    )

    rows = np.concatenate([X[keep], S, U]).astype(float)
    targets = np.concatenate([np.eye(4)[y[keep]], np.eye(4), soft])
    w = np.concatenate([np.ones(keep.sum()), np.full(4, 0.5), weights])
    V, b = plain_minimum(rows, targets, w, 5.0 * rows @ S.T, 10.0)
    np.testing.assert_allclose(head.decision_function(X), 5.0 * X @ S.T + X @ V.T + b, atol=CLOSE)


def test_predictions_agree_with_scikit_learn_where_the_intercept_hardly_matters():
    X, y, _ = blobs(n_classes=6, n_each=30, width=12, noise=1.5)
    oracle = LogisticRegression(C=10.0, tol=1e-6, max_iter=2000).fit(X, y)  # its intercept has no penalty
    agree = AnyShotHead(C=10.0, tol=TOL).fit(X, y).predict(X) == oracle.predict(X)
    assert agree.mean() >= 0.98


def test_a_start_from_another_solution_leads_to_the_same_scores():
    X, y, S = blobs()
    elsewhere = AnyShotHead(C=30.0).fit(X[::3], (y[::3] + 1) % 4, class_vectors=S).delta_
    cold = AnyShotHead(tol=TOL).fit(X, y, class_vectors=S)
    warm = AnyShotHead(tol=TOL).fit(X, y, class_vectors=S, start=elsewhere)
    np.testing.assert_allclose(warm.decision_function(X), cold.decision_function(X), atol=CLOSE)


# --- laws -------------------------------------------------------------------------------------------------------------


def test_permuting_samples_permutes_answers():
    X, y, S = blobs()
    order = generator(2).permutation(len(X))
    straight = AnyShotHead(tol=TOL).fit(X, y, class_vectors=S).decision_function(X)
    mixed = AnyShotHead(tol=TOL).fit(X[order], y[order], class_vectors=S).decision_function(X[order])
    np.testing.assert_allclose(mixed, straight[order], atol=CLOSE)


def test_permuting_classes_permutes_scores():
    X, y, S = blobs()
    order = np.array([2, 0, 3, 1])
    straight = AnyShotHead(tol=TOL).fit(X, y, class_vectors=S).decision_function(X)
    mixed = AnyShotHead(tol=TOL).fit(X, np.argsort(order)[y], class_vectors=S[order]).decision_function(X)
    np.testing.assert_allclose(mixed, straight[:, order], atol=CLOSE)


def test_examples_of_weight_zero_change_nothing():
    X, y, S = blobs()
    noise = Examples(unit(generator(3).normal(size=(9, 8))), np.eye(4, dtype=np.float32)[[0] * 9], np.zeros(9, "f4"))
    for rows in (0, 10):
        without = AnyShotHead(tol=TOL).fit(X[:rows], y[:rows], class_vectors=S).decision_function(X)
        beside = AnyShotHead(tol=TOL).fit(X[:rows], y[:rows], class_vectors=S, more=noise).decision_function(X)
        np.testing.assert_allclose(beside, without, atol=CLOSE)


# --- uneven counts ----------------------------------------------------------------------------------------------------


def test_a_class_with_more_labels_is_not_preferred():
    counted_in_training = np.repeat([0, 1], [20, 1])
    X = np.eye(2, dtype=np.float32)[counted_in_training]  # symmetric except for the counts
    score = AnyShotHead(C=10.0).fit(X, counted_in_training).decision_function(unit(np.array([[1.0, 1.0]])))
    plain = LogisticRegression(C=10.0).fit(X, counted_in_training).decision_function([[0.7, 0.7]])
    assert plain[0] < -1  # it prefers the frequent class
    assert score[0] > -0.1


def test_uneven_counts_of_overlapping_classes_give_even_errors():
    random = generator(0)
    y = np.repeat([0, 1], [150, 15])
    X = random.normal(size=(165, 2)) * 0.7 + np.array([[1.0, 0.0], [0.0, 1.0]])[y]
    head = AnyShotHead().fit(X, y)
    test = random.normal(size=(2000, 2)) * 0.7
    recall = [float((head.predict(test + np.eye(2)[k]) == k).mean()) for k in (0, 1)]
    assert abs(recall[0] - recall[1]) < 0.1


def test_a_class_without_labels_is_still_predicted():
    X, y, S = blobs(n_each=20)
    head = AnyShotHead().fit(X[y != 3], y[y != 3], class_vectors=S)
    assert head.predict(S[3:]) == [3]
    assert (head.predict(X[y == 3]) == 3).mean() > 0.5


def test_a_class_without_label_and_class_vector_is_never_predicted():
    X, y, S = blobs()
    S[3] = 0
    head = AnyShotHead().fit(X[y != 3], y[y != 3], class_vectors=S)
    away = np.concatenate([X, -X])
    assert not head.predict_proba(away)[:, 3].any()
    assert not (head.predict(away) == 3).any()


# --- class shares -----------------------------------------------------------------------------------------------------


def test_class_priors_are_added_as_logarithms():
    X, y, S = blobs()
    balanced = AnyShotHead().fit(X, y, class_vectors=S).predict_proba(X)
    moved = AnyShotHead(class_prior=[0.1, 0.2, 0.3, 0.4]).fit(X, y, class_vectors=S).predict_proba(X)
    expected = balanced * [0.1, 0.2, 0.3, 0.4]
    np.testing.assert_allclose(moved, expected / expected.sum(axis=1, keepdims=True), rtol=1e-4)


@pytest.mark.parametrize("wrong", ["labels", [0.5, 0.5], [0.5, 0.5, 0.0, 0.0], [np.inf, 1.0, 1.0, 1.0]])
def test_invalid_class_priors_are_refused(wrong):
    X, y, S = blobs()
    with pytest.raises(InputError, match="'balanced' or a positive share for each of the 4 classes; got"):
        AnyShotHead(class_prior=wrong).fit(X, y, class_vectors=S)


# --- the nearest class mean ------------------------------------------------------------------------------------------


def test_a_class_vector_counts_as_that_many_examples():
    S, X = np.eye(3, dtype=np.float32), np.array([[0, 0, 1.0]], np.float32)
    means = class_means(X, np.array([0]), S, name_weight=2.0)
    np.testing.assert_allclose(means[0], np.array([2, 0, 1]) / np.sqrt(5), rtol=1e-6)
    np.testing.assert_array_equal(means[1:], S[1:])


def test_taking_the_means_leaves_the_class_vectors_alone():
    S = np.eye(3, dtype=np.float32)
    class_means(S, np.array([2, 1, 0]), S)
    np.testing.assert_array_equal(S, np.eye(3))


def test_the_nearest_mean_is_scikit_learns_nearest_unit_centroid():
    X, y, S = blobs()
    centroids = class_means(X, y, np.zeros(S.shape, np.float32))
    oracle = KNeighborsClassifier(1).fit(centroids, np.arange(4))
    queries = unit(generator(1).normal(size=(200, 8)))
    np.testing.assert_allclose(unit(NearestCentroid().fit(X, y).centroids_), centroids, atol=1e-6)
    np.testing.assert_array_equal(PrototypeClassifier().fit(X, y).predict(queries), oracle.predict(queries))


def test_the_length_of_a_vector_does_not_matter():
    X, y, _ = blobs()
    model = PrototypeClassifier().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(7 * X), model.predict_proba(X), atol=1e-5)


def test_permuting_samples_permutes_the_answers_of_the_nearest_mean():
    X, y, _ = blobs()
    order = generator(2).permutation(len(X))
    mixed = PrototypeClassifier().fit(X[order], y[order]).decision_function(X[order])
    np.testing.assert_allclose(mixed, PrototypeClassifier().fit(X, y).decision_function(X)[order], atol=1e-5)


def test_without_labels_the_class_vectors_are_the_prototypes():
    S = np.eye(3, dtype=np.float32)
    model = PrototypeClassifier(temperature=0.1).fit(np.zeros((0, 3)), [], class_vectors=S)
    assert model.predict([[0.1, 0.9, 0.2]]) == [1]
    odds = np.exp(10.0 * np.array([0.1, 0.9, 0.2]) / np.sqrt(0.86))
    np.testing.assert_allclose(model.predict_proba([[0.1, 0.9, 0.2]])[0], odds / odds.sum(), rtol=1e-4)


def test_a_class_without_label_and_class_vector_is_never_the_nearest():
    S = np.array([[1.0, 0], [0, 1.0], [0, 0]])
    model = PrototypeClassifier().fit(np.zeros((0, 2)), [], class_vectors=S)
    assert model.predict([[-1.0, -0.5]]) == [1]  # both cosines are below 0
    assert model.predict_proba([[-1.0, -0.5]])[0, 2] == 0


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(InputError, match="temperature must be above 0; got 0"):
        PrototypeClassifier(temperature=0).fit([[1.0], [2.0]], [0, 1])


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classifier", [AnyShotHead(), PrototypeClassifier()])
def test_class_vectors_of_another_width_are_refused(classifier):
    with pytest.raises(WidthError, match="class_vectors has width 3 and X has width 2"):
        classifier.fit([[1.0, 0.0]], [0], class_vectors=np.eye(3))


@pytest.mark.parametrize("classifier", [AnyShotHead(), PrototypeClassifier()])
def test_fewer_than_two_classes_with_a_label_or_vector_are_refused(classifier):
    with pytest.raises(NotEnoughClassesError, match="two of the 2 classes need a label or a class vector"):
        classifier.fit([[1.0, 0.0]], [0], class_vectors=np.zeros((2, 2)))


@pytest.mark.parametrize("classifier", [AnyShotHead(), PrototypeClassifier()])
def test_a_label_outside_the_class_vectors_is_refused(classifier):
    with pytest.raises(UnknownClassError, match="y contains class 2; there are 2 classes, 0 to 1"):
        classifier.fit([[1.0, 0.0]], [2], class_vectors=np.eye(2))


def test_numbers_that_float32_does_not_hold_are_refused():
    X, y = np.array([[1.0, 0.0], [0.0, 1.0]]), ["cat", "dog"]
    with pytest.raises(InputError, match=r"X contains 1e\+300 in rows 0, 1; numbers up to 1e\+15 are supported"):
        PrototypeClassifier().fit(X * 1e300, y)
    model = PrototypeClassifier().fit(X, y)
    with pytest.raises(InputError, match="numbers up to"):
        model.predict(X * 1e300)
