"""Bilinear compatibility x'W s learned by ranking: DeViSE, ALE and SJE, which differ in the loss alone."""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anyshot.base.validation import Indexes, RandomState, Vectors, generator
from anyshot.errors import InputError
from anyshot.zero_shot.class_vectors import Floats
from anyshot.zero_shot.standard import ZeroShotEstimator

RankingLoss: TypeAlias = Literal["devise", "ale", "sje"]


def violations(scores: Floats, truth: Indexes, *, margin: float) -> Floats:
    """Return max(0, margin + F(x, k) - F(x, truth)) for each class k (n, c), 0 for the truth itself."""
    rows = np.arange(len(truth))
    excess = np.maximum(margin + scores - scores[rows, truth][:, None], 0)  # (n, c)
    excess[rows, truth] = 0
    return excess


def violation_weights(excess: Floats, *, loss: RankingLoss) -> Floats:
    """Return the weight (n, c) of each violation in the loss, 0 where there is none.

    "devise": all count alike (Frome et al. 2013, eq. (1)). "sje": only the worst counts (Akata et al. 2015, eq. (2) to
    (4)). "ale": all count alike within an item, and an item with r of them weighs 1 + 1/2 + ... + 1/r in all (Akata et
    al. 2016, the weighted approximate ranking loss).
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


def ranking_step(
    W: Floats, X: NDArray[np.floating], y: Indexes, S: Floats, *, margin: float, loss: RankingLoss
) -> Floats:
    """Return the gradient (d, a) of the mean ranking loss at `W` (d, a); X (n, d), y (n,) rows of S (c, a)."""
    weights = violation_weights(violations((X @ W) @ S.T, y, margin=margin), loss=loss)  # (n, c)
    weights[np.arange(len(y)), y] = -weights.sum(axis=1)
    return np.asarray(X.T @ (weights @ S) / len(y))


class CompatibilityClassifier(ZeroShotEstimator):
    """Bilinear scores x'W s, trained so that the true class outranks the others by a margin.

    Parameters
    ----------
    loss : {"devise", "ale", "sje"}, default="ale"
        How violations of the margin count; see `violation_weights`.
    margin : float, default=0.1
        How much higher the true class must score.
    learning_rate : float, default=1.0
        Step of stochastic gradient descent, falling linearly to zero; made for items and class vectors of unit length.
    epochs : int, default=20
        Passes over the items.
    batch_size : int, default=32
        Items a step.
    random_state : int, generator or None, default=None
        Order of the items. They are dealt anew in every epoch, so that the order of the rows matters as much as the
        seed: a few points on a few hundred noisy items.

    Attributes
    ----------
    bilinear_ : ndarray of shape (n_features, n_attributes)
        W; it starts at zero.

    References
    ----------
    Frome et al. DeViSE. NIPS 2013. Akata et al. Evaluation of Output Embeddings for Fine-Grained Image Classification.
    CVPR 2015 (SJE). Akata et al. Label-Embedding for Image Classification. TPAMI 2016 (ALE).
    """

    def __init__(
        self,
        *,
        loss: RankingLoss = "ale",
        margin: float = 0.1,
        learning_rate: float = 1.0,
        epochs: int = 20,
        batch_size: int = 32,
        random_state: RandomState = None,
    ) -> None:
        self.loss: RankingLoss = loss
        self.margin = margin
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def _n_seen_needed(self) -> int:
        return 2

    def _fit(self, X: Vectors, y: Indexes) -> None:
        if self.loss not in ("devise", "ale", "sje"):
            raise InputError(f"loss={self.loss!r} is none of 'devise', 'ale', 'sje'.")
        S = self.class_vectors_[self.seen_classes_]  # (c_seen, a)
        truth = np.searchsorted(self.seen_classes_, y)
        random, W = generator(self.random_state), np.zeros((X.shape[1], S.shape[1]))
        starts = range(0, len(X), self.batch_size)
        n_steps, step = self.epochs * len(starts), 0
        for _ in range(self.epochs):
            order = random.permutation(len(X))
            for start in starts:
                rows = order[start : start + self.batch_size]
                gradient = ranking_step(W, X[rows], truth[rows], S, margin=self.margin, loss=self.loss)
                W -= self.learning_rate * (1 - step / n_steps) * gradient
                step += 1
        self.bilinear_ = W

    def _scores(self, X: Vectors) -> NDArray[np.floating]:
        return X @ (self.bilinear_ @ self.class_vectors_.T).astype(np.float32)
