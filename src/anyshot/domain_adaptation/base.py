"""Base class of the domain adaptation classifiers, and their base classifier."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from anyshot.base.estimator import all_or_nothing, class_labels, validate_data
from anyshot.base.labels import warn_of_look_alikes
from anyshot.base.messages import warn, warn_of_order
from anyshot.base.number_columns import LARGEST_FLOAT32, check_size
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes
from anyshot.base.weighted_items import counted_rows
from anyshot.domain_adaptation.domains import (
    Domains,
    Floats,
    Normalize,
    Statistics,
    Table,
    check_columns,
    class_index,
    domain_table,
    is_sparse,
    statistics_of,
    target_table,
)
from anyshot.errors import InputError
from anyshot.evaluation.classification import EvaluatedClassifier

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

STRENGTH = 30.0
"""C of the default base classifier for vectors whose mean squared length is 1."""


FEW_ITEMS = 10
"""Target items from which on a method adapts without a warning if there are more classes than items."""


class ScaledLogisticRegression(LogisticRegression):
    """Logistic regression with C = strength / mean squared length of the vectors.

    The penalty then means the same for z-scores, for unit vectors, and after a projection. It is fitted to vectors
    divided by their root mean squared length, since the solver stops early for small ones; at this length, tol=3e-5
    leaves a loss of 0.03 nats or less above the minimum (1,797 digits, three normalizations).
    """

    def __init__(self, *, strength: float = STRENGTH, tol: float = 3e-5) -> None:
        super().__init__(max_iter=1000, tol=tol)
        self.strength = strength

    def fit(self, X: Table, y: ArrayLike, sample_weight: Floats | None = None) -> Self:
        """Fit on vectors (n, d) and labels (n,), weighted by `sample_weight` (n,)."""
        double = np.dtype(np.float64)  # float32 holds no square of 1e20 or 1e-20
        squares = X.power(2, double).sum(axis=1) if is_sparse(X) else np.einsum("nd,nd->n", X, X, dtype=double)  # (n,)
        length = float(np.sqrt(np.average(squares, weights=sample_weight))) or 1.0
        self.C = self.strength
        super().fit(X / length, y, sample_weight=sample_weight)
        self.coef_ /= length
        return self


def fit_base(
    base: ClassifierMixin | None, table: Table, index: Indexes, weights: Floats | None = None
) -> ClassifierMixin:
    """Fit a copy of `base` on a table (n, d) and classes `index` (n,), optionally weighted by `weights` (n,).

    base: None means `ScaledLogisticRegression`. Raises InputError if it is no classifier, or takes no weights.
    """
    model = ScaledLogisticRegression() if base is None else clone(base)
    if hasattr(model, "__sklearn_tags__") and not is_classifier(model):
        raise InputError(f"base must be a classifier; it is {model!r:.60}.")
    return model.fit(table, index, **({} if weights is None else {_weight_argument(model): weights}))


def takes(model: Any, name: str) -> bool:
    """Return whether `fit` of a model takes an argument of this name."""
    taken = signature(model.fit).parameters
    return name in taken or any(one.kind is Parameter.VAR_KEYWORD for one in taken.values())


def _weight_argument(model: ClassifierMixin) -> str:
    """Return the argument of `fit` for weights of the items: of a pipeline, that of its last step."""
    step, last = model.steps[-1] if isinstance(model, Pipeline) else ("", model)
    if not takes(last, "sample_weight"):
        raise InputError(f"base must take sample_weight, as LogisticRegression() does; {type(last).__name__} does not.")
    return f"{step}__sample_weight" if step else "sample_weight"


def probabilities(model: ClassifierMixin, table: Table, n_classes: int) -> Floats:
    """Return the class probabilities (n, c) of a model fitted on class indexes.

    Classes missing from its training data get 0. Without `predict_proba`, the predicted class gets 1.
    """
    found = np.zeros((table.shape[0], n_classes))
    if hasattr(model, "predict_proba"):
        found[:, np.asarray(model.classes_, dtype=np.intp)] = model.predict_proba(table)
    else:
        found[np.arange(len(found)), np.asarray(model.predict(table), dtype=np.intp)] = 1
    return found


def _if_model_has(name: str) -> Callable[[Decorated], Decorated]:
    """Make a method available only if the fitted model, or the base before `fit`, has it too."""

    def check(self: "AdaptedClassifier") -> bool:
        model = getattr(self, "model_", self.base)
        return model is None or hasattr(model, name)

    decorator: Callable[[Decorated], Decorated] = available_if(check)
    return decorator


def check_domains(X: ArrayLike, y: ArrayLike, target: ArrayLike) -> tuple[NDArray[np.generic], Domains]:
    """Check both domains as `fit` does; return the sorted classes (c,) and the domains.

    X (n_s, d), y (n_s,): the source; target (n_t, d): without labels.
    """
    check_columns(X, target)
    warn_of_order(X, y, names=("X", "y"))
    source = domain_table(X, name="X")
    classes, index = class_index(class_labels(y), source.shape[0])
    return classes, Domains(source, index, target_table(target, source), len(classes))


@dataclass(kw_only=True, eq=False, repr=False)
class AdaptedClassifier(EvaluatedClassifier, ClassifierMixin, BaseEstimator):
    """Base class: checks and normalizes both domains, then predicts with `model_`.

    A subclass is a dataclass, whose fields are its parameters besides these. It sets `model_` in `_adapt`, and
    overrides `_represent` if the model is trained on transformed vectors. All are used as in the example of
    `SourceModel`.

    Parameters
    ----------
    base : classifier, default=None
        The classifier trained on the source, as the method transforms or weights it. None means logistic regression.
    normalize : {"source", "domain", None}, default="domain"
        Statistics used to standardize the vectors first: the source's, each domain's own, or none.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Source classes, sorted.
    model_ : classifier
        The fitted base classifier.
    """

    supports_sparse: ClassVar[bool] = True

    base: ClassifierMixin | None = None
    normalize: Normalize = "domain"

    @all_or_nothing
    def fit(
        self, X: ArrayLike, y: ArrayLike, *, target: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit on source items `X` (n_s, d) with labels `y` (n_s,) and unlabeled target items (n_t, d).

        target: None means no adaptation: the base classifier is fitted on the source alone. sample_weight (n_s,): how
        often each source item counts, from 0 (as if it were absent) to below 1,000, in the statistics of the source and
        in training the base classifier; the domains are compared and aligned with each item once.

        Raises
        ------
        TargetLabelsError
            `target` contains labels.
        NotEnoughClassesError
            The source has only one class.
        DomainError, WidthError, BadItemError
            The target has fewer than two items, another number of features than `X`, or NaN.
        """
        if self.normalize not in ("source", "domain", None):
            raise InputError(f"Unknown normalize={self.normalize!r}. Choose 'source', 'domain' or None.")
        check_columns(X, target)
        table, labels = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False)
        weights = None
        if sample_weight is not None:
            rows, weights = counted_rows(X, sample_weight, len(labels))
            table, labels = table[rows], labels[rows]
            weights = None if (weights == 1).all() else weights  # some base classifiers take no weights
        self.adapted_ = target is not None
        self.classes_, domains = check_domains(table, labels, table if target is None else target)
        warn_of_look_alikes(self.classes_.tolist())
        items = domains.target
        if self.adapted_:
            self._check_target(items)
        source_statistics = statistics_of(domains.source, weights)
        self.statistics_ = statistics_of(items) if self.adapted_ and self.normalize == "domain" else source_statistics
        domains = replace(
            domains,
            source=self._normalized(domains.source, source_statistics),
            target=self._normalized(items, self.statistics_),
            weights=weights,
        )
        if self.adapted_ and self.normalize is None and not is_sparse(items):
            for name, table in (("X", domains.source), ("target", domains.target)):
                check_size(table, name, largest=LARGEST_FLOAT32)
        with threads_for(items.shape[0] * items.shape[1] * len(self.classes_)):
            adapt = type(self)._adapt if self.adapted_ else AdaptedClassifier._adapt  # the latter fits to the source
            adapt(self, domains)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the predicted class of each target item (n,)."""
        index = self._call(X, lambda table: self.model_.predict(table))
        return np.asarray(self.classes_[index])

    @_if_model_has("predict_proba")
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the class probabilities of target items (n, c)."""
        return self._call(X, lambda table: probabilities(self.model_, table, len(self.classes_)))

    @_if_model_has("decision_function")
    def decision_function(self, X: ArrayLike) -> Floats:
        """Return the scores of target items (n, c); with two classes (n,), positive for the second."""
        return np.asarray(self._call(X, lambda table: self.model_.decision_function(table)))

    def _adapt(self, domains: Domains) -> None:
        """Fit `model_` on both domains."""
        self.model_ = fit_base(self.base, domains.source, domains.index, domains.weights)

    def _represent(self, table: Table) -> Table:
        """Transform normalized target items (n, d) into the input of the model."""
        return table

    def _call(self, X: ArrayLike, method: Callable[[Table], NDArray[Any]]) -> NDArray[Any]:
        """Return the result of a method of the model on target items (n, d)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False, reset=False)
        table = self._normalized(domain_table(X, name="X"), self.statistics_)
        with threads_for(table.shape[0] * table.shape[1] * len(self.classes_)):
            return method(self._represent(table) if self.adapted_ else table)

    def _check_target(self, items: Table) -> None:
        """Warn of a target of few items (n_t, d), or raise InputError if they are sparse and should be dense."""
        if items.shape[0] < min(FEW_ITEMS, len(self.classes_)):
            warn(
                f"target has {items.shape[0]} items for {len(self.classes_)} classes, too few to show how the domains "
                "differ. Predictions may be worse than those of the source alone, fit(X, y). Add target items."
            )
        if is_sparse(items) and not self.supports_sparse:
            raise InputError(
                f"{type(self).__name__} does not support sparse tables. Use a method that does, such as "
                "DensityRatioWeighting or MSDA, or reduce the table to few dense features first (TruncatedSVD)."
            )

    def _normalized(self, table: Table, statistics: Statistics) -> Table:
        return table if self.normalize is None else statistics.standardize(table)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class SourceModel(AdaptedClassifier):
    """The source model: the base classifier on normalized vectors, without adaptation beyond the normalization.

    Its parameters and attributes are those of `AdaptedClassifier`.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]], ["low", "low", "high", "high"], [[10.0], [11.0], [14.0], [15.0]]
    >>> SourceModel(normalize="domain").fit(X, y, target=target).predict(target)
    array(['low', 'low', 'high', 'high'], dtype='<U4')
    """
