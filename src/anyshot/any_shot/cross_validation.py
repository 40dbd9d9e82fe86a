"""Fitting an any-shot model: the method, and how far labels move the prior, are chosen by cross-validation."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

from anyshot.any_shot.defaults import DEFAULTS, LOGISTIC, Defaults, Strength
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import METHODS, CrossValidationResult, FittedMethod, LinearModel, Method, Model, PriorKind
from anyshot.any_shot.open_set import fit_threshold
from anyshot.any_shot.prior import Prior, choose_prior, refine, zero_shot_by_attributes
from anyshot.any_shot.solver import Examples, fit_average
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, Vectors, class_means, class_sums
from anyshot.errors import NotEnoughClassesError
from anyshot.evaluation.calibration import fit_temperature
from anyshot.evaluation.splits import first_of_each_class, folds_by_arrival
from anyshot.zero_shot.pool_refinement import Pool, Refinement, probabilities_at_pool_shares

MethodOrAuto: TypeAlias = Method | Literal["auto"]
Scores: TypeAlias = NDArray[np.floating]  # (n, c)
Factors: TypeAlias = Mapping[Strength, float]
"""The heads that are averaged, and the factor of each one's scores."""
Start: TypeAlias = Mapping[Strength, LinearModel]


def fit_model(
    embedder: Embedder,
    data: TrainingSet,
    *,
    method: MethodOrAuto = "auto",
    unknown_rate: float | None = None,
    start: Start | None = None,
    defaults: Defaults = DEFAULTS,
) -> Model:
    """Return the model that the data support best.

    method: "auto" to choose by cross-validation; unknown_rate: fraction of the items of known classes that may be
    predicted unknown; start: `deltas` of an earlier model to begin from; they change the time, not the model. Raises
    NotEnoughClassesError if method is "zero-shot" and fewer than two classes have a class vector.
    """
    data = data.with_defaults(defaults)  # its class vectors are filtered by the pool, and all vectors are centered
    _check_class_vectors(data, method)
    known = _means_and_threshold(data, unknown_rate)
    if data.attributes.size and not data.counts.all() and method in ("auto", "zero-shot"):
        linear, why = zero_shot_by_attributes(data)
        return Model(embedder, data, *linear, "zero-shot", "attributes", (why,), *known)
    with threads_for((len(data.index) + len(data.unlabeled)) * data.class_vectors.size):
        prior = choose_prior(data)
        results = cross_validate(data, prior, method)
        chosen, why = choose_method(results, data, prior, method)
        weight = label_weight(results, defaults)
        linear, deltas = fit_method(chosen.method, data, prior, chosen.factors, label_weight=weight, start=start or {})
    linear = linear.scaled(1 / chosen.temperature).with_class_prior(data.class_prior)
    kind = _kind(prior, chosen.method)
    reasons = (*prior.reasons, *_reasons(why, kind, data, embedder))
    leaderboard = tuple(sorted(results, key=lambda result: -result.accuracy))
    held_out = chosen.probabilities
    return Model(embedder, data, *linear, chosen.method, kind, reasons, *known, leaderboard, deltas, held_out)


# --- cross-validation -----------------------------------------------------------------------------------------------


def cross_validate(data: TrainingSet, prior: Prior, method: MethodOrAuto) -> list[CrossValidationResult]:
    """Return how well each method predicts held-out labels; nothing if there are too few."""
    own, refined = data.defaults, prior.refinement is not None
    known = TrainingSet(prior.class_vectors, data.labeled, data.index, defaults=own)
    known = known.subset(first_of_each_class(data.index, own.max_held_out))
    scores: dict[Strength, Scores] = {}
    results = []
    for name in _methods_to_compare(data, method):
        factors = default_factors(name, data, refined=refined)
        for strength in factors.keys() - scores.keys():
            scores[strength] = held_out_scores(name, known, {strength: 1.0}, prior.kind)
        if factors:
            factors = factors_by_likelihood({each: scores[each] for each in factors}, known, refined=refined)
            found = np.sum([factor * scores[each] for each, factor in factors.items()], axis=0)
        else:
            found = held_out_scores(name, known, {}, prior.kind)
        temperature = fit_temperature(found, known.index, prior_items=own.temperature_items)
        result = result_from_scores(name, found, known.index, data.class_prior, temperature=temperature)
        results.append(result._replace(factors=factors))
    return results


def held_out_scores(method: Method, data: TrainingSet, factors: Factors, kind: PriorKind) -> Scores:
    """Return the scores (n, c) of each labeled vector from a model fitted without it."""
    n, own = len(data.index), data.defaults
    n_folds = next((number for largest, number in own.folds if n <= largest), own.fewest_folds)
    folds = folds_by_arrival(data.index, n_folds, same=data.first_copies)
    prior, scores = Prior(data.class_vectors, kind), np.zeros((n, len(data.class_vectors)))
    start: Start = {}
    for fold in np.unique(folds):
        out = folds == fold
        linear, start = fit_method(method, data.subset(~out), prior, factors, start=start, tol=own.held_out_tol)
        scores[out] = linear(data.labeled[out])
    lowest = float(scores[np.isfinite(scores)].min()) - 10
    return np.where(np.isfinite(scores), scores, lowest)  # -inf: a class without class vector and label in a fold


def default_factors(method: Method, data: TrainingSet, *, refined: bool) -> Factors:
    """Return the strengths of a method that the labels can compare, with the factors used if nothing is held out."""
    if method in ("zero-shot", "prototype"):
        return {}
    if method != _main_method(data):
        return {LOGISTIC: LOGISTIC.scale}
    own, fewest, least = data.defaults, data.distinct_counts.min(), 0.0
    if len(data.index) > own.few_labels:
        least = own.least_c_per_class if fewest >= own.many_labels_per_class else own.least_c
    without_names = data.class_vectors.any() and fewest >= own.min_labels_per_class
    tried = [one for one in own.strengths if least <= one.C and (one.prior_weight or without_names)]
    shares = _shares({strength: -strength.cost for strength in tried}, own.min_share)
    return {strength: share * (own.refined_scale if refined else strength.scale) for strength, share in shares.items()}


def factors_by_likelihood(scores: Mapping[Strength, Scores], data: TrainingSet, *, refined: bool) -> Factors:
    """Return the factor of each strength: its share in the average over its temperature, from held-out scores (n, c).

    refined: refined class vectors are more confident than their scale says, and a high strength would seem to correct
    that; strengths are then compared each at its own temperature.
    """
    own, temperature, likelihood = data.defaults, {}, {}
    for strength, of_strength in scores.items():
        toward = 1 / (own.refined_scale if refined else strength.scale)
        fitted = fit_temperature(of_strength, data.index, toward=toward, prior_items=own.temperature_items)
        temperature[strength], divisor = fitted, fitted if refined else 1.0
        likelihood[strength] = _log_likelihood(of_strength / divisor, data.index) - strength.cost
    return {strength: share / temperature[strength] for strength, share in _shares(likelihood, own.min_share).items()}


def label_weight(results: Sequence[CrossValidationResult], defaults: Defaults) -> float:
    """Return the weight of the labels against the refinement, by the likelihood that each gives to held-out labels."""
    likelihood = {result.method: result.log_likelihood * len(result.correct) for result in results}
    if not {"any-shot", "zero-shot"} <= likelihood.keys():
        return 1.0
    ahead = likelihood["any-shot"] - likelihood["zero-shot"]
    return float(expit(defaults.blend_offset + defaults.blend_slope * ahead))


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
    accuracy = float(np.mean([correct[index == k].mean() for k in np.unique(index)]))
    moved = scores / temperature + (0 if class_prior is None else np.log(class_prior))
    probabilities = softmax(moved, axis=1)[np.arange(len(index)), index]
    likelihood = _log_likelihood(scores / temperature, index) / len(index)
    return CrossValidationResult(method, accuracy, likelihood, temperature, correct, probabilities)


# --- the methods ----------------------------------------------------------------------------------------------------


def choose_method(
    results: Sequence[CrossValidationResult], data: TrainingSet, prior: Prior, method: MethodOrAuto
) -> tuple[CrossValidationResult, str]:
    """Return the result of the method to use, and one sentence why.

    With "auto", the head is replaced by a method that predicted more held-out labels correctly by more than
    `standard_errors` of the paired difference: smaller differences are noise, and the weakest strengths are close to
    zero-shot already.
    """
    n, wanted = len(data.index), _main_method(data) if method == "auto" else method
    if not results:
        if n == 0 and data.pool is None and method == "auto" and data.class_vectors.any():
            wanted = "zero-shot"
        few = "is too few" if n == 1 else "are too few"
        few = few if n < data.defaults.min_labels else "include too few of some class"
        why = f"{n} label{'s' if n != 1 else ''} {few} to compare methods, so {wanted} is used."
        factors = default_factors(wanted, data, refined=prior.refinement is not None)
        return CrossValidationResult(wanted, np.nan, np.nan, 1.0, np.zeros(0, bool), np.zeros(0), factors), why
    own = next(result for result in results if result.method == wanted)
    others = "".join(f", {one.method} {one.accuracy:.1%}" for one in results if one is not own)
    why = f"accuracy on {n} labels in cross-validation, mean over classes: {own.method} {own.accuracy:.1%}{others}"
    if method == "auto":
        # If a class's only label is held out, that tests zero-shot and not what labels add.
        fair = data.distinct_counts[data.index[first_of_each_class(data.index, data.defaults.max_held_out)]] > 1
        why += "" if fair.any() else "; a class whose only label is held out is predicted from its name alone"
        for other in results:
            ahead = (other.correct.astype(float) - own.correct)[fair]
            if ahead.sum() > data.defaults.standard_errors * np.sqrt((ahead**2).sum()):
                return other, f"{other.method.capitalize()} is used ({why})."
        first = max(results, key=lambda result: result.accuracy)
        why += f"; the lead of {first.method} may be chance" if first.accuracy > own.accuracy else ""
    return own, f"{own.method.capitalize()} is used ({why})."


def fit_method(
    method: FittedMethod,
    data: TrainingSet,
    prior: Prior,
    factors: Factors,
    *,
    label_weight: float = 1.0,
    start: Start,
    tol: float = 2e-5,
) -> tuple[LinearModel, dict[Strength, LinearModel]]:
    """Return a method fitted to all labels, and what labels added to its heads."""
    if method in ("zero-shot", "prototype"):
        means = class_means(data.labeled, data.index, data.class_vectors)
        return cosine_model(means if method == "prototype" else prior.class_vectors, data.defaults.cosine_scale), {}
    S, more = prior.class_vectors, None
    if method == "any-shot" and prior.refinement is not None and data.pool is not None:
        S, more = refine_with_labels(data, data.pool, prior.refinement, factors, label_weight)
    elif method == "any-shot" and prior.kind == "corrected":
        S = data.corrected_class_vectors()[0]
    return fit_average(data.labeled, data.index, S, factors, start=start, more=more, tol=tol)


def refine_with_labels(
    data: TrainingSet, pool: Pool, refinement: Refinement, factors: Factors, label_weight: float
) -> tuple[Vectors, Examples]:
    """Refine the class vectors again with the labels, and return them with the pool as examples for the head.

    label_weight: weight of the head's log-probabilities of the pool in their targets; the refinement's have the rest.
    """
    own, n_classes, probabilities = data.defaults, len(data.class_vectors), refinement.probabilities
    if len(data.index):
        start, balance, weight = refinement.initial_vectors, refinement.balance, refinement.prior_weight
        sums = own.label_weight * class_sums(data.labeled, data.index, n_classes)
        refinement = refine(data, pool, start, weight, balance=balance, labeled_sums=sums)
        head, _ = fit_average(data.labeled, data.index, refinement.class_vectors, factors, start={})
        by_head = probabilities_at_pool_shares(
            head(pool.vectors), prior_count=own.shares_prior, rounds=own.shares_rounds
        )
        # The more labels a class has, the less its neighbors add to the head's prediction.
        by_itself = len(data.index) / (len(data.index) + own.own_labels * n_classes)
        by_head = pool.smooth(by_head, own=by_itself, rounds=1)
        logs = label_weight * np.log(by_head + 1e-9) + (1 - label_weight) * np.log(refinement.probabilities + 1e-9)
        probabilities = softmax(logs, axis=1)
    rows = np.unique(np.linspace(0, len(probabilities) - 1, own.pool_examples).astype(int))
    weights = np.full(len(rows), min(own.max_pool_weight, own.pool_labels * n_classes / len(rows)), dtype=np.float32)
    return refinement.class_vectors, Examples(pool.vectors[rows], probabilities[rows].astype(np.float32), weights)


def cosine_model(S: Vectors, scale: float) -> LinearModel:
    """Return the classifier by cosine to class vectors (c, d); a class whose row is zero is never predicted."""
    return LinearModel(scale * S, np.where(S.any(axis=1), 0, -np.inf).astype(np.float32))


def _check_class_vectors(data: TrainingSet, method: MethodOrAuto) -> None:
    if method == "zero-shot" and np.count_nonzero(data.class_vectors.any(axis=1)) < 2:
        raise NotEnoughClassesError(
            "method='zero-shot' compares items with class vectors, and fewer than two classes have one. Give class "
            "vectors, or choose another method."
        )


def _means_and_threshold(data: TrainingSet, unknown_rate: float | None) -> tuple[Vectors, float | None]:
    """Return the class means (c, d), and the closeness to them below which items are unknown."""
    means = class_means(data.labeled, data.index, data.class_vectors)
    if unknown_rate is None:
        return means, None
    pool = data.pool.vectors if data.pool else data.labeled[:0]
    return means, fit_threshold(data.labeled, data.index, data.class_vectors, pool, unknown_rate=unknown_rate)


def _main_method(data: TrainingSet) -> Method:
    """Return the head, or logistic regression if there are no class vectors."""
    return "any-shot" if data.class_vectors.any() else "logistic-regression"


def _methods_to_compare(data: TrainingSet, method: MethodOrAuto) -> list[Method]:
    """Return the methods to compare; none if there are too few labels.

    Methods without class names take part with `min_labels_per_class`. With many labels, but fewer in some class, there
    is one strength and nothing to choose.
    """
    own, distinct, named = data.defaults, data.distinct_counts, bool(data.class_vectors.any())
    too_few = distinct.sum() < own.min_labels or np.count_nonzero(distinct) < 2
    enough = distinct.min() >= own.min_labels_per_class
    if too_few or (len(data.index) > own.few_labels and not enough):
        return []
    if method != "auto":
        return [name for name in METHODS if name == method or (name == "zero-shot" and named)]
    if enough:
        return [name for name in METHODS if named or name in ("prototype", "logistic-regression")]
    return ["any-shot", "zero-shot"] if named else ["logistic-regression"]


def _kind(prior: Prior, method: Method | FittedMethod) -> PriorKind:
    """Return where the class vectors of a method come from."""
    if method == "logistic-regression":
        return "none"
    return "names" if prior.kind == "corrected" and method != "any-shot" else prior.kind


def _reasons(why: str, kind: PriorKind, data: TrainingSet, embedder: Embedder) -> list[str]:
    """Return why the method was chosen, and what else there is to know about the model."""
    if kind == "corrected":
        why += f" {np.count_nonzero(data.counts)} labeled classes are used to correct the class vectors of all classes."
    reasons = [why]
    if kind != "none" and embedder.templates:
        reasons.append(f"Class names are encoded as {', '.join(map(repr, embedder.templates))}.")
    if embedder.trained is not None:
        reasons.append("The fine-tuned encoder is kept as it is; only the head is fitted to the new labels.")
    return reasons


def _shares(likelihood: Mapping[Strength, float], least: float) -> dict[Strength, float]:
    """Return the share of each strength in the average, without those below `least`."""
    share = dict(zip(likelihood, softmax(list(likelihood.values())), strict=True))
    kept = {strength: own for strength, own in share.items() if own >= least}
    return {strength: float(own / sum(kept.values())) for strength, own in kept.items()}


def _log_likelihood(scores: Scores, index: Indexes) -> float:
    """Return the log-likelihood that scores (n, c) give to the labels `index` (n,) [nats]."""
    return float((scores[np.arange(len(index)), index] - logsumexp(scores, axis=1)).sum())
