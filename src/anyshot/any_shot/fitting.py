"""Fitting an any-shot model: the prior, the labels, and the pool of unlabeled examples."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anyshot.any_shot.cross_validation import Scores, cross_validate, fit_method, heads, odds_as_factors, result_of
from anyshot.any_shot.embedder import Embedder
from anyshot.any_shot.model import CrossValidationResult, Factors, Fit, Method, MethodOrAuto, Model, PriorKind, Starts
from anyshot.any_shot.prior import Prior, fit_prior, initial_class_vectors, moved_by_labels, zero_shot_by_attributes
from anyshot.any_shot.training_set import TrainingSet
from anyshot.base.folds import evenly_spaced, parts_to_test
from anyshot.base.messages import count
from anyshot.base.threads import threads_for
from anyshot.base.validation import Floats, Indexes, Vectors, class_means, softmax
from anyshot.errors import NotEnoughClassesError
from anyshot.evaluation.open_set import fit_threshold
from anyshot.training.softmax_regression import Examples, matching_temperature
from anyshot.zero_shot.class_shares import likely_shares, reliability_of, share_offsets, shares_reason


def fit_model(
    embedder: Embedder,
    data: TrainingSet,
    *,
    method: MethodOrAuto = "auto",
    unknown_rate: float | None = None,
    start: Starts | None = None,
) -> Model:
    """Return the model that prior and labels give.

    method: "auto" for the any-shot head, or zero-shot without labels; unknown_rate: fraction of the items of known
    classes that may be predicted unknown; start: `starts` of an earlier model to begin from; they change the time, not
    the model. Raises NotEnoughClassesError if method is "zero-shot" and fewer than two classes have a class vector.
    """
    has_names = any(data.texts.texts) and not data.from_source
    data = replace(data, offsets=embedder.reader.offsets(data.texts) if has_names else 0.0)
    with threads_for((len(data.index) + len(data.unlabeled)) * data.class_embeddings.size):
        if data.attributes.size and not data.counts.all() and method in ("auto", "zero-shot"):
            found = means_and_threshold(data, initial_class_vectors(data), unknown_rate)
            linear, why = zero_shot_by_attributes(data)
            return Model(embedder, data, *linear, "zero-shot", "attributes", (why,), *found)
        prior = fit_prior(data)
        wanted = _main_method(method, data, prior)
        found = means_and_threshold(data, prior.initial, unknown_rate)
        results, fold_deltas = cross_validate(data, prior, wanted if prior.are_guesses else method, start or {})
        chosen, why = result_of(wanted, results, data, prior)
        prior = moved_by_labels(prior, data) if wanted == "any-shot" else prior
        fit = fit_method(wanted, data, prior, chosen.factors, temperature=chosen.temperature, start=start or {})
        fit, shares, pool_temperature = fit_to_class_shares(fit, data, prior, chosen, method)
    kind: PriorKind = "none" if wanted == "logistic-regression" else prior.kind
    return Model(
        embedder,
        data,
        *fit[0],
        wanted,
        kind,
        _reasons(why, kind, prior, data, embedder, shares),
        *found,
        leaderboard=tuple(sorted(results, key=lambda result: -result.accuracy)),
        starts={head: delta.rounded() for head, delta in {**fit[1], **fold_deltas}.items()},
        held_out=chosen.probabilities,
        pool_temperature=pool_temperature,
    )


def means_and_threshold(data: TrainingSet, S: Vectors, unknown_rate: float | None) -> tuple[Vectors, float | None]:
    """Return the class means (c, d) and the closeness to them below which an item is unknown, from class vectors S."""
    means = class_means(data.weighted, data.index, S)
    if unknown_rate is None:
        return means, None
    pool = data.labeled[:0] if data.pool is None else data.pool
    if data.is_other_domain:  # the items to predict may be like those without labels
        pool = data.centered(data.some_unlabeled)
    return means, fit_threshold(data.labeled, data.index, S, pool, unknown_rate=unknown_rate)


def fit_to_class_shares(
    fit: Fit, data: TrainingSet, prior: Prior, chosen: CrossValidationResult, method: MethodOrAuto
) -> tuple[Fit, NDArray[np.floating] | None, float]:
    """Return the model for the class shares of the pool, or the given ones, these (c,), and the pool's temperature."""
    if not prior.clusters or method not in ("auto", "any-shot"):
        return (fit[0].with_class_prior(data.class_prior), fit[1]), data.class_prior, 1.0
    temperature, shares = chosen.temperature if len(chosen.correct) else None, prior.clusters.shares
    fit, pool_temperature = fit_with_pool(fit, data, prior, shares, chosen.factors, temperature)
    return fit, shares, pool_temperature


def fit_with_pool(
    fit: Fit, data: TrainingSet, prior: Prior, shares: Floats, factors: Factors, temperature: float | None
) -> tuple[Fit, float]:
    """Return the any-shot head fitted again with the model's predictions for the pool as examples of small weight.

    shares (c,): of the pool, by the prior; temperature: of the scores, None if no label was held out to find it.
    The predictions are probabilities at the pool's class shares. They add no label, so the mean confidence on parts of
    the pool that are left out stays as it was without a pool; it is that of the class vectors alone if `temperature` is
    None. Also returned: the temperature at which the model is no surer of the pool's own items than of new ones.
    """
    assert data.pool is not None
    own, pool = data.defaults, data.pool  # (m, d)
    scores = fit[0](pool)  # (m, c)
    scale = prior.confidence if temperature else own.shares_temperature * prior.scale
    shares = class_shares_of_pool(scores, shares, data, scale)
    targets = softmax(scores + offsets_for(shares, scores, data, scale)).astype(np.float32)
    strengths = factors or odds_as_factors(heads(data), data, prior)
    rows = evenly_spaced(len(targets), own.pool_examples)
    total = min(own.max_pool_weight * min(len(rows), data.pool_size), own.pool_labels * len(prior.initial))

    def fitted(prior: Prior, rows: Indexes, start: Starts, tol: float) -> Fit:
        examples = Examples(pool[rows], targets[rows], np.full(len(rows), total / max(1, len(rows)), np.float32))
        return fit_method("any-shot", data, prior, strengths, start=start, pool=examples, tol=tol)

    def without(out: NDArray[np.bool_]) -> tuple[Vectors, Scores, Scores]:
        """Return examples among the part (m,), and their scores before and after the rest of the pool takes part."""
        rest, tol, items = moved_by_labels(prior, data, pool[~out]), own.held_out_tol, pool[rows[out[rows]]]
        method: Method = "any-shot" if temperature else "zero-shot"
        alone, _ = fit_method(method, data, rest, factors, temperature=temperature or 1.0, start=fit[1], tol=tol)
        return items, alone(items), (fitted(rest, rows[~out[rows]], deltas, tol)[0] if total else alone)(items)

    linear, deltas = fitted(prior, rows, fit[1], own.tol) if total else fit
    tested, before, after = (np.concatenate(own) for own in zip(*map(without, parts_to_test(pool, rows)), strict=True))
    if total:
        linear = linear.scaled(1 / matching_temperature(after, before))
    pool_temperature = max(1.0, matching_temperature(linear(tested), before))
    offsets = offsets_for(shares, linear(pool), data, scale)
    return (linear._replace(intercept=(linear.intercept + offsets).astype(np.float32)), deltas), pool_temperature


def class_shares_of_pool(scores: Scores, shares: Floats, data: TrainingSet, scale: float) -> Floats:
    """Return the class shares of the pool (c,): those of the prior (c,), changed by what labels say.

    scores (m, c): of the pool, from the model for equal shares; scale: divides them. Few labels change shares little.
    """
    if data.class_prior is not None or not len(data.index):
        return shares
    own = data.defaults
    count_of_prior = own.shares_labels / (1 + len(data.index))
    return likely_shares(scores / scale, shares, expected=shares, prior_count=count_of_prior, rounds=own.shares_rounds)


def offsets_for(shares: Floats, scores: Scores, data: TrainingSet, scale: float) -> Floats:
    """Return what is added to the scores (m, c) of the pool, so that the mean prediction moves to the shares (c,).

    The fewer the items, the more their shares differ from those of all items by chance, and the smaller is the part of
    the offsets that is used: of found shares, that by which they differ from equal ones by more than error. Scores that
    poor clusters made less confident get smaller offsets too: else one class would win everywhere.
    """
    own, size, doublings = data.defaults, data.pool_size, float(np.log2(len(shares)))
    part = size / (size + own.given_shares_items * doublings)
    if data.class_prior is None:
        part = reliability_of(shares, noise=data.shares_error)
    return np.asarray(part * scale * share_offsets(scores / scale, shares, rounds=own.shares_rounds))


def _main_method(method: MethodOrAuto, data: TrainingSet, prior: Prior) -> Method:
    """Return the any-shot head, zero-shot without labels and pool, or logistic regression if names say nothing."""
    if method == "zero-shot" and np.count_nonzero(prior.initial.any(axis=1)) < 2:
        raise NotEnoughClassesError(
            "method='zero-shot' compares items with class vectors, and fewer than two classes have one. Give class "
            "vectors, or choose another method."
        )
    if method != "auto":
        return method
    if prior.kind == "none" or (prior.are_guesses and data.counts.all()):
        return "logistic-regression"
    return "any-shot" if len(data.index) or prior.clusters else "zero-shot"


def _reasons(
    why: str, kind: PriorKind, prior: Prior, data: TrainingSet, embedder: Embedder, shares: NDArray[np.floating] | None
) -> tuple[str, ...]:
    """Return the reasons of a model: the source of its class vectors, its accuracy, class shares and names."""
    if kind == "corrected":
        why += f" The labels of {np.count_nonzero(data.counts)} classes also correct how all names are read."
    reasons = [*prior.reasons, why] if kind != "none" or prior.are_guesses else [why]
    reasons += [] if shares is None else shares_reason(shares, data.texts.names)
    if kind == "none" and len(data.unlabeled):
        unlabeled = count(len(data.unlabeled), "unlabeled example")
        reasons.append(f"The model learns from labels alone, so it does not use the {unlabeled}.")
    if kind != "none" and any(data.texts.texts) and not data.from_source:
        reasons += embedder.reader.reasons(data.texts)
    if embedder.trained is not None:
        reasons.append("The fine-tuned encoder is kept as it is; only the head is fitted to the new labels.")
    return tuple(reasons)
