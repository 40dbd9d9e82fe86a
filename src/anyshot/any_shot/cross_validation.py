"""Heads, linear classifiers that labels move from the class vectors, and their average by cross-validation.

Held-out labels set how far labels move the prior, and how confident predictions are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from anyshot.any_shot.defaults import Defaults, Strength
from anyshot.any_shot.model import (
    METHODS,
    WITHOUT_LABELS,
    CrossValidationResult,
    Factors,
    Fit,
    FittedMethod,
    FoldHead,
    LinearModel,
    Method,
    MethodOrAuto,
    Starts,
)
from anyshot.any_shot.prior import Prior, fit_prior, moved_by_labels
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.folds import first_of_each_class, folds_by_arrival
from anyshot.base.messages import count
from anyshot.base.validation import Indexes, Vectors, class_means, softmax
from anyshot.evaluation.intervals import share_interval
from anyshot.training.softmax_regression import Examples, HeadOptions, fit_head, fit_temperature

Scores: TypeAlias = NDArray[np.floating]  # (n, c)


def cross_validate(
    data: TrainingSet, prior: Prior, method: MethodOrAuto, start: Starts
) -> tuple[list[CrossValidationResult], Starts]:
    """Return how well each method predicts held-out labels, and what labels added to the heads of the folds.

    There are no results if there are too few labels. If a class's only label is held out, that tests the prior and not
    what labels add, so such labels do not count.

    With clusters, the heads are averaged by class vectors that no label has moved (else cifar10 loses a point). How
    confident the average may be shows in clusters that other labels have moved, as all labels move those of the model.
    """
    own = data.defaults
    held_out = first_of_each_class(data.index, own.max_held_out)
    known = data.subset(held_out)
    counted = known.distinct_counts[known.index] > 1
    if np.count_nonzero(counted) < own.min_labels or len(np.unique(known.index[counted])) < 2:
        return [], {}
    index, weight, scores, results = known.index[counted], known.weights[counted], {}, []
    folds, deltas = divided(known, prior), dict[Strength | FoldHead, LinearModel]()
    for name in _methods_to_compare(data, prior, method):
        factors: Factors = {}
        odds = default_odds(name, data, prior)
        for strength in odds:
            if strength not in scores:
                of_strength, added = held_out_scores(name, folds, {strength: 1.0}, start)
                scores[strength] = of_strength[counted]
                deltas.update(added)
        if odds:
            factors = factors_by_likelihood({one: scores[one] for one in odds}, index, data, prior, weight=weight)
            found = np.sum([factor * scores[strength] for strength, factor in factors.items()], axis=0)
            if prior.clusters and name == "any-shot":
                moved = divided(known.with_class_prior(prior.clusters.shares), prior, in_clusters=True)
                found = held_out_scores(name, moved, factors, deltas)[0][counted]
        else:
            found = held_out_scores(name, folds, {}, {})[0][counted]
        temperature = fit_temperature(found, index, weights=weight, prior_items=own.temperature_items)
        result = result_from_scores(name, found, index, data.class_prior, temperature=temperature, weight=weight)
        results.append(result._replace(factors=factors, rows=held_out[counted]))
    return results, deltas


def default_temperature(method: Method, data: TrainingSet, prior: Prior, factors: Factors) -> float:
    """Return the temperature of a method with default factors, where hardly any class has two labels.

    A class's only label, predicted by its class vector and the labels of other classes, shows how hard new items are,
    but not which heads to average. It is far too hard to predict if a class has no vector, and clusters show more.
    """
    known = data.subset(first_of_each_class(data.index, data.defaults.max_held_out))
    few = len(set(known.index.tolist())) < known.defaults.min_labels
    if few or prior.clusters or method != "any-shot" or not prior.class_vectors.any(axis=1).all():
        return 1.0
    folds = divided(known, prior, enough=known.defaults.few_labels)
    rows = np.concatenate([fold.rows for fold in folds])
    scores, known = held_out_scores(method, folds, factors, {})[0][rows], known.subset(rows)
    return fit_temperature(scores, known.index, weights=known.weights, prior_items=known.defaults.temperature_items)


class Fold(NamedTuple):
    """Labels that are held out together, and what all others give."""

    n_folds: int
    number: int
    rows: Indexes  # of the held-out labels
    out: Vectors  # the held-out vectors
    rest: TrainingSet
    prior: Prior
    moved: Prior  # the prior moved by the other labels


def divided(data: TrainingSet, prior: Prior, *, enough: float = np.inf, in_clusters: bool = False) -> list[Fold]:
    """Return the folds of the labeled vectors, until `enough` labels are held out.

    Held-out labels must move no class vector: corrections, clusters if wanted (in few rounds), and a map from
    attributes are found again in each fold.
    """
    if in_clusters:
        own = data.defaults
        data = data.with_defaults(replace(own, pool_rounds=own.fold_rounds, max_pool=own.pool_examples))
    elif prior.kind != "attributes":  # the class vectors do not depend on labels, and so need no pool
        alone = (prior.class_vectors, data.labeled, data.index)
        data = TrainingSet(*alone, weights=data.weights, offsets=data.offsets, defaults=data.defaults)
    n_folds = next(number for largest, number in data.defaults.folds if len(data.index) <= largest)
    number, folds = folds_by_arrival(data.index, n_folds, same=data.first_copies), list[Fold]()
    for one in np.unique(number):
        if sum(len(fold.rows) for fold in folds) >= enough:
            break
        rest = data.subset(number != one)
        known = fit_prior(rest) if prior.kind == "attributes" else prior
        moved = moved_by_labels(known, rest) if in_clusters or known is prior else known
        rows = np.flatnonzero(number == one)
        folds.append(Fold(n_folds, int(one), rows, data.labeled[rows], rest, known, moved))
    return folds


def held_out_scores(method: Method, folds: Sequence[Fold], factors: Factors, start: Starts) -> tuple[Scores, Starts]:
    """Return the scores (n, c) of each labeled vector from a model fitted without its fold, and what labels added.

    start: heads of the same folds before some labels were added; a fold without one begins from the fold before it.
    """
    scores = np.full((len(folds[0].rows) + len(folds[0].rest.index), len(folds[0].prior.initial)), -np.inf)
    added, near = dict[Strength | FoldHead, LinearModel](), dict[Strength | FoldHead, LinearModel]()
    for fold in folds:
        of_fold = {strength: FoldHead(fold.n_folds, fold.number, strength) for strength in factors}
        near.update({strength: start[head] for strength, head in of_fold.items() if head in start})
        prior, tol = fold.moved if factors else fold.prior, fold.rest.defaults.held_out_tol
        linear, deltas = fit_method(method, fold.rest, prior, factors, start=near, tol=tol)
        near.update(deltas)
        added.update({head: deltas[strength] for strength, head in of_fold.items()})
        scores[fold.rows] = linear(fold.out)
    finite = np.isfinite(scores)  # -inf: a class without class vector and label in a fold
    return np.where(finite, scores, float(scores[finite].min()) - 10), added


def factors_by_likelihood(
    scores: Mapping[Strength, Scores], index: Indexes, data: TrainingSet, prior: Prior, *, weight: NDArray[np.floating]
) -> Factors:
    """Return the factor of each head: its share in the average over its temperature.

    scores (n, c) of held-out labels `index` (n,), of some weight (n,). The share is the posterior probability of the
    head: its prior odds times the likelihood of the labels, at the head's best temperature.
    """
    own, odds, temperature, log_posterior = data.defaults, heads(data), {}, {}
    for strength, of_strength in scores.items():
        toward = 1 / default_scale(strength, own, prior)
        fitted = fit_temperature(of_strength, index, weights=weight, toward=toward, prior_items=own.temperature_items)
        temperature[strength] = fitted
        log_posterior[strength] = np.log(odds.get(strength, 1.0)) + _log_likelihood(of_strength / fitted, index, weight)
    return {one: share / temperature[one] for one, share in normalized_shares(log_posterior, own.min_share).items()}


def result_from_scores(
    method: FittedMethod,
    scores: Scores,
    index: Indexes,
    class_prior: NDArray[np.floating] | None,
    *,
    temperature: float = 1.0,
    weight: NDArray[np.floating] | None = None,
) -> CrossValidationResult:
    """Return the performance of a method from the scores (n, c) of held-out items of classes `index` (n,)."""
    weight = np.ones(len(index)) if weight is None else weight  # (n,)
    correct = scores.argmax(axis=1) == index
    balanced = weight / np.bincount(index, weight)[index]  # (n,), so that each class counts the same
    accuracy = float(np.average(correct, weights=balanced))
    moved = scores / temperature + (0 if class_prior is None else np.log(class_prior))
    predicted = softmax(moved)
    probabilities = predicted[np.arange(len(index)), index]
    likelihood = _log_likelihood(scores / temperature, index, weight) / float(weight.sum())
    interval = share_interval(accuracy, balanced)
    return CrossValidationResult(
        method, accuracy, likelihood, temperature, correct, probabilities, interval=interval, predicted=predicted
    )


def result_of(
    method: Method, results: Sequence[CrossValidationResult], data: TrainingSet, prior: Prior
) -> tuple[CrossValidationResult, str]:
    """Return the result of a method, or its defaults if nothing was held out, and sentences on it."""
    for own in results:
        if own.method == method:
            figures = ", ".join(map(str, [own, *(one for one in results if one is not own)]))
            found = f"accuracy on {count(len(own.correct), 'held-out label')}, mean over classes, with 95 % intervals"
            is_best = own.accuracy == max(one.accuracy for one in results)
            why = "" if is_best else " These figures do not choose the method."
            if any(one.method == "zero-shot" and one.interval[1] < 1 / len(data.class_embeddings) for one in results):
                why += " Zero-shot is right less often than by chance: check whether labels and classes were exchanged."
            return own, f"{method.capitalize()} is used ({found}: {figures}).{why}"
    factors, none = default_factors(method, data, prior), np.zeros(0)
    temperature = default_temperature(method, data, prior, factors)
    result = CrossValidationResult(method, np.nan, np.nan, temperature, none.astype(bool), none, factors)
    if not len(data.index):
        return result, WITHOUT_LABELS.format(method=method)
    few = "is too few" if len(data.index) == 1 else "are too few"
    few = few if len(data.index) < data.defaults.min_labels else "include too few different items of some class"
    labels = count(len(data.index), "label")
    return result, f"{method.capitalize()} is used; {labels} {few} to compare methods."


def _methods_to_compare(data: TrainingSet, prior: Prior, method: MethodOrAuto) -> list[Method]:
    """Return the methods to compare; those without class names take part with `min_labels_per_class`."""
    named, enough = bool(prior.initial.any()), data.distinct_counts.min() >= data.defaults.min_labels_per_class
    if method != "auto":
        return [name for name in METHODS if name == method or (name == "zero-shot" and named)]
    if enough:
        return [name for name in METHODS if named or name in ("prototype", "logistic-regression")]
    return ["any-shot", "zero-shot"] if named else ["logistic-regression"]


def _log_likelihood(scores: Scores, index: Indexes, weight: NDArray[np.floating]) -> float:
    """Return the log-likelihood that scores (n, c) give to the labels `index` of some weight (n,) [nats]."""
    return float(weight @ (scores[np.arange(len(index)), index] - scipy.special.logsumexp(scores, axis=1)))


# --- heads ----------------------------------------------------------------------------------------------------------


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

    The softmax of its scores is calibrated by `temperature`; start: what labels added to earlier heads, to begin
    from; pool: unlabeled examples with probabilities as targets; tol: the loss that may remain above the minimum.
    """
    own, S, offsets = data.defaults, prior.class_vectors, 0.0 if prior.clusters else data.offsets
    if method == "prototype":
        S = class_means(data.weighted, data.index, S)
    if method in ("zero-shot", "prototype") or not factors:
        scale = own.cosine_scale if data.center.any() or not data.centering else own.bridge_scale
        scale = scale * prior.scale / temperature
        intercept = np.where(S.any(axis=1), scale * offsets, -np.inf)  # a class without vector is never predicted
        return LinearModel(np.asarray(scale * S, dtype=np.float32), intercept.astype(np.float32)), {}
    parts, deltas = [], dict[Strength | FoldHead, LinearModel]()
    nearest = next(iter(start.values()), None)  # a head of another strength is closer to the solution than zero
    for strength, factor in factors.items():
        C, p = strength
        options = HeadOptions(own.prior_scale, C, own.name_examples, own.tol if tol is None else tol, p * offsets)
        near, origin = start.get(strength, nearest), np.asarray(p * S, dtype=np.float32)
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
        Strength(own.strong_c, 1): own.strong_odds * n_classes**2,
    }
    if fewest >= own.min_labels_per_class:
        odds |= {Strength(C, 0): own.logistic_odds * min(fewest, own.logistic_labels) ** 2 for C in own.logistic_c}
    return {strength: one for strength, one in odds.items() if one > 0}


def default_odds(method: Method, data: TrainingSet, prior: Prior) -> dict[Strength, float]:
    """Return the heads of a method with their odds before labels are held out; none without labels."""
    if method in ("zero-shot", "prototype") or not len(data.index):
        return {}
    by_names = method == "any-shot" and prior.initial.any()
    return heads(data) if by_names else {Strength(C, 0): 1.0 for C in data.defaults.logistic_c}


def default_factors(method: Method, data: TrainingSet, prior: Prior) -> Factors:
    """Return the heads of a method with the factors used if nothing is held out; none without labels."""
    odds = default_odds(method, data, prior)
    return odds_as_factors(odds, data, prior) if odds else {}


def odds_as_factors(odds: Mapping[Strength, float], data: TrainingSet, prior: Prior) -> Factors:
    """Return the factor of each head where nothing was held out: its share by its odds, times its default scale."""
    log_odds = {strength: float(np.log(one)) for strength, one in odds.items()}
    shares = normalized_shares(log_odds, data.defaults.min_share)
    return {strength: share * default_scale(strength, data.defaults, prior) for strength, share in shares.items()}


def default_scale(strength: Strength, defaults: Defaults, prior: Prior) -> float:
    """Return the default inverse temperature of a head's scores."""
    return defaults.cosine_scale / defaults.prior_scale * (prior.scale if strength.prior_weight else 1.0)


def normalized_shares(log_odds: Mapping[Strength, float], least: float) -> dict[Strength, float]:
    """Return the share of each head in the average (softmax), without those below `least`."""
    share = dict(zip(log_odds, softmax(np.array([list(log_odds.values())]))[0], strict=True))
    kept = {strength: own for strength, own in share.items() if own >= least}
    return {strength: float(own / sum(kept.values())) for strength, own in kept.items()}
