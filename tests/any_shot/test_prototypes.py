"""The nearest class mean."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.utils.estimator_checks import parametrize_with_checks

from anyshot.any_shot.prototypes import PrototypeClassifier
from anyshot.any_shot.solver import class_means
from anyshot.base.validation import generator, unit
from anyshot.errors import InputError, NotEnoughClassesError, UnknownClassError, WidthError


def blobs(*, n_classes=5, width=6, n_each=8):
    random = generator(0)
    y = np.repeat(np.arange(n_classes), n_each)
    return unit(random.normal(size=(n_classes, width))[y] + random.normal(size=(len(y), width))), y


@parametrize_with_checks([PrototypeClassifier()])
def test_sklearn_contract(estimator, check):
    check(estimator)


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
    X, y = blobs()
    centroids = class_means(X, y, np.zeros((5, 6), np.float32))
    oracle = KNeighborsClassifier(1).fit(centroids, np.arange(5))
    queries = unit(generator(1).normal(size=(200, 6)))
    np.testing.assert_allclose(unit(NearestCentroid().fit(X, y).centroids_), centroids, atol=1e-6)
    np.testing.assert_array_equal(PrototypeClassifier().fit(X, y).predict(queries), oracle.predict(queries))


def test_the_length_of_a_vector_does_not_matter():
    X, y = blobs()
    model = PrototypeClassifier().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(7 * X), model.predict_proba(X), atol=1e-5)


def test_permuting_samples_permutes_answers():
    X, y = blobs()
    order = generator(2).permutation(len(X))
    mixed = PrototypeClassifier().fit(X[order], y[order]).decision_function(X[order])
    np.testing.assert_allclose(mixed, PrototypeClassifier().fit(X, y).decision_function(X)[order], atol=1e-5)


def test_without_labels_the_class_vectors_are_the_prototypes():
    S = np.eye(3, dtype=np.float32)
    model = PrototypeClassifier(temperature=0.1).fit(np.zeros((0, 3)), [], class_vectors=S)
    assert model.predict([[0.1, 0.9, 0.2]]) == [1]
    odds = np.exp(10.0 * np.array([0.1, 0.9, 0.2]) / np.sqrt(0.86))
    np.testing.assert_allclose(model.predict_proba([[0.1, 0.9, 0.2]])[0], odds / odds.sum(), rtol=1e-4)


def test_a_class_without_label_and_class_vector_is_never_predicted():
    S = np.array([[1.0, 0], [0, 1.0], [0, 0]])
    model = PrototypeClassifier().fit(np.zeros((0, 2)), [], class_vectors=S)
    assert model.predict([[-1.0, -0.5]]) == [1]  # both cosines are below 0
    assert model.predict_proba([[-1.0, -0.5]])[0, 2] == 0


def test_class_vectors_of_another_width_are_refused():
    with pytest.raises(WidthError, match="class_vectors has width 3 and X has width 2"):
        PrototypeClassifier().fit([[1.0, 0.0]], [0], class_vectors=np.eye(3))


def test_fewer_than_two_classes_with_a_label_or_vector_are_refused():
    with pytest.raises(NotEnoughClassesError, match="two of the 2 classes need a label or a class vector"):
        PrototypeClassifier().fit([[1.0, 0.0]], [0], class_vectors=np.zeros((2, 2)))


def test_a_label_outside_the_class_vectors_is_refused():
    with pytest.raises(UnknownClassError, match="y contains class 2; there are 2 classes"):
        PrototypeClassifier().fit([[1.0, 0.0]], [2], class_vectors=np.eye(2))


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(InputError, match="temperature must be above 0; got 0"):
        PrototypeClassifier(temperature=0).fit([[1.0], [2.0]], [0, 1])
