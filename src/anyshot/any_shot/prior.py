"""The prior: class vectors before labels are fitted, and how unlabeled examples move them."""

from typing import NamedTuple

import numpy as np

from anyshot import zero_shot
from anyshot.any_shot.model import LinearModel, PriorKind
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import Floats, Vectors, class_sums, unit
from anyshot.zero_shot.pool_refinement import Pool, agreement, refine


class Prior(NamedTuple):
    """Class vectors before labels are fitted, and how far they can be relied on."""

    class_vectors: Vectors  # (c, d), unit length
    kind: PriorKind  # where they come from
    name_weight: float | None = None  # of the names against the clusters of the pool; None: there is no pool
    confidence: float = 1.0  # factor of the default scale of scores
    reasons: tuple[str, ...] = ()


def fit_prior(data: TrainingSet) -> Prior:
    """Return the class vectors, moved to the clusters of the pool of unlabeled examples if there is one.

    The agreement of names and clusters is used twice. If clusters confirm the confident predictions of the names, the
    class vectors move to them; if not, they are probably not the classes, and the class vectors stay closer to the
    names. The lower the agreement after that, the less confident are the predictions.
    """
    kind: PriorKind = "attributes" if data.attributes.size else "names" if data.class_vectors.any() else "none"
    pool = data.pool
    if pool is None or kind == "none":
        return Prior(data.class_vectors, kind)
    if len(pool.vectors) < len(data.class_vectors):
        few = f"{count(len(pool.vectors), 'unlabeled example')} for {count(len(data.class_vectors), 'class')}"
        reason = f"The class vectors are not moved to clusters, since {few} would be too few."
        return Prior(data.class_vectors, kind, reasons=(reason,))
    own, names = data.defaults, data.class_vectors if data.attributes.size else unit(data.class_embeddings)
    first = agreement(names, refine_on_pool(data, pool, own.least_name_weight), pool)
    weight = own.name_weight - (own.name_weight - own.least_name_weight) * first**own.agreement_power
    refined = refine_on_pool(data, pool, weight)
    agreed = agreement(names, refined, pool)
    reason = (
        f"The class vectors are moved to the clusters of {count(len(pool.vectors), 'unlabeled example')} (agreement "
        f"with the names {first:.0%}, so they weigh {weight:.2f} against 1 of the clusters; then it is {agreed:.0%})."
    )
    kind = "refined" if kind == "names" else kind
    return Prior(refined, kind, weight, max(agreed, own.least_agreement) ** own.confidence_power, (reason,))


def moved_by_labels(prior: Prior, data: TrainingSet) -> Prior:
    """Return the prior with class vectors that the labels of other classes, or of the same clusters, have moved.

    With a pool, the labeled examples are members of their clusters. Without one, the errors of the labeled classes'
    vectors correct those of all classes.
    """
    if prior.name_weight is not None and data.pool and len(data.index):
        sums = data.defaults.label_weight * class_sums(data.labeled, data.index, len(data.class_vectors))
        return prior._replace(class_vectors=refine_on_pool(data, data.pool, prior.name_weight, labeled_sums=sums))
    if prior.kind == "names" and data.can_correct:
        return prior._replace(class_vectors=data.corrected_class_vectors()[0], kind="corrected")
    return prior


def refine_on_pool(data: TrainingSet, pool: Pool, name_weight: float, *, labeled_sums: Floats | None = None) -> Vectors:
    """Return the class vectors (c, d) refined on the pool; labeled_sums (c, d): of the labeled examples."""
    own = data.defaults
    return refine(
        data.class_vectors,
        pool,
        name_weight=name_weight,
        labeled_sums=labeled_sums,
        shares=data.class_prior,
        temperature=own.image_pool_temperature if data.centering else own.pool_temperature,
        balance=own.pool_balance,
        rounds=own.pool_rounds,
    ).class_vectors


def zero_shot_by_attributes(data: TrainingSet) -> tuple[LinearModel, str]:
    """Return a classifier by attributes for labeled and unlabeled classes together, and why it is used.

    Weights mapped from attributes are less exact than embeddings of names, and would hardly ever win against classes
    with hundreds of labels, without a penalty on the scores of labeled classes.
    """
    coef, intercept, penalty = zero_shot.generalized_weights(data.labeled, data.index, data.attributes)
    why = f"{count(int((data.counts == 0).sum()), 'class')} without a label can only be predicted by zero-shot"
    if penalty is not None:
        why += f"; {penalty:.2g} is subtracted from the scores of labeled classes, found by holding classes out"
    linear = LinearModel(coef.astype(np.float32), intercept.astype(np.float32))
    return linear.with_class_prior(data.class_prior), f"{why}."


def count(n: int, noun: str) -> str:
    """Return a number with its noun: "1 class", "2 classes"."""
    return f"{n:,} {noun if n == 1 else noun + ('es' if noun.endswith('s') else 's')}"
