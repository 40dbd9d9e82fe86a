import numpy as np
import pytest
from scipy.stats import multivariate_normal

from anyshot.errors import InputError
from anyshot.zero_shot.gfzsl import GFZSL, FeatureGeneration


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, -1], 15)
    return random.normal(size=(60, 4)) + y[:, None], y, random.normal(size=(5, 6))


@pytest.mark.parametrize("covariance", ["shared", "diagonal"])
def test_scores_are_log_densities_up_to_a_constant(covariance, data):
    X, y, S = data
    model = GFZSL(covariance=covariance).fit(X, y, class_vectors=S)
    by_hand = np.empty((60, 5))
    for k in range(5):
        spread = model.factor_ @ model.factor_.T if covariance == "shared" else np.diag(model.variances_[k])
        by_hand[:, k] = multivariate_normal(model.means_[k], spread).logpdf(X)
    scores = model.decision_function(X)
    np.testing.assert_allclose(scores - scores[:, :1], by_hand - by_hand[:, :1], rtol=1e-3, atol=1e-3)


def test_the_shared_covariance_is_about_the_class_means(data):
    X, y, S = data
    model = GFZSL(shrinkage=0.25).fit(X, y, class_vectors=S)
    within = sum(np.outer(x - X[y == k].mean(axis=0), x - X[y == k].mean(axis=0)) for k in range(3) for x in X[y == k])
    within /= 45
    expected = 0.75 * within + 0.25 * np.trace(within) / 4 * np.eye(4)
    np.testing.assert_allclose(model.factor_ @ model.factor_.T, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [1e-15, 1e10])
def test_predictions_do_not_depend_on_the_size_of_the_features(size, data):
    X, y, S = data
    expected = GFZSL().fit(X, y, class_vectors=S).predict(X)
    assert GFZSL().fit(size * X, y, class_vectors=S).predict(size * X).tolist() == expected.tolist()


def test_items_far_from_the_origin_are_told_apart():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 10)
    X, S = 1e4 + 5 * y[:, None] + random.normal(size=(30, 4)), random.normal(size=(4, 6))
    assert (GFZSL().fit(X, y, class_vectors=S).predict(X, candidates=[0, 1, 2]) == y).all()


@pytest.mark.parametrize("estimator", [GFZSL(), GFZSL(shrinkage=0.0), FeatureGeneration(random_state=0)])
@pytest.mark.parametrize("number", [0.0, 1.0, 1e6])
def test_features_that_do_not_vary_get_finite_scores(estimator, number, data):
    _, y, S = data
    X = np.full((60, 4), number)
    assert np.isfinite(estimator.fit(X, y, class_vectors=S).decision_function(X)).all()


def test_candidates_far_from_certain_items_are_told_apart_by_the_head(data):
    X, y, S = data
    model = FeatureGeneration(random_state=0).fit(1e5 * X, y, class_vectors=S)
    scores = model.decision_function(1e5 * X, candidates=[3, 4])[:, 3:]
    assert np.isfinite(scores).all()
    assert (scores[:, 0] != scores[:, 1]).all()


def test_seen_classes_keep_the_means_of_their_items(data):
    X, y, S = data
    means = GFZSL().fit(X, y, class_vectors=S).means_
    np.testing.assert_allclose(means[:3], [X[y == k].mean(axis=0) for k in range(3)], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("covariance", ["shared", "diagonal"])
def test_samples_have_the_mean_and_covariance_of_the_class(covariance, data):
    X, y, S = data
    model = GFZSL(covariance=covariance).fit(X, y, class_vectors=S)
    samples, index = model.sample([4, 0], n_samples=20_000, random_state=0)
    assert index.tolist()[::20_000] == [4, 0]
    spread = model.factor_ @ model.factor_.T if covariance == "shared" else np.diag(model.variances_[4])
    np.testing.assert_allclose(samples[index == 4].mean(axis=0), model.means_[4], atol=0.05)
    np.testing.assert_allclose(np.cov(samples[index == 4].T), spread, atol=0.06)


def test_the_head_predicts_all_classes_and_repeats_with_a_random_state():
    random = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, -1], 15)
    X, S = random.normal(size=(60, 4)) + y[:, None], random.normal(size=(5, 6))
    model = FeatureGeneration(random_state=0).fit(X, y, class_vectors=S)
    assert model.head_.classes_.tolist() == [0, 1, 2, 3, 4]
    again = FeatureGeneration(random_state=0).fit(X, y, class_vectors=S)
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))


def test_a_shrinkage_beyond_1_is_refused(data):
    X, y, S = data
    with pytest.raises(InputError, match="shrinkage must be from 0 to 1; it is 3"):
        GFZSL(shrinkage=3).fit(X, y, class_vectors=S)
