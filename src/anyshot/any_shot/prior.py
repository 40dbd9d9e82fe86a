"""The prior: class vectors before labels are fitted, and how unlabeled items and labels of other classes move them."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anyshot import zero_shot
from anyshot.any_shot.model import LinearModel, PriorKind
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.folds import first_copies, row_digests
from anyshot.base.messages import count, in_percent
from anyshot.base.validation import Floats, Indexes, Vectors, class_sums, unit
from anyshot.errors import NotEnoughLabelsError
from anyshot.zero_shot import pool_refinement
from anyshot.zero_shot.pool_refinement import Refinement, SharesFromPool, absent_reasons, agreement, refine


class Clusters(NamedTuple):
    """The clusters of a pool to which class vectors were moved."""

    name_weight: float  # of the class vectors, where the cluster means weigh 1
    shares: Floats  # (c,), class shares of the pool


class Prior(NamedTuple):
    """Class vectors before labels are fitted, and how far they can be relied on."""

    class_vectors: Vectors  # (c, d), unit length
    kind: PriorKind  # where they come from
    initial: Vectors  # (c, d), unit length, before clusters and labels moved them
    clusters: Clusters | None = None  # None without a pool, or if it is not used
    confidence: float = 1.0  # factor of the default scale of scores, by the agreement of names and clusters
    reasons: tuple[str, ...] = ()
    are_guesses: bool = False  # whether the class vectors are those of names that say nothing to the encoder

    @property
    def scale(self) -> float:
        """Factor of the default scale of scores, by the confidence and the spread of the class vectors."""
        return self.confidence * float(zero_shot.scale_by_spread(self.class_vectors))


def fit_prior(data: TrainingSet) -> Prior:
    """Return the class vectors, moved to the clusters of the pool of unlabeled examples if there is one."""
    S = initial_class_vectors(data)
    kind: PriorKind = "attributes" if data.attributes.size else "names" if S.any() else "none"
    if names_are_guesses(data):
        return Prior(unit(data.class_embeddings), kind, S, None, confidence_of(0.0, data), (zero_shot.GUESSES,), True)
    if data.is_other_domain and kind != "none":
        n_items = count(len(data.unlabeled), "unlabeled example")
        reason = (
            f"The {n_items} are not used, since they seem to be of another domain than the labeled ones: they differ "
            "more than chance and other shares of the classes explain. If the items to predict are like the unlabeled "
            "ones, give the labeled ones as source=(items, labels) in Python."
        )
        return Prior(S, kind, S, reasons=(reason,))
    if data.pool is None or kind == "none":
        all_labeled = ("The unlabeled items are not used, since all of them have labels.",)
        return Prior(S, kind, S, reasons=all_labeled if data.pool is None and len(data.unlabeled) else ())
    if np.any(~S.any(axis=1) & (data.counts == 0)):
        reason = "The unlabeled items are not used, since some may belong to the classes without a label."
        return Prior(S, kind, S, reasons=(reason,))
    if data.pool_size < len(S):
        few = f"{count(data.pool_size, 'different unlabeled example')} for {count(len(S), 'class')} would be too few"
        reason = f"No groups of similar items are looked for, since {few}. Items without a label count as unlabeled."
        return Prior(S, kind, S, reasons=(reason,))
    return moved_to_clusters(Prior(S, kind, S), data, data.pool)


def moved_to_clusters(prior: Prior, data: TrainingSet, pool: Vectors) -> Prior:
    """Return the prior with class vectors moved to the clusters of the pool (m, d), or that of names without a pool.

    If the clusters do not confirm the confident predictions of the names, they are not the classes, and the pool is not
    used. If they do, the class vectors move to them, the further the clearer the clusters are. The lower the agreement,
    also on vectors that are not in the clusters, the less confident are the predictions.
    """
    S, kind, own = prior.initial, prior.kind, data.defaults
    names = S if data.attributes.size else unit(data.class_embeddings)
    n_items = count(len(pool), "unlabeled example")
    if data.pool_size < len(pool):
        n_items += f" ({data.pool_size:,} different)"
    refined = refine_with_shares(S, data, pool, 1.0, mix=False)
    agreed = outside = agreement(names, refined.class_vectors, pool)
    if agreed >= own.least_agreement:
        weight = name_weight(refined, data)
        refined = refine_with_shares(S, data, pool, weight)
        agreed = agreement(names, refined.class_vectors, pool)
        outside = agreement_outside(S, names, data, pool, weight)
    confidence = confidence_of(min(agreed, outside), data)
    least = agreed if data.pool_size < own.least_outside_items * len(S) else min(agreed, outside)
    if least < own.least_agreement:
        reason = (
            f"The {n_items} are not used, since they fall into other groups than the classes: only "
            f"{_staying(least, len(S))} of the confident predictions by the names would stay the same. Predictions "
            "are unsure until labels show more."
        )
        return Prior(names, kind, names, confidence=confidence, reasons=(reason,))
    reason = (
        f"Each class is known by its name and by a group of similar items among {n_items}; the name counts "
        f"{weight:.2f} times as much as the group. Of the confident predictions by names, "
        f"{_staying(agreed, len(S))} stay the same."
    )
    none = np.zeros(S.shape)  # without labels, absent classes are looked for here, with some in `moved_by_labels`
    if not len(data.index) and pool_refinement.absent_classes(S, none, refined, pool).any():
        refined = refine_with_shares(S, data, pool, weight, labeled_sums=none)
    kind, clusters = "refined" if kind == "names" else kind, Clusters(weight, refined.shares)
    reasons = (reason, *absent_reasons(refined, data.texts.names))
    return Prior(refined.class_vectors, kind, S, clusters, confidence, reasons)


def name_weight(refined: Refinement, data: TrainingSet) -> float:
    """Return the weight of class vectors beside cluster means: the larger the less clear the clusters are."""
    own, n_classes = data.defaults, len(data.class_embeddings)
    evidence = zero_shot.cluster_evidence(data.pool_components, refined.probabilities)[0]
    per_direction = max(evidence / min(n_classes - 1, data.pool_components.shape[1]), 1e-6)
    weight = float(np.clip(own.name_evidence / per_direction, *own.name_weights))
    return weight + own.name_items * n_classes / data.pool_size


def _staying(agreed: float, n_classes: int) -> str:
    """Return which part of the confident predictions stays the same, by their agreement beyond chance."""
    return in_percent(agreed + (1 - agreed) / n_classes) + ("" if agreed else " or less")


def agreement_outside(S: Vectors, names: Vectors, data: TrainingSet, pool: Vectors, weight: float) -> float:
    """Return how far names (c, d) and clusters agree on vectors that the clusters do not contain.

    Class vectors S (c, d), which weigh `weight`, are moved to the clusters of each half of the pool (m, d) without its
    copies and judged on the other half. Clusters of few vectors agree with the names on these vectors by chance. The
    halves are of every second digest: of every second vector, either would have one class where two take turns.
    """
    different = pool[np.unique(first_copies(pool))]
    order = sorted(range(len(different)), key=row_digests(different).__getitem__)
    halves = different[order[::2]], different[order[1::2]]
    moved = (refine_with_shares(S, data, half, weight, mix=False).class_vectors for half in halves)
    return float(np.mean([agreement(names, own, other) for own, other in zip(moved, halves[::-1], strict=True)]))


def names_are_guesses(data: TrainingSet) -> bool:
    """Return whether the names of the classes are like none of the classes of ImageNet."""
    if not data.centering or data.attributes.size or data.from_source:
        return False
    return bool(zero_shot.names_are_guesses(data.class_embeddings, data.unlabeled if data.pool is None else data.pool))


def confidence_of(agreed: float, data: TrainingSet) -> float:
    """Return the factor of the default scale of scores, where names and clusters agree on a fraction of the pool."""
    own = data.defaults
    power = own.image_confidence_power if data.centering else own.confidence_power
    return float(max(agreed, own.smallest_confidence) ** power)


def initial_class_vectors(data: TrainingSet) -> Vectors:
    """Return the class vectors that every method starts from (c, d): of the classes' texts, or mapped from attributes.

    With a pool, those of texts are turned to the directions in which the examples vary (a Wiener filter). Without a
    pool they are not: labeled examples vary as their own classes do, and what tells other classes apart would be lost
    (banking77 with a third of the classes unlabeled: 1.4 points of these classes).
    """
    own, S = data.defaults, data.class_embeddings
    if data.attributes.size:
        S = _mapped_attributes(data)
    elif data.pool is not None and not data.from_source and own.filter_noise:
        items = np.concatenate([data.pool[np.unique(first_copies(data.pool))], data.labeled])
        S = zero_shot.wiener_filter(S, items, noise=own.filter_noise, prior_items=own.filter_items)
    S = unit(S)
    if data.pool is not None and np.any(data.offsets):
        S = pool_refinement.with_rest(S, data.pool, np.asarray(data.offsets))
    return S


def moved_by_labels(prior: Prior, data: TrainingSet, rest: Vectors | None = None) -> Prior:
    """Return the prior with class vectors that the labels of other classes, or of the same clusters, have moved.

    With a pool, labeled examples are members of their clusters; else, labeled classes' errors correct all classes.
    rest (r, d): the part of the pool whose clusters are found, where others are predicted by them; by default all.
    """
    pool = data.pool if rest is None else rest
    if prior.clusters and pool is not None and (len(data.index) or rest is not None):
        sums = data.defaults.label_weight * class_sums(data.weighted, data.index, len(prior.initial))
        weight, mix = prior.clusters.name_weight, rest is None
        refined = refine_with_shares(prior.initial, data, pool, weight, labeled_sums=sums, mix=mix)
        clusters, reasons = prior.clusters._replace(shares=refined.shares), absent_reasons(refined, data.texts.names)
        return prior._replace(class_vectors=refined.class_vectors, clusters=clusters, reasons=prior.reasons + reasons)
    if prior.kind == "names" and can_correct(prior.class_vectors, data):
        return prior._replace(class_vectors=corrected_class_vectors(prior.class_vectors, data)[0], kind="corrected")
    return prior


def refine_with_shares(
    S: Vectors, data: TrainingSet, pool: Vectors, weight: float, *, labeled_sums: Floats | None = None, mix: bool = True
) -> Refinement:
    """Return class vectors S (c, d), which weigh `weight`, refined on the pool (m, d), and its class shares.

    labeled_sums (c, d): of the labeled examples; if given, also as zeros, absent classes are looked for. Shares
    from cosines are too even where clusters are clear, so those of a Gaussian mixture are tried as well if `mix`; they
    are taken if they raise the evidence for the clusters.
    """
    own, known = data.defaults, data.class_prior
    temperature = own.image_pool_temperature if data.centering else own.pool_temperature
    search = known is None and labeled_sums is not None and not np.any(data.offsets)
    steps = partial(refine, temperature=temperature, balance=own.pool_balance, rounds=own.pool_rounds)
    refined_at = partial(steps, S, pool, name_weight=weight, labeled_sums=labeled_sums, find_absent=search)
    refined = refined_at(shares=SharesFromPool(own.cosine_scale, own.shares_prior) if known is None else known)
    if known is not None or not mix:
        return refined
    other = refined_at(shares=zero_shot.shares_by_clusters(data.pool_components, refined.probabilities))
    before, after = (zero_shot.cluster_evidence(data.pool_components, one.probabilities)[0] for one in (refined, other))
    return other if after >= before + own.least_gain else refined


def can_correct(S: Vectors, data: TrainingSet) -> bool:
    """Return whether enough classes have labels to estimate how far class vectors S (c, d) are from class means."""
    n_labeled = np.count_nonzero(S.any(axis=1) & (data.counts > 0))
    return bool(n_labeled >= data.defaults.min_labeled_classes and len(S) <= data.defaults.max_corrected_classes)


def corrected_class_vectors(S: Vectors, data: TrainingSet) -> tuple[Vectors, NDArray[np.floating], Indexes]:
    """Return class vectors S (c, d) moved by the errors of the labeled classes' own vectors.

    Also returned: weights (c, k) with which labeled classes' errors move each class, and the labeled rows of S (k,).
    """
    described = np.asarray(S.any(axis=1))
    seen = np.flatnonzero(described & (data.counts > 0))
    own, constants = described[data.index], data.defaults
    penalties = {"penalty": constants.correction_penalty, "noise": constants.correction_noise}
    labeled, counts = (data.weighted[own], data.index[own]), data.counts[seen]
    moved, weights = zero_shot.corrected_vectors(S, *labeled, seen, counts=counts, **penalties)
    return np.where(described[:, None], moved, 0).astype(np.float32), weights, seen


def _mapped_attributes(data: TrainingSet) -> Vectors:
    """Return weights for all classes (c, d), mapped from attributes by a map learned from the labeled classes."""
    if len(np.unique(data.index)) < 2:
        raise NotEnoughLabelsError(
            f"The class vectors have width {data.attributes.shape[1]} and the items {data.class_embeddings.shape[1]}; "
            "a map between them is learned from labels. Give labels of at least two classes."
        )
    return np.asarray(zero_shot.mapped_weights(data.labeled, data.index, data.attributes), dtype=np.float32)


def zero_shot_by_attributes(data: TrainingSet) -> tuple[LinearModel, str]:
    """Return a classifier by attributes for labeled and unlabeled classes together, and why it is used.

    Without a penalty on labeled classes, the others, with weights mapped from attributes, would hardly ever win.
    """
    coef, intercept, penalty = zero_shot.generalized_weights(data.labeled, data.index, data.attributes)
    why = f"{count(int((data.counts == 0).sum()), 'class')} without a label can only be predicted by zero-shot"
    if penalty is not None:
        why += f"; {penalty:.2g} is subtracted from the scores of labeled classes, found by holding classes out"
    linear = LinearModel(coef.astype(np.float32), intercept.astype(np.float32))
    return linear.with_class_prior(data.class_prior), f"{why}."
