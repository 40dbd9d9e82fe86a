"""Which method answers best: told by the labels at hand, held out in turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

from anyshot.any_shot.prior import (
    ENOUGH,
    FEW,
    LOGISTIC_STEP,
    STEPS,
    Belief,
    Factors,
    Known,
    Step,
    believed_prior,
    shares_of_belief,
    teaches,
    usual_sharpness,
)
from anyshot.any_shot.scoring import METHODS, Method, Scorer, by_attributes, fitted
from anyshot.any_shot.solver import Deviation
from anyshot.base.threads import threads_for
from anyshot.base.validation import Indexes, is_number
from anyshot.errors import InputError, NotEnoughClassesError
from anyshot.evaluation.calibration import fit_temperature
from anyshot.evaluation.splits import folds_by_arrival, places_in_class

Wanted: TypeAlias = Method | Literal["auto"]
Answering: TypeAlias = Method | Literal["fine-tuned"]
"""What a model may answer by; fine-tuning, which needs the items themselves, is compared elsewhere."""
Budget: TypeAlias = Literal["fast", "best"] | float
"""Time that learning may take: closed forms alone, whatever training takes, or so many seconds."""
Prior: TypeAlias = Literal["names", "corrected", "refined", "attributes", "none"]
"""What a model starts from: the names, the names as labeled classes or unlabeled items moved them, attributes, or
nothing."""


def as_method(name: str) -> Wanted:
    """Return the name of a method, or "auto"; another one is an error."""
    every: tuple[Wanted, ...] = ("auto", *METHODS)
    for method in every:
        if name == method:
            return method
    raise InputError(f"method={name!r} is none of auto, {', '.join(METHODS)}.")


def check_budget(budget: object) -> None:
    """Refuse what is neither "fast", "best" nor a number of seconds."""
    named = isinstance(budget, str) and budget in ("fast", "best")
    if not named and not (is_number(budget) and 0 < budget < np.inf):
        raise InputError(f"budget must be 'fast', 'best' or a number of seconds; it is {budget!r}.")


AT_MOST = 4_000
"""Labeled vectors that cross-validation looks at."""
PRIOR_ITEMS = 20.0
"""Labels that the usual temperatures are worth against the labels at hand."""


class Trial(NamedTuple):
    """One line of the leaderboard, from answers to labels that were held out."""

    method: Answering
    accuracy: float  # mean over classes
    log_likelihood: float  # at the trial's temperature [nats a label]
    temperature: float
    right: NDArray[np.bool_]  # (n,), whether each held-out label was told rightly
    believed: NDArray[np.float64]  # (n,), the probability that each held-out label was given


@dataclass(frozen=True)
class Model:
    """A fitted answer, and the reasons for it."""

    scorer: Scorer  # calibrated: softmax of its scores is the probability
    method: Answering
    prior: Prior
    reasons: tuple[str, ...]
    leaderboard: tuple[Trial, ...] = ()
    deviations: Mapping[Step, Deviation] = field(default_factory=dict, repr=False)  # to begin from
    held_out: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False)
    """Probability that each label held out was given by a model that had not seen it (n,); empty where none was."""


def fit_model(known: Known, *, method: Wanted = "auto", start: Mapping[Step, Deviation] | None = None) -> Model:
    """Make the model that the knowledge at hand supports best.

    method: "auto" to choose by cross-validation, or one that is asked for; start: an earlier model's deviations, to
    begin from: they change the time that fitting takes, not the answer.

    Raises
    ------
    NotEnoughClassesError
        Zero-shot is asked for, and fewer than two classes have a class vector.
    """
    if method == "zero-shot" and np.count_nonzero(known.class_vectors.any(axis=1)) < 2:
        raise NotEnoughClassesError(
            "method='zero-shot' answers by what is said of the classes, and nothing is said of these. Give class "
            "vectors, or another method."
        )
    if known.attributes is not None and not known.counts.all() and method in ("auto", "zero-shot"):
        scorer, why = by_attributes(known)
        return Model(scorer, "zero-shot", "attributes", (why,))
    known = replace(known, corrects=known.attributes is None and teaches(known))
    n = len(known.index) + (len(known.pool.vectors) if known.pool else 0)
    with threads_for(n * known.class_vectors.size):
        belief, factors, board = _compare(known, method)
        trial, why = _choose(board, known, method)
        answers = next(name for name in METHODS if name == trial.method)
        scorer, deviations = fitted(known, answers, factors[answers], start or {}, belief=belief)
    scorer = scorer.times(1 / trial.temperature)
    if known.shares is not None:
        scorer = scorer._replace(intercept=scorer.intercept + np.log(known.shares).astype(np.float32))
    kind: Prior = "refined" if belief.refined else "names"
    if known.corrects and trial.method == "any-shot" and not belief.refined:
        kind = "corrected"
        why += f" {np.count_nonzero(known.counts)} labeled classes tell how far off the names are."
    kind = "attributes" if known.attributes is not None else kind
    kind = kind if known.class_vectors.any() and trial.method != "logistic-regression" else "none"
    ranked = tuple(sorted(board, key=lambda one: -one.accuracy))
    return Model(scorer, trial.method, kind, (*belief.reasons, why), ranked, deviations, trial.believed)


def _compare(known: Known, method: str) -> tuple[Belief, dict[Method, Factors], list[Trial]]:
    """Hold labels out in turn: find how far labels may move the prior, and how well each method does."""
    belief, main = believed_prior(known), _main_method(known)
    factors: dict[Method, Factors] = {name: {LOGISTIC_STEP: STEPS[LOGISTIC_STEP].sharpness} for name in METHODS}
    factors[main] = belief.factors
    if not _is_comparable(known):
        return belief, factors, []
    corrects = known.corrects and belief.refined is None
    seen, board = _at_most(Known(belief.prior, known.vectors, known.index, corrects=corrects), AT_MOST), []
    held_out: dict[Step, NDArray[np.floating]] = {}
    for name in _methods_to_try(known, method):
        if name in ("zero-shot", "prototype"):
            board.append(_trial(name, _held_out(seen, name, {}), seen.index, known.shares))
            continue
        for step in factors[name]:
            if step not in held_out:
                held_out[step] = _held_out(seen, name, {step: 1.0})
        scores = {step: held_out[step] for step in factors[name]}
        factors[name] = _believed(scores, seen.index, refined=belief.refined is not None)
        averaged = np.sum([factor * scores[step] for step, factor in factors[name].items()], axis=0)
        board.append(_trial(name, averaged, seen.index, known.shares))
    return belief._replace(labels_share=_labels_share(board)), factors, board


def _believed(scores: Mapping[Step, NDArray[np.floating]], index: Indexes, *, refined: bool) -> Factors:
    """Return each step's factor: its share of belief over its temperature, by the labels held out (n,).

    refined: a refined prior is surer than its scale says, which a long step would seem to mend; compare the steps with
    each at its own temperature then.
    """
    temperature = {
        step: fit_temperature(own, index, toward=1 / usual_sharpness(step, refined=refined), prior_items=PRIOR_ITEMS)
        for step, own in scores.items()
    }
    scale = temperature if refined else dict.fromkeys(scores, 1.0)
    evidence = {step: _log_likelihood(own / scale[step], index) - STEPS[step].cost for step, own in scores.items()}
    return {step: share / temperature[step] for step, share in shares_of_belief(evidence).items()}


def _labels_share(board: list[Trial]) -> float:
    """Return how far labels are to be followed beyond the prior, by what each says of labels held out.

    In doubt by far the most: following a wrong refinement costs more than learning from too few labels.
    """
    likelihood = {trial.method: trial.log_likelihood * len(trial.right) for trial in board}
    if not {"any-shot", "zero-shot"} <= likelihood.keys():
        return 1.0
    return float(expit(2 + 2 * (likelihood["any-shot"] - likelihood["zero-shot"])))


def _is_comparable(known: Known) -> bool:
    """Whether labels held out can tell more than is assumed without them.

    With many labels, but too few in some class for logistic regression, there is one step and nothing to choose.
    """
    few_enough = len(known.index) <= FEW or known.distinct.min() >= ENOUGH
    return bool(known.distinct.sum() >= 4 and np.count_nonzero(known.distinct) >= 2 and few_enough)


def _main_method(known: Known) -> Method:
    """Return the method of all that is known: the head, or logistic regression where nothing is said of the classes."""
    return "any-shot" if known.class_vectors.any() else "logistic-regression"


def _methods_to_try(known: Known, method: str) -> list[Method]:
    """List what may be compared. Methods that know no names compete where every class has `ENOUGH` labels."""
    if method != "auto":
        return [
            name
            for name in METHODS
            if name in (method, "zero-shot") and (name == method or _main_method(known) == "any-shot")
        ]
    if known.distinct.min() >= ENOUGH:
        return [name for name in METHODS if known.class_vectors.any() or name in ("prototype", "logistic-regression")]
    return ["any-shot", "zero-shot"] if known.class_vectors.any() else ["logistic-regression"]


def _at_most(known: Known, limit: int) -> Known:
    """Keep the first labels of each class to arrive, `limit` in all."""
    if len(known.index) <= limit:
        return known
    places = places_in_class(known.index, np.arange(len(known.index)))
    kept = np.sort(np.argsort(places, kind="stable")[:limit])
    return replace(known, vectors=known.vectors[kept], index=known.index[kept])


def _held_out(known: Known, method: Method, factors: Factors) -> NDArray[np.floating]:
    """Return the scores (n, c) of each labeled vector by a model that has not seen its label."""
    n = len(known.index)
    folds = folds_by_arrival(known.index, 10 if n <= 50 else 5 if n <= 500 else 3, same=known.same)
    scores = np.zeros((n, len(known.class_vectors)))
    start: Mapping[Step, Deviation] = {}
    for fold in np.unique(folds):
        out = folds == fold
        scorer, start = fitted(known.without(out), method, factors, start, tol=1e-2)  # near enough to compare
        scores[out] = scorer(known.vectors[out])
    lowest = float(scores[np.isfinite(scores)].min()) - 10
    return np.where(np.isfinite(scores), scores, lowest)  # -inf: a class that a fold knows nothing of


def _trial(method: Method, scores: NDArray[np.floating], index: Indexes, shares: NDArray[np.floating] | None) -> Trial:
    temperature = fit_temperature(scores, index, prior_items=PRIOR_ITEMS)
    rows = np.arange(len(index))
    right = scores.argmax(axis=1) == index
    accuracy = float(np.mean([right[index == k].mean() for k in np.unique(index)]))
    answers = softmax(scores / temperature + (0 if shares is None else np.log(shares)), axis=1)  # (n, c)
    likelihood = _log_likelihood(scores / temperature, index) / len(index)
    return Trial(method, accuracy, likelihood, temperature, right, answers[rows, index])


def _log_likelihood(scores: NDArray[np.floating], index: Indexes) -> float:
    return float((scores[np.arange(len(index)), index] - logsumexp(scores, axis=1)).sum())


def _choose(board: list[Trial], known: Known, method: str) -> tuple[Trial, str]:
    """Return the trial to believe, and one sentence why.

    The head gives way to a method that told more held-out labels rightly by more than two standard errors of the paired
    difference: smaller ones are the noise of the labels at hand. Giving way to zero-shot by one was measured to cost
    2.7 points on average where it happened, in 23 cases of 25: the head's short steps know what zero-shot knows.
    """
    n = len(known.index)
    wanted = _main_method(known) if method == "auto" else next(name for name in METHODS if name == method)
    if not board:
        if n == 0 and known.pool is None and method == "auto" and known.class_vectors.any():
            wanted = "zero-shot"
        few = "too few to compare methods by" if n < 4 else "too few in some class to compare methods by"
        why = f"{n} label{'s' if n != 1 else ''}: {few}, so {wanted} answers."
        return Trial(wanted, np.nan, np.nan, 1.0, np.zeros(0, bool), np.zeros(0)), why
    mine = next(trial for trial in board if trial.method == wanted)
    beside = "".join(f", {trial.method} {trial.accuracy:.1%}" for trial in board if trial is not mine)
    told = f"held out in turn, {n} labels are told by {mine.method} {mine.accuracy:.1%}{beside} (mean over classes)"
    if method == "auto":
        # Leaving out a class's only label asks what zero-shot answers, not what the labels are worth.
        fair = known.distinct[_at_most(known, AT_MOST).index] > 1
        told += "" if fair.any() else "; without its only label a class is known by its name alone"
        for other in board:
            ahead = (other.right.astype(float) - mine.right)[fair]
            if ahead.sum() > 2 * np.sqrt((ahead**2).sum()):
                return other, f"{other.method} answers: {told}."
        first = max(board, key=lambda trial: trial.accuracy)
        told += f"; the lead of {first.method} may be chance" if first.accuracy > mine.accuracy else ""
    return mine, f"{mine.method} answers: {told}."
