"""Fitting an any-shot model: held-out labels set how far labels move the prior, and how confident predictions are."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from anyshot.any_shot.defaults import Defaults, Strength
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import (
    METHODS,
    CrossValidationResult,
    FittedMethod,
    FoldHead,
    LinearModel,
    Method,
    Model,
    PriorKind,
    Starts,
    softmax,
)
from anyshot.any_shot.open_set import fit_threshold
from anyshot.any_shot.prior import (
    Prior,
    count,
    fit_prior,
    initial_class_vectors,
    moved_by_labels,
    zero_shot_by_attributes,
)
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.labels import first_of_each_class, folds_by_arrival
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, Vectors, class_means
from anyshot.errors import NotEnoughClassesError
from anyshot.evaluation.metrics import effective_size, wilson_interval
from anyshot.training.softmax_regression import (
    Examples,
    HeadOptions,
    fit_head,
    fit_temperature,
    matching_temperature,
)
from anyshot.zero_shot.pool_refinement import Pool, probabilities_at_pool_shares

MethodOrAuto: TypeAlias = Method | Literal["auto"]
Scores: TypeAlias = NDArray[np.floating]  # (n, c)
Factors: TypeAlias = Mapping[Strength, float]
"""The heads that are averaged, and the factor of each one's scores."""
Fit: TypeAlias = tuple[LinearModel, Starts]


def fit_model(
    embedder: Embedder,
    data: TrainingSet,
    *,
    method: MethodOrAuto = "auto",
    unknown_rate: float | None = None,
    start: Starts | None = None,
    defaults: Defaults | None = None,
) -> Model:
    """Return the model that prior and labels give.

    method: "auto" for the any-shot head, or zero-shot without labels; unknown_rate: fraction of the items of known
    classes that may be predicted unknown; start: `starts` of an earlier model to begin from; they change the time, not
    the model; defaults: other constants than those of the training set. Raises NotEnoughClassesError if method is
    "zero-shot" and fewer than two classes have a class vector.
    """
    data = data if defaults is None else data.with_defaults(defaults)
    with threads_for((len(data.index) + len(data.unlabeled)) * data.class_embeddings.size):
        if data.attributes.size and not data.counts.all() and method in ("auto", "zero-shot"):
            found = means_and_threshold(data, initial_class_vectors(data), unknown_rate)
            linear, why = zero_shot_by_attributes(data)
            return Model(embedder, data, *linear, "zero-shot", "attributes", (why,), *found)
        prior = fit_prior(data)
        if method == "zero-shot" and np.count_nonzero(prior.initial.any(axis=1)) < 2:
            raise NotEnoughClassesError(
                "method='zero-shot' compares items with class vectors, and fewer than two classes have one. Give class "
                "vectors, or choose another method."
            )
        found = means_and_threshold(data, prior.initial, unknown_rate)
        results, fold_deltas = cross_validate(data, prior, method, start or {})
        wanted = _main_method(data, prior) if method == "auto" else method
        chosen, why = result_of(wanted, results, data, prior)
        prior = moved_by_labels(prior, data) if wanted == "any-shot" else prior
        fit = fit_method(wanted, data, prior, chosen.factors, temperature=chosen.temperature, start=start or {})
        if data.pool and prior.name_weight is not None and method in ("auto", "any-shot"):
            fit = fit_with_pool(fit, data, data.pool, prior, chosen.factors)
    kind: PriorKind = "none" if wanted == "logistic-regression" else prior.kind
    return Model(
        embedder,
        data,
        *fit[0].with_class_prior(data.class_prior),
        wanted,
        kind,
        (*(prior.reasons if kind != "none" else ()), *_reasons(why, kind, data, embedder)),
        *found,
        leaderboard=tuple(sorted(results, key=lambda result: -result.accuracy)),
        starts={head: delta.rounded() for head, delta in {**fit[1], **fold_deltas}.items()},
        held_out=chosen.probabilities,
    )


def means_and_threshold(data: TrainingSet, S: Vectors, unknown_rate: float | None) -> tuple[Vectors, float | None]:
    """Return the class means (c, d) and the closeness to them below which an item is unknown, from class vectors S."""
    means = class_means(data.labeled, data.index, S)
    if unknown_rate is None:
        return means, None
    pool = data.pool.vectors if data.pool else data.labeled[:0]
    return means, fit_threshold(data.labeled, data.index, S, pool, unknown_rate=unknown_rate)


# --- the methods ----------------------------------------------------------------------------------------------------


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
        S = class_means(data.labeled, data.index, S)
    if method in ("zero-shot", "prototype") or not factors:
        scale = own.cosine_scale if data.center.any() or not data.centering else own.bridge_scale
        intercept = np.where(S.any(axis=1), 0, -np.inf).astype(np.float32)  # a class without vector is never predicted
        return LinearModel(np.asarray(scale * prior.confidence / temperature * S, dtype=np.float32), intercept), {}
    parts, deltas = [], dict[Strength | FoldHead, LinearModel]()
    nearest = next(iter(start.values()), None)  # a head of another strength is closer to the solution than zero
    for strength, factor in factors.items():
        options = HeadOptions(own.prior_scale, strength.C, own.name_examples, own.tol if tol is None else tol)
        near, origin = start.get(strength, nearest), np.asarray(strength.prior_weight * S, dtype=np.float32)
        head, delta = fit_head(data.labeled, data.index, origin, options, more=pool, start=near)
        parts.append(LinearModel(*head).scaled(factor))
        deltas[strength] = LinearModel(*delta)
    linear = LinearModel(*(np.sum(one, axis=0) for one in zip(*parts, strict=True)))
    return linear.scaled(1 / temperature), deltas


def fit_with_pool(fit: Fit, data: TrainingSet, pool: Pool, prior: Prior, factors: Factors) -> Fit:
    """Return the any-shot head fitted again with the model's predictions for the pool as examples of small weight.

    The predictions are probabilities at the pool's own class shares, averaged with those of each vector's neighbors.
    They add no label, so they must not make the model more confident: its mean confidence on the pool stays the same.
    """
    own, n_classes = data.defaults, len(prior.initial)
    scores = fit[0](pool.vectors)  # (m, c)
    targets = probabilities_at_pool_shares(scores, prior_count=own.shares_prior, rounds=own.shares_rounds)
    targets = pool.smooth(targets)
    rows = np.unique(np.linspace(0, len(targets) - 1, own.pool_examples).astype(int))
    weight = min(own.max_pool_weight, own.pool_labels * n_classes / len(rows))
    if not weight:
        return fit
    weights = np.full(len(rows), weight, dtype=np.float32)
    examples = Examples(pool.vectors[rows], targets[rows].astype(np.float32), weights)
    factors = factors or _default_factors(heads(data), data, prior)
    linear, deltas = fit_method("any-shot", data, prior, factors, start=fit[1], pool=examples)
    temperature = matching_temperature(linear(pool.vectors[rows]), scores[rows])
    return linear.scaled(1 / temperature), deltas


# --- cross-validation -----------------------------------------------------------------------------------------------


def cross_validate(
    data: TrainingSet, prior: Prior, method: MethodOrAuto, start: Starts
) -> tuple[list[CrossValidationResult], Starts]:
    """Return how well each method predicts held-out labels, and what labels added to the heads of the folds.

    There are no results if there are too few labels. If a class's only label is held out, that tests the prior and not
    what labels add, so such labels do not count.
    """
    own, known = data.defaults, data
    if prior.kind != "attributes":  # the class vectors do not depend on labels, and so need no pool
        known = TrainingSet(prior.class_vectors, data.labeled, data.index, defaults=own)
    known = known.subset(first_of_each_class(data.index, own.max_held_out))
    counted = known.distinct_counts[known.index] > 1
    if np.count_nonzero(counted) < own.min_labels or len(np.unique(known.index[counted])) < 2:
        return [], {}
    index, scores, results = known.index[counted], {}, []
    folds, deltas = divided(known, prior), dict[Strength | FoldHead, LinearModel]()
    for name in _methods_to_compare(data, prior, method):
        factors = default_factors(name, data, prior)
        for strength in factors:
            if strength not in scores:
                of_strength, added = held_out_scores(name, folds, {strength: 1.0}, start)
                scores[strength] = of_strength[counted]
                deltas.update(added)
        if factors:
            factors = factors_by_likelihood({one: scores[one] for one in factors}, index, data, prior)
            found = np.sum([factor * scores[strength] for strength, factor in factors.items()], axis=0)
        else:
            found = held_out_scores(name, folds, {}, {})[0][counted]
        temperature = fit_temperature(found, index, prior_items=own.temperature_items)
        result = result_from_scores(name, found, index, data.class_prior, temperature=temperature)
        results.append(result._replace(factors=factors))
    return results, deltas


class Fold(NamedTuple):
    """Labels that are held out together, and what all others give."""

    n_folds: int
    number: int
    rows: Indexes  # of the held-out labels
    out: Vectors  # the held-out vectors
    rest: TrainingSet
    prior: Prior
    moved: Prior  # the prior moved by the other labels


def divided(data: TrainingSet, prior: Prior) -> list[Fold]:
    """Return the folds of the labeled vectors.

    Held-out labels must move no class vector: corrections, and a map from attributes, are found again in each fold.
    """
    n_folds = next(number for largest, number in data.defaults.folds if len(data.index) <= largest)
    number, folds = folds_by_arrival(data.index, n_folds, same=data.first_copies), []
    for one in np.unique(number):
        rest = data.subset(number != one)
        own = fit_prior(rest) if prior.kind == "attributes" else prior
        moved = own if prior.kind == "attributes" else moved_by_labels(own, rest)
        rows = np.flatnonzero(number == one)
        folds.append(Fold(n_folds, int(one), rows, data.labeled[rows], rest, own, moved))
    return folds


def held_out_scores(method: Method, folds: Sequence[Fold], factors: Factors, start: Starts) -> tuple[Scores, Starts]:
    """Return the scores (n, c) of each labeled vector from a model fitted without its fold, and what labels added.

    start: heads of the same folds before some labels were added; a fold without one begins from the fold before it.
    """
    scores = np.zeros((sum(len(fold.rows) for fold in folds), len(folds[0].prior.initial)))
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


def heads(data: TrainingSet) -> dict[Strength, float]:
    """Return the heads that the any-shot method averages, each with its odds before labels are held out."""
    own = data.defaults
    odds = {Strength(own.strong_c, 1): own.strong_odds_per_class * len(data.class_embeddings)}
    if len(data.index) <= own.few_labels:
        odds = {Strength(own.weak_c, 1): own.weak_odds, **odds}
    if data.distinct_counts.min() >= own.min_labels_per_class:
        odds[Strength(own.logistic_c, 0)] = own.logistic_odds
    return {strength: one for strength, one in odds.items() if one > 0}


def default_factors(method: Method, data: TrainingSet, prior: Prior) -> Factors:
    """Return the heads of a method with the factors used if nothing is held out; none without labels."""
    if method in ("zero-shot", "prototype") or not len(data.index):
        return {}
    by_names = method == "any-shot" and prior.initial.any()
    return _default_factors(heads(data) if by_names else {Strength(data.defaults.logistic_c, 0): 1.0}, data, prior)


def _default_factors(odds: Mapping[Strength, float], data: TrainingSet, prior: Prior) -> Factors:
    shares = _shares({strength: float(np.log(one)) for strength, one in odds.items()}, data.defaults.min_share)
    return {strength: share * _scale(strength, data.defaults, prior) for strength, share in shares.items()}


def factors_by_likelihood(
    scores: Mapping[Strength, Scores], index: Indexes, data: TrainingSet, prior: Prior
) -> Factors:
    """Return the factor of each head: its share in the average over its temperature.

    scores (n, c) of held-out labels `index` (n,). The share is the posterior probability of the head: its prior odds
    times the likelihood of the labels, at the head's best temperature.
    """
    own, temperature, log_posterior = data.defaults, {}, {}
    odds = heads(data)
    for strength, of_strength in scores.items():
        toward = 1 / _scale(strength, own, prior)
        fitted = fit_temperature(of_strength, index, toward=toward, prior_items=own.temperature_items)
        log_odds = float(np.log(odds.get(strength, 1.0)))
        temperature[strength], log_posterior[strength] = fitted, log_odds + _log_likelihood(of_strength / fitted, index)
    return {one: share / temperature[one] for one, share in _shares(log_posterior, own.min_share).items()}


def result_from_scores(
    method: FittedMethod,
    scores: Scores,
    index: Indexes,
    class_prior: NDArray[np.floating] | None,
    *,
    temperature: float = 1.0,
) -> CrossValidationResult:
    """Return the performance of a method from the scores (n, c) of held-out items of classes `index` (n,)."""
    correct = scores.argmax(axis=1) == index
    weight = 1 / np.bincount(index)[index]  # (n,), so that each class counts the same
    accuracy, size = float(np.average(correct, weights=weight)), effective_size(weight)
    moved = scores / temperature + (0 if class_prior is None else np.log(class_prior))
    probabilities = softmax(moved)[np.arange(len(index)), index]
    likelihood = _log_likelihood(scores / temperature, index) / len(index)
    interval = wilson_interval(accuracy * size, size)
    return CrossValidationResult(method, accuracy, likelihood, temperature, correct, probabilities, interval=interval)


def result_of(
    method: Method, results: Sequence[CrossValidationResult], data: TrainingSet, prior: Prior
) -> tuple[CrossValidationResult, str]:
    """Return the result of a method, or its defaults if nothing was held out, and one sentence on it."""
    labels = count(len(data.index), "label")
    for own in results:
        if own.method == method:
            figures = ", ".join(map(str, [own, *(one for one in results if one is not own)]))
            found = f"accuracy on {count(len(own.correct), 'held-out label')}, mean over classes, with 95 % intervals"
            return own, f"{method.capitalize()} is used ({found}: {figures})."
    few = "is too few" if len(data.index) == 1 else "are too few"
    few = few if len(data.index) < data.defaults.min_labels else "include too few different items of some class"
    factors, none = default_factors(method, data, prior), np.zeros(0)
    result = CrossValidationResult(method, np.nan, np.nan, 1.0, none.astype(bool), none, factors)
    return result, f"{method.capitalize()} is used; {labels} {few} to compare methods."


def _main_method(data: TrainingSet, prior: Prior) -> Method:
    """Return the any-shot head, zero-shot without labels and pool, or logistic regression without class vectors."""
    if prior.kind == "none":
        return "logistic-regression"
    return "any-shot" if len(data.index) or prior.name_weight is not None else "zero-shot"


def _methods_to_compare(data: TrainingSet, prior: Prior, method: MethodOrAuto) -> list[Method]:
    """Return the methods to compare; those without class names take part with `min_labels_per_class`."""
    named, enough = bool(prior.initial.any()), data.distinct_counts.min() >= data.defaults.min_labels_per_class
    if method != "auto":
        return [name for name in METHODS if name == method or (name == "zero-shot" and named)]
    if enough:
        return [name for name in METHODS if named or name in ("prototype", "logistic-regression")]
    return ["any-shot", "zero-shot"] if named else ["logistic-regression"]


def _reasons(why: str, kind: PriorKind, data: TrainingSet, embedder: Embedder) -> list[str]:
    """Return how the method did, and what else there is to know about the model."""
    if kind == "corrected":
        why += f" {np.count_nonzero(data.counts)} labeled classes are used to correct the class vectors of all classes."
    reasons = [why]
    if kind == "none" and len(data.unlabeled):
        reasons.append(f"It has no class vectors that {count(len(data.unlabeled), 'unlabeled example')} could move.")
    if kind != "none" and any(data.texts.texts) and not data.from_source:
        reasons += embedder.reading_reasons(data.texts)
    if embedder.trained is not None:
        reasons.append("The fine-tuned encoder is kept as it is; only the head is fitted to the new labels.")
    return reasons


def _scale(strength: Strength, defaults: Defaults, prior: Prior) -> float:
    """Return the default inverse temperature of a head's scores."""
    return defaults.head_scale * (prior.confidence if strength.prior_weight else 1.0)


def _shares(log_odds: Mapping[Strength, float], least: float) -> dict[Strength, float]:
    """Return the share of each head in the average (softmax), without those below `least`."""
    if not log_odds:
        return {}
    share = dict(zip(log_odds, softmax(np.array([list(log_odds.values())]))[0], strict=True))
    kept = {strength: own for strength, own in share.items() if own >= least}
    return {strength: float(own / sum(kept.values())) for strength, own in kept.items()}


def _log_likelihood(scores: Scores, index: Indexes) -> float:
    """Return the log-likelihood that scores (n, c) give to the labels `index` (n,) [nats]."""
    return float((scores[np.arange(len(index)), index] - logsumexp(scores, axis=1)).sum())
