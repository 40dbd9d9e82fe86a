"""The base of estimators that work without scikit-learn, and meet its contract where it is used.

Importing scikit-learn takes longer than most answers. A class that is to answer without it has this base instead of
`BaseEstimator` with `ClassifierMixin`; `clone`, `Pipeline`, `cross_val_score` and the search of parameters accept it.
"""

import inspect
import reprlib
from abc import ABC, abstractmethod
from typing import Any, Self

from numpy.typing import ArrayLike

from anyshot.base.columns import are_texts, column_labels
from anyshot.base.validation import check_finite, check_rows, refuse_lazy
from anyshot.errors import InputError


class ClassifierBase(ABC):
    """Parameters, tags and score of a classifier, as scikit-learn defines them."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of `__init__` by name; `deep` changes nothing, since no parameter is an estimator."""
        return {name: getattr(self, name) for name in _defaults(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; raise InputError if there is none with this name."""
        known = _defaults(type(self))
        for name in params:
            if name not in known:
                raise InputError(f"{type(self).__name__} has no parameter {name!r}. It has: {', '.join(known)}.")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy of the predictions of items `X` with classes `y` (n,)."""
        from sklearn.metrics import accuracy_score  # here, so that predicting does not import it

        return float(accuracy_score(y, self.predict(X), sample_weight=sample_weight))

    @abstractmethod
    def predict(self, X: Any) -> Any:
        """Return the class of each item (n,)."""

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator: that this is a classifier."""
        from sklearn.base import BaseEstimator, ClassifierMixin  # loaded already, since it asks

        return type("Classifier", (ClassifierMixin, BaseEstimator), {})().__sklearn_tags__()

    def __repr__(self) -> str:
        """Return the class with the parameters that differ from their defaults."""
        short = reprlib.Repr()
        short.maxstring = short.maxother = 60
        usual = _defaults(type(self))
        given = {name: value for name, value in self.get_params().items() if repr(value) != repr(usual[name])}
        return f"{type(self).__name__}({', '.join(f'{name}={short.repr(value)}' for name, value in given.items())})"


def validate_data(estimator: Any, X: Any, *given: Any, reset: bool = True, **options: Any) -> Any:
    """Check and convert `X` as scikit-learn does, and compare names of columns that are not texts, which it does not.

    Raises InputError if numbered columns, or those of several levels, differ from those of `fit`, or the rows are a
    mapping, texts, of different lengths, or not finite.
    """
    from sklearn.utils import validation  # here, so that predicting texts does not import it

    refuse_lazy(X)
    names = column_labels(X)
    if reset:
        estimator._column_labels = None if names is None or are_texts(names) else names
    known = getattr(estimator, "_column_labels", None)
    if None not in (known, names) and names != known and not are_texts(names or []):
        raise InputError(f"The columns are {names}; in `fit` they were {known}, which must be in the same order.")
    try:
        return validation.validate_data(estimator, X, *given, reset=reset, **options)
    except (TypeError, ValueError):
        if not options.get("skip_check_array"):
            check_rows(X)
            check_finite(X)
        raise


def not_fitted(message: str) -> Exception:
    """Return scikit-learn's NotFittedError, which is imported only when it is raised."""
    from sklearn.exceptions import NotFittedError

    error: Exception = NotFittedError(message)
    return error


def _defaults(kind: type) -> dict[str, Any]:
    """Return the parameters of a class's `__init__` with their defaults."""
    return {name: one.default for name, one in inspect.signature(kind).parameters.items()}
