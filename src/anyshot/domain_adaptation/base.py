"""What every adapted classifier does the same: check both domains, normalize them, hold a base classifier, answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, vstack
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from anyshot.base import validation
from anyshot.base.items import is_missing
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.normalization import Normalize, Statistics, Table, is_sparse, statistics_of
from anyshot.errors import BadItemError, DomainError, InputError, NotEnoughClassesError, TargetLabelsError, WidthError

Verb = TypeVar("Verb", bound=Callable[..., Any])

STRENGTH = 30.0
"""C of the default base classifier, for vectors whose mean square length is 1."""


@dataclass(frozen=True)
class Domains:
    """A source domain with labels and a target domain without."""

    source: Table  # (n_s, d)
    index: Indexes  # (n_s,), rows of the class table
    target: Table  # (n_t, d)
    n_classes: int


def domain_table(X: ArrayLike | csr_array, *, width: int | None = None, name: str) -> Table:
    """Return one domain's items as a finite float32 table (n, d); a sparse one stays sparse.

    Raises
    ------
    InputError, BadItemError, WidthError
        As `checks.vectors`.
    """
    if isinstance(X, dict):
        raise InputError(f"{name} must be a table of numbers (n, d); it is a dict.")
    table = csr_array(X, dtype=np.float32) if is_sparse(X) else validation.vectors(X, name=name)
    if is_sparse(table) and not np.isfinite(table.data).all():
        row = int(np.searchsorted(table.indptr, np.flatnonzero(~np.isfinite(table.data))[0], side="right")) - 1
        raise BadItemError(f"{name} holds NaN or infinity in row {row}. Drop or mend these vectors.")
    if width is not None and table.shape[1] != width:
        raise WidthError(f"{name} has vectors of width {table.shape[1]}; the source's width is {width}.")
    return table


def numbers(given: object, name: str) -> NDArray[np.float32]:
    """Return items of any shape as an array (n, ...), or raise InputError: they are no numbers."""
    try:
        return np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be an array of numbers (n, ...); it is not: {error}.") from error


def domains_stacked(source: Table, target: Table) -> Table:
    """Put source items (n_s, d) and target items (n_t, d) one after another, (n_s + n_t, d)."""
    return csr_array(vstack([source, target])) if is_sparse(source) else np.vstack([source, target])


def class_index(y: ArrayLike, n_items: int) -> tuple[NDArray[np.generic], Indexes]:
    """Return the source's classes, sorted (c,), and the row among them of each of its items (n,).

    y: as `check_all_labeled` left it.

    Raises
    ------
    InputError
        There is not one label an item.
    NotEnoughClassesError
        There is one class.
    """
    labels = np.asarray(y)
    if labels.shape != (n_items,):
        raise InputError(f"y must hold a label for each of the {n_items} items; its shape is {labels.shape}.")
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise NotEnoughClassesError(f"The source has 1 class, {str(classes[0])!r}; at least two are needed.")
    return classes, index


def check_all_labeled(y: ArrayLike) -> None:
    """Refuse labels of which one is None or NaN: an item without a label is none of the source's."""
    listed = list(y) if isinstance(y, Iterable) else []
    none = [row for row, label in enumerate(listed) if np.ndim(label) == 0 and is_missing(label)]
    if none:
        raise InputError(f"y has no label in row {none[0]} (NaN or None). Leave items without one out of the source.")


def check_columns(X: object, target: object) -> None:
    """Refuse two data frames whose columns differ, or stand in another order."""
    ours, theirs = (getattr(table, "columns", None) for table in (X, target))
    if ours is not None and theirs is not None and list(ours) != list(theirs):
        raise DomainError(
            f"target has the columns {', '.join(map(str, theirs)):.80}; X has {', '.join(map(str, ours)):.80}. Give "
            "the same ones in the same order: target[X.columns]."
        )


def target_table(target: ArrayLike | csr_array, source: Table) -> Table:
    """Return the target domain's items (n_t, d), which must come without labels.

    Raises
    ------
    TargetLabelsError
        `target` is a pair (items, labels).
    DomainError
        It has fewer than two items, or one of the two domains is sparse and the other dense.
    InputError, BadItemError, WidthError
        It is no table, holds NaN, or is not as wide as the source.
    """
    if isinstance(target, tuple | list) and len(target) == 2 and (is_sparse(target[0]) or np.ndim(target[0]) == 2):
        raise TargetLabelsError(
            "target is a pair of a table and something else, as in target=(X, y). Adaptation must not see labels of "
            "the target: give the items alone, target=X. To learn from a few of them, give them as labels of their own."
        )
    if is_sparse(target) != is_sparse(source):
        given = "dense and target is sparse" if is_sparse(target) else "sparse and target is dense"
        raise DomainError(f"X is {given}. Give both in one form.")
    table = domain_table(target, width=source.shape[1], name="target")
    if table.shape[0] < 2:
        raise DomainError(f"target has {table.shape[0]} item(s); a domain needs at least 2 to be told by.")
    return table


class ScaledLogisticRegression(LogisticRegression):
    """Logistic regression whose penalty is in units of the vectors' mean square length.

    So that it means the same on z-scores, on unit vectors and after a projection: C = strength / mean |x|^2.
    """

    def __init__(self, *, strength: float = STRENGTH, tol: float = 1e-4) -> None:
        super().__init__(max_iter=1000, tol=tol)
        self.strength = strength

    def fit(self, X: Table, y: ArrayLike, sample_weight: NDArray[np.floating] | None = None) -> Self:
        """Learn from vectors (n, d) and labels (n,), weighted by `sample_weight` (n,)."""
        values = X.data if is_sparse(X) else np.asarray(X)
        square = float(np.vdot(values, values)) / X.shape[0]
        self.C = self.strength / (square if square > 0 else 1.0)
        super().fit(X, y, sample_weight=sample_weight)
        return self


def fitted_base(
    base: ClassifierMixin | None, table: Table, index: Indexes, weights: NDArray[np.floating] | None = None
) -> ClassifierMixin:
    """Fit a copy of `base` on a table (n, d), classes `index` (n,), and weights (n,) where there are any.

    None is `ScaledLogisticRegression`.
    """
    model = ScaledLogisticRegression() if base is None else clone(base)
    return model.fit(table, index) if weights is None else model.fit(table, index, sample_weight=weights)


def probabilities(model: ClassifierMixin, table: Table, n_classes: int) -> NDArray[np.floating]:
    """Return a fitted base classifier's probabilities (n, c), all on its answer where it has none.

    Classes that the base did not see have probability 0.
    """
    answers = np.zeros((table.shape[0], n_classes))
    if hasattr(model, "predict_proba"):
        answers[:, model.classes_] = model.predict_proba(table)
    else:
        answers[np.arange(len(answers)), model.predict(table)] = 1
    return answers


def _model_can(*verbs: str) -> Callable[[Verb], Verb]:
    """Say whether the fitted model, or the base before it, has one of the verbs."""

    def check(self: "AdaptedClassifier") -> bool:
        model = getattr(self, "model_", self.base)
        return model is None or any(hasattr(model, verb) for verb in verbs)

    decorator: Callable[[Verb], Verb] = available_if(check)
    return decorator


class AdaptedClassifier(ClassifierMixin, BaseEstimator):
    """Base of the adapted classifiers; a child says in `_adapt` how it uses the target.

    A child has at least the parameters `base` and `normalize`, sets `model_` in `_adapt`, and overrides `_represent`
    where the model sees target items in another form than normalized.
    """

    takes_sparse: ClassVar[bool] = True

    base: ClassifierMixin | None
    normalize: Normalize

    def fit(self, X: ArrayLike, y: ArrayLike, *, target: ArrayLike | None = None) -> Self:
        """Learn from the source's items `X` (n_s, d) and labels `y` (n_s,), and the target's items (n_t, d).

        target: None is no adaptation: the base classifier is fitted on the source, and every item is taken to be of it.

        Raises
        ------
        TargetLabelsError
            `target` carries labels.
        NotEnoughClassesError
            The source has one class.
        DomainError, WidthError, BadItemError
            The target has fewer than two items, another width than `X`, or NaN.
        """
        self._checked_choice()
        check_all_labeled(y)
        check_columns(X, target)
        table, labels = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False)
        check_classification_targets(labels)
        self.classes_, index = class_index(labels, table.shape[0])
        source = domain_table(table, name="X")
        self.adapted_ = target is not None
        items = source if target is None else target_table(target, source)
        self.statistics_ = statistics_of(items if self.normalize == "domain" else source)
        domains = Domains(
            self._by(statistics_of(source), source), index, self._by(self.statistics_, items), len(self.classes_)
        )
        if self.adapted_:
            self._refuse_sparse(items)
        with threads_for(items.shape[0] * items.shape[1] * len(self.classes_)):
            if self.adapted_:
                self._adapt(domains)
            else:
                self.model_ = fitted_base(self.base, domains.source, index)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the class of each target item (n,)."""
        answers = self._asked(X, lambda seen: self.model_.predict(seen))
        return np.asarray(self.classes_[answers])

    @_model_can("predict_proba")
    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the probability of each class for target items (n, c)."""
        return self._asked(X, lambda seen: probabilities(self.model_, seen, len(self.classes_)))

    @_model_can("decision_function")
    def decision_function(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the scores of target items (n, c), or (n,) for the second of two classes."""
        return np.asarray(self._asked(X, lambda seen: self.model_.decision_function(seen)))

    def _adapt(self, domains: Domains) -> None:
        """Learn `model_` from both domains."""
        self.model_ = fitted_base(self.base, domains.source, domains.index)

    def _represent(self, table: Table) -> Table:
        """Return normalized target items (n, d) as the model sees them."""
        return table

    def _asked(self, X: ArrayLike, verb: Callable[[Table], NDArray[Any]]) -> NDArray[Any]:
        """Return what a verb of the model says of target items (n, d)."""
        check_is_fitted(self)
        given = validate_data(self, X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False, reset=False)
        table = self._by(self.statistics_, domain_table(given, name="X"))
        with threads_for(table.shape[0] * table.shape[1] * len(self.classes_)):
            return verb(self._represent(table) if self.adapted_ else table)

    def _by(self, statistics: Statistics, table: Table) -> Table:
        return table if self.normalize is None else statistics.applied(table)

    def _checked_choice(self) -> None:
        if self.normalize not in ("source", "domain", None):
            raise InputError(f"normalize={self.normalize!r} is no choice. Take 'source', 'domain' or None.")

    def _refuse_sparse(self, table: Table) -> None:
        if is_sparse(table) and not self.takes_sparse:
            raise InputError(
                f"{type(self).__name__} would fill a sparse table. Use a method that keeps it sparse, such as "
                "DensityRatioWeighting or MSDA, or make it dense and narrow first (TruncatedSVD)."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class SourceModel(AdaptedClassifier):
    """Keep the source model: the base classifier on normalized vectors, with no adaptation but the normalization.

    Parameters
    ----------
    base : classifier, default=None
        Logistic regression if not given.
    normalize : {"source", "domain", None}, default="domain"
        Whose statistics make the z-scores: the source's, each domain's own, or nobody's.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the source, sorted.
    model_ : classifier
        The fitted base.

    Examples
    --------
    >>> X, y, target = [[0.0], [1.0], [4.0], [5.0]], ["low", "low", "high", "high"], [[10.0], [11.0], [14.0], [15.0]]
    >>> SourceModel(normalize="domain").fit(X, y, target=target).predict(target)
    array(['low', 'low', 'high', 'high'], dtype='<U4')
    """

    def __init__(self, *, base: ClassifierMixin | None = None, normalize: Normalize = "domain") -> None:
        self.base = base
        self.normalize = normalize
