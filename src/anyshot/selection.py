"""Which prior deserves belief, how far labels may move it, which method answers best: told by the labels at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from anyshot.any_shot import AnyShotHead, Deviation, Examples, evidence_of
from anyshot.checks import Indexes, Vectors
from anyshot.errors import InputError
from anyshot.evaluation.calibration import fit_temperature
from anyshot.evaluation.folds import folds_by_arrival, places_in_class
from anyshot.few_shot import prototypes
from anyshot.zero_shot.transductive import (
    AGREEMENT_NEEDED,
    Pool,
    Refined,
    answers_at_shares,
    refine,
    sure_agreement,
)

Method: TypeAlias = Literal["any-shot", "zero-shot", "prototype", "logistic-regression"]
METHODS: tuple[Method, ...] = get_args(Method)

Wanted: TypeAlias = Method | Literal["auto"]


def as_method(name: str) -> Wanted:
    """Return the name of a method, or "auto"; another one is an error."""
    every: tuple[Wanted, ...] = ("auto", *METHODS)
    for method in every:
        if name == method:
            return method
    raise InputError(f"method={name!r} is none of auto, {', '.join(METHODS)}.")


FEW = 200
"""Labels up to which every strength is tried; beyond, only with `ENOUGH` labels in every class."""
ENOUGH = 5
"""Labels that every class needs before methods that know no names may compete."""
AT_MOST = 4_000
"""Labelled vectors that cross-validation looks at."""

LEARNED = 5_000
"""Unlabelled vectors that the head learns from, evenly picked; all of them move the class vectors."""

# How far a label may move the model (C), and what believing in it costs beforehand [nats]. No strength is chosen: each
# is believed in proportion to how well it predicts labels held out. With two classes and four labels the evidence
# differs by tenths of a nat and the models are averaged, cautiously; with 77 classes it differs by dozens, and speaks.
STRENGTHS: Mapping[float, float] = {0.3: 0.15, 1.0: 0.0, 3.0: 0.15, 10.0: 0.4, 30.0: 0.8}
SOME_STRENGTHS = (10.0, 30.0)
"""The strengths tried beyond `FEW` labels."""
MANY = 20
"""Labels a class from which a small strength may be right again, as the head becomes plain logistic regression."""
USUAL_STRENGTH = 10.0
BELIEF_NEEDED = 0.02
"""Share of belief below which a strength is left out of the average."""

COSINE_SHARPNESS = 20.0
"""Scores per unit of cosine where no label says better; near the best on three text encoders' class names."""
HEAD_SHARPNESS = 2.0
"""What the head's scores are multiplied with where too few labels say better."""


@dataclass(frozen=True)
class Known:
    """All that a model is made from: what is said of the classes, the labels, and the unlabelled vectors."""

    class_vectors: Vectors  # (c, d), unit length; a row of zeros where nothing is said of the class
    vectors: Vectors  # (n, d), labelled
    index: Indexes  # (n,) rows of class_vectors
    pool: Pool | None = None
    shares: NDArray[np.floating] | None = None  # (c,) of the work to come, equal if not given

    @property
    def counts(self) -> NDArray[np.intp]:
        """Labels of each class (c,)."""
        return np.bincount(self.index, minlength=len(self.class_vectors))


class Scorer(NamedTuple):
    """A linear answer: scores = X coef' + intercept."""

    coef: Vectors  # (c, d)
    intercept: NDArray[np.float32]  # (c,)

    def __call__(self, X: Vectors) -> NDArray[np.float32]:
        """Return scores (n, c)."""
        return np.asarray(X @ self.coef.T + self.intercept, dtype=np.float32)


class Trial(NamedTuple):
    """One line of the leaderboard, from answers to labels that were held out."""

    method: Method
    accuracy: float  # mean over classes
    log_likelihood: float  # at the trial's temperature [nats a label]
    temperature: float
    right: NDArray[np.bool_]  # (n,), whether each held-out label was told rightly


@dataclass(frozen=True)
class Model:
    """A fitted answer, and the reasons for it."""

    scorer: Scorer  # calibrated: softmax of its scores is the probability
    method: Method
    prior: Literal["names", "refined", "none"]
    reasons: tuple[str, ...]
    leaderboard: tuple[Trial, ...] = ()
    deviations: Mapping[float, Deviation] = field(default_factory=dict, repr=False)  # by strength, to begin from


def fit_model(known: Known, *, method: Wanted = "auto", start: Mapping[float, Deviation] | None = None) -> Model:
    """Make the model that the knowledge at hand supports best.

    method: "auto" to choose by cross-validation, or one that is asked for; start: an earlier model's deviations, to
    begin from: they change the time that fitting takes, not the answer.
    """
    belief, board = _compare(known, method)
    trial, why = _choose(board, known, method)
    scorer, deviations = _fit(known, trial.method, belief.strengths, start or {}, refined=belief.refined)
    scorer = _scaled(scorer, 1 / trial.temperature)
    if known.shares is not None:
        scorer = scorer._replace(intercept=scorer.intercept + np.log(known.shares).astype(np.float32))
    kind: Literal["names", "refined", "none"] = "refined" if belief.refined else "names"
    kind = kind if known.class_vectors.any() and trial.method != "logistic-regression" else "none"
    ranked = tuple(sorted(board, key=lambda one: -one.accuracy))
    return Model(scorer, trial.method, kind, (*belief.reasons, why), ranked, deviations)


class Belief(NamedTuple):
    """What is believed before the last fit."""

    prior: Vectors  # (c, d), class vectors that have seen no label
    refined: Refined | None  # the same with the pool's answers, if the pool moved them
    reasons: list[str]
    strengths: Mapping[float, float]  # how far labels may move the prior, and each strength's share of belief


def believed_prior(known: Known) -> Belief:
    """Return the class vectors to believe in, and why.

    Candidates are the names as given and, with a pool, their refinements without and with balance. Labels decide by how
    well each predicts them; without labels, or where they are few, so does whether the refinement left the names'
    surest answers standing.
    """
    names, flat = known.class_vectors, _prior_belief(known)
    if known.pool is None or len(known.pool.vectors) < len(names) or not names.any():
        return Belief(names, None, [], flat)
    balances = (0.5, 0.0) if len(known.index) else (0.5,)
    refined = {balance: refine(names, known.pool, balance=balance, shares=known.shares) for balance in balances}
    agreement = sure_agreement(names, refined[0.5].class_vectors, known.pool)
    trust = 0.0 if agreement >= AGREEMENT_NEEDED else -3.0  # [nats]
    evidence = {balance: trust + balance for balance in balances}
    for_names = 0.0
    if len(known.index):
        for_names = evidence_of(names, known.vectors, known.index)
        for balance, candidate in refined.items():
            evidence[balance] += evidence_of(candidate.class_vectors, known.vectors, known.index)
    best = max(evidence, key=lambda balance: evidence[balance])
    seen = f"{len(known.pool.vectors)} unlabelled items {{}} the names: {agreement:.0%} of their surest answers stand"
    if evidence[best] < for_names:
        return Belief(names, None, [f"{seen.format('do not move')}."], flat)
    told = f", and {len(known.index)} labels speak for it" if len(known.index) else "; no label can check that yet"
    return Belief(refined[best].class_vectors, refined[best], [f"{seen.format('move')}{told}."], flat)


def _prior_belief(known: Known) -> dict[float, float]:
    """Return the strengths that the labels can tell apart, each with its share of belief beforehand."""
    fewest = known.counts.min()
    if len(known.index) <= FEW or fewest >= MANY:
        tried = tuple(STRENGTHS)[0 if len(known.index) <= FEW else 1 :]
    else:
        tried = SOME_STRENGTHS if fewest >= ENOUGH else (USUAL_STRENGTH,)
    return _shares({C: -STRENGTHS[C] for C in tried})


def _shares(evidence: Mapping[float, float]) -> dict[float, float]:
    """Turn log-evidence into shares of belief, without those that hardly count."""
    share = dict(zip(evidence, softmax(list(evidence.values())), strict=True))
    kept = {C: belief for C, belief in share.items() if belief >= BELIEF_NEEDED}
    return {C: float(belief / sum(kept.values())) for C, belief in kept.items()}


def _compare(known: Known, method: str) -> tuple[Belief, list[Trial]]:
    """Hold labels out in turn: find how far labels may move the prior, and how well each method does."""
    belief = believed_prior(known)
    if len(known.index) < 4 or np.count_nonzero(known.counts) < 2:
        return belief, []
    seen = _at_most(Known(belief.prior, known.vectors, known.index), AT_MOST)
    board = []
    for name in _methods_to_try(known, method):
        if name not in ("any-shot", "logistic-regression"):
            board.append(_trial(name, _held_out(seen, name, {}), seen.index))
            continue
        strengths = belief.strengths if name == _main_method(known) else {USUAL_STRENGTH: 1.0}
        scores = {C: _held_out(seen, name, {C: 1.0}) for C in strengths}
        if len(strengths) > 1:
            evidence = {C: _log_likelihood(scores[C], seen.index) - STRENGTHS[C] for C in strengths}
            strengths = _shares(evidence)
            belief = belief._replace(strengths=strengths)
        board.append(_trial(name, np.sum([share * scores[C] for C, share in strengths.items()], axis=0), seen.index))
    return belief, board


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
    if known.counts.min() >= ENOUGH:
        return [name for name in METHODS if known.class_vectors.any() or name in ("prototype", "logistic-regression")]
    return ["any-shot", "zero-shot"] if known.class_vectors.any() else ["logistic-regression"]


def _at_most(known: Known, limit: int) -> Known:
    """Keep the first labels of each class to arrive, `limit` in all."""
    if len(known.index) <= limit:
        return known
    places = places_in_class(known.index, np.arange(len(known.index)))
    kept = np.sort(np.argsort(places, kind="stable")[:limit])
    return Known(known.class_vectors, known.vectors[kept], known.index[kept])


def _held_out(known: Known, method: Method, strengths: Mapping[float, float]) -> NDArray[np.floating]:
    """Return the scores (n, c) of each labelled vector by a model that has not seen its label."""
    n = len(known.index)
    folds = folds_by_arrival(known.index, 10 if n <= 50 else 5 if n <= 500 else 3)
    scores = np.zeros((n, len(known.class_vectors)))
    start: Mapping[float, Deviation] = {}
    for fold in np.unique(folds):
        out = folds == fold
        part = Known(known.class_vectors, known.vectors[~out], known.index[~out])
        scorer, start = _fit(part, method, strengths, start, tol=1e-2)  # near enough to compare
        scores[out] = scorer(known.vectors[out])
    lowest = float(scores[np.isfinite(scores)].min()) - 10
    return np.where(np.isfinite(scores), scores, lowest)  # -inf: a class that a fold knows nothing of


def _trial(method: Method, scores: NDArray[np.floating], index: Indexes) -> Trial:
    temperature = fit_temperature(scores, index, toward=_usual_temperature(method))
    right = scores.argmax(axis=1) == index
    accuracy = float(np.mean([right[index == k].mean() for k in np.unique(index)]))
    return Trial(method, accuracy, _log_likelihood(scores / temperature, index) / len(index), temperature, right)


def _log_likelihood(scores: NDArray[np.floating], index: Indexes) -> float:
    return float((scores[np.arange(len(index)), index] - logsumexp(scores, axis=1)).sum())


def _usual_temperature(method: Method) -> float:
    return 1 / HEAD_SHARPNESS if method in ("any-shot", "logistic-regression") else 1.0


def _choose(board: list[Trial], known: Known, method: str) -> tuple[Trial, str]:
    """Return the trial to believe, and one sentence why.

    The head gives way to zero-shot where that told more held-out labels rightly by more than one standard error of the
    paired difference, and to methods that know no names by more than two: smaller differences are the noise of the
    labels at hand, and following them was measured to cost half a point.
    """
    n = len(known.index)
    wanted = _main_method(known) if method == "auto" else next(name for name in METHODS if name == method)
    if not board:
        if n == 0 and known.pool is None and method == "auto" and known.class_vectors.any():
            wanted = "zero-shot"
        why = f"{n} label{'s' if n != 1 else ''}: too few to compare methods by, so {wanted} answers."
        return Trial(wanted, np.nan, np.nan, _usual_temperature(wanted), np.zeros(0, bool)), why
    mine = next(trial for trial in board if trial.method == wanted)
    beside = "".join(f", {trial.method} {trial.accuracy:.1%}" for trial in board if trial is not mine)
    told = f"held out in turn, {n} labels are told by {mine.method} {mine.accuracy:.1%}{beside} (mean over classes)"
    if method == "auto":
        # Leaving out a class's only label asks what zero-shot answers, not what the labels are worth.
        fair = known.counts[_at_most(known, AT_MOST).index] > 1
        for other in board:
            ahead = (other.right.astype(float) - mine.right)[fair]
            if ahead.sum() > (1 if other.method == "zero-shot" else 2) * np.sqrt((ahead**2).sum()):
                return other, f"{other.method} answers: {told}."
    return mine, f"{mine.method} answers: {told}."


def _fit(
    known: Known,
    method: Method,
    strengths: Mapping[float, float],
    start: Mapping[float, Deviation],
    *,
    refined: Refined | None = None,
    tol: float = 1e-3,
) -> tuple[Scorer, Mapping[float, Deviation]]:
    """Fit one method to all that is known; heads of several strengths are averaged by belief."""
    prior = known.class_vectors
    none = np.zeros(len(prior), np.float32)
    if method == "prototype":
        return Scorer(COSINE_SHARPNESS * prototypes(known.vectors, known.index, prior, name_weight=1.0), none), {}
    if method == "zero-shot":
        S = refined.class_vectors if refined else prior
        return Scorer(COSINE_SHARPNESS * S, none), {}
    more = None
    if method == "logistic-regression":
        prior = np.zeros_like(prior)
        strengths = strengths if _main_method(known) == method else {USUAL_STRENGTH: 1.0}
    elif refined is not None and known.pool is not None:
        prior, more = _moved_by_pool(known, known.pool, refined, strengths)
    return _average_head(known, prior, strengths, start, more, tol=tol)


def _average_head(
    known: Known,
    prior: Vectors,
    strengths: Mapping[float, float],
    start: Mapping[float, Deviation],
    more: Examples | None = None,
    *,
    tol: float = 1e-3,
) -> tuple[Scorer, Mapping[float, Deviation]]:
    """Fit the head at each strength and average the scores by belief."""
    heads = {
        C: AnyShotHead(C=C, tol=tol).fit(known.vectors, known.index, class_vectors=prior, more=more, start=start.get(C))
        for C in strengths
    }
    coef = sum(share * heads[C].coef_ for C, share in strengths.items())
    intercept = sum(share * heads[C].intercept_ for C, share in strengths.items())
    scorer = Scorer(np.asarray(coef, dtype=np.float32), np.asarray(intercept, dtype=np.float32))
    return scorer, {C: head.deviation_ for C, head in heads.items()}


def _moved_by_pool(
    known: Known, pool: Pool, refined: Refined, strengths: Mapping[float, float]
) -> tuple[Vectors, Examples]:
    """Refine the names once more with the labels counted in; believe the pool's answers as far as they go."""
    S, answers = refined.class_vectors, refined.answers
    if len(known.index):
        sums = np.zeros_like(S)
        np.add.at(sums, known.index, 3 * known.vectors)  # a label says three times what an unlabelled vector does
        names = known.class_vectors
        S = refine(names, pool, labelled_sums=sums, balance=refined.balance, shares=known.shares).class_vectors
        first, _ = _average_head(known, S, strengths, {})
        answers = pool.smooth(answers_at_shares(3 * first(pool.vectors)))
    rows = np.unique(np.linspace(0, len(answers) - 1, LEARNED).astype(int))
    weight = min(0.3, 20 * len(S) / len(rows))  # in all the worth of 20 labels a class
    weights = np.full(len(rows), weight, dtype=np.float32)
    return S, Examples(pool.vectors[rows], answers[rows].astype(np.float32), weights)


def _scaled(scorer: Scorer, factor: float) -> Scorer:
    return Scorer(scorer.coef * np.float32(factor), scorer.intercept * np.float32(factor))
