"""The mean of several adaptation methods, which is rarely much worse than the best of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from anyshot.base.estimator import all_or_nothing, fresh_copy, validate_data
from anyshot.domain_adaptation.base import AdaptedClassifier, SourceModel, takes
from anyshot.domain_adaptation.coral import CORAL
from anyshot.domain_adaptation.domains import Floats, is_sparse
from anyshot.domain_adaptation.meda import MEDA
from anyshot.domain_adaptation.self_training import SelfTraining
from anyshot.errors import InputError
from anyshot.evaluation.classification import EvaluatedClassifier

# The mean of the default methods is at least as accurate as the best of the three normalizations of the source model,
# by 1.5 points on average, on all 12 pairs of Office-Caltech10 and all 12 of Amazon reviews (400 features). Each of the
# five methods alone is below the best normalization on some pairs, by 3 to 14 points. `benchmarks/adapt_or_not.py` has
# other data as well.


def default_methods(*, sparse: bool = False) -> list[AdaptedClassifier]:
    """Return methods that make different mistakes; CORAL and MEDA are left out where the tables are sparse."""
    methods = [SourceModel(normalize="domain"), SourceModel(normalize=None), SelfTraining(normalize="source")]
    return methods if sparse else [*methods, CORAL(normalize="domain"), MEDA(normalize="domain")]


@dataclass(kw_only=True, eq=False, repr=False)
class AdaptationEnsemble(EvaluatedClassifier, ClassifierMixin, BaseEstimator):
    """The mean of the class probabilities of several adaptation methods, each fitted on both domains.

    Parameters
    ----------
    methods : sequence of classifiers, default=None
        With `fit(X, y, *, target)` and `predict_proba`. None means the source model with each domain's statistics and
        with none, self-training and, where the tables are dense, CORAL and MEDA.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Source classes, sorted.
    models_ : list of classifiers
        The fitted methods.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]], ["low", "low", "high", "high"], [[10.0], [11.0], [14.0], [15.0]]
    >>> AdaptationEnsemble().fit(X, y, target=target).predict(target)
    array(['low', 'low', 'high', 'high'], dtype='<U4')
    """

    methods: Sequence[Any] | None = None

    @all_or_nothing
    def fit(
        self, X: ArrayLike, y: ArrayLike, *, target: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit every method on source items `X` (n_s, d) with labels `y` (n_s,) and unlabeled target items (n_t, d).

        target: None means no adaptation: each method is fitted on the source alone. sample_weight (n_s,): how often
        each source item counts, passed on to the methods. Raises what the methods raise,
        and InputError if `methods` is no list of them.
        """
        methods = default_methods(sparse=is_sparse(X)) if self.methods is None else self.methods
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.models_ = [
            method.fit(X, y, target=target, **given) for method in _copies(methods, needed=["target", *given])
        ]
        self.classes_: NDArray[np.generic] = self.models_[0].classes_
        validate_data(self, X, accept_sparse="csr", skip_check_array=True)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the class of the highest mean probability for each target item (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the mean class probabilities of target items (n, c)."""
        check_is_fitted(self)
        return np.asarray(np.mean([model.predict_proba(X) for model in self.models_], axis=0))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _copies(methods: object, *, needed: Sequence[str]) -> list[Any]:
    """Return a copy of each method; raise InputError if one has no `predict_proba`, or `fit` without what is needed."""
    if isinstance(methods, Mapping) or not isinstance(methods, Collection) or not len(methods):
        given = "empty" if isinstance(methods, Collection) and not len(methods) else f"a {type(methods).__name__}"
        raise InputError(
            f"methods is {given}. Give a list of one or more, such as [CORAL(), MEDA()], or None for the usual ones."
        )
    copies = [fresh_copy(method) for method in methods]
    for method in copies:
        lacking = [f"fit(X, y, {name}=...)" for name in needed if not takes(method, name)]
        lacking += [] if hasattr(method, "predict_proba") else ["predict_proba"]
        if lacking:
            raise InputError(f"{method!r:.60} has no {lacking[0]}, which each of methods needs, as CORAL() has it.")
    return copies
