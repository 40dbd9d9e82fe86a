"""The any-shot head: logistic regression whose prior is the zero-shot classifier."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from anyshot.any_shot.solver import Deviation, Examples, fit_deviation, labeled, together
from anyshot.base import validation
from anyshot.base.items import check_indexes, decision_scores
from anyshot.base.validation import Indexes, Vectors
from anyshot.errors import InputError, NotEnoughClassesError, WidthError

# The model. With n vectors x (d,), class vectors S (c, d) in the same space, both of unit length, and labels y:
#
#     scores(x) = tau S x + V x + b
#     (V, b) = argmin  sum_i w_i cross_entropy(scores(x_i) + log m, y_i) + (|V|^2 + |b / reach|^2) / (2 C)
#
# The sum runs over the labeled vectors, w = 1, and over the class vectors themselves: what a class is called is an
# example of it too, worth `name_weight` of a label. m (c,) is the weight that each class has in that sum. Adding log m
# in training only (logit adjustment, Menon et al., ICLR 2021) makes the answer that of a balanced sample, so that
# uneven label counts do not bias it. A class without a label stays in the softmax by its name alone, at
# log(name_weight), where the other classes' labels hardly push it down. No labels: V = b = 0, exactly zero-shot. Many
# labels: plain logistic regression. Unlabeled vectors enter as examples with soft targets and a small weight each.


class AnyShotHead(ClassifierMixin, BaseEstimator):
    """Classify vectors by what is known of the classes, moved by as many labels as there are.

    Parameters
    ----------
    prior_scale : float, default=5.0
        tau: how many units of score a cosine of 1 to the class vector is worth.
    C : float, default=10.0
        How far one label may move the model; the inverse of the penalty, as in scikit-learn.
    name_weight : float, default=0.5
        What a class vector counts as an example of its class [labels].
    class_prior : "balanced" or array-like of shape (n_classes,), default="balanced"
        Share of each class in the work to come.
    tol : float, default=2e-5
        About twice the loss that may be left above the minimum when fitting stops [nats, of the sum over labels].

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels seen in `fit`, or the rows of `class_vectors`.
    coef_, intercept_ : ndarray of shape (n_classes, n_features), (n_classes,)
        The whole linear model: prior, deviation and class prior together.
    deviation_ : Deviation
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
        name_weight: float = 0.5,
        class_prior: str | ArrayLike = "balanced",
        tol: float = 2e-5,
    ) -> None:
        self.prior_scale = prior_scale
        self.C = C
        self.name_weight = name_weight
        self.class_prior = class_prior
        self.tol = tol

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        class_vectors: ArrayLike | None = None,
        more: Examples | None = None,
        start: Deviation | None = None,
    ) -> Self:
        """Learn from vectors `X` (n, d) and labels `y` (n,).

        class_vectors (c, d): what is known of each class, unit length; then y indexes its rows, -1 being "no label",
        and X may have no row. A row of zeros says that nothing is known of that class. Without class_vectors, y holds
        labels of any kind and the model is logistic regression.
        more: further examples with soft targets, such as unlabeled vectors with answers believed of them.
        start: the deviation of an earlier fit, to begin from.

        Raises
        ------
        WidthError
            The class vectors have another width than X.
        NotEnoughClassesError
            Fewer than two classes have a label or a class vector.
        InputError
            class_prior is neither "balanced" nor a share above 0 for each class.
        """
        vectors, index, S = self._checked(X, y, class_vectors)
        known = np.flatnonzero(S.any(axis=1))
        parts = [labeled(vectors, index, len(S)), labeled(S[known], known, len(S), weight=self.name_weight)]
        examples = together(*parts, *([more] if more is not None else []))
        something = S.any(axis=1) | (examples.mass > 0)  # (c,), whether anything is known of the class
        if np.count_nonzero(something) < 2:
            raise NotEnoughClassesError(f"At least two classes need a label or a class vector; {len(S)} classes given.")
        prior = self.prior_scale * examples.vectors @ S.T  # (n, c)
        if len(vectors) or (more is not None and more.weights.any()):
            self.deviation_ = fit_deviation(examples, prior, C=self.C, start=start, tol=self.tol)
        else:
            self.deviation_ = Deviation(np.zeros_like(S), np.zeros(len(S), np.float32))
        self.coef_ = np.asarray(self.prior_scale * S + self.deviation_.V, dtype=np.float32)
        self.intercept_ = self.deviation_.b + self._log_share(len(S))
        self.intercept_[~something] = -np.inf  # it cannot be the answer
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the scores of `X` (n, c): a class each, or (n,) for the second of two classes."""
        return decision_scores(self._scores(X))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the probability of each class (n, c)."""
        return np.asarray(softmax(self._scores(X), axis=1))

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the likeliest class of each vector (n,)."""
        best = self._scores(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _scores(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        # In float64, so that a vector's scores are the same alone and in a batch.
        vectors = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(vectors @ self.coef_.T + self.intercept_, dtype=np.float64)

    def _checked(self, X: ArrayLike, y: ArrayLike, class_vectors: ArrayLike | None) -> tuple[Vectors, Indexes, Vectors]:
        """Return the labeled vectors, their classes and the class vectors (c, d)."""
        if class_vectors is None:
            vectors, labels = validate_data(self, X, y, dtype=np.float32)
            check_classification_targets(labels)
            self.classes_, index = np.unique(labels, return_inverse=True)
            return vectors, index, np.zeros((len(self.classes_), vectors.shape[1]), np.float32)
        vectors = validate_data(self, X, dtype=np.float32, ensure_min_samples=0)
        S = validation.vectors(class_vectors, name="class_vectors")
        if S.shape[1] != vectors.shape[1]:
            raise WidthError(f"class_vectors are {S.shape[1]} wide and X is {vectors.shape[1]}: they need one space.")
        index = check_indexes(y, n_items=len(vectors), n_classes=len(S))
        self.classes_ = np.arange(len(S))
        return vectors[index >= 0], index[index >= 0], S

    def _log_share(self, n_classes: int) -> NDArray[np.float32]:
        if isinstance(self.class_prior, str) and self.class_prior == "balanced":
            return np.zeros(n_classes, np.float32)
        shares = np.asarray(self.class_prior)
        if shares.dtype.kind not in "fiu" or shares.shape != (n_classes,) or not (shares > 0).all():
            raise InputError(
                f"class_prior must be 'balanced', or a share above 0 for each of the {n_classes} classes; it is "
                f"{self.class_prior!r}."
            )
        return np.asarray(np.log(shares / shares.sum()), dtype=np.float32)


def evidence_of(class_vectors: Vectors, X: Vectors, y: Indexes) -> float:
    """Return how well class vectors predict labels they have not seen [nats], 0 for no better than chance.

    class_vectors (c, d); X (n, d); y (n,) rows of class_vectors. Mean log-likelihood over the labeled classes, at the
    temperature that suits best, times the number of labels. Nothing is fitted to the labels but that one number, so
    that two labels suffice for a first opinion on which of several priors deserves belief.
    """
    similarity = (X @ class_vectors.T).astype(np.float64)  # (n, c)
    counts = np.bincount(y, minlength=len(class_vectors))
    weights = len(y) / (np.count_nonzero(counts) * counts[y])  # each labeled class counts the same
    own = similarity[np.arange(len(y)), y]
    likelihoods = [
        float(weights @ (scale * own - logsumexp(scale * similarity, axis=1) + np.log(len(class_vectors))))
        for scale in (0, 2, 5, 10, 15, 20, 30, 45, 60, 90)
    ]
    return max(likelihoods)
