"""Fitting an any-shot model: the method, and how far labels move the prior, are chosen by cross-validation."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

from anyshot.any_shot.defaults import DEFAULTS, LOGISTIC, Defaults, Strength
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import (
    METHODS,
    CrossValidationResult,
    FittedMethod,
    Method,
    Model,
    PriorKind,
)
from anyshot.any_shot.open_set import fit_threshold
from anyshot.any_shot.prior import Prior, refine_on_unlabeled, refine_with_labels, zero_shot_by_attributes
from anyshot.any_shot.solver import LinearModel, class_means, fit_average
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, Vectors, is_number
from anyshot.errors import InputError, NotEnoughClassesError
from anyshot.evaluation.calibration import fit_temperature
from anyshot.evaluation.splits import folds_by_arrival, ranks_in_class

MethodOrAuto: TypeAlias = Method | Literal["auto"]
Budget: TypeAlias = Literal["fast", "best"] | float
"""Time for learning: closed forms only, fine-tuning however long it takes, or a number of seconds."""
Factors: TypeAlias = dict[Strength, float]
"""The heads that are averaged, and the factor of each one's scores."""


class Comparison(NamedTuple):
    """What cross-validation found."""

    results: tuple[CrossValidationResult, ...]  # empty if there were too few labels
    factors: dict[Method, Factors]
    label_weight: float  # how far predictions on the pool follow the labels rather than the refinement


def fit_model(
    embedder: Embedder,
    data: TrainingSet,
    *,
    method: MethodOrAuto = "auto",
    unknown_rate: float | None = None,
    start: Mapping[Strength, LinearModel] | None = None,
    defaults: Defaults = DEFAULTS,
) -> Model:
    """Return the model that the data support best.

    method: "auto" to choose by cross-validation; unknown_rate: fraction of the items of known classes that may be
    predicted unknown; start: `deltas` of an earlier model to begin from; they change the time, not the model; defaults:
    the constants of the model. Raises NotEnoughClassesError if method is "zero-shot" and fewer than two classes have a
    class vector.
    """
    data = data.with_defaults(defaults)
    if method == "zero-shot" and np.count_nonzero(data.class_vectors.any(axis=1)) < 2:
        raise NotEnoughClassesError(
            "method='zero-shot' compares items with class vectors, and fewer than two classes have one. Give class "
            "vectors, or choose another method."
        )
    means = class_means(data.labeled, data.index, data.class_vectors)
    threshold, pool = None, data.pool.vectors if data.pool else data.labeled[:0]
    if unknown_rate is not None:
        threshold = fit_threshold(data.labeled, data.index, data.class_vectors, pool, unknown_rate=unknown_rate)
    if data.attributes.size and not data.counts.all() and method in ("auto", "zero-shot"):
        linear, why = zero_shot_by_attributes(data)
        return Model(embedder, data, *linear, "zero-shot", "attributes", (why,), means, unknown_threshold=threshold)
    with threads_for((len(data.index) + len(pool)) * data.class_vectors.size):
        prior = refine_on_unlabeled(data) if data.pool else Prior(data.class_vectors, corrected=data.can_correct)
        found = cross_validate(data, prior, method)
        chosen, why = choose(found.results, data, method)
        linear, deltas = fit_method(data, prior, chosen.method, found, start or {})
    linear = linear.scaled(1 / chosen.temperature)
    if data.class_prior is not None:
        linear = linear._replace(intercept=linear.intercept + np.log(data.class_prior).astype(np.float32))
    kind = _kind(data, prior, chosen.method)
    if kind == "corrected":
        why += f" {np.count_nonzero(data.counts)} labeled classes are used to correct the class vectors of all classes."
    return Model(
        embedder,
        data,
        *linear,
        chosen.method,
        kind,
        (*prior.reasons, why, *_encoder_reasons(embedder, kind)),
        means,
        tuple(sorted(found.results, key=lambda result: -result.accuracy)),
        deltas,
        chosen.probabilities,
        threshold,
    )


def cross_validate(data: TrainingSet, prior: Prior, method: MethodOrAuto) -> Comparison:
    """Return how well each method predicts held-out labels, and how far labels may move the prior."""
    refined, main = prior.refinement is not None, _main_method(data)
    factors: dict[Method, Factors] = {name: {LOGISTIC: LOGISTIC.scale} for name in METHODS}
    factors[main] = default_factors(data, refined=refined)
    if not _can_compare(data):
        return Comparison((), factors, 1.0)
    known = TrainingSet(prior.class_vectors, data.labeled, data.index, defaults=data.defaults)
    known = known.subset(_first_of_each_class(data.index, data.defaults.max_held_out))
    results: list[CrossValidationResult] = []
    scores: dict[Strength, NDArray[np.floating]] = {}
    for name in _methods_to_compare(data, method):
        if name in ("zero-shot", "prototype"):
            found = _held_out_scores(known, name, {}, corrected=False)
        else:
            for strength in factors[name]:
                if strength not in scores:
                    scores[strength] = _held_out_scores(known, name, {strength: 1.0}, corrected=prior.corrected)
            own = {strength: scores[strength] for strength in factors[name]}
            factors[name] = _factors_by_likelihood(own, known.index, data.defaults, refined=refined)
            found = np.sum([factor * own[strength] for strength, factor in factors[name].items()], axis=0)
        temperature = fit_temperature(found, known.index, prior_items=data.defaults.temperature_items)
        results.append(result_from_scores(name, found, known.index, data.class_prior, temperature=temperature))
    return Comparison(tuple(results), factors, _label_weight(results, data.defaults))


def choose(
    results: tuple[CrossValidationResult, ...], data: TrainingSet, method: MethodOrAuto
) -> tuple[CrossValidationResult, str]:
    """Return the result of the method to use, and one sentence why.

    With "auto", the head is replaced by a method that predicted more held-out labels correctly by more than
    `standard_errors` of the paired difference: smaller differences are noise, and the weakest strengths are close to
    zero-shot already.
    """
    n = len(data.index)
    wanted = _main_method(data) if method == "auto" else method
    if not results:
        if n == 0 and data.pool is None and method == "auto" and data.class_vectors.any():
            wanted = "zero-shot"
        few = (
            "is too few"
            if n == 1
            else "are too few"
            if n < data.defaults.min_labels
            else "include too few of some class"
        )
        why = f"{n} label{'s' if n != 1 else ''} {few} to compare methods, so {wanted} is used."
        return CrossValidationResult(wanted, np.nan, np.nan, 1.0, np.zeros(0, bool), np.zeros(0)), why
    own = next(result for result in results if result.method == wanted)
    others = "".join(f", {one.method} {one.accuracy:.1%}" for one in results if one is not own)
    why = f"accuracy on {n} labels in cross-validation, mean over classes: {own.method} {own.accuracy:.1%}{others}"
    if method == "auto":
        # If a class's only label is held out, that tests zero-shot and not what labels add.
        rows = _first_of_each_class(data.index, data.defaults.max_held_out)
        fair = data.distinct_counts[data.index[rows]] > 1
        why += "" if fair.any() else "; a class whose only label is held out is predicted from its name alone"
        for other in results:
            ahead = (other.correct.astype(float) - own.correct)[fair]
            if ahead.sum() > data.defaults.standard_errors * np.sqrt((ahead**2).sum()):
                return other, f"{other.method.capitalize()} is used ({why})."
        first = max(results, key=lambda result: result.accuracy)
        why += f"; the lead of {first.method} may be chance" if first.accuracy > own.accuracy else ""
    return own, f"{own.method.capitalize()} is used ({why})."


def fit_method(
    data: TrainingSet,
    prior: Prior,
    method: FittedMethod,
    found: Comparison,
    start: Mapping[Strength, LinearModel],
    *,
    tol: float = 2e-5,
) -> tuple[LinearModel, dict[Strength, LinearModel]]:
    """Return a method fitted to all labels, and what labels added to its heads."""
    if method == "prototype":
        return cosine_model(class_means(data.labeled, data.index, data.class_vectors), data.defaults.cosine_scale), {}
    if method == "zero-shot":
        return cosine_model(prior.class_vectors, data.defaults.cosine_scale), {}
    S, pool, more = prior.class_vectors, data.pool, None
    name: Method = "any-shot" if method == "any-shot" else "logistic-regression"
    if name == "any-shot" and prior.refinement is not None and pool is not None:
        S, more = refine_with_labels(data, pool, prior.refinement, found.factors[name], found.label_weight)
    elif name == "any-shot" and prior.corrected:
        S = data.corrected_class_vectors()[0]
    return fit_average(data.labeled, data.index, S, found.factors[name], start=start, more=more, tol=tol)


def cosine_model(S: Vectors, scale: float = DEFAULTS.cosine_scale) -> LinearModel:
    """Return the classifier by cosine to class vectors (c, d); a class whose row is zero is never predicted."""
    return LinearModel(scale * S, np.where(S.any(axis=1), 0, -np.inf).astype(np.float32))


def default_factors(data: TrainingSet, *, refined: bool) -> Factors:
    """Return the strengths that the labels can compare, with the factors used if nothing is held out."""
    own, fewest, least = data.defaults, data.distinct_counts.min(), 0.0
    if len(data.index) > own.few_labels:
        least = own.least_c_per_class if fewest >= own.many_labels_per_class else own.least_c
    tried = [strength for strength in own.strengths if least <= strength.C]
    if not data.class_vectors.any() or fewest < own.min_labels_per_class:
        tried = [strength for strength in tried if strength.prior_weight]
    shares = _shares({strength: -strength.cost for strength in tried}, own.min_share)
    return {strength: share * (own.refined_scale if refined else strength.scale) for strength, share in shares.items()}


def _factors_by_likelihood(
    scores: Mapping[Strength, NDArray[np.floating]], index: Indexes, defaults: Defaults, *, refined: bool
) -> Factors:
    """Return the factor of each strength: its share in the average over its temperature, from held-out scores (n, c).

    refined: refined class vectors are more confident than their scale says, and a high strength would seem to correct
    that; strengths are then compared each at its own temperature.
    """
    temperature = {}
    for strength, own in scores.items():
        toward, n = 1 / (defaults.refined_scale if refined else strength.scale), defaults.temperature_items
        temperature[strength] = fit_temperature(own, index, toward=toward, prior_items=n)
    divisor = temperature if refined else dict.fromkeys(scores, 1.0)
    likelihood = {
        strength: _log_likelihood(own / divisor[strength], index) - strength.cost for strength, own in scores.items()
    }
    shares = _shares(likelihood, defaults.min_share)
    return {strength: share / temperature[strength] for strength, share in shares.items()}


def _shares(likelihood: Mapping[Strength, float], least: float) -> Factors:
    """Return the share of each strength in the average, without those below `least`."""
    share = dict(zip(likelihood, softmax(list(likelihood.values())), strict=True))
    kept = {strength: own for strength, own in share.items() if own >= least}
    return {strength: float(own / sum(kept.values())) for strength, own in kept.items()}


def _held_out_scores(data: TrainingSet, method: Method, factors: Factors, *, corrected: bool) -> NDArray[np.floating]:
    """Return the scores (n, c) of each labeled vector from a model fitted without it."""
    n, own = len(data.index), data.defaults
    n_folds = next((number for largest, number in own.folds if n <= largest), own.fewest_folds)
    folds = folds_by_arrival(data.index, n_folds, same=data.first_copies)
    prior, found = Prior(data.class_vectors, corrected=corrected), Comparison((), {method: factors}, 1.0)
    scores = np.zeros((n, len(data.class_vectors)))
    start: Mapping[Strength, LinearModel] = {}
    for fold in np.unique(folds):
        out = folds == fold
        linear, start = fit_method(data.subset(~out), prior, method, found, start, tol=own.held_out_tol)
        scores[out] = linear(data.labeled[out])
    lowest = float(scores[np.isfinite(scores)].min()) - 10
    return np.where(np.isfinite(scores), scores, lowest)  # -inf: a class without class vector and label in a fold


def result_from_scores(
    method: FittedMethod,
    scores: NDArray[np.floating],
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


def _log_likelihood(scores: NDArray[np.floating], index: Indexes) -> float:
    """Return the log-likelihood that scores (n, c) give to the labels `index` (n,) [nats]."""
    return float((scores[np.arange(len(index)), index] - logsumexp(scores, axis=1)).sum())


def _label_weight(results: list[CrossValidationResult], defaults: Defaults) -> float:
    """Return the weight of the labels against the refinement, by the likelihood that each gives to held-out labels."""
    likelihood = {result.method: result.log_likelihood * len(result.correct) for result in results}
    if not {"any-shot", "zero-shot"} <= likelihood.keys():
        return 1.0
    ahead = likelihood["any-shot"] - likelihood["zero-shot"]
    return float(expit(defaults.blend_offset + defaults.blend_slope * ahead))


def _can_compare(data: TrainingSet) -> bool:
    """Return whether held-out labels can improve on the defaults.

    With many labels, but too few in some class for logistic regression, there is one strength and nothing to choose.
    """
    distinct = data.distinct_counts
    own = data.defaults
    few_enough = len(data.index) <= own.few_labels or distinct.min() >= own.min_labels_per_class
    return bool(distinct.sum() >= own.min_labels and np.count_nonzero(distinct) >= 2 and few_enough)


def _main_method(data: TrainingSet) -> Method:
    """Return the head, or logistic regression if there are no class vectors."""
    return "any-shot" if data.class_vectors.any() else "logistic-regression"


def _methods_to_compare(data: TrainingSet, method: MethodOrAuto) -> list[Method]:
    """Return the methods to compare; those without class names take part with `min_labels_per_class`."""
    named = bool(data.class_vectors.any())
    if method != "auto":
        return [name for name in METHODS if name == method or (name == "zero-shot" and named)]
    if data.distinct_counts.min() >= data.defaults.min_labels_per_class:
        return [name for name in METHODS if named or name in ("prototype", "logistic-regression")]
    return ["any-shot", "zero-shot"] if named else ["logistic-regression"]


def _first_of_each_class(index: Indexes, limit: int) -> Indexes:
    """Return the rows of at most `limit` labels, those that arrived first in each class."""
    if len(index) <= limit:
        return np.arange(len(index))
    order = ranks_in_class(index, np.arange(len(index)))
    return np.sort(np.argsort(order, kind="stable")[:limit])


def _kind(data: TrainingSet, prior: Prior, method: FittedMethod) -> PriorKind:
    """Return where the class vectors of the model come from."""
    if not data.class_vectors.any() or method == "logistic-regression":
        return "none"
    if data.attributes.size:
        return "attributes"
    if prior.refinement is not None:
        return "refined"
    return "corrected" if prior.corrected and method == "any-shot" else "names"


def _encoder_reasons(embedder: Embedder, kind: PriorKind) -> list[str]:
    reasons = []
    if kind != "none" and embedder.templates:
        reasons.append(f"Class names are encoded as {', '.join(map(repr, embedder.templates))}.")
    if embedder.trained is not None:
        reasons.append("The fine-tuned encoder is kept as it is; only the head is fitted to the new labels.")
    return reasons


def as_method(name: str) -> MethodOrAuto:
    """Return the name of a method or "auto", or raise InputError."""
    every: tuple[MethodOrAuto, ...] = ("auto", *METHODS)
    for method in every:
        if name == method:
            return method
    raise InputError(f"Unknown method {name!r}. Choose one of: {', '.join(every)}.")


def check_budget(budget: object) -> None:
    """Raise InputError if the budget is not "fast", "best" or a positive number of seconds."""
    named = isinstance(budget, str) and budget in ("fast", "best")
    if not named and not (is_number(budget) and 0 < budget < np.inf):
        raise InputError(f"budget must be 'fast', 'best' or a number of seconds; got {budget!r}.")
