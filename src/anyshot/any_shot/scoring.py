"""One method's answer to all that is known: a linear scorer, fitted once."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from anyshot.any_shot.head import AnyShotHead
from anyshot.any_shot.prior import ENOUGH, Belief, Factors, Known, Step, corrections
from anyshot.any_shot.prototypes import prototypes
from anyshot.any_shot.solver import Deviation, Examples
from anyshot.base.items import class_sums
from anyshot.base.validation import Vectors
from anyshot.zero_shot.generalized import GeneralizedZeroShotClassifier
from anyshot.zero_shot.pool_refinement import Pool, Refinement, probabilities_at_pool_shares, refine
from anyshot.zero_shot.semantic_map import SemanticMapClassifier

Method: TypeAlias = Literal["any-shot", "zero-shot", "prototype", "logistic-regression"]
METHODS: tuple[Method, ...] = get_args(Method)

POOL_LABELS = 20
"""Labels a class that all the unlabeled vectors together are worth."""
LEARNED = 5_000
"""Unlabeled vectors that the head learns from, evenly picked; all of them move the class vectors."""
COSINE_SHARPNESS = 20.0
"""Scores per unit of cosine where no label says better; with MiniLM it errs by 4 to 6 points."""


class Scorer(NamedTuple):
    """A linear answer: scores = X coef' + intercept."""

    coef: Vectors  # (c, d)
    intercept: NDArray[np.float32]  # (c,)

    def __call__(self, X: Vectors) -> NDArray[np.float32]:
        """Return scores (n, c)."""
        return np.asarray(X @ self.coef.T + self.intercept, dtype=np.float32)

    def times(self, factor: float) -> "Scorer":
        """Return the same answers, surer or less sure."""
        return Scorer(self.coef * np.float32(factor), self.intercept * np.float32(factor))


def fitted(
    known: Known,
    method: Method,
    factors: Factors,
    start: Mapping[Step, Deviation],
    *,
    belief: Belief | None = None,
    tol: float = 2e-5,
) -> tuple[Scorer, Mapping[Step, Deviation]]:
    """Fit one method to all that is known; heads of several steps are averaged by belief.

    factors: the steps, each with what its scores are multiplied with; start: earlier deviations, to begin from; belief:
    what the pool says, left out where labels are held out; tol: as `AnyShotHead`'s. Returns the deviations too.
    """
    prior = known.class_vectors
    if method == "prototype":
        return by_cosine(prototypes(known.vectors, known.index, prior, name_weight=1.0)), {}
    if method == "zero-shot":
        return by_cosine(belief.prior if belief else prior), {}
    more = None
    if method == "any-shot" and belief is not None and belief.refined is not None and known.pool is not None:
        prior, more = _moved_by_pool(known, known.pool, belief.refined, factors, belief.labels_share)
    elif method == "any-shot" and known.corrects:
        prior = corrections(known).class_vectors
    return _average_head(known, prior, factors, start, more, tol=tol)


def by_cosine(S: Vectors) -> Scorer:
    """Answer by the nearest of the class vectors (c, d); a class without one, a row of zeros, is never the answer."""
    return Scorer(COSINE_SHARPNESS * S, np.where(S.any(axis=1), 0, -np.inf).astype(np.float32))


def by_attributes(known: Known) -> tuple[Scorer, str]:
    """Answer by weights carried from the labeled classes, whose lead over the others is taken off; and say why.

    Such weights say less of a class than its name does in the items' own space; against classes with hundreds of labels
    they would hardly ever win. The penalty is found by holding classes out, and so needs three of them.
    """
    assert known.attributes is not None  # asked for only then
    scores, penalty = SemanticMapClassifier(), 0.0
    scores.fit(known.vectors, known.index, class_vectors=known.attributes)
    seen = known.counts > 0
    why = f"{np.count_nonzero(~seen)} classes without a label are known by attributes alone, so zero-shot answers"
    if np.count_nonzero(seen) >= 3:
        corrected = GeneralizedZeroShotClassifier(SemanticMapClassifier())
        corrected.fit(known.vectors, known.index, class_vectors=known.attributes)
        penalty = corrected.seen_penalty_
        why += f"; {penalty:.2g} is taken off the scores of labeled classes, found by holding classes out"
    sharpness = 1 / scores.temperature
    intercept = sharpness * (scores.intercept_ - penalty * seen)
    if known.shares is not None:
        intercept = intercept + np.log(known.shares)
    scorer = Scorer((sharpness * scores.coef_).astype(np.float32), intercept.astype(np.float32))
    return scorer, f"{why}."


def _average_head(
    known: Known,
    prior: Vectors,
    factors: Factors,
    start: Mapping[Step, Deviation],
    more: Examples | None = None,
    *,
    tol: float = 2e-5,
) -> tuple[Scorer, Mapping[Step, Deviation]]:
    """Fit a head a step and add up the scores, each times its factor."""
    another = next(iter(start.values()), None)  # a head of another step is nearer than none
    heads = {
        step: AnyShotHead(C=step.C, tol=tol).fit(
            known.vectors, known.index, class_vectors=step.trust * prior, more=more, start=start.get(step, another)
        )
        for step in factors
    }
    coef = sum(factor * heads[step].coef_ for step, factor in factors.items())
    intercept = sum(factor * heads[step].intercept_ for step, factor in factors.items())
    scorer = Scorer(np.asarray(coef, dtype=np.float32), np.asarray(intercept, dtype=np.float32))
    return scorer, {step: head.deviation_ for step, head in heads.items()}


def _moved_by_pool(
    known: Known, pool: Pool, refined: Refinement, factors: Factors, share: float
) -> tuple[Vectors, Examples]:
    """Refine the names once more with the labels counted in; believe the pool's answers as far as they go.

    share: how far the answers follow the labels; the rest follows the refinement.
    """
    if len(known.index):
        # A label says three times what an unlabeled vector does.
        sums = 3 * class_sums(known.vectors, known.index, len(known.said))
        said, balance, weight = refined.initial_vectors, refined.balance, refined.prior_weight
        refined = refine(said, pool, labeled_sums=sums, balance=balance, shares=known.shares, prior_weight=weight)
        first, _ = _average_head(known, refined.class_vectors, factors, {})
        # The more labels a class has, the less its neighbors add to what the head says of a vector.
        own = len(known.index) / (len(known.index) + ENOUGH * len(known.said))
        by_labels = pool.smooth(probabilities_at_pool_shares(first(pool.vectors)), own=own, rounds=1)
        log_odds = share * np.log(by_labels + 1e-9) + (1 - share) * np.log(refined.probabilities + 1e-9)
        answers = softmax(log_odds, axis=1)
    else:
        answers = refined.probabilities
    rows = np.unique(np.linspace(0, len(answers) - 1, LEARNED).astype(int))
    weight = min(0.3, POOL_LABELS * len(known.class_vectors) / len(rows))
    weights = np.full(len(rows), weight, dtype=np.float32)
    return refined.class_vectors, Examples(pool.vectors[rows], answers[rows].astype(np.float32), weights)
