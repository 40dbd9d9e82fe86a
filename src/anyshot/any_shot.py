"""The any-shot head: logistic regression whose prior is the zero-shot classifier."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from anyshot import checks
from anyshot.checks import Indexes, Vectors
from anyshot.errors import InputError, NotEnoughClassesError, WidthError
from anyshot.threads import threads_for

# The model. With n vectors x (d,), class vectors S (c, d) in the same space, both of unit length, and labels y:
#
#     scores(x) = tau S x + V x + b
#     (V, b) = argmin  sum_i w_i cross_entropy(scores(x_i) + log m, y_i) + (|V|^2 + |b / reach|^2) / (2 C)
#
# The sum runs over the labelled vectors, w = 1, and over the class vectors themselves: what a class is called is an
# example of it too, worth `name_weight` of a label. m (c,) is the weight that each class has in that sum. Adding log m
# in training only (logit adjustment, Menon et al., ICLR 2021) makes the answer that of a balanced sample, so that
# uneven label counts do not bias it. A class without a label stays in the softmax by its name alone, at
# log(name_weight), where the other classes' labels hardly push it down. No labels: V = b = 0, exactly zero-shot. Many
# labels: plain logistic regression. Unlabelled vectors enter as examples with soft targets and a small weight each.


BIAS_REACH = 4.0
"""How many times as far as a weight the intercept may move: it first has to undo the mean that all vectors share."""


@dataclass(frozen=True)
class Examples:
    """What the head learns from: vectors, what each is believed to be, and how much that counts."""

    vectors: Vectors  # (n, d)
    targets: NDArray[np.float32]  # (n, c), each row a distribution over the classes
    weights: NDArray[np.float32]  # (n,)

    @property
    def mass(self) -> NDArray[np.float64]:
        """Weight of each class (c,)."""
        return np.asarray(self.weights @ self.targets, dtype=np.float64)


def labelled(vectors: Vectors, index: Indexes, n_classes: int, *, weight: float = 1.0) -> Examples:
    """Make examples of vectors (n, d) whose classes are known, `index` (n,)."""
    targets = np.eye(n_classes, dtype=np.float32)[index]  # (n, c)
    return Examples(vectors, targets, np.full(len(vectors), weight, dtype=np.float32))


def together(*parts: Examples) -> Examples:
    """Put examples one after another."""
    return Examples(
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


@dataclass(frozen=True)
class Deviation:
    """How far the labels move the model from its prior."""

    V: Vectors  # (c, d)
    b: NDArray[np.float32]  # (c,)

    def __call__(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return what is added to the prior's scores (n, c)."""
        return np.asarray(vectors @ self.V.T + self.b, dtype=np.float32)


def fit_deviation(
    examples: Examples,
    prior: NDArray[np.floating],
    *,
    C: float = 10.0,
    start: Deviation | None = None,
    tol: float = 3e-4,
) -> Deviation:
    """Minimise the objective above by L-BFGS, in coordinates in which it is nearly round.

    examples: n vectors (n, d) with targets over c classes; prior (n, c): the prior's scores of those vectors;
    start: where to begin, such as the solution before a few examples came; the minimum is the same, reached sooner;
    tol: largest gradient left, in the round coordinates [weighted examples].

    Classes without weight leave the softmax (log 0) and keep V = b = 0.
    """
    n_classes = prior.shape[1]
    active = np.flatnonzero(examples.mass > 0)
    V, b = np.zeros((n_classes, examples.vectors.shape[1]), np.float32), np.zeros(n_classes, np.float32)
    if len(active) < 2:
        return Deviation(V, b)
    rows = np.column_stack([examples.vectors, np.full(len(prior), BIAS_REACH, np.float32)])  # (n, d + 1), last for b
    axes, curvature = _axes(rows, examples.weights, len(active), C)  # (d + 1, r), (r,)
    to_round = np.asarray(axes / np.sqrt(curvature), dtype=np.float32)
    first: NDArray[np.float64] = np.zeros((to_round.shape[1], len(active)))
    if start is not None:
        before = np.column_stack([start.V, start.b / BIAS_REACH])[active]  # (k, d + 1)
        first = np.sqrt(curvature)[:, None] * (axes.T @ before.T).astype(np.float64)  # the axes are orthonormal
    base = prior[:, active] + np.log(examples.mass[active]).astype(np.float32)
    narrowed = Examples(rows @ to_round, examples.targets[:, active], examples.weights)
    W = _minimise(narrowed, base, (to_round**2).sum(axis=0) / C, first, tol)  # (r, k)
    moved = to_round @ W  # (d + 1, k)
    V[active], b[active] = moved[:-1].T, BIAS_REACH * moved[-1]
    return Deviation(V, b)


def _axes(
    rows: Vectors, weights: NDArray[np.float32], n_active: int, C: float
) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Return the principal axes of the examples (d, r), orthonormal, and about how the loss curves along each (r,).

    The softmax's curvature is at most (I - 11'/c) / 2 (Böhning 1992) and about p(1 - p) ~ 1/c a class where it
    matters, so the Hessian is about X' diag(w) X / c + I / C. Coordinates along its eigenvectors, each divided by the
    root of its eigenvalue, turn long valleys into a bowl. Directions in which no example lies are left out.
    """
    weighted = rows * np.sqrt(weights)[:, None]
    wide = len(rows) < rows.shape[1]  # fewer examples than features: the same axes from the smaller matrix
    gram = weighted @ weighted.T if wide else weighted.T @ weighted
    eigenvalues, eigenvectors = np.linalg.eigh(gram.astype(np.float64))  # (r,), (r, r)
    kept = eigenvalues > eigenvalues[-1] * 1e-7
    spread, directions = eigenvalues[kept], eigenvectors[:, kept]
    axes = weighted.T @ (directions / np.sqrt(spread)) if wide else directions  # (d, r)
    return axes, np.asarray(spread * min(0.25, 1 / n_active) + 1 / C)


def _minimise(
    examples: Examples,
    base: NDArray[np.floating],
    stiffness: NDArray[np.floating],
    first: NDArray[np.float64],
    tol: float,
) -> NDArray[np.float32]:
    """Return W (r, k) at the minimum of weighted cross-entropy(base + Z W) + sum(stiffness * W^2) / 2."""
    Z, T, w = examples.vectors, examples.targets, examples.weights[:, None]
    stiff = stiffness.astype(np.float32)[:, None]

    def loss_and_slope(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        W = flat.reshape(first.shape).astype(np.float32)
        scores = base + Z @ W  # (n, k)
        top = scores.max(axis=1, keepdims=True)
        odds = np.exp(scores - top)
        sums = odds.sum(axis=1, keepdims=True)
        fit = w * (top + np.log(sums) - (T * scores).sum(axis=1, keepdims=True))
        slope = Z.T @ (w * (odds / sums - T)) + stiff * W  # (r, k)
        loss = fit.sum(dtype=np.float64) + 0.5 * (stiff * W * W).sum(dtype=np.float64)
        return float(loss), slope.ravel().astype(np.float64)

    options = {"gtol": tol, "ftol": 3e-8, "maxiter": 500, "maxcor": 5}
    with threads_for(Z.size * T.shape[1]):
        found = minimize(loss_and_slope, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(first.shape), dtype=np.float32)


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
    tol : float, default=3e-4
        Largest gradient left when fitting stops.

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
        tol: float = 3e-4,
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
        more: further examples with soft targets, such as unlabelled vectors with answers believed of them.
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
        parts = [labelled(vectors, index, len(S)), labelled(S[known], known, len(S), weight=self.name_weight)]
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
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

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
        """Return the labelled vectors, their classes and the class vectors (c, d)."""
        if class_vectors is None:
            vectors, labels = validate_data(self, X, y, dtype=np.float32)
            check_classification_targets(labels)
            self.classes_, index = np.unique(labels, return_inverse=True)
            return vectors, index, np.zeros((len(self.classes_), vectors.shape[1]), np.float32)
        vectors = validate_data(self, X, dtype=np.float32, ensure_min_samples=0)
        S = checks.vectors(class_vectors, name="class_vectors")
        if S.shape[1] != vectors.shape[1]:
            raise WidthError(f"class_vectors are {S.shape[1]} wide and X is {vectors.shape[1]}: they need one space.")
        index = checks.indexes(y, n_items=len(vectors), n_classes=len(S))
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

    class_vectors (c, d); X (n, d); y (n,) rows of class_vectors. Mean log-likelihood over the labelled classes, at the
    temperature that suits best, times the number of labels. Nothing is fitted to the labels but that one number, so
    that two labels suffice for a first opinion on which of several priors deserves belief.
    """
    similarity = (X @ class_vectors.T).astype(np.float64)  # (n, c)
    counts = np.bincount(y, minlength=len(class_vectors))
    weights = len(y) / (np.count_nonzero(counts) * counts[y])  # each labelled class counts the same
    own = similarity[np.arange(len(y)), y]
    likelihoods = [
        float(weights @ (scale * own - logsumexp(scale * similarity, axis=1) + np.log(len(class_vectors))))
        for scale in (0, 2, 5, 10, 15, 20, 30, 45, 60, 90)
    ]
    return max(likelihoods)
