"""What is known beforehand, and how far it is to be believed: which prior, and how far labels may move it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from anyshot.any_shot.head import evidence_of
from anyshot.base.validation import Indexes, Vectors, unit
from anyshot.evaluation.splits import first_copies
from anyshot.zero_shot.pool_refinement import (
    MIN_AGREEMENT,
    PRIOR_WEIGHT,
    Pool,
    Refinement,
    agreement,
    prior_weight_for,
    refine,
)
from anyshot.zero_shot.semantic_map import corrected_vectors

FEW = 200
"""Labels up to which every strength is tried; beyond, only with `ENOUGH` labels in every class."""
ENOUGH = 5
"""Labels that every class needs before methods that know no names may compete."""


class Step(NamedTuple):
    """How a head learns: how far one label may move it, and whether it starts from what is said of the classes."""

    C: float
    trust: float  # 1 from the class vectors, 0 from nothing: plain logistic regression


class Expected(NamedTuple):
    """What is expected of a step before labels speak."""

    cost: float  # of believing in it [nats]
    sharpness: float  # what its scores are multiplied with: a head near the names is less sure than it is right


# How a head may learn. No step is chosen: each is believed in proportion to how well it predicts labels held out. With
# two classes and four labels the evidence differs by tenths of a nat and the models are averaged, cautiously; with 77
# classes it differs by dozens, and speaks.
STEPS: Mapping[Step, Expected] = {
    Step(0.1, 1): Expected(cost=0.0, sharpness=3.5),
    Step(0.5, 1): Expected(cost=0.0, sharpness=3.4),
    Step(2.0, 1): Expected(cost=0.2, sharpness=2.8),
    Step(20.0, 1): Expected(cost=1.0, sharpness=2.0),
    Step(10.0, 0): Expected(cost=0.5, sharpness=2.0),
}
REFINED_SHARPNESS = 2.0
"""The sharpness of every step from class vectors that a pool has moved: they are surer than their scale says."""
USUAL_STEP, LOGISTIC_STEP = Step(20.0, 1), Step(10.0, 0)
SOME_STEPS = (USUAL_STEP, LOGISTIC_STEP)
"""Tried beyond `FEW` labels."""
MANY, MANY_STEPS = 20, (Step(2.0, 1), *SOME_STEPS)
"""Labels a class from which a short step may be right again, as the head becomes plain logistic regression."""
BELIEF_NEEDED = 0.02
"""Share of belief below which a step is left out of the average."""
TEACHERS = 10
"""Labeled classes from which they tell how far off the class vectors are, their own and the others'."""
PUPILS = 2_000
"""Classes up to which they are asked: the kernel over classes has as many rows."""


@dataclass(frozen=True)
class Known:
    """All that a model is made from: what is said of the classes, the labels, and the unlabeled vectors."""

    said: Vectors  # (c, d), class vectors; longer ones are surer, zeros where nothing is said of the class
    vectors: Vectors  # (n, d), labeled
    index: Indexes  # (n,) rows of class_vectors
    pool: Pool | None = None
    shares: NDArray[np.floating] | None = None  # (c,) of the work to come, equal if not given
    named: Vectors | None = None  # (c, d), what was said before the items were looked at, if they changed it
    attributes: Vectors | None = None  # (c, a), where classes are known in another space; `said` is carried from it
    corrects: bool = False  # whether labeled classes tell how far off the class vectors are

    @cached_property
    def class_vectors(self) -> Vectors:
        """What is said of the classes (c, d), at unit length."""
        return unit(self.said)

    @property
    def counts(self) -> NDArray[np.intp]:
        """Labels of each class (c,)."""
        return np.bincount(self.index, minlength=len(self.said))

    @cached_property
    def same(self) -> Indexes:
        """The first place of each labeled vector's copies (n,)."""
        return first_copies(self.vectors)

    @property
    def distinct(self) -> NDArray[np.intp]:
        """Labels of each class that no copy has, or its first one alone (c,): what can be held out in turn."""
        alone = self.same == np.arange(len(self.index))
        return np.bincount(self.index[alone], minlength=len(self.said))

    def without(self, out: NDArray[np.bool_]) -> "Known":
        """Return the same without some of the labels (n,)."""
        return replace(self, vectors=self.vectors[~out], index=self.index[~out])


Factors: TypeAlias = Mapping[Step, float]
"""The heads that are added up, and what each one's scores are multiplied with."""


class Belief(NamedTuple):
    """What is believed before the last fit."""

    prior: Vectors  # (c, d), class vectors that have seen no label
    refined: Refinement | None  # the same with the pool's answers, if the pool moved them
    reasons: list[str]
    factors: Factors
    labels_share: float = 1.0  # how far the pool's answers follow the labels; the rest follows the refinement


def believed_prior(known: Known) -> Belief:
    """Return the class vectors to believe in, and why.

    Candidates are the names as given and, with a pool, their refinements with and without balance. Labels decide by how
    well each predicts them; without labels, or where they are few, so does whether enough of the names' surest answers
    stand.
    """
    names, by_names, pool = known.class_vectors, prior_belief(known, refined=False), known.pool
    if pool is None or len(pool.vectors) < len(names) or not names.any():
        return Belief(names, None, [], by_names)
    candidates, stand = _refinements(known, pool)
    trust = 1.0 if stand[-1] >= MIN_AGREEMENT else -5.0  # [nats]
    evidence, for_names = [trust + 0.5, trust][: len(candidates)], 0.0
    if len(known.index):
        for_names = evidence_of(names, known.vectors, known.index)
        told = [evidence_of(candidate.class_vectors, known.vectors, known.index) for candidate in candidates]
        evidence = [before + labels for before, labels in zip(evidence, told, strict=True)]
    moved = max(evidence) >= for_names
    reasons = [_pool_reason(known, pool, stand, moved=moved)]
    if not moved:
        return Belief(names, None, reasons, by_names)
    best = candidates[int(np.argmax(evidence))]
    return Belief(best.class_vectors, best, reasons, prior_belief(known, refined=True))


def _refinements(known: Known, pool: Pool) -> tuple[list[Refinement], list[float]]:
    """Return the names as the pool moves them, with balance and, where labels can judge it, without.

    Besides, the share of their surest answers that stands, held loosely and, if not so, as held: the fewer stand, the
    more firmly they are held. Held loosely they begin as given, for the clusters find by themselves the directions in
    which items vary; held firmly they begin as those directions let them be believed.
    """
    given = known.said if known.named is None else known.named
    loose = refine(given, pool, shares=known.shares)
    found, stand = loose, [agreement(unit(given), loose.class_vectors, pool)]
    prior_weight = prior_weight_for(stand[0])
    if prior_weight > PRIOR_WEIGHT:
        found = refine(known.said, pool, shares=known.shares, prior_weight=prior_weight)
        stand.append(agreement(unit(given), found.class_vectors, pool))
    if not len(known.index):
        return [found], stand
    return [
        found,
        refine(found.initial_vectors, pool, balance=0.0, shares=known.shares, prior_weight=prior_weight),
    ], stand


def _pool_reason(known: Known, pool: Pool, stand: list[float], *, moved: bool) -> str:
    """Say what the pool does to the names; stand: as `_refinements` returns it."""
    held = len(stand) > 1
    does = "do not move the names" if not moved else "move the names a little" if held else "move the names"
    else_ = f" ({stand[0]:.0%} would, were they held loosely)" if held else ""
    why = f"{len(pool.vectors)} unlabeled items {does}: {stand[-1]:.0%} of their surest answers stand{else_}"
    if not moved:
        return f"{why}."
    n = len(known.index)
    return f"{why}, and {n} labels speak for it." if n else f"{why}; no label can check that yet."


def usual_sharpness(step: Step, *, refined: bool) -> float:
    """Return what a step's scores are multiplied with where labels do not say better."""
    return REFINED_SHARPNESS if refined else STEPS[step].sharpness


def prior_belief(known: Known, *, refined: bool) -> Factors:
    """Return the steps that the labels can tell apart, each with its share of belief beforehand."""
    fewest = known.distinct.min()
    many = MANY_STEPS if fewest >= MANY else SOME_STEPS
    tried = tuple(STEPS) if len(known.index) <= FEW else many
    if not known.class_vectors.any():
        tried = tuple(step for step in tried if step.trust)  # with nothing said, trust is the same as none
    elif fewest < ENOUGH:
        tried = tuple(step for step in tried if step.trust)  # logistic regression has nothing to say of some class
    shares = shares_of_belief({step: -STEPS[step].cost for step in tried})
    return {step: share * usual_sharpness(step, refined=refined) for step, share in shares.items()}


def shares_of_belief(evidence: Mapping[Step, float]) -> dict[Step, float]:
    """Turn log-evidence into shares of belief, without those that hardly count."""
    share = dict(zip(evidence, softmax(list(evidence.values())), strict=True))
    kept = {step: belief for step, belief in share.items() if belief >= BELIEF_NEEDED}
    return {step: float(belief / sum(kept.values())) for step, belief in kept.items()}


class Corrections(NamedTuple):
    """Class vectors moved as the labeled classes' own were found to be off."""

    class_vectors: Vectors  # (c, d)
    seen: Indexes  # (c_seen,), the labeled classes
    shares: NDArray[np.floating]  # (c, c_seen), how much of each one's correction a class takes


def teaches(known: Known) -> bool:
    """Whether enough classes have labels to tell how far off all class vectors are."""
    n_labeled = np.count_nonzero(known.class_vectors.any(axis=1) & (known.counts > 0))
    return bool(n_labeled >= TEACHERS and len(known.said) <= PUPILS)


def corrections(known: Known) -> Corrections:
    """Move class vectors by what labels say of their own class and of the classes like it."""
    S, counts = known.class_vectors, known.counts
    described = np.asarray(S.any(axis=1))
    seen = np.flatnonzero(described & (counts > 0))
    own = described[known.index]
    moved, shares = corrected_vectors(S, known.vectors[own], known.index[own], seen)
    return Corrections(np.where(described[:, None], moved, 0).astype(np.float32), seen, shares)
