"""Classifiers of vectors by class vectors and any number of labels: the any-shot head, and the nearest class mean."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from anyshot.any_shot.model import LinearModel
from anyshot.base import validation
from anyshot.base.estimator import all_or_nothing, validate_data
from anyshot.base.labels import Classes
from anyshot.base.messages import warn_of_order
from anyshot.base.number_columns import LARGEST_FLOAT32, check_size
from anyshot.base.scored_classifier import ScoredClassifier
from anyshot.base.validation import Indexes, Vectors, check_indexes, class_means, unit
from anyshot.base.weighted_items import counted_rows
from anyshot.errors import InputError, WidthError
from anyshot.evaluation.classification import EvaluatedClassifier
from anyshot.training.softmax_regression import Examples, HeadOptions, check_two_classes, fit_head


class VectorClassifier(ScoredClassifier, EvaluatedClassifier, ClassifierMixin, BaseEstimator):
    """Base class of classifiers that are fitted to vectors, labels and class vectors."""

    classes_: Classes

    def _checked(
        self, X: ArrayLike, y: ArrayLike, class_vectors: ArrayLike | None, sample_weight: ArrayLike | None
    ) -> tuple[Vectors, Indexes, Vectors, NDArray[np.float32]]:
        """Set `classes_`; return the labeled vectors (n, d), their classes, the class vectors (c, d), and weights (n,).

        Class vectors that are not given are zeros, and weights 1.
        """
        if class_vectors is None:
            vectors, labels = validate_data(self, X, y, dtype=[np.float64, np.float32])
            rows, weights = counted_rows(X, sample_weight, len(labels))
            vectors = _float32(vectors)[rows]
            self.classes_, index = np.unique(labels[rows], return_inverse=True)
            S = np.zeros((len(self.classes_), vectors.shape[1]), np.float32)
            return vectors, index, S, weights.astype(np.float32)
        vectors = _float32(validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=0))
        S = validation.vectors(class_vectors, name="class_vectors")
        if S.shape[1] != vectors.shape[1]:
            raise WidthError(
                f"class_vectors has width {S.shape[1]} and X has width {vectors.shape[1]}; both must lie in one space. "
                "AnyShotClassifier learns a map between two."
            )
        warn_of_order(X, y, names=("X", "y"))
        index = check_indexes(y, n_items=len(vectors), n_classes=len(S))
        self.classes_ = np.arange(len(S))
        rows, weights = counted_rows(X, sample_weight, len(vectors))
        labeled = index[rows] >= 0
        rows = rows[labeled]
        return vectors[rows], index[rows], S, weights[labeled].astype(np.float32)


class AnyShotHead(VectorClassifier):
    """Logistic regression whose prior is the zero-shot classifier. `softmax_regression.py` states the problem solved.

    Parameters
    ----------
    prior_scale : float, default=5.0
        Score that a cosine of 1 to the class vector adds.
    C : float, default=10.0
        How far one label may move the model; the inverse of the penalty, as in scikit-learn.
    name_weight : float, default=1.0
        Number of labeled examples that a class vector counts as.
    class_prior : "balanced" or array-like of shape (n_classes,), default="balanced"
        Expected share of each class among the items to predict.
    tol : float, default=2e-5
        Fitting stops when about half of this loss remains above the minimum [nats, of the sum over labels].

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in `fit`, or the rows of `class_vectors`.
    coef_, intercept_ : ndarray of shape (n_classes, n_features), (n_classes,)
        The whole linear model: class vectors, what labels added, and class prior.
    delta_ : LinearModel
        What the labels added; `fit` may start from an earlier one.

    References
    ----------
    Menon et al. Long-tail Learning via Logit Adjustment. ICLR 2021, eq. (10).

    Examples
    --------
    >>> class_vectors, X, y = [[1.0, 0.0], [0.0, 1.0]], [[0.6, 0.8]], [0]
    >>> AnyShotHead().fit(X, y, class_vectors=class_vectors).predict([[0.5, 0.8], [0.0, 1.0]])
    array([0, 1])
    """

    def __init__(
        self,
        *,
        prior_scale: float = 5.0,
        C: float = 10.0,
        name_weight: float = 1.0,
        class_prior: str | ArrayLike = "balanced",
        tol: float = 2e-5,
    ) -> None:
        self.prior_scale, self.C, self.name_weight = prior_scale, C, name_weight
        self.class_prior, self.tol = class_prior, tol

    @all_or_nothing
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        class_vectors: ArrayLike | None = None,
        more: Examples | None = None,
        start: LinearModel | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from vectors `X` (n, d) and labels `y` (n,).

        class_vectors (c, d): unit-length class embeddings; then y contains row numbers, -1 for "no label", and X may be
        empty. A row of zeros is a class without an embedding. Without class_vectors, y contains labels of any kind and
        the model is logistic regression. more: further examples with soft targets, such as unlabeled vectors with
        predicted probabilities. start: `delta_` of an earlier fit, to begin from. sample_weight (n,): how often each
        vector counts, from 0 (as if it were absent) to below 1,000.

        Raises
        ------
        WidthError
            The class vectors and X have different widths.
        NotEnoughClassesError
            Fewer than two classes have a label or a class vector.
        InputError
            class_prior is neither "balanced" nor a positive share for each class.
        """
        vectors, index, S, weights = self._checked(X, y, class_vectors, sample_weight)
        options = HeadOptions(self.prior_scale, self.C, self.name_weight, self.tol)
        (self.coef_, intercept), delta = fit_head(vectors, index, S, options, weights=weights, more=more, start=start)
        check_two_classes(np.isfinite(intercept))
        self.intercept_, self.delta_ = intercept + self._log_prior(len(S)), LinearModel(*delta)
        return self

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        # float64, so that a vector gets the same scores alone and in a batch
        check_is_fitted(self)
        vectors = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(vectors @ self.coef_.T + self.intercept_, dtype=np.float64)

    def _log_prior(self, n_classes: int) -> NDArray[np.float32]:
        if isinstance(self.class_prior, str) and self.class_prior == "balanced":
            return np.zeros(n_classes, np.float32)
        prior = np.asarray(self.class_prior)
        is_numeric = prior.dtype.kind in "fiu" and prior.shape == (n_classes,)
        if not is_numeric or not ((prior > 0) & (prior < np.inf)).all():
            raise InputError(
                f"class_prior must be 'balanced' or a positive share for each of the {n_classes} classes; got "
                f"{self.class_prior!r}."
            )
        return np.asarray(np.log(prior / prior.sum()), dtype=np.float32)


class PrototypeClassifier(VectorClassifier):
    """Classify a vector by the class mean with the largest cosine.

    Parameters
    ----------
    temperature : float, default=0.05
        Divides the cosines before the softmax of `predict_proba`; smaller is more confident.
    name_weight : float, default=1.0
        Number of labeled examples that a class vector counts as.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in `fit`, or the rows of `class_vectors`.
    prototypes_ : ndarray of shape (n_classes, n_features)
        Unit mean vector of each class.

    References
    ----------
    Snell, Swersky, Zemel. Prototypical Networks for Few-shot Learning. NeurIPS 2017.

    Examples
    --------
    >>> X, y = [[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], ["cat", "cat", "dog"]
    >>> PrototypeClassifier().fit(X, y).predict([[0.2, 0.9]])
    array(['dog'], dtype='<U3')
    """

    def __init__(self, *, temperature: float = 0.05, name_weight: float = 1.0) -> None:
        self.temperature, self.name_weight = temperature, name_weight

    @all_or_nothing
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        class_vectors: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Take the mean of each class of `X` (n, d), `y` (n,).

        class_vectors (c, d): unit-length class embeddings; then y contains row numbers, -1 for "no label".
        sample_weight (n,): how often each vector counts, from 0 (as if it were absent) to below 1,000.

        Raises
        ------
        InputError
            temperature is not above 0.
        WidthError
            The class vectors and X have different widths.
        NotEnoughClassesError
            Fewer than two classes have a label or a class vector.
        """
        if not self.temperature > 0:
            raise InputError(f"temperature must be above 0; got {self.temperature!r}.")
        vectors, index, S, weights = self._checked(X, y, class_vectors, sample_weight)
        self.prototypes_ = class_means(weights[:, None] * vectors, index, S, name_weight=self.name_weight)
        check_two_classes(np.asarray(self.prototypes_.any(axis=1)))
        return self

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        vectors = unit(_float32(validate_data(self, X, dtype=[np.float64, np.float32], reset=False)))
        scores = 1 / self.temperature * vectors.astype(np.float64) @ self.prototypes_.T
        # A prototype of zeros is a class without labels and class vector; it is never predicted, even where all cosines
        # are negative.
        return np.where(self.prototypes_.any(axis=1), scores, -np.inf)


def _float32(X: NDArray[np.floating]) -> Vectors:
    """Return vectors (n, d) in float32, or raise InputError for numbers whose squares it does not hold."""
    check_size(X, "X", largest=LARGEST_FLOAT32)
    return X.astype(np.float32, copy=False)
