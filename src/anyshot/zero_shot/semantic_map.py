"""From class vectors to prior weights: a classifier for every class, learned on the seen ones.

Where class vectors live in another space than the items (attributes, word vectors), `SemanticMapClassifier`. The seen
classes' weights are those of the regularized linear discriminant: with class means M (c_seen, d), their mean mu and the
covariance T of the items about mu,

    W_seen = (M - mu) (T + shrinkage * tr(T) / d * I)^-1

which is, up to scale, ridge from centered features to the classes. They are carried to all classes by kernel ridge over
the class vectors, in z-scores over the seen classes: W = K[:, seen] (K[seen, seen] + penalty I)^-1 W_seen. Every part
is free of scale, so that the defaults need no tuning. A head may take W as its prior and let labels move it.

Where class vectors live in the items' own space (an encoder's vectors of the names), a map learned anew forgets what
the encoder knows. `CorrectedVectorClassifier` keeps them and learns only how far they are off: with unit rows S and M,
R = M - S[seen], W = S + K[:, seen] (K[seen, seen] + penalty I)^-1 R: a Gaussian process whose prior mean is S.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from anyshot.base.items import class_sums
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.errors import WidthError
from anyshot.zero_shot.class_vectors import Floats, class_kernel, smoother, standardized, unit_rows
from anyshot.zero_shot.ridge import gram, ridge_solve
from anyshot.zero_shot.standard import ZeroShotEstimator


def discriminant_weights(X: Vectors, y: Indexes, classes: Indexes, *, shrinkage: float) -> tuple[Floats, Floats]:
    """Return the weights (c_seen, d) of regularized linear discriminants, of mean length 1, and the center (d,).

    X (n, d), y (n,): every class of `classes` has a row. The center is the mean of the class means, so that the scores
    of an item x are weights @ (x - center), whatever the classes' sizes.
    """
    counts = np.bincount(y, minlength=int(classes.max()) + 1)[classes]  # (c_seen,)
    sums = class_sums(X, y, int(classes.max()) + 1)[classes]  # (c_seen, d)
    means = sums / counts[:, None]
    center = means.mean(axis=0)  # (d,)
    about = np.outer(sums.sum(axis=0), center)  # (d, d)
    spread = (gram(X) - about - about.T) / len(X) + np.outer(center, center)  # (d, d)
    penalty = max(shrinkage * np.trace(spread) / len(spread), 1e-12)
    weights = ridge_solve(spread, (means - center).T, penalty=float(penalty)).T  # (c_seen, d)
    length = np.sqrt((weights**2).sum(axis=1).mean())
    return weights / max(length, 1e-12), center


def corrected_vectors(
    S: ArrayLike, X: Vectors, y: Indexes, seen: Indexes, *, penalty: float = 0.1, noise: float = 3.0
) -> tuple[Floats, Floats]:
    """Return class vectors (c, d) corrected by labels, and how much of each seen class's correction each takes.

    S (c, d) and X (n, d) of unit length in one space; y (n,) rows of S; seen (c_seen,) those that y names; penalty: of
    the kernel over classes; noise: added to it, over the number of a class's labels. The second array has the shape
    (c, c_seen).
    """
    table = np.asarray(S, dtype=np.float64)
    means = unit_rows(class_sums(X, y, len(table))[seen])  # (c_seen, d)
    analogy = smoother(class_kernel(table, seen, kernel="rbf"), seen, penalty=_doubt(y, seen, penalty, noise))
    return unit_rows(table + analogy @ (means - table[seen])), analogy


def _doubt(y: Indexes, seen: Indexes, penalty: float, noise: float) -> Floats:
    """Return how little each seen class is believed (c_seen,), by its number of labels."""
    counts = np.bincount(y, minlength=int(seen.max()) + 1)[seen]
    return penalty + noise / counts


class SemanticMapClassifier(ZeroShotEstimator):
    """Linear weights for every class, carried from the seen classes by likeness of attributes.

    Parameters
    ----------
    shrinkage : float, default=1.0
        How far the covariance is drawn to a sphere, in units of its mean eigenvalue.
    penalty : float, default=0.1
        Ridge of the kernel over classes, whose diagonal is 1.
    label_noise : float, default=3.0
        Over a class's number of labels, what is added to its penalty: one label says little, and its class's weights
        then follow those of the classes like it.
    temperature : float, default=0.1
        Divides the scores before softmax in `predict_proba`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
        Weights of all classes, those of seen classes with mean length 1: a prior for a head on the same items.
    intercept_ : ndarray of shape (n_classes,)
        Added to the scores: -coef_ @ center_. On items centered by `center_` it is zero.
    center_ : ndarray of shape (n_features,)
        Mean of the seen classes' means.
    analogy_ : ndarray of shape (n_classes, n_seen)
        How much of each seen class's weights each class takes.

    References
    ----------
    Close to Changpinyo, Chao, Gong, Sha. Synthesized Classifiers for Zero-Shot Learning. CVPR 2016, with the seen
    classes as phantoms, kernel ridge for the softmax weights and a discriminant for the hinge loss.
    """

    def __init__(
        self, *, shrinkage: float = 1.0, penalty: float = 0.1, label_noise: float = 3.0, temperature: float = 0.1
    ) -> None:
        self.shrinkage = shrinkage
        self.penalty = penalty
        self.label_noise = label_noise
        self.temperature = temperature

    def predict_proba(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return softmax of the scores / temperature (n, c); 0 outside the candidates."""
        return np.asarray(softmax(self.decision_function(X, candidates) / self.temperature, axis=1))

    def _n_seen_needed(self) -> int:
        return 2

    def _fit(self, X: Vectors, y: Indexes) -> None:
        known, self.center_ = discriminant_weights(X, y, self.seen_classes_, shrinkage=self.shrinkage)
        table = standardized(self.class_vectors_, self.seen_classes_)
        alike = class_kernel(table, self.seen_classes_, kernel="rbf")
        doubt = _doubt(y, self.seen_classes_, self.penalty, self.label_noise)
        self.analogy_ = smoother(alike, self.seen_classes_, penalty=doubt)  # (c, c_seen)
        self.coef_ = self.analogy_ @ known  # (c, d)
        self.intercept_ = -self.coef_ @ self.center_  # (c,)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return X @ self.coef_.T.astype(np.float32) + self.intercept_.astype(np.float32)


class CorrectedVectorClassifier(ZeroShotEstimator):
    """Cosine to class vectors that the seen classes have corrected; class vectors live in the space of the items.

    Parameters
    ----------
    penalty : float, default=0.1
        Ridge of the kernel over classes, whose diagonal is 1; large values leave the class vectors as they are.
    label_noise : float, default=3.0
        Over a class's number of labels, what is added to its penalty.
    temperature : float, default=0.1
        Divides the cosine before softmax in `predict_proba`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
        The corrected class vectors, of unit length: a prior for a head on the same items.
    analogy_ : ndarray of shape (n_classes, n_seen)
        How much of each seen class's correction each class takes.
    """

    def __init__(self, *, penalty: float = 0.1, label_noise: float = 3.0, temperature: float = 0.1) -> None:
        self.penalty = penalty
        self.label_noise = label_noise
        self.temperature = temperature

    def predict_proba(self, X: ArrayLike, candidates: ArrayLike | None = None) -> Floats:
        """Return softmax of the cosine / temperature (n, c); 0 outside the candidates."""
        return np.asarray(softmax(self.decision_function(X, candidates) / self.temperature, axis=1))

    def _fit(self, X: Vectors, y: Indexes) -> None:
        S, seen = self.class_vectors_, self.seen_classes_
        if S.shape[1] != X.shape[1]:
            raise WidthError(
                f"Corrected class vectors must live in the space of the items; the items are {X.shape[1]} wide, the "
                f"class vectors {S.shape[1]}. Use SemanticMapClassifier, which learns the way between the two."
            )
        self.coef_, self.analogy_ = corrected_vectors(S, unit(X), y, seen, penalty=self.penalty, noise=self.label_noise)

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return unit(X) @ self.coef_.T.astype(np.float32)
