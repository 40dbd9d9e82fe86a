import numpy as np
import pytest

from anyshot.errors import WidthError
from anyshot.evaluation.class_splits import over_class_splits
from anyshot.zero_shot.semantic_map import (
    CorrectedVectorClassifier,
    SemanticMapClassifier,
    discriminant_weights,
    mapped_weights,
)


def test_discriminant_weights_follow_the_formula():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(40, 5)) + 3, np.repeat([0, 2, 3], [10, 10, 20])
    means = [X[y == k].mean(axis=0) for k in (0, 2, 3)]
    center = sum(means) / 3
    T = sum(np.outer(x - center, x - center) for x in X) / 40
    W = np.array([np.linalg.inv(T + 0.5 * np.trace(T) / 5 * np.eye(5)) @ (mean - center) for mean in means])
    W /= np.sqrt(np.mean([w @ w for w in W]))
    weights, found = discriminant_weights(X.astype(np.float32), y, np.array([0, 2, 3]), shrinkage=0.5)
    np.testing.assert_allclose(found, center, rtol=1e-5)
    np.testing.assert_allclose(weights, W, rtol=1e-3, atol=1e-4)


def test_a_class_halfway_between_two_weighs_both_the_same():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(30, 4)), np.repeat([0, 1, 2], 10)
    S = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    model = SemanticMapClassifier().fit(X, y, class_vectors=S)
    assert model.kernel_weights_[3, 0] == pytest.approx(model.kernel_weights_[3, 1])
    assert model.kernel_weights_[3, 0] > 2 * abs(model.kernel_weights_[3, 2])
    np.testing.assert_allclose(model.decision_function(X), X @ model.coef_.T + model.intercept_, rtol=1e-4, atol=1e-4)


def test_the_scale_of_the_items_does_not_change_predictions():
    random = np.random.default_rng(0)
    X, y, S = random.normal(size=(30, 4)), np.repeat([0, 1, 2], 10), random.normal(size=(5, 6))
    predicted = SemanticMapClassifier().fit(X, y, class_vectors=S).predict(X)
    np.testing.assert_array_equal(SemanticMapClassifier().fit(100 * X, y, class_vectors=S).predict(100 * X), predicted)


@pytest.mark.parametrize("n_classes", [3, 5])
def test_mapped_weights_are_those_of_the_estimator_without_its_warning(n_classes):
    random = np.random.default_rng(0)
    X, y, S = random.normal(size=(30, 4)), np.repeat([0, 1, 2], 10), random.normal(size=(5, 6))
    expected = SemanticMapClassifier().fit(X, y, class_vectors=S).coef_
    if n_classes == 3:  # every class has labels
        with pytest.warns(UserWarning, match="class"):
            expected = SemanticMapClassifier().fit(X, y, class_vectors=S[:3]).coef_
    np.testing.assert_array_equal(mapped_weights(X, y, S[:n_classes]), expected)


def test_animals_are_classified_by_their_attributes(shared):
    with np.load(shared / "data/zsl_cifar20/cifar20_awa_mbv1.npz") as stored:
        X, y, train = stored["X"].astype(np.float32), stored["y"], ~stored["is_test"]
        S, unseen = stored["att"], stored["unseen_splits"][:3]
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    found = over_class_splits(
        {"map": SemanticMapClassifier()}, X, y, class_vectors=S, unseen=list(unseen), train=train
    ).summary()
    assert found["t1"].item() > 0.4


def test_corrections_follow_the_formula():
    random = np.random.default_rng(0)
    X, y, S = random.normal(size=(20, 3)), np.repeat([0, 2], [5, 15]), random.normal(size=(4, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    S /= np.linalg.norm(S, axis=1, keepdims=True)
    seen, width = [0, 2], ((S[0] - S[2]) ** 2).sum()
    R = np.array([X[y == k].mean(axis=0) / np.linalg.norm(X[y == k].mean(axis=0)) - S[k] for k in seen])
    K = np.array([[np.exp(-((S[i] - S[j]) ** 2).sum() / width) for j in seen] for i in range(4)])
    W = S + K @ np.linalg.inv(K[seen] + np.diag([0.2 + 3 / 5, 0.2 + 3 / 15])) @ R
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    model = CorrectedVectorClassifier(penalty=0.2).fit(X, y, class_vectors=S)
    np.testing.assert_allclose(model.coef_, W, atol=1e-5)


def test_a_large_penalty_leaves_the_class_vectors_as_they_are():
    S = np.eye(3)
    model = CorrectedVectorClassifier(penalty=1e9).fit([[1.0, 1.0, 0.0]], [0], class_vectors=S)
    np.testing.assert_allclose(model.coef_, S, atol=1e-6)


def test_class_vectors_of_another_width_raise_an_error():
    with pytest.raises(WidthError, match=r"2 wide, the class vectors 3.*SemanticMapClassifier"):
        CorrectedVectorClassifier().fit(np.eye(2), [0, -1], class_vectors=np.eye(3))


@pytest.mark.parametrize("seed", range(5))
def test_copies_of_one_item_in_several_classes_give_finite_weights(seed):
    random = np.random.default_rng(seed)
    X = np.repeat(random.normal(size=(1, 16)).astype(np.float32), 9, axis=0)
    weights, _ = discriminant_weights(X, np.arange(9) % 3, np.arange(3), shrinkage=1.0)
    assert np.isfinite(weights).all()
