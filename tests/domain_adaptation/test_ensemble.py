"""The mean of several adaptation methods."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from anyshot.domain_adaptation.base import SourceModel
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.ensemble import AdaptationEnsemble
from anyshot.errors import InputError
from domain_adaptation.worlds import moved_world


def test_probabilities_are_the_mean_of_those_of_the_methods(vectors):
    X, y, target = vectors
    methods = [SourceModel(normalize=None), CORAL()]
    mean = np.mean([model.fit(X, y, target=target).predict_proba(target) for model in methods], axis=0)
    fitted = AdaptationEnsemble(methods=methods).fit(X, y, target=target)
    np.testing.assert_allclose(fitted.predict_proba(target), mean)
    np.testing.assert_array_equal(fitted.predict(target), np.unique(y)[mean.argmax(axis=1)])


def test_every_method_gets_the_weights(vectors):
    X, y, target = vectors
    weights, methods = 1 + np.arange(len(y)) % 3, [SourceModel(normalize=None), CORAL()]
    models = [model.fit(X, y, target=target, sample_weight=weights) for model in methods]
    mean = np.mean([model.predict_proba(target) for model in models], axis=0)
    fitted = AdaptationEnsemble(methods=methods).fit(X, y, target=target, sample_weight=weights)
    np.testing.assert_array_equal(fitted.predict_proba(target), mean)


@pytest.mark.parametrize(("form", "n_methods"), [(np.asarray, 5), (csr_array, 3)])
def test_methods_for_dense_tables_are_left_out_where_they_are_sparse(vectors, form, n_methods):
    X, y, target = vectors
    assert len(AdaptationEnsemble().fit(form(X), y, target=form(target)).models_) == n_methods


def test_at_least_one_method_is_needed(vectors):
    X, y, target = vectors
    with pytest.raises(InputError, match="methods is empty"):
        AdaptationEnsemble(methods=[]).fit(X, y, target=target)


@pytest.fixture
def vectors():
    source, y, target, _ = moved_world()
    return source, y, target
