"""The heads of an any-shot model: linear classifiers that labels move from the class vectors, and their average."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from anyshot.any_shot.defaults import Defaults, Strength
from anyshot.any_shot.model import FoldHead, LinearModel, Method, Starts
from anyshot.any_shot.prior import Prior
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.validation import class_means, softmax
from anyshot.training.softmax_regression import Examples, HeadOptions, fit_head

Factors: TypeAlias = Mapping[Strength, float]
"""The heads that are averaged, and the factor of each one's scores."""
Fit: TypeAlias = tuple[LinearModel, Starts]


def fit_method(
    method: Method,
    data: TrainingSet,
    prior: Prior,
    factors: Factors,
    *,
    temperature: float = 1.0,
    start: Starts,
    pool: Examples | None = None,
    tol: float | None = None,
) -> Fit:
    """Return a method fitted to all labels, and what labels added to its heads.

    The softmax of its scores is calibrated by `temperature`; start: earlier second results, to begin from; pool:
    unlabeled examples with probabilities as targets; tol: the loss that may remain above the minimum.
    """
    own, S = data.defaults, prior.class_vectors
    if method == "prototype":
        S = class_means(data.weighted, data.index, S)
    if method in ("zero-shot", "prototype") or not factors:
        scale = own.cosine_scale if data.center.any() or not data.centering else own.bridge_scale
        intercept = np.where(S.any(axis=1), 0, -np.inf).astype(np.float32)  # a class without vector is never predicted
        return LinearModel(np.asarray(scale * prior.confidence / temperature * S, dtype=np.float32), intercept), {}
    parts, deltas = [], dict[Strength | FoldHead, LinearModel]()
    nearest = next(iter(start.values()), None)  # a head of another strength is closer to the solution than zero
    for strength, factor in factors.items():
        options = HeadOptions(own.prior_scale, strength.C, own.name_examples, own.tol if tol is None else tol)
        near, origin = start.get(strength, nearest), np.asarray(strength.prior_weight * S, dtype=np.float32)
        head, delta = fit_head(data.labeled, data.index, origin, options, weights=data.weights, more=pool, start=near)
        parts.append(LinearModel(*head).scaled(factor))
        deltas[strength] = LinearModel(*delta)
    linear = LinearModel(*(np.sum(one, axis=0) for one in zip(*parts, strict=True)))
    return linear.scaled(1 / temperature), deltas


def heads(data: TrainingSet) -> dict[Strength, float]:
    """Return the heads that the any-shot method averages, each with its odds before labels are held out."""
    own, n_classes, fewest = data.defaults, len(data.class_embeddings), int(data.distinct_counts.min())
    all_described = bool(data.has_description.all())  # the weak head would hardly predict a class without a vector
    odds = {
        Strength(own.weak_c, 1): own.weak_odds if len(data.index) <= own.few_labels and all_described else 0.0,
        Strength(own.middle_c, 1): own.middle_odds * n_classes,
        Strength(own.strong_c, 1): own.strong_odds * n_classes**3,
    }
    if fewest >= own.min_labels_per_class:
        odds |= {Strength(C, 0): own.logistic_odds * min(fewest, own.logistic_labels) ** 2 for C in own.logistic_c}
    return {strength: one for strength, one in odds.items() if one > 0}


def default_factors(method: Method, data: TrainingSet, prior: Prior) -> Factors:
    """Return the heads of a method with the factors used if nothing is held out; none without labels."""
    if method in ("zero-shot", "prototype") or not len(data.index):
        return {}
    by_names = method == "any-shot" and prior.initial.any()
    return odds_as_factors(
        heads(data) if by_names else {Strength(C, 0): 1.0 for C in data.defaults.logistic_c}, data, prior
    )


def odds_as_factors(odds: Mapping[Strength, float], data: TrainingSet, prior: Prior) -> Factors:
    """Return the factor of each head where nothing was held out: its share by its odds, times its default scale."""
    log_odds = {strength: float(np.log(one)) for strength, one in odds.items()}
    shares = normalized_shares(log_odds, data.defaults.min_share)
    return {strength: share * default_scale(strength, data.defaults, prior) for strength, share in shares.items()}


def default_scale(strength: Strength, defaults: Defaults, prior: Prior) -> float:
    """Return the default inverse temperature of a head's scores."""
    return defaults.head_scale * (prior.confidence if strength.prior_weight else 1.0)


def normalized_shares(log_odds: Mapping[Strength, float], least: float) -> dict[Strength, float]:
    """Return the share of each head in the average (softmax), without those below `least`."""
    if not log_odds:
        return {}
    share = dict(zip(log_odds, softmax(np.array([list(log_odds.values())]))[0], strict=True))
    kept = {strength: own for strength, own in share.items() if own >= least}
    return {strength: float(own / sum(kept.values())) for strength, own in kept.items()}
