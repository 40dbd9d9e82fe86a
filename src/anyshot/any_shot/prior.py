"""The prior: class vectors before labels are fitted, and how unlabeled examples move them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from anyshot import zero_shot
from anyshot.any_shot.defaults import DEFAULTS, Strength
from anyshot.any_shot.solver import Examples, LinearModel, fit_average
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.items import class_sums
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.zero_shot import pool_refinement
from anyshot.zero_shot.pool_refinement import Pool, Refinement, agreement, refine


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
    own = data.defaults
    trust = own.trust if agreements[-1] >= own.min_agreement else own.distrust  # [nats]
    gains, gain_of_given = [trust + own.balanced_bonus, trust][: len(candidates)], 0.0
    if len(data.index):
        gain_of_given, *of_refined = (
            log_likelihood_gain(each, data.labeled, data.index, scales=own.gain_scales)
            for each in (vectors, *(candidate.class_vectors for candidate in candidates))
        )
        gains = [before + labels for before, labels in zip(gains, of_refined, strict=True)]
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
    own, given = data.defaults, data.prior_vectors if data.attributes.size else data.class_embeddings
    found = refine(given, pool, prior_weight=own.prior_weight, **_options(data))
    agreements = [agreement(unit(given), found.class_vectors, pool, top=own.agreement_share)]
    weight = pool_refinement.prior_weight_for(
        agreements[0],
        weak=own.prior_weight,
        strong=own.strong_prior_weight,
        low=own.low_agreement,
        high=own.high_agreement,
    )
    if weight > own.prior_weight:
        found = refine(data.prior_vectors, pool, prior_weight=weight, **_options(data))
        agreements.append(agreement(unit(given), found.class_vectors, pool, top=own.agreement_share))
    if not (len(data.index) and own.try_unbalanced):
        return [found], agreements
    unbalanced = refine(found.initial_vectors, pool, balance=0.0, prior_weight=weight, **_options(data))
    return [found, unbalanced], agreements


def _options(data: TrainingSet) -> dict[str, Any]:
    """Return the arguments that all refinements on a pool share."""
    own = data.defaults
    return {"shares": data.class_prior, "rounds": own.rounds, "max_reassignments": own.max_reassignments}


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


def log_likelihood_gain(
    class_vectors: Vectors, X: Vectors, y: Indexes, *, scales: Sequence[float] = DEFAULTS.gain_scales
) -> float:
    """Return how much better than chance class vectors predict labels that they were not fitted to [nats].

    class_vectors (c, d); X (n, d); y (n,) rows of class_vectors; scales: inverse temperatures to try. This is the mean
    log-likelihood over the labeled classes, at the best temperature, times the number of labels. Only that one number
    is fitted to the labels, so that two labels are enough to compare priors.
    """
    similarity = (X @ class_vectors.T).astype(np.float64)  # (n, c)
    counts = np.bincount(y, minlength=len(class_vectors))
    weights = len(y) / (np.count_nonzero(counts) * counts[y])  # each labeled class counts the same
    own = similarity[np.arange(len(y)), y]
    return max(
        float(weights @ (scale * own - logsumexp(scale * similarity, axis=1) + np.log(len(class_vectors))))
        for scale in scales
    )


def refine_with_labels(
    data: TrainingSet, pool: Pool, refinement: Refinement, factors: dict[Strength, float], label_weight: float
) -> tuple[Vectors, Examples]:
    """Refine the class vectors again with the labels, and return them with the pool as examples for the head.

    label_weight: weight of the head's log-probabilities of the pool; the refinement's have the rest.
    """
    probabilities, defaults = refinement.probabilities, data.defaults
    if len(data.index):
        sums = defaults.label_weight * class_sums(data.labeled, data.index, len(data.class_vectors))
        start, balance, weight = refinement.initial_vectors, refinement.balance, refinement.prior_weight
        options = _options(data)
        refinement = refine(start, pool, labeled_sums=sums, balance=balance, prior_weight=weight, **options)
        head, _ = fit_average(data.labeled, data.index, refinement.class_vectors, factors, start={})
        # The more labels a class has, the less its neighbors add to the head's prediction.
        own = len(data.index) / (len(data.index) + defaults.own_labels * len(data.class_vectors))
        by_head = pool_refinement.probabilities_at_pool_shares(
            head(pool.vectors), prior_count=defaults.shares_prior, rounds=defaults.shares_rounds
        )
        by_head = pool.smooth(by_head, own=own, rounds=1)
        logs = label_weight * np.log(by_head + 1e-9) + (1 - label_weight) * np.log(refinement.probabilities + 1e-9)
        probabilities = softmax(logs, axis=1)
    rows = np.unique(np.linspace(0, len(probabilities) - 1, defaults.pool_examples).astype(int))
    weight = min(defaults.max_pool_weight, defaults.pool_labels * len(data.class_vectors) / len(rows))
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
