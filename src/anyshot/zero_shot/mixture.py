"""A Gaussian mixture over a pool whose answers are tied to prior answers and to the neighbors' (as in TransCLIP)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import softmax

from anyshot.zero_shot.class_vectors import Floats


class Mixture(NamedTuple):
    """Gaussian classes with one diagonal covariance, and whose each vector is."""

    means: Floats  # (c, d)
    variance: Floats  # (d,)
    answers: Floats  # (m, c), rows sum to 1
    offsets: Floats  # (c,), added to the logarithms so that the classes are about as frequent


class Labeled(NamedTuple):
    """What the means and the variance need of labeled vectors, each counted with its weight."""

    sums: Floats  # (c, d)
    squares: Floats  # (d,)
    counts: Floats  # (c,)


def share_offsets(logits: Floats, *, balance: float, rounds: int = 3) -> Floats:
    """Return what to add to `logits` (m, c) so that the mean of softmax is drawn to equal shares [0 not, 1 wholly].

    The class factors of Sinkhorn's algorithm, each step taken to the power `balance`: (c,).
    """
    offsets = np.zeros(logits.shape[1])
    for _ in range(rounds if balance else 0):
        mean = softmax(logits + offsets, axis=1).mean(axis=0)  # (c,)
        offsets = offsets - balance * np.log(np.maximum(logits.shape[1] * mean, 1e-9))
    return offsets


def effective_share(X: NDArray[np.floating]) -> float:
    """Return the share of the features of `X` (n, d) that vary on their own: tr(C)^2 / (d tr(C^2)), 1 / d to 1.

    A diagonal Gaussian takes correlated features for so many independent witnesses; its log-density times this share is
    about as sure as it should be.
    """
    centered = X - X.mean(axis=0)
    covariance = centered.T @ centered  # (d, d)
    square = float((covariance**2).sum())
    return float(np.trace(covariance) ** 2 / (len(covariance) * square)) if square > 0 else 1.0


def log_density(X: NDArray[np.floating], means: Floats, variance: Floats) -> Floats:
    """Return log N(x; mean_k, diag(variance)) of `X` (n, d) up to what all classes share: (n, c)."""
    precise = means / variance  # (c, d)
    return np.asarray(X @ precise.T - (means * precise).sum(axis=1) / 2)


def fit_mixture(
    U: Floats,
    prior: Floats,
    around: csr_matrix,
    labeled: Labeled,
    *,
    anchor: float = 0.5,
    smoothness: float = 3.0,
    balance: float = 0.5,
    rounds: int = 10,
) -> Mixture:
    """Fit Gaussian classes to a pool, their responsibilities tied to prior answers and to the neighbors'.

    U (m, d); prior (m, c): logarithms of the prior answers; around (m, m): weights of each vector's neighbors, rows
    that sum to 1.

        z_ik  ~  N(u_i; mean_k, diag(v))^share  *  prior_ik^anchor  *  exp(smoothness * sum_j around_ij z_jk)
        mean_k = sum_i z_ik u_i / sum_i z_ik,     v = sum_ik z_ik (u_i - mean_k)^2 / m

    Zanella, Gerin, Ben Ayed. Boosting Vision-Language Models with Transduction. NeurIPS 2024, section 3 (TransCLIP): a
    Gaussian mixture, a Laplacian term and a Kullback-Leibler penalty to the text's answers. There share is 1, and
    nothing is drawn to equal shares.
    """
    share, offsets = effective_share(U), np.zeros(prior.shape[1])
    answers, total = softmax(prior, axis=1), len(U) + labeled.counts.sum()
    means, variance = np.zeros_like(labeled.sums), np.ones(U.shape[1])
    for _ in range(rounds):
        counts = answers.sum(axis=0) + labeled.counts  # (c,)
        means = (answers.T @ U + labeled.sums) / np.maximum(counts, 1e-9)[:, None]
        squares = answers.sum(axis=1) @ U**2 + labeled.squares  # (d,)
        variance = (squares - counts @ means**2) / total
        variance = np.maximum(variance, 1e-3 * variance.mean() + 1e-12)
        fixed = share * log_density(U, means, variance) + anchor * prior  # (m, c)
        for _ in range(2):
            logits = fixed + smoothness * (around @ answers)
            offsets = share_offsets(logits, balance=balance)
            answers = softmax(logits + offsets, axis=1)
    return Mixture(means, variance, answers, offsets)
