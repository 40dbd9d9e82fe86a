"""The mean of several adaptation methods."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

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


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ([], r"methods is empty. Give a list of one or more, such as \[CORAL\(\), MEDA\(\)\]"),
        ({}, "methods is empty. Give a list"),
        ({"coral": CORAL()}, "methods is a dict. Give a list"),
        (CORAL(), "methods is a CORAL. Give a list"),
        (iter([CORAL()]), "methods is a list_iterator. Give a list"),
        ([CORAL], r"is the class CORAL. Pass an instance, CORAL\(\)"),
        (["coral"], "is a str. Pass one estimator"),
        (
            [CORAL(), LogisticRegression()],
            r"LogisticRegression\(\) has no fit\(X, y, target=...\), which each of methods",
        ),
        ([CORAL(base=LinearSVC())], r"CORAL\(base=LinearSVC\(\)\) has no predict_proba"),
    ],
)
def test_what_is_no_list_of_methods_is_refused(vectors, methods, words):
    X, y, target = vectors
    with pytest.raises(InputError, match=words):
        AdaptationEnsemble(methods=methods).fit(X, y, target=target)


def test_methods_without_weights_are_refused_if_weights_are_given(vectors):
    class Unweighted(SourceModel):
        def fit(self, X, y, *, target=None):
            return super().fit(X, y, target=target)

    X, y, target = vectors
    ensemble = AdaptationEnsemble(methods=[Unweighted()]).fit(X, y, target=target)
    with pytest.raises(InputError, match=r"Unweighted\(\) has no fit\(X, y, sample_weight=...\)"):
        ensemble.fit(X, y, target=target, sample_weight=np.ones(len(y)))


@pytest.fixture
def vectors():
    source, y, target, _ = moved_world()
    return source, y, target
