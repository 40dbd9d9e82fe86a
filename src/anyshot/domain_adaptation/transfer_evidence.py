"""What speaks for or against a model on a domain without labels: figures that need none of the target's."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import normalize

from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.label_shift import bbse_prior
from anyshot.domain_adaptation.normalization import Table, is_sparse, statistics_of

# None of these is the truth, and each fails somewhere, so each has a column of its own:
#
# - agreement: two fits on different draws of the same domains answer alike. A calibrated model is right as often as two
#   such fits agree (Jiang, Nagarajan, Baek, Kolter. Assessing Generalization of SGD via Disagreement. ICLR 2022,
#   theorem 4.2). A method that makes the same mistake on every draw deceives it.
# - reverse: a method is taught its own answers on the target as if they were labels, and the source is its target; the
#   labels of source items that nobody learned from judge it (Zhong, Fan, Yang, Verscheure, Ren. Cross Validation
#   Framework to Choose Amongst Models and Datasets for Transfer Learning. ECML 2010, section 3). A target whose classes
#   have other shares deceives it: answers that are wrong but even-handed teach better.
# - weighted: accuracy on held-out source items, weighted to look like the target (Sugiyama, Krauledat, Mueller.
#   Covariate Shift Adaptation by Importance Weighted Cross Validation. JMLR 2007, eq. 8). By class where only the
#   classes' shares differ, else by density ratio. Classes that look different deceive it.
# - neighbors: items that lie near each other in the target are answered alike, more often than answers of these shares
#   would be by chance (Cohen's kappa; the cluster assumption: Chapelle, Zien. Semi-Supervised Classification by Low
#   Density Separation. AISTATS 2005). A method that smooths its answers over the target's neighbors deceives it.

N_NEIGHBORS: Final = 10
NEAR: Final = 0.05
"""Temperature of the soft neighborhoods, the authors' own."""

Floats = NDArray[np.floating]


def agreement(answers: list[tuple[Indexes, Indexes]]) -> float:
    """Return how often (0 to 1) two fits answer an item alike, over all pairs of fits and the items that both saw.

    answers: for each fit the items' numbers (n,) and their classes (n,). NaN where no two saw an item.
    """
    alike = []
    for place, (rows, classes) in enumerate(answers):
        for other_rows, other in answers[:place]:
            both, here, there = np.intersect1d(rows, other_rows, return_indices=True)
            if len(both):
                alike.append(np.mean(classes[here] == other[there]))
    return float(np.mean(alike)) if alike else float("nan")


def neighbors_of(table: Table) -> Indexes:
    """Return the rows of the nearest other items of each (n, k), by the angle between z-scores; table (n, d)."""
    rows = normalize(statistics_of(table).applied(table))
    cosine = (rows @ rows.T).toarray() if is_sparse(rows) else rows @ rows.T  # (n, n)
    np.fill_diagonal(cosine, -np.inf)
    k = min(N_NEIGHBORS, len(cosine) - 1)
    return np.asarray(np.argpartition(-cosine, k - 1, axis=1)[:, :k])


def neighbors_alike(classes: Indexes, neighbors: Indexes) -> float:
    """Return how far (up to 1; 0 is by chance) items of `classes` (n,) agree with their `neighbors` (n, k).

    Answers that are all one class agree by chance alone.
    """
    shares = np.bincount(classes) / len(classes)
    chance = float(shares @ shares)
    alike = float(np.mean(classes[neighbors] == classes[:, None]))
    return (alike - chance) / (1 - chance) if chance < 1 else 0.0


def class_weights(source_answers: Floats, index: Indexes, target_answers: Floats) -> Floats:
    """Return what source items (n_s,) must count for the classes to have the target's shares.

    source_answers (n_s, c): a source model's on items it has not learned from, whose classes are `index` (n_s,);
    target_answers (n_t, c). Lipton, Wang, Smola, ICML 2018, section 4.
    """
    shares = np.bincount(index, minlength=source_answers.shape[1]) / len(index)
    weights = bbse_prior(source_answers, index, target_answers) / np.maximum(shares, 1e-12)
    return np.asarray(weights[index])


def deep_embedded_validation(losses: Floats, weights: Floats) -> float:
    """Return the weighted risk of held-out source items' losses (n,) with its variance controlled by weights (n,).

    You, Wang, Long, Jordan. Towards Accurate Model Selection in Deep Unsupervised Domain Adaptation. ICML 2019,
    eq. (8).
    """
    weighted = weights * losses
    spread = weights.var(ddof=1)
    eta = -np.cov(weighted, weights)[0, 1] / spread if spread > 0 else 0.0
    return float(weighted.mean() + eta * weights.mean() - eta)


def soft_neighborhood_density(answers: Floats) -> float:
    """Return how many neighbors alike in their answers an item has on average [nats]; answers (n, c), probabilities.

    Saito, Kim, Teterwak, Sclaroff, Darrell, Saenko. Tune it the Right Way. ICCV 2021, eq. (1) to (3).
    """
    rows = answers / np.maximum(np.linalg.norm(answers, axis=1, keepdims=True), 1e-12)
    likeness = rows @ rows.T / NEAR  # (n, n)
    np.fill_diagonal(likeness, -np.inf)
    near = np.exp(likeness - likeness.max(axis=1, keepdims=True))
    near /= near.sum(axis=1, keepdims=True)
    return float(-(near * np.log(np.maximum(near, 1e-300))).sum(axis=1).mean())
