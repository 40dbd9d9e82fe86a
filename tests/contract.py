"""The contract of estimators whose items are texts, images or vectors: what scikit-learn's own checks cannot ask."""

from typing import Any

import numpy as np
from sklearn.base import clone


def assert_init_only_stores(estimator: Any) -> None:
    """`__init__` keeps each parameter as given and learns nothing."""
    fresh = clone(estimator)
    for name, value in fresh.get_params(deep=False).items():
        assert vars(fresh)[name] is value
    assert not [name for name in vars(fresh) if name.endswith("_")]


def assert_fit_returns_self_and_repeats(estimator: Any, X: Any, y: Any) -> None:
    """`fit` returns the estimator, and a second fit gives the same answers as the first."""
    first = clone(estimator)
    assert first.fit(X, y) is first
    again = first.predict_proba(X)
    np.testing.assert_allclose(first.fit(X, y).predict_proba(X), again, atol=1e-6)


def assert_predict_changes_nothing(estimator: Any, X: Any, y: Any) -> None:
    """Answering leaves the learned attributes as they were."""
    fitted = clone(estimator).fit(X, y)
    before = {name: repr(value) for name, value in vars(fitted).items() if name.endswith("_")}
    fitted.predict(X)
    fitted.predict_proba(X)
    assert {name: repr(value) for name, value in vars(fitted).items() if name.endswith("_")} == before
