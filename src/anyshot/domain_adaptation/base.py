"""Base class of the domain adaptation classifiers, and the checks and normalization of both domains."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from typing import Any, ClassVar, Literal, Self, TypeAlias, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse, vstack
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from anyshot.base import validation
from anyshot.base.columns import column_values, is_missing, plain, unmasked
from anyshot.base.estimator import validate_data
from anyshot.base.labels import warn_of_look_alikes
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, Vectors
from anyshot.base.warning import warn_of_order
from anyshot.errors import (
    BadItemError,
    DomainError,
    InputError,
    NotEnoughClassesError,
    NotEnoughLabelsError,
    TargetLabelsError,
    WidthError,
)

Floats: TypeAlias = NDArray[np.floating]
Table: TypeAlias = Vectors | csr_array  # (n, d), dense or sparse
Normalize: TypeAlias = Literal["source", "domain"] | None

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

STRENGTH = 30.0
"""C of the default base classifier for vectors whose mean squared length is 1."""

# On 12 pairs of photo collections, standardizing each domain by its own statistics instead of the source's changed the
# accuracy by 6 to 16 points, up or down: it removes a shift of mean and variance, and with it any information that the
# class shares put into the mean. So every estimator has the choice as a parameter.


def is_sparse(table: object) -> TypeGuard[csr_array]:
    """Return whether a table is sparse."""
    return bool(issparse(table))


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each feature of a domain."""

    mean: NDArray[np.float32]  # (d,), zeros for sparse tables, which are not centered
    scale: NDArray[np.float32]  # (d,), 1 for constant features

    def standardize(self, table: Table) -> Table:
        """Return the z-scores of a table (n, d); a sparse table is only scaled, and stays sparse."""
        if is_sparse(table):
            scaled = table.copy()
            scaled.data = table.data / self.scale[table.indices]
            return scaled
        return np.asarray((table - self.mean) / self.scale, dtype=np.float32)


def statistics_of(table: Table) -> Statistics:
    """Return the mean and standard deviation of each feature of a table (n, d); 0 and root mean square if sparse."""
    if is_sparse(table):
        mean = np.zeros(table.shape[1])
        square = np.bincount(table.indices, weights=table.data.astype(float) ** 2, minlength=table.shape[1])
        scale = np.sqrt(square / table.shape[0])
    else:
        mean, scale = table.mean(axis=0, dtype=float), table.std(axis=0, dtype=float)
        scale = np.where(scale > 1e-6 * np.abs(mean), scale, 0)  # rounding errors of a constant feature
    return Statistics(mean.astype(np.float32), np.where(scale > 0, scale, 1).astype(np.float32))


def normalize_domains(source: Table, target: Table, by: Normalize) -> tuple[Table, Table]:
    """Return the source (n_s, d) and the target (n_t, d), standardized.

    by: "source" uses the source's statistics for both, "domain" each domain's own; None returns the tables unchanged.
    """
    if by is None:
        return source, target
    statistics = statistics_of(source)
    target_statistics = statistics_of(target) if by == "domain" else statistics
    return statistics.standardize(source), target_statistics.standardize(target)


@dataclass(frozen=True)
class Domains:
    """A source domain with labels and a target domain without."""

    source: Table  # (n_s, d)
    index: Indexes  # (n_s,), class of each source item
    target: Table  # (n_t, d)
    n_classes: int


def domain_table(X: ArrayLike | csr_array, *, width: int | None = None, name: str) -> Table:
    """Return the items of a domain as a finite float32 table (n, d); a sparse table stays sparse."""
    if isinstance(X, dict) and not is_sparse(X):
        raise InputError(f"{name} must be a table of numbers (n, d); it is a dict.")
    table = csr_array(X, dtype=np.float32) if is_sparse(X) else validation.vectors(X, name=name)
    if is_sparse(table) and not np.isfinite(table.data).all():
        row = int(np.searchsorted(table.indptr, np.flatnonzero(~np.isfinite(table.data))[0], side="right")) - 1
        raise BadItemError(f"{name} contains NaN or infinity in row {row}. Remove or correct these vectors.")
    if width is not None and table.shape[1] != width:
        raise WidthError(f"{name} has {table.shape[1]} features; the source has {width}.")
    return table


def stack_domains(source: Table, target: Table) -> Table:
    """Return the source items (n_s, d) followed by the target items (n_t, d)."""
    return csr_array(vstack([source, target])) if is_sparse(source) else np.vstack([source, target])


def stack_with_folds(source: Table, target: Table, n_folds: int) -> tuple[Table, Indexes, Indexes]:
    """Return the items of both domains (n, d), the domain of each (n,) (1 is the target), and its fold (n,).

    Neighboring rows are in different folds, so that items sorted by class are spread over the folds.
    """
    n_s, n_t = source.shape[0], target.shape[0]
    fold = np.concatenate([np.arange(n_s) % n_folds, np.arange(n_t) % n_folds])
    return stack_domains(source, target), np.repeat([0, 1], [n_s, n_t]), fold


def class_index(y: ArrayLike, n_items: int) -> tuple[NDArray[np.generic], Indexes]:
    """Return the sorted source classes (c,), at least two, and the class index of each source item (n,)."""
    labels = np.asarray(y)
    if labels.shape != (n_items,):
        raise InputError(f"y must contain one label for each of the {n_items} items; its shape is {labels.shape}.")
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise NotEnoughClassesError(f"The source has 1 class, {str(classes[0])!r}; at least two are needed.")
    return classes, index


def check_labels(y: ArrayLike) -> None:
    """Raise InputError if a source label is None or NaN, or some are texts and others numbers."""
    listed = [label for label in (y if isinstance(y, Iterable) else ()) if np.ndim(label) == 0]
    if missing := [row for row, label in enumerate(listed) if is_missing(label)]:
        raise InputError(f"y has no label in row {missing[0]} (NaN or None). Remove unlabeled items from the source.")
    text, other = (next((x for x in listed if isinstance(x, str) is is_text), None) for is_text in (True, False))
    if text is not None and other is not None:
        raise InputError(f"y has texts and numbers, {text!r} and {other!r}. Write all as texts: list(map(str, y)).")


def check_columns(X: object, target: object) -> None:
    """Raise DomainError if two data frames have different columns, or the same ones in another order."""
    columns, target_columns = (getattr(table, "columns", None) for table in (X, target))
    if columns is not None and target_columns is not None and list(columns) != list(target_columns):
        raise DomainError(
            f"target has the columns {', '.join(map(str, target_columns)):.80}; X has "
            f"{', '.join(map(str, columns)):.80}. Use the same columns in the same order: target[X.columns]."
        )


def check_items_per_class(classes: NDArray[np.generic], index: Indexes, *, minimum: int) -> None:
    """Raise NotEnoughLabelsError if a class has fewer than `minimum` items; index (n,) of rows of `classes` (c,)."""
    counts = np.bincount(index, minlength=len(classes))
    if counts.min() < minimum:
        raise NotEnoughLabelsError(
            f"Class {str(classes[counts.argmin()])!r} has {counts.min()} source item(s); at least {minimum} of each "
            "class are needed."
        )


def check_domains(X: ArrayLike, y: ArrayLike, target: ArrayLike) -> tuple[NDArray[np.generic], Domains]:
    """Check both domains as `fit` does; return the sorted classes (c,) and the domains.

    X (n_s, d), y (n_s,): the source; target (n_t, d): without labels.
    """
    check_columns(X, target)
    warn_of_order(X, y, names=("X", "y"))
    source = domain_table(X, name="X")
    check_labels(y)
    classes, index = class_index(y, source.shape[0])
    return classes, Domains(source, index, target_table(target, source), len(classes))


def check_unlabeled(target: object, is_items: Callable[[Any], bool]) -> None:
    """Raise TargetLabelsError if `target` is a pair (items, labels); is_items: recognizes the former."""
    if isinstance(target, tuple | list) and len(target) == 2 and is_items(target[0]):
        raise TargetLabelsError(
            "target is a pair, as in target=(X, y). Adaptation must not see labels of the target: pass the items "
            "alone, target=X. Labeled target items can be added to X and y."
        )


def target_table(target: ArrayLike | csr_array, source: Table) -> Table:
    """Return the target items as a table (n_t, d): unlabeled, at least two, and sparse or dense as the source is."""
    check_unlabeled(target, lambda items: is_sparse(items) or np.ndim(items) == 2)
    if is_sparse(target) != is_sparse(source):
        formats = "dense and target is sparse" if is_sparse(target) else "sparse and target is dense"
        raise DomainError(f"X is {formats}. Both must be sparse or both dense.")
    table = domain_table(target, width=source.shape[1], name="target")
    if table.shape[0] < 2:
        raise DomainError(f"target has {table.shape[0]} item(s); at least 2 are needed.")
    return table


class ScaledLogisticRegression(LogisticRegression):
    """Logistic regression with C = strength / mean squared length of the vectors.

    The penalty then means the same for z-scores, for unit vectors, and after a projection.
    """

    def __init__(self, *, strength: float = STRENGTH, tol: float = 1e-4) -> None:
        super().__init__(max_iter=1000, tol=tol)
        self.strength = strength

    def fit(self, X: Table, y: ArrayLike, sample_weight: Floats | None = None) -> Self:
        """Fit on vectors (n, d) and labels (n,), weighted by `sample_weight` (n,)."""
        values = X.data if is_sparse(X) else np.asarray(X)
        mean_square = float(np.vdot(values, values)) / X.shape[0]
        self.C = self.strength / (mean_square if mean_square > 0 else 1.0)
        super().fit(X, y, sample_weight=sample_weight)
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


def _weight_argument(model: ClassifierMixin) -> str:
    """Return the argument of `fit` for weights of the items: of a pipeline, that of its last step."""
    step, last = model.steps[-1] if isinstance(model, Pipeline) else ("", model)
    taken = signature(last.fit).parameters
    if "sample_weight" not in taken and all(one.kind is not Parameter.VAR_KEYWORD for one in taken.values()):
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


@dataclass(kw_only=True, eq=False, repr=False)
class AdaptedClassifier(ClassifierMixin, BaseEstimator):
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

    def fit(self, X: ArrayLike, y: ArrayLike, *, target: ArrayLike | None = None) -> Self:
        """Fit on source items `X` (n_s, d) with labels `y` (n_s,) and unlabeled target items (n_t, d).

        target: None means no adaptation: the base classifier is fitted on the source alone.

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
        check_labels(y)
        check_columns(X, target)
        y = plain(y)
        if not isinstance(getattr(y, "dtype", np.dtype(object)), np.dtype):  # nullable integers would become floats
            warn_of_order(X, y, names=("X", "y"))  # the array has no index, which `validate_data` compares
            y = np.array(column_values(y))
        table, labels = validate_data(
            self, unmasked(X), y, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False
        )
        check_classification_targets(labels)
        self.adapted_ = target is not None
        self.classes_, domains = check_domains(table, labels, table if target is None else target)
        warn_of_look_alikes(self.classes_.tolist())
        items = domains.target
        if self.adapted_ and is_sparse(items) and not self.supports_sparse:
            raise InputError(
                f"{type(self).__name__} does not support sparse tables. Use a method that does, such as "
                "DensityRatioWeighting or MSDA, or reduce the table to few dense features first (TruncatedSVD)."
            )
        source_statistics = statistics_of(domains.source)
        self.statistics_ = statistics_of(items) if self.normalize == "domain" else source_statistics
        domains = replace(
            domains,
            source=self._normalized(domains.source, source_statistics),
            target=self._normalized(items, self.statistics_),
        )
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
        self.model_ = fit_base(self.base, domains.source, domains.index)

    def _represent(self, table: Table) -> Table:
        """Transform normalized target items (n, d) into the input of the model."""
        return table

    def _call(self, X: ArrayLike, method: Callable[[Table], NDArray[Any]]) -> NDArray[Any]:
        """Return the result of a method of the model on target items (n, d)."""
        check_is_fitted(self)
        X = validate_data(
            self, unmasked(X), accept_sparse="csr", dtype=np.float32, ensure_all_finite=False, reset=False
        )
        table = self._normalized(domain_table(X, name="X"), self.statistics_)
        with threads_for(table.shape[0] * table.shape[1] * len(self.classes_)):
            return method(self._represent(table) if self.adapted_ else table)

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
