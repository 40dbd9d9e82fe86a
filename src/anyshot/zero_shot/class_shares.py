"""How clearly the classes are clusters of a pool of unlabeled vectors, and the class shares of such clusters."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from anyshot.base.labels import Label
from anyshot.base.messages import enumerated, in_percent
from anyshot.base.validation import Floats, Indexes, Vectors, class_sums

UNEQUAL: Final = 0.2
"""A class share that differs from equal ones by less than this part is not mentioned."""
SHOWN_SHARES: Final = 3
"""Classes whose shares a sentence names; a single further one is named too."""
MIXTURE_ROUNDS: Final = 8  # of EM
MAX_COMPONENTS: Final = 20  # principal components of the pool that are used


def equal_shares(n_classes: int) -> Floats:
    """Return the same share for each class (c,)."""
    return np.full(n_classes, 1 / n_classes)


def shares_of_groups(shares: NDArray[np.floating], groups: Sequence[Sequence[int]]) -> Floats:
    """Return the shares of classes (g,) that contain earlier ones with these shares (c,).

    groups: the rows that each contains: it has the sum of their shares, or, without any, the mean of the others.

    >>> shares_of_groups(np.array([0.5, 0.3, 0.2]), [[0], [1, 2], []]).round(2)
    array([0.33, 0.33, 0.33])
    """
    found = np.array([shares[list(rows)].sum() if len(rows) else np.nan for rows in groups])
    found = np.where(np.isnan(found), np.nanmean(found), found)
    return np.asarray(found / found.sum())


def shares_reason(shares: NDArray[np.floating], names: Sequence[Label]) -> list[str]:
    """Return which class shares (c,) are expected of new items, and how to choose others; nothing if they are equal.

    >>> shares_reason(np.array([0.87, 0.13]), ["ham", "spam"])
    ["The class shares expected of new items are 'ham' 87 % and 'spam' 13 %; class_prior (--class-prior) sets others."]
    """
    if not names or np.abs(shares * len(shares) - 1).max() < UNEQUAL:
        return []
    n_shown = len(shares) if len(shares) <= SHOWN_SHARES + 1 else SHOWN_SHARES
    order = np.argsort(-shares, kind="stable")
    shown = [f"{names[row]!r} {in_percent(shares[row])}" for row in order[:n_shown]]
    if n_others := len(shares) - n_shown:
        shown.append(f"the {n_others} others together {in_percent(shares[order[n_shown:]].sum())}")
    return [f"The class shares expected of new items are {enumerated(shown)}; class_prior (--class-prior) sets others."]


def likely_shares(
    scores: NDArray[np.floating],
    start: NDArray[np.floating],
    *,
    expected: Floats | None = None,
    prior_count: float = 0.0,
    weights: NDArray[np.floating] | None = None,
    rounds: int,
    tol: float = 0.0,
) -> Floats:
    """Return class shares (c,) under which the scores (m, c) of a model for equal shares are likely.

    They are found by expectation maximization from `start` (Saerens, Latinne, Decaestecker, Neural Computation 2002,
    eq. 2.9): the shares are the mean of the probabilities that they give. expected: shares of a prior, which counts as
    `prior_count` vectors for each vector; weights (m,): multiplicity of each vector; tol: no share changes by more than
    this in the last round, if there were fewer than `rounds`.
    """
    raw = np.asarray(scores, dtype=np.float64)
    odds = np.exp(raw - raw.max(axis=1, keepdims=True))  # (m, c)
    weight = np.full(len(odds), 1 / len(odds)) if weights is None else weights / weights.sum()  # (m,)
    shares = np.asarray(start, dtype=np.float64)
    for _ in range(rounds):
        before, mean = shares, shares * ((weight / np.maximum(odds @ shares, 1e-300)) @ odds)
        shares = mean if expected is None else (mean + prior_count * expected) / (1 + prior_count)
        if np.abs(shares - before).max() < tol:
            break
    return np.asarray(shares)


def reliability_of(shares: Floats, *, noise: float) -> float:
    """Return the part of the difference between found shares (c,) and equal ones that is not error, 0 to 1.

    With the divergence KL(shares || equal) and an error of `noise` nats this is KL / (KL + noise).
    """
    divergence = max(0.0, float(np.log(len(shares)) + (shares * np.log(shares)).sum()))
    return divergence / (divergence + noise) if divergence > 0 else 0.0


# If a pool has the same classes as the labeled items, in whatever shares p, its mean m is near a mixture sum_k p_k m_k
# of the class means. With V the mean squared distance of items from their mean, which exceeds that within classes on
# average, n_k labeled items of class k and M items in the pool, chance alone gives about
#
#     |m - sum_k p_k m_k|^2 = V (sum_k p_k^2 / n_k + 1 / M)


def distance_from_mixtures(pool: Vectors, vectors: Vectors, index: Indexes) -> tuple[float, float]:
    """Return how far the mean of a pool (m, d) is from all mixtures of class means, and how far by chance.

    vectors (n, d), index (n,): labeled items of each class. Both are squared distances, divided by the mean squared
    distance of items from their mean; what chance gives is subtracted from the first.
    """
    counts, mean = np.bincount(index), pool.mean(axis=0, dtype=np.float64)  # (c,), (d,)
    means = class_sums(vectors, index, len(counts)) / counts[:, None]  # (c, d)
    unlike = means - mean
    heavy = 1e3 * np.sqrt(np.square(unlike).sum()) or 1.0  # so that the weights sum to 1
    weights, _ = scipy.optimize.nnls(np.vstack([unlike.T, np.full(len(means), heavy)]), np.append(0 * mean, heavy))
    shares = weights / weights.sum()
    variance = max(float(items.var(axis=0, dtype=np.float64).sum()) for items in (pool, vectors))
    chance = float(np.square(shares) @ (1 / counts)) + 1 / len(pool)
    return float(np.square(shares @ unlike).sum()) / max(variance, 1e-12) - chance, chance


def balancing_factors(
    probabilities: NDArray[np.floating], shares: Floats, *, balance: float = 1.0, rounds: int = 3
) -> Floats:
    """Return factors (c,) of probabilities (m, c), so that the mean of the products moves to the shares (c,).

    The products are scaled to rows of the sum 1. These are the class factors of Sinkhorn's algorithm, each step to the
    power `balance`, 0 to 1.
    """
    P, factors = np.asarray(probabilities, dtype=np.float64), np.ones(len(shares))
    for _ in range(rounds if balance else 0):
        mean = factors * ((1 / (P @ factors)) @ P) / len(P)  # (c,)
        factors = factors * (shares / np.maximum(mean, 1e-9)) ** balance
    return factors


def share_offsets(
    logits: NDArray[np.floating], shares: Floats | None = None, *, balance: float = 1.0, rounds: int = 3
) -> Floats:
    """Return offsets (c,) to add to `logits` (m, c), so that the mean of softmax moves to the shares, by default equal.

    They are the logarithms of the `balancing_factors` of softmax.
    """
    wanted = equal_shares(logits.shape[1]) if shares is None else shares
    predicted = scipy.special.softmax(np.asarray(logits, dtype=np.float64), axis=1)
    return np.asarray(np.log(balancing_factors(predicted, wanted, balance=balance, rounds=rounds)))


def shares_by_clusters(whitened: Floats, probabilities: NDArray[np.floating]) -> Floats:
    """Return the class shares (c,) of the Gaussian mixture that starts from the probabilities (m, c) of the classes."""
    for _ in range(MIXTURE_ROUNDS):
        probabilities = cluster_evidence(whitened, probabilities)[1]
    n_classes = probabilities.shape[1]
    return np.asarray(0.95 * probabilities.mean(axis=0) + 0.05 / n_classes)  # no class is excluded


def whiten(vectors: Vectors, *, n_different: int | None = None) -> Floats:
    """Return the first 20 principal components of vectors (m, d), at most one for ten different ones, of variance 1.

    n_different: how many of the vectors differ, all by default.
    """
    centered = (vectors - vectors.mean(axis=0)).astype(np.float64)
    variance, directions = np.linalg.eigh(centered.T @ centered / len(centered))
    n_different = len(vectors) if n_different is None else n_different
    n = max(1, min(MAX_COMPONENTS, n_different // 10, int(np.count_nonzero(variance > 1e-9))))
    return np.asarray(centered @ (directions[:, -n:] / np.sqrt(np.maximum(variance[-n:], 1e-12))))


# The pool's vectors x (r,), whitened, are compared with two models: one Gaussian N(0, I), and a mixture of one Gaussian
# for each class with the means m_k and the shares p_k of the classes and a common covariance W, all from the
# probabilities P (m, c). The evidence is the mean log-likelihood of the second minus that of the first,
#
#     mean_i log sum_k p_k N(x_i; m_k, W) - mean_i log N(x_i; 0, I),        W = I - sum_k p_k m_k m_k'
#
# It is near 0 where the classes only cut one cluster into pieces, and large where each class is a cluster.


def cluster_evidence(whitened: Floats, probabilities: NDArray[np.floating]) -> tuple[float, Floats]:
    """Return the evidence that classes are clusters [nats per vector], and the mixture's probabilities (m, c).

    whitened (m, r); probabilities (m, c): of the classes.
    """
    shares = probabilities.mean(axis=0, dtype=np.float64)  # (c,)
    means = (probabilities.T @ whitened) / np.maximum(shares * len(whitened), 1e-9)[:, None]  # (c, r)
    within = (1 + 1e-3) * np.eye(whitened.shape[1]) - (means.T * shares) @ means
    factor = scipy.linalg.cho_factor(within, lower=True, check_finite=False)[0]
    x, m = (scipy.linalg.solve_triangular(factor, rows.T, lower=True, check_finite=False) for rows in (whitened, means))
    distance = np.square(x).sum(axis=0)[:, None] + np.square(m).sum(axis=0) - 2 * x.T @ m  # (m, c)
    joint = np.log(np.maximum(shares, 1e-12)) - 0.5 * distance - np.log(np.diag(factor)).sum()
    likelihood = scipy.special.logsumexp(joint, axis=1)
    gain = likelihood + 0.5 * np.square(whitened).sum(axis=1)
    return float(gain.mean()), np.exp(joint - likelihood[:, None])
