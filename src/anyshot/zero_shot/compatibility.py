"""DeViSE, ALE and SJE: bilinear compatibility x'W s learned with a ranking loss, in which alone they differ."""

from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Floats, Indexes, RandomState, Vectors, generator
from anyshot.zero_shot.base import ZeroShotEstimator

RankingLoss: TypeAlias = Literal["devise", "ale", "sje"]


def violations(scores: Floats, truth: Indexes, *, margin: float) -> Floats:
    """Return max(0, margin + F(x, k) - F(x, truth)) for each class k (n, c), 0 for the true class."""
    rows = np.arange(len(truth))
    excess = np.maximum(margin + scores - scores[rows, truth][:, None], 0)  # (n, c)
    excess[rows, truth] = 0
    return excess


def violation_weights(excess: Floats, *, loss: RankingLoss) -> Floats:
    """Return the weight (n, c) of each violation in the loss, 0 where there is none.

    "devise": all weigh the same (Frome et al. 2013, eq. (1)). "sje": only the largest counts (Akata et al. 2015, eq.
    (2) to (4)). "ale": the r violations of an item weigh the same, 1 + 1/2 + ... + 1/r in total (Akata et al. 2016, the
    weighted approximate ranking loss).
    """
    violated = (excess > 0).astype(np.float64)  # (n, c)
    if loss == "devise":
        return violated
    if loss == "sje":
        worst = np.zeros_like(violated)
        worst[np.arange(len(excess)), excess.argmax(axis=1)] = 1
        return worst * violated
    rank = violated.sum(axis=1).astype(np.intp)  # (n,)
    weight = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, excess.shape[1] + 1))])  # (c + 1,)
    return np.asarray(violated * (weight[rank] / np.maximum(rank, 1))[:, None])


def ranking_gradient(
    W: Floats, X: NDArray[np.floating], y: Indexes, S: Floats, *, margin: float, loss: RankingLoss
) -> Floats:
    """Return the gradient (d, a) of the mean ranking loss at `W` (d, a); X (n, d), y (n,) rows of S (c, a)."""
    weights = violation_weights(violations((X @ W) @ S.T, y, margin=margin), loss=loss)  # (n, c)
    weights[np.arange(len(y)), y] = -weights.sum(axis=1)
    return np.asarray(X.T @ (weights @ S) / len(y))


class CompatibilityEstimator(ZeroShotEstimator):
    """Bilinear scores x'W s, trained so that the true class scores higher than the others by a margin.

    Parameters
    ----------
    margin : float, default=0.1
        How much higher the true class must score.
    learning_rate : float, default=1.0
        Step of stochastic gradient descent, falling linearly to zero; for items and class vectors of unit length.
    epochs : int, default=20
        Passes over the items.
    batch_size : int, default=32
        Items in a step.
    random_state : int, generator or None, default=None
        Order of the items, shuffled in every epoch. The result depends on it, and on the order of rows in `fit`, by a
        few points on a few hundred noisy items.

    Attributes
    ----------
    bilinear_ : ndarray of shape (n_features, n_attributes)
        W; it starts at zero.
    """

    _loss: ClassVar[RankingLoss]
    _min_seen = 2

    def __init__(
        self,
        *,
        margin: float = 0.1,
        learning_rate: float = 1.0,
        epochs: int = 20,
        batch_size: int = 32,
        random_state: RandomState = None,
    ) -> None:
        self.margin, self.learning_rate, self.epochs = margin, learning_rate, epochs
        self.batch_size, self.random_state = batch_size, random_state

    def _fit(self, X: Vectors, y: Indexes) -> None:
        S = self.class_vectors_[self.seen_classes_]  # (c_seen, a)
        truth = np.searchsorted(self.seen_classes_, y)
        random, W = generator(self.random_state), np.zeros((X.shape[1], S.shape[1]))
        starts = range(0, len(X), self.batch_size)
        n_steps, step = self.epochs * len(starts), 0
        for _ in range(self.epochs):
            order = random.permutation(len(X))
            for start in starts:
                rows = order[start : start + self.batch_size]
                gradient = ranking_gradient(W, X[rows], truth[rows], S, margin=self.margin, loss=self._loss)
                W -= self.learning_rate * (1 - step / n_steps) * gradient
                step += 1
        self.bilinear_ = W

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return X @ (self.bilinear_ @ self.class_vectors_.T).astype(np.float32)


class DeViSE(CompatibilityEstimator):
    """Bilinear compatibility with the hinge loss over all classes; see `CompatibilityEstimator`.

    References
    ----------
    Frome et al. DeViSE: A Deep Visual-Semantic Embedding Model. NIPS 2013, eq. (1).
    """

    _loss = "devise"


class ALE(CompatibilityEstimator):
    """Bilinear compatibility with the weighted approximate ranking loss; see `CompatibilityEstimator`.

    References
    ----------
    Akata, Perronnin, Harchaoui, Schmid. Label-Embedding for Image Classification. TPAMI 2016.
    """

    _loss = "ale"


class SJE(CompatibilityEstimator):
    """Bilinear compatibility with the structured hinge loss, of the worst class only; see `CompatibilityEstimator`.

    References
    ----------
    Akata, Reed, Walter, Lee, Schiele. Evaluation of Output Embeddings for Fine-Grained Image Classification. CVPR 2015.
    """

    _loss = "sje"
