"""The prior: class vectors before labels are fitted, and how unlabeled examples move them."""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from anyshot import zero_shot
from anyshot.any_shot.solver import Examples, LinearModel, Strength, fit_average
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.items import class_sums
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.zero_shot import pool_refinement
from anyshot.zero_shot.pool_refinement import Pool, Refinement, agreement, refine

POOL_LABELS: Final = 20
"""All unlabeled vectors together weigh at most as much as this number of labels per class."""
POOL_EXAMPLES: Final = 5_000
"""Unlabeled vectors that the head is fitted to, evenly spaced; all of them move the class vectors."""
LABEL_WEIGHT: Final = 3
"""Weight of a labeled vector in the refinement, where an unlabeled one has weight 1."""
OWN_LABELS: Final = 5
"""Labels per class at which the head's own prediction and those of the neighbors count the same."""


class Prior(NamedTuple):
    """Class vectors before labels are fitted, and how they were chosen."""

    class_vectors: Vectors  # (c, d), unit length
    refinement: Refinement | None = None  # the class vectors moved by the pool, if that was better
    corrected: bool = False  # whether the labeled classes' errors move all class vectors
    reasons: tuple[str, ...] = ()


def refine_on_unlabeled(data: TrainingSet) -> Prior:
    """Return the class vectors, or their refinement on the pool of unlabeled examples if that is better.

    Candidates are the class vectors as given and their refinements, with and without balanced class shares. Labels
    decide by how well each predicts them. Without labels, or with few, the agreement decides: a refinement that changes
    many of the most confident predictions has followed other clusters.
    """
    vectors, pool = data.class_vectors, data.pool
    if pool is None or len(pool.vectors) < len(vectors) or not vectors.any():
        return Prior(vectors, corrected=data.can_correct)
    candidates, agreements = _refinements(data, pool)
    trust = 1.0 if agreements[-1] >= pool_refinement.MIN_AGREEMENT else -5.0  # [nats]
    gains, gain_of_given = [trust + 0.5, trust][: len(candidates)], 0.0
    if len(data.index):
        gain_of_given = log_likelihood_gain(vectors, data.labeled, data.index)
        own = [log_likelihood_gain(each.class_vectors, data.labeled, data.index) for each in candidates]
        gains = [before + labels for before, labels in zip(gains, own, strict=True)]
    better = max(gains) >= gain_of_given
    reasons = (_reason(data, pool, agreements, better=better),)
    if not better:
        return Prior(vectors, corrected=data.can_correct, reasons=reasons)
    best = candidates[int(np.argmax(gains))]
    return Prior(best.class_vectors, best, reasons=reasons)


def _refinements(data: TrainingSet, pool: Pool) -> tuple[list[Refinement], list[float]]:
    """Return the refined class vectors: with balanced class shares and, if labels can compare them, without.

    Also returned are the agreements, with the weak and, if that was low, with a stronger weight of the class vectors.
    The weak refinement starts from the embeddings, since the clusters show by themselves in which directions examples
    vary; the stronger one starts from the filtered embeddings.
    """
    given = data.prior_vectors if data.attributes.size else data.class_embeddings
    found = refine(given, pool, shares=data.class_prior)
    agreements = [agreement(unit(given), found.class_vectors, pool)]
    weight = pool_refinement.prior_weight_for(agreements[0])
    if weight > pool_refinement.PRIOR_WEIGHT:
        found = refine(data.prior_vectors, pool, shares=data.class_prior, prior_weight=weight)
        agreements.append(agreement(unit(given), found.class_vectors, pool))
    if not len(data.index):
        return [found], agreements
    unbalanced = refine(found.initial_vectors, pool, balance=0.0, shares=data.class_prior, prior_weight=weight)
    return [found, unbalanced], agreements


def _reason(data: TrainingSet, pool: Pool, agreements: list[float], *, better: bool) -> str:
    """Return one sentence on what the unlabeled examples do to the class vectors."""
    examples, agreed = _count(len(pool.vectors), "unlabeled example"), f"{agreements[-1]:.0%}"
    if not better:
        return (
            f"{examples} do not improve the class names, so the names are used as given (agreement on the most "
            f"confident predictions: {agreed})."
        )
    n, a_little = len(data.index), "a little " if len(agreements) > 1 else ""
    checked = f"this was checked on {_count(n, 'label')}" if n else "no label checks this yet"
    return (
        f"The class names are moved {a_little}to the clusters of {examples} (agreement on the most confident "
        f"predictions: {agreed}); {checked}."
    )


def log_likelihood_gain(class_vectors: Vectors, X: Vectors, y: Indexes) -> float:
    """Return how much better than chance class vectors predict labels that they were not fitted to [nats].

    class_vectors (c, d); X (n, d); y (n,) rows of class_vectors. This is the mean log-likelihood over the labeled
    classes, at the best temperature, times the number of labels. Only that one number is fitted to the labels, so that
    two labels are enough to compare priors.
    """
    similarity = (X @ class_vectors.T).astype(np.float64)  # (n, c)
    counts = np.bincount(y, minlength=len(class_vectors))
    weights = len(y) / (np.count_nonzero(counts) * counts[y])  # each labeled class counts the same
    own = similarity[np.arange(len(y)), y]
    return max(
        float(weights @ (scale * own - logsumexp(scale * similarity, axis=1) + np.log(len(class_vectors))))
        for scale in (0, 2, 5, 10, 15, 20, 30, 45, 60, 90)  # inverse temperatures
    )


def refine_with_labels(
    data: TrainingSet, pool: Pool, refinement: Refinement, factors: dict[Strength, float], label_weight: float
) -> tuple[Vectors, Examples]:
    """Refine the class vectors again with the labels, and return them with the pool as examples for the head.

    label_weight: weight of the head's log-probabilities of the pool; the refinement's have the rest.
    """
    probabilities = refinement.probabilities
    if len(data.index):
        sums = LABEL_WEIGHT * class_sums(data.labeled, data.index, len(data.class_vectors))
        start, balance, weight = refinement.initial_vectors, refinement.balance, refinement.prior_weight
        shares = data.class_prior
        refinement = refine(start, pool, labeled_sums=sums, balance=balance, shares=shares, prior_weight=weight)
        head, _ = fit_average(data.labeled, data.index, refinement.class_vectors, factors, start={})
        # The more labels a class has, the less its neighbors add to the head's prediction.
        own = len(data.index) / (len(data.index) + OWN_LABELS * len(data.class_vectors))
        by_head = pool_refinement.probabilities_at_pool_shares(head(pool.vectors))
        by_head = pool.smooth(by_head, own=own, rounds=1)
        logs = label_weight * np.log(by_head + 1e-9) + (1 - label_weight) * np.log(refinement.probabilities + 1e-9)
        probabilities = softmax(logs, axis=1)
    rows = np.unique(np.linspace(0, len(probabilities) - 1, POOL_EXAMPLES).astype(int))
    weight = min(0.3, POOL_LABELS * len(data.class_vectors) / len(rows))
    weights = np.full(len(rows), weight, dtype=np.float32)
    return refinement.class_vectors, Examples(pool.vectors[rows], probabilities[rows].astype(np.float32), weights)


def zero_shot_by_attributes(data: TrainingSet) -> tuple[LinearModel, str]:
    """Return a classifier by attributes for labeled and unlabeled classes together, and why it is used.

    Weights mapped from attributes are less exact than embeddings of names, and would hardly ever win against classes
    with hundreds of labels. A penalty on the labeled classes' scores corrects that. It is found by holding classes out,
    which takes three labeled classes.
    """
    model, penalty, seen = zero_shot.SemanticMapClassifier(), 0.0, data.counts > 0
    model.fit(data.labeled, data.index, class_vectors=data.attributes)
    why = f"{_count(int(np.count_nonzero(~seen)), 'class')} without a label can only be predicted by zero-shot"
    if np.count_nonzero(seen) >= 3:
        corrected = zero_shot.GeneralizedZeroShotClassifier(zero_shot.SemanticMapClassifier())
        corrected.fit(data.labeled, data.index, class_vectors=data.attributes)
        penalty = corrected.seen_penalty_
        why += f"; {penalty:.2g} is subtracted from the scores of labeled classes, found by holding classes out"
    scale = 1 / model.temperature
    intercept = scale * (model.intercept_ - penalty * seen)
    if data.class_prior is not None:
        intercept = intercept + np.log(data.class_prior)
    return LinearModel((scale * model.coef_).astype(np.float32), intercept.astype(np.float32)), f"{why}."


def _count(n: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{n} {noun if n == 1 else plural}"
