"""The prior: class vectors before labels are fitted, and how unlabeled examples move them."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from anyshot import zero_shot
from anyshot.any_shot.model import LinearModel, PriorKind
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import Vectors, unit
from anyshot.zero_shot import pool_refinement
from anyshot.zero_shot.pool_refinement import Pool, Refinement


class Prior(NamedTuple):
    """Class vectors before labels are fitted, and how they were chosen."""

    class_vectors: Vectors  # (c, d), unit length
    kind: PriorKind  # "corrected": before a head is fitted, the labeled classes' errors move all of them
    refinement: Refinement | None = None  # the class vectors moved by the pool, if that was better
    reasons: tuple[str, ...] = ()


def choose_prior(data: TrainingSet) -> Prior:
    """Return the class vectors, refined on the pool of unlabeled examples if labels and agreement support that."""
    given, pool = Prior(data.class_vectors, kind_of(data)), data.pool
    if pool is None or len(pool.vectors) < len(data.class_vectors) or given.kind == "none":
        return given
    candidates, agreements = refine_on_pool(data, pool)
    best = supported(candidates, agreements[-1], data)
    given = given._replace(reasons=(_reason(data, pool, agreements, used=best is not None),))
    if best is None:
        return given
    kind: PriorKind = "attributes" if given.kind == "attributes" else "refined"
    return given._replace(class_vectors=best.class_vectors, kind=kind, refinement=best)


def kind_of(data: TrainingSet) -> PriorKind:
    """Return where class vectors come from before a pool moves them."""
    if not data.class_vectors.any():
        return "none"
    return "attributes" if data.attributes.size else "corrected" if data.can_correct else "names"


def refine_on_pool(data: TrainingSet, pool: Pool) -> tuple[list[Refinement], list[float]]:
    """Return the refined class vectors: with balanced class shares and, if labels can compare them, without.

    Also returned are the agreements, with the weak and, if that was low, with a stronger weight of the class vectors.
    The weak refinement starts from the embeddings, since the clusters show by themselves in which directions examples
    vary; the stronger one starts from the filtered embeddings.
    """
    own, given = data.defaults, data.prior_vectors if data.attributes.size else data.class_embeddings
    found = refine(data, pool, given, own.prior_weight)
    agreements = [pool_refinement.agreement(unit(given), found.class_vectors, pool, top=own.agreement_share)]
    weights = {"weak": own.prior_weight, "strong": own.strong_prior_weight}
    weight = pool_refinement.prior_weight_for(agreements[0], low=own.low_agreement, high=own.high_agreement, **weights)
    if weight > own.prior_weight:
        found = refine(data, pool, data.prior_vectors, weight)
        agreements.append(pool_refinement.agreement(unit(given), found.class_vectors, pool, top=own.agreement_share))
    if not (len(data.index) and own.try_unbalanced):
        return [found], agreements
    return [found, refine(data, pool, found.initial_vectors, weight, balance=0.0)], agreements


def supported(candidates: list[Refinement], agreed: float, data: TrainingSet) -> Refinement | None:
    """Return the refinement that labels and agreement support most, or None if they support the class vectors as given.

    Labels count by how well the candidates predict them. Without labels, or with few, the agreement decides: a
    refinement that changes many of the most confident predictions has followed other clusters.
    """
    own = data.defaults
    trust = own.trust if agreed >= own.min_agreement else own.distrust
    before = [trust + own.balanced_bonus, trust][: len(candidates)]
    label_gain = partial(pool_refinement.label_gain, X=data.labeled, y=data.index, scales=own.gain_scales)
    gains = [prior + label_gain(one.class_vectors) for prior, one in zip(before, candidates, strict=True)]
    best = int(np.argmax(gains))
    return candidates[best] if gains[best] >= label_gain(data.class_vectors) else None


def zero_shot_by_attributes(data: TrainingSet) -> tuple[LinearModel, str]:
    """Return a classifier by attributes for labeled and unlabeled classes together, and why it is used.

    Weights mapped from attributes are less exact than embeddings of names, and would hardly ever win against classes
    with hundreds of labels, without a penalty on the scores of labeled classes.
    """
    coef, intercept, penalty = zero_shot.generalized_weights(data.labeled, data.index, data.attributes)
    why = (
        f"{_count(int(np.count_nonzero(data.counts == 0)), 'class')} without a label can only be predicted by zero-shot"
    )
    if penalty is not None:
        why += f"; {penalty:.2g} is subtracted from the scores of labeled classes, found by holding classes out"
    if data.class_prior is not None:
        intercept = intercept + np.log(data.class_prior)
    return LinearModel(coef.astype(np.float32), intercept.astype(np.float32)), f"{why}."


def refine(data: TrainingSet, pool: Pool, start: Vectors, prior_weight: float, **options: Any) -> Refinement:
    """Refine class vectors `start` (c, d) on the pool; options: arguments of `pool_refinement.refine`."""
    own = data.defaults
    usual = {"balance": own.image_pool_balance if data.centering else own.pool_balance, "shares": data.class_prior}
    usual |= {"rounds": own.rounds, "max_reassignments": own.max_reassignments}
    return pool_refinement.refine(start, pool, prior_weight=prior_weight, **(usual | options))


def _reason(data: TrainingSet, pool: Pool, agreements: list[float], *, used: bool) -> str:
    """Return one sentence on what the unlabeled examples do to the class vectors."""
    examples, n = _count(len(pool.vectors), "unlabeled example"), len(data.index)
    agreed = f"agreement on the most confident predictions: {agreements[-1]:.0%}"
    if not used:
        return f"{examples} do not improve the class names, so the names are used as given ({agreed})."
    a_little = "a little " if len(agreements) > 1 else ""
    checked = f"this was checked on {_count(n, 'label')}" if n else "no label checks this yet"
    return f"The class names are moved {a_little}to the clusters of {examples} ({agreed}); {checked}."


def _count(n: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{n} {noun if n == 1 else plural}"
