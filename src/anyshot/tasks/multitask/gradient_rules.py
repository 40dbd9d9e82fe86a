"""Rules that combine the gradients of several tasks: PCGrad, MGDA, CAGrad and IMTL-G.

Each rule takes the Gram matrix G (t, t), where G[i, j] is the inner product of the gradients of tasks i and j, and
returns the weights (t,) of the gradients. Without conflicts between tasks, all weights are near 1 / t.
"""

import math
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize, nnls

from anyshot.base.validation import Floats

CAUTION: Final = 0.5
"""c of CAGrad: largest distance to the mean gradient, in lengths of the mean gradient."""


def equal(gram: Floats, random: np.random.Generator) -> Floats:
    """Return 1 / t for each task: the gradient of the mean loss."""
    return np.full(len(gram), 1 / len(gram))


def pcgrad(gram: Floats, random: np.random.Generator) -> Floats:
    """Return the mean of the gradients, each projected to the normal plane of conflicting ones in random order.

    Yu et al. Gradient Surgery for Multi-Task Learning. NeurIPS 2020, algorithm 1.
    """
    total = np.zeros(len(gram))
    for own in range(len(gram)):
        mixed = np.eye(len(gram))[own]
        for other in random.permutation(len(gram)):
            along = mixed @ gram[:, other]
            if other != own and along < 0:
                mixed[other] -= along / gram[other, other]
        total += mixed
    return total / len(gram)


def mgda(gram: Floats, random: np.random.Generator) -> Floats:
    """Return the convex combination of least norm; it increases no task's loss.

    Sener, Koltun. Multi-Task Learning as Multi-Objective Optimization. NeurIPS 2018, eq. (3).
    """
    # Its optimality conditions, G a >= m with equality where a > 0, are those of min x'G x / 2 - 1'x over x >= 0 with
    # a = x / sum x; with G = L L' that is the non-negative least squares |L'x - L^-1 1|.
    size = float(np.trace(gram)) / len(gram)
    if size <= 0:
        return equal(gram, random)
    L = np.linalg.cholesky(gram / size + 1e-9 * np.eye(len(gram)))
    x, _ = nnls(L.T, solve_triangular(L, np.ones(len(gram)), lower=True))
    return np.asarray(x / x.sum())


def cagrad(gram: Floats, random: np.random.Generator) -> Floats:
    """Return the combination near the mean gradient that decreases the worst task's loss the most.

    Liu et al. Conflict-Averse Gradient Descent for Multi-task Learning. NeurIPS 2021, algorithm 1.
    """
    t, mean = len(gram), np.full(len(gram), 1 / len(gram))
    square = float(mean @ gram @ mean)
    if square <= 1e-12 * np.trace(gram) or square == 0:
        return mean
    scaled = gram / square  # the mean gradient has length 1

    def objective(w: Floats) -> float:
        return float(w @ scaled @ mean) + CAUTION * math.sqrt(max(float(w @ scaled @ w), 1e-12))

    sums_to_one = {"type": "eq", "fun": lambda w: w.sum() - 1}
    w = minimize(objective, mean, bounds=[(0, 1)] * t, constraints=sums_to_one, method="SLSQP").x
    return np.asarray(mean + CAUTION * w / math.sqrt(max(float(w @ scaled @ w), 1e-12)))


def imtl_g(gram: Floats, random: np.random.Generator) -> Floats:
    """Return the combination with equal projections on all gradients; the weights sum to 1 and may be negative.

    Liu et al. Towards Impartial Multi-task Learning. ICLR 2021, eq. (4).
    """
    t, lengths = len(gram), np.sqrt(np.diag(gram))
    if (lengths == 0).any():
        return equal(gram, random)
    # Sum_j a_j G_ij / |g_i| = m for every i, and sum a = 1: t + 1 linear equations.
    table = np.zeros((t + 1, t + 1))
    table[:t, :t], table[:t, t], table[t, :t] = gram / lengths[:, None] / lengths.mean(), -1, 1
    found = np.linalg.lstsq(table, np.eye(t + 1)[t], rcond=1e-8)[0]
    return np.asarray(found[:t])


RULES: Final = MappingProxyType({"pcgrad": pcgrad, "mgda": mgda, "cagrad": cagrad, "imtl-g": imtl_g})
