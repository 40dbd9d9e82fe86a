"""The shared behavior of all domain adaptation classifiers, and their contract."""

import re

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_info

from anyshot.domain_adaptation.base import ScaledLogisticRegression, SourceModel, fit_base, probabilities
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.density_ratio import DensityRatioWeighting
from anyshot.domain_adaptation.label_shift import LabelShiftCorrection
from anyshot.domain_adaptation.meda import MEDA
from anyshot.domain_adaptation.msda import MSDA
from anyshot.domain_adaptation.optimal_transport import OptimalTransport
from anyshot.domain_adaptation.self_training import SelfTraining
from anyshot.domain_adaptation.subspace_alignment import SubspaceAlignment
from anyshot.domain_adaptation.tca import JDA, TCA
from anyshot.errors import InputError, TargetLabelsError
from domain_adaptation.worlds import moved_world

METHODS = [
    SourceModel(),
    CORAL(),
    SubspaceAlignment(n_components=3),
    TCA(n_components=3),
    JDA(n_components=3, rounds=2),
    OptimalTransport(),
    OptimalTransport(regularize=None),
    MEDA(n_components=3, n_neighbors=5),
    MSDA(n_layers=2),
    DensityRatioWeighting(min_sample_fraction=0.0),
    SelfTraining(rounds=2),
    LabelShiftCorrection(n_bootstrap=3, random_state=0),
    LabelShiftCorrection(method="bbse", n_bootstrap=3, random_state=0),
]
SPARSE = [model for model in METHODS if model.supports_sparse]


def name(model):
    return re.sub(r"\s+", "", str(model))


every_method = pytest.mark.parametrize("model", METHODS, ids=name)


def rounded_differently(estimator):
    """Return the check that compares probabilities to seven digits, which the solver for float32 does not reach."""
    return {"check_sample_weight_equivalence_on_dense_data": "equal to three digits, as tested below"}


@parametrize_with_checks(
    [SourceModel(), LabelShiftCorrection(random_state=0)], expected_failed_checks=rounded_differently
)
def test_sklearn_contract_without_a_target(estimator, check):
    check(estimator)


@pytest.mark.parametrize("convert", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_a_weight_of_3_is_as_three_copies_without_a_target(convert):
    world = moved_world()
    weights = np.arange(len(world.y)) % 4
    rows = np.repeat(np.arange(len(world.y)), weights)
    exact = SourceModel(base=ScaledLogisticRegression(tol=1e-8))
    weighted = clone(exact).fit(convert(world.X), world.y, sample_weight=weights)
    copied = clone(exact).fit(convert(world.X[rows]), world.y[rows])
    target = convert(world.target)
    np.testing.assert_allclose(weighted.predict_proba(target), copied.predict_proba(target), atol=2e-3)


@every_method
def test_an_item_of_weight_0_is_as_absent(model):
    world = moved_world()
    kept = np.arange(len(world.y)) % 5 > 0
    weighted = clone(model).fit(world.X, world.y, target=world.target, sample_weight=kept)
    alone = clone(model).fit(world.X[kept], world.y[kept], target=world.target)
    np.testing.assert_allclose(weighted.predict_proba(world.target), alone.predict_proba(world.target), atol=1e-6)


@every_method
def test_a_class_of_large_weight_becomes_more_probable(model):
    world = moved_world()
    noise = np.random.default_rng(1).normal(0, 3, size=(2, *world.X.shape))  # so that no class is certain
    X, target = world.X + noise[0], world.target + noise[1]
    model = clone(model)
    if isinstance(model, SubspaceAlignment):  # the nearest neighbor, its default, takes no weights
        model.set_params(base=LogisticRegression())
    weights = np.where(world.y == "ash", 50.0, 0.5)
    plain, weighted = (
        clone(model).fit(X, world.y, target=target, sample_weight=given).predict_proba(target)
        for given in (None, weights)
    )
    assert weighted[:, 0].mean() > plain[:, 0].mean() + 0.01


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0], "one weight for each of 60 items"), ([-1.0] * 60, "-1 in row"), ([0] * 60, "All 60 weights are zero")],
)
def test_weights_that_cannot_be_used_are_refused(weights, message):
    world = moved_world()
    with pytest.raises(ValueError, match=message):
        CORAL().fit(world.X, world.y, target=world.target, sample_weight=weights)


@every_method
def test_fit_returns_self_and_predicts_source_classes(model):
    world = moved_world()
    fitted = clone(model)
    assert fitted.fit(world.X, world.y, target=world.target) is fitted
    predicted = fitted.predict(world.target)
    assert predicted.shape == world.truth.shape
    assert set(predicted) <= set(world.y)
    assert list(fitted.classes_) == ["ash", "birch", "cedar"]
    assert np.mean(predicted == world.truth) > 0.6  # chance is a third


class ThreadRecorder(LogisticRegression):
    """Notes how many threads the algebra around it may use."""

    def fit(self, X, y, sample_weight=None):
        self.threads_ = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
        return super().fit(X, y, sample_weight=sample_weight)


@pytest.mark.parametrize("target", [None, moved_world().target], ids=["source alone", "adapted"])
def test_small_problems_use_one_thread(target):
    world = moved_world()
    assert CORAL(base=ThreadRecorder()).fit(world.X, world.y, target=target).model_.threads_ == {1}


@every_method
def test_the_prediction_has_the_highest_score_and_probability(model):
    world = moved_world()
    fitted = clone(model).fit(world.X, world.y, target=world.target)
    predicted, probability = fitted.predict(world.target), fitted.predict_proba(world.target)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(fitted.classes_[probability.argmax(axis=1)], predicted)
    if hasattr(fitted, "decision_function"):
        scores = fitted.decision_function(world.target)
        np.testing.assert_array_equal(fitted.classes_[scores.argmax(axis=1)], predicted)


@every_method
def test_refitting_gives_the_same_predictions_and_changes_no_input(model):
    world = moved_world()
    before = [table.copy() for table in world]
    first = clone(model).fit(world.X, world.y, target=world.target)
    probability = first.predict_proba(world.target)
    again = first.fit(world.X, world.y, target=world.target).predict_proba(world.target)
    np.testing.assert_allclose(again, probability, atol=1e-6)
    for table, copy in zip(world, before, strict=True):
        np.testing.assert_array_equal(table, copy)


@every_method
def test_permuting_the_target_permutes_the_predictions(model):
    world = moved_world()
    order = np.random.default_rng(3).permutation(len(world.target))
    straight = clone(model).fit(world.X, world.y, target=world.target).predict(world.target)
    mixed = clone(model).fit(world.X, world.y, target=world.target[order]).predict(world.target[order])
    assert np.mean(mixed == straight[order]) >= 0.95  # the folds of the density ratio depend on the order


@every_method
def test_without_a_target_it_is_the_base_on_the_source(model):
    world = moved_world()
    plain = SourceModel(normalize=model.normalize).fit(world.X, world.y)
    alone = clone(model).fit(world.X, world.y)
    assert not alone.adapted_
    np.testing.assert_array_equal(alone.predict(world.target), plain.predict(world.target))


@every_method
def test_two_classes_have_one_column_of_scores(model):
    world = moved_world(n_classes=2)
    fitted = clone(model).fit(world.X, world.y, target=world.target)
    if hasattr(fitted, "decision_function"):
        scores = fitted.decision_function(world.target)
        assert scores.shape == (len(world.target),)
        np.testing.assert_array_equal(fitted.classes_[(scores > 0).astype(int)], fitted.predict(world.target))


@every_method
def test_single_items_are_predicted_as_in_a_batch(model):
    world = moved_world()
    fitted = clone(model).fit(world.X, world.y, target=world.target)
    np.testing.assert_array_equal(fitted.predict(world.target[:5]), fitted.predict(world.target)[:5])


@pytest.mark.parametrize("model", SPARSE, ids=name)
def test_sparse_and_dense_tables_give_the_same_predictions(model):
    world = moved_world()
    X, target = np.maximum(world.X, 0), np.maximum(world.target, 0)
    dense = clone(model).set_params(normalize=None).fit(X, world.y, target=target)
    thin = clone(model).set_params(normalize=None).fit(csr_matrix(X), world.y, target=csr_array(target))
    assert np.mean(thin.predict(csr_matrix(target)) == dense.predict(target)) >= 0.95


@pytest.mark.parametrize("model", [model for model in METHODS if not model.supports_sparse], ids=name)
def test_methods_without_sparse_support_raise_an_error(model):
    world = moved_world()
    with pytest.raises(InputError, match=r"does not support sparse tables\. Use a method that does"):
        clone(model).fit(csr_array(world.X), world.y, target=csr_array(world.target))


@every_method
def test_target_labels_are_refused(model):
    world = moved_world()
    with pytest.raises(TargetLabelsError, match="Adaptation must not see labels of the target"):
        clone(model).fit(world.X, world.y, target=(world.target, world.truth))
    with pytest.raises(TypeError, match="y_target"):
        clone(model).fit(world.X, world.y, target=world.target, y_target=world.truth)


@pytest.mark.parametrize("wrong", [-0.5, np.nan, np.inf, "1"])
@pytest.mark.parametrize(
    ("method", "name"),
    [
        (CORAL, "ridge"),
        (TCA, "penalty"),
        (JDA, "penalty"),
        (MEDA, "alignment"),
        (MEDA, "smoothness"),
        (OptimalTransport, "entropy"),
        (OptimalTransport, "class_penalty"),
        (DensityRatioWeighting, "exponent"),
        (DensityRatioWeighting, "min_sample_fraction"),
        (MSDA, "noise"),
    ],
)
def test_a_parameter_that_is_no_number_in_its_range_is_refused(method, name, wrong):
    world = moved_world()
    with pytest.raises(InputError, match=f"{name}.* must be .*{wrong!r}|{name}={wrong!r} must be a"):
        method(**{name: wrong}).fit(world.X, world.y, target=world.target)


@pytest.mark.parametrize(("method", "name"), [(TCA, "penalty"), (OptimalTransport, "entropy"), (MSDA, "noise")])
def test_a_parameter_that_must_be_positive_is_not_zero(method, name):
    world = moved_world()
    with pytest.raises(InputError, match=name):
        method(**{name: 0}).fit(world.X, world.y, target=world.target)


def test_normalization_is_that_of_standard_scaler():
    world = moved_world()
    ours = StandardScaler().fit(world.X)
    model = ScaledLogisticRegression().fit(ours.transform(world.X), world.y)
    for by, scaler in (("source", ours), ("domain", StandardScaler().fit(world.target))):
        adapted = SourceModel(normalize=by).fit(world.X, world.y, target=world.target)
        oracle = model.predict_proba(scaler.transform(world.target))
        np.testing.assert_allclose(adapted.predict_proba(world.target), oracle, atol=2e-3)


def test_the_scale_of_the_vectors_does_not_change_the_default_base():
    world = moved_world()
    small, large = (ScaledLogisticRegression().fit(scale * world.X, world.y) for scale in (0.1, 10))
    np.testing.assert_allclose(
        small.predict_proba(0.1 * world.target), large.predict_proba(10 * world.target), atol=5e-3
    )


def test_the_default_base_is_logistic_regression_with_a_scaled_penalty():
    X, y = np.array([[1.0, 0], [0, 1.0], [0.9, 0.1], [0.2, 0.8]]), [0, 1, 0, 1]
    square = np.square(X).sum() / 4
    oracle = LogisticRegression(C=30 / square, tol=1e-6, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ScaledLogisticRegression().fit(X, y).coef_, oracle.coef_, rtol=1e-4)


@pytest.mark.parametrize("size", [1e-30, 1e-5, 1e10])
def test_vectors_of_any_size_need_no_normalization(size):
    world, model = moved_world(), SourceModel(normalize=None)
    expected = model.fit(world.X, world.y).predict_proba(world.target)
    by_size = model.fit(world.X * size, world.y).predict_proba(world.target * size)
    np.testing.assert_allclose(by_size, expected, atol=5e-3)


@every_method
def test_numbers_whose_squares_are_infinite_are_refused_unless_they_are_normalized(model):
    world = moved_world()
    far = clone(model).set_params(normalize=None)
    with pytest.raises(InputError, match=r"X contains .*e\+30 in rows 0.*; numbers up to 1e\+15 are supported"):
        far.fit(world.X * 1e30, world.y, target=world.target)


def test_methods_of_the_base_are_available_after_adaptation():
    world = moved_world()
    model = SourceModel(base=LinearSVC()).fit(world.X, world.y, target=world.target)
    assert not hasattr(model, "predict_proba")
    assert hasattr(model, "decision_function")
    assert not hasattr(SourceModel(base=KNeighborsClassifier(1)), "decision_function")


def test_weights_reach_the_last_step_of_a_pipeline_and_a_search():
    X, index, weights = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 1, 0, 1]), np.array([1.0, 5.0, 1.0, 1.0])
    oracle = LogisticRegression().fit(X, index, sample_weight=weights).coef_
    pipeline = make_pipeline(FunctionTransformer(), LogisticRegression())
    np.testing.assert_array_equal(fit_base(pipeline, X, index, weights)[-1].coef_, oracle)
    search = fit_base(GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2), X, index, weights)
    np.testing.assert_array_equal(search.best_estimator_.coef_, oracle)


def test_without_predict_proba_the_predicted_class_has_probability_1():
    model = fit_base(LinearSVC(), np.array([[0.0], [1.0]]), np.array([0, 2]))
    np.testing.assert_array_equal(probabilities(model, np.array([[0.0], [1.0]]), 3), [[1, 0, 0], [0, 0, 1]])


def test_a_class_missing_from_the_training_data_has_probability_0():
    model = fit_base(None, np.array([[0.0], [1.0]]), np.array([0, 2]))
    predicted = probabilities(model, np.array([[0.0], [1.0]]), 3)
    assert not predicted[:, 1].any()
    np.testing.assert_allclose(predicted.sum(axis=1), 1)
