"""scikit-learn passes weights on to a classifier that is no BaseEstimator, once it requests them."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from anyshot import AnyShotClassifier
from anyshot.base.metadata_routing import METHODS, MetadataConsumer
from anyshot.errors import InputError

X = np.array([[0.0], [1.0], [0.2], [0.9], [0.1], [0.8]])
Y = np.array(["no", "yes"] * 3)
WEIGHT = np.array([1.0, 1.0, 2.0, 1.0, 3.0, 1.0])


class OnlyRouted(MetadataConsumer):
    """Keeps the weights that it was given."""

    def fit(self, X, y, sample_weight=None):
        self.weight_ = sample_weight
        return self

    def score(self, X, y, sample_weight=None):
        return 0.0 if sample_weight is None else float(np.sum(sample_weight))


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("given", [{}, {"sample_weight": True}, {"sample_weight": False}, {"sample_weight": "w"}])
def test_requests_are_those_of_an_estimator_of_scikit_learn(given):
    found, expected = (
        one.set_fit_request(**given).set_score_request(**given).get_metadata_routing()
        for one in (OnlyRouted(), LogisticRegression())
    )
    for method in METHODS:
        assert getattr(found, method).requests == getattr(expected, method).requests


@pytest.mark.usefixtures("routing")
def test_a_search_passes_weights_on_to_fit_and_score():
    clf = AnyShotClassifier(cache=False).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    found = cross_validate(
        clf, X, Y, cv=2, params={"sample_weight": WEIGHT}, return_estimator=True, return_indices=True
    )
    for one, rows in zip(found["estimator"], found["indices"]["train"], strict=True):
        expected = AnyShotClassifier(cache=False).fit(X[rows], Y[rows], sample_weight=WEIGHT[rows])
        np.testing.assert_array_equal(one.predict_proba(X), expected.predict_proba(X))
    search = GridSearchCV(clf, {"class_prior": ["auto", "balanced"]}, cv=2).fit(X, Y, sample_weight=WEIGHT)
    best = AnyShotClassifier(cache=False, **search.best_params_).fit(X, Y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))
    pipe = make_pipeline(MinMaxScaler(), clf).fit(X, Y, sample_weight=WEIGHT)
    expected = clone(clf).fit(MinMaxScaler().fit_transform(X), Y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(pipe[-1].predict_proba(X), expected.predict_proba(X))


@pytest.mark.usefixtures("routing")
def test_weights_that_were_not_requested_are_refused_by_scikit_learn():
    with pytest.raises(UnsetMetadataPassedError, match=r"sample_weight.*AnyShotClassifier"):
        cross_validate(AnyShotClassifier(cache=False), X, Y, cv=2, params={"sample_weight": WEIGHT})


@pytest.mark.usefixtures("routing")
def test_clones_and_pickles_keep_the_requests():
    clf = AnyShotClassifier().set_fit_request(sample_weight=True)
    for same in (clone(clf), pickle.loads(pickle.dumps(clf))):
        assert same.get_metadata_routing().fit.requests["sample_weight"] is True
    clone(clf).set_fit_request(sample_weight=False)
    assert clf.get_metadata_routing().fit.requests["sample_weight"] is True


@pytest.mark.usefixtures("routing")
def test_an_argument_that_fit_has_not_is_refused_with_those_it_has():
    with pytest.raises(InputError, match=r"score has no argument 'weight' to pass on. It has: sample_weight\."):
        OnlyRouted().set_score_request(weight=True)
    with pytest.raises(InputError, match=r"partial_fit has no argument 'weight' to pass on. It has none\."):
        OnlyRouted().set_partial_fit_request(weight=True)


def test_requests_without_routing_are_refused_with_the_way_to_enable_it():
    with pytest.raises(RuntimeError, match=r"set_fit_request needs metadata routing. Call sklearn.set_config"):
        OnlyRouted().set_fit_request(sample_weight=True)
