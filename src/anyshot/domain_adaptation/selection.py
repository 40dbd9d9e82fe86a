"""Adapt or not: methods and the source model side by side, and a verdict that keeps the source model unless shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.domain_adaptation.base import (
    SourceModel,
    check_all_labeled,
    check_columns,
    class_index,
    domain_table,
    numbers,
    target_table,
)
from anyshot.domain_adaptation.density_ratio import DensityRatioWeighting, density_ratio
from anyshot.domain_adaptation.domain_trials import (
    Draw,
    Labeled,
    Method,
    Trial,
    answers_at_home,
    draw_domains,
    flat,
    run_trials,
)
from anyshot.domain_adaptation.meda import MEDA
from anyshot.domain_adaptation.normalization import Table, is_sparse
from anyshot.domain_adaptation.shift_test import shift_of_answers
from anyshot.domain_adaptation.transfer_evidence import (
    agreement,
    deep_embedded_validation,
    soft_neighborhood_density,
)
from anyshot.errors import DomainError, InputError, NotEnoughLabelsError, WidthError

# Which figure is to be believed depends on what differs between the domains. Where nothing but the classes' shares
# does, source items drawn at the target's shares are a target with labels: their accuracy decides, with the agreement.
# Where the classes look different those say little, and the way back does: a method that is taught its own answers
# should find the source's labels, and answer neighbors alike. That way is closed to label shift, where even-handed
# mistakes teach best.
#
# Which figures, and that none may speak against a method, was settled on transfers whose labels were looked at: 17 of
# photos, digits and reviews, and as an other lot digits turned, blurred or drawn at other shares, single sentences and
# tables. Tried there and dropped: each of these figures alone and in pairs, one figure let speak against a method, a
# doubt of up to five points let pass, and a gain predicted from the figures by regression. (`benchmarks/RESULTS.md`.)

Shift: TypeAlias = Literal["no shift seen", "label shift", "other shift"]
Evidence: TypeAlias = Literal["agreement", "reverse", "weighted", "neighbors"]

SOURCE: Final = "source model"
USED: Final[dict[Shift, tuple[Evidence, ...]]] = {
    "no shift seen": ("agreement", "reverse", "neighbors"),  # it may have been too small to be seen
    "label shift": ("agreement", "weighted"),
    "other shift": ("agreement", "reverse", "neighbors"),
}
WORTH: Final[dict[Evidence, float]] = {"agreement": 1.0, "reverse": 1.0, "weighted": 1.0, "neighbors": 1 / 3}
"""Points of accuracy that a point of each figure stands for."""
OPTIMIZED: Final[dict[type, tuple[Evidence, ...]]] = {
    DensityRatioWeighting: ("weighted",),
    MEDA: ("neighbors",),
}
"""What a method optimizes itself, so that it cannot be judged by it."""
FIGURES: Final = ["agreement", "reverse", "weighted", "neighbors", "seconds"]
FEWEST: Final = 10
"""Items of the target that there must be."""
BAR: Final = 1.0
"""Gain over the source model [points of accuracy] that the evidence must show."""
SURE: Final = 1.0
"""And in standard errors over the draws; by as many may a single figure speak against a method."""


@dataclass(frozen=True)
class Verdict:
    """What `adapt_or_not` found; it prints.

    Attributes
    ----------
    choice : str
        The name of the method to use; "source model" where nothing was shown to beat it.
    adapt : bool
        Whether that is another than the source model.
    model : classifier
        The choice, fitted on all of both domains.
    shift : {"no shift seen", "label shift", "other shift"}
        What differs between the domains, and so which figures were used.
    table : DataFrame
        A row a method: agreement, reverse and weighted accuracy and likeness of neighbors [%], what its trials took
        [s], gain over the source model by those figures that were used and its standard error [points], which of them
        speaks against the method, then DEV (lower is better) and SND (higher is better), which decide nothing.
    reasons : tuple of str
        A sentence for each method.
    """

    choice: str
    model: Method
    shift: Shift
    table: pd.DataFrame
    reasons: tuple[str, ...]

    @property
    def adapt(self) -> bool:
        """Whether the choice is another than the source model."""
        return self.choice != SOURCE

    def __str__(self) -> str:
        said = f"Adapt, by {self.choice}." if self.adapt else "Do not adapt: keep the source model."
        *others, last = USED[self.shift]
        used = f"{', '.join(others)} and {last}"
        return "\n".join(
            [
                said,
                f"By the answers alone: {self.shift}; so {used} decide.",
                *self.reasons,
                self.table.to_string(na_rep="-"),
            ]
        )


def adapt_or_not(
    candidates: Mapping[str, Method],
    X: ArrayLike,
    y: ArrayLike,
    *,
    target: ArrayLike,
    source_model: Method | None = None,
    n_draws: int = 6,
    n_items: int = 500,
    random_state: RandomState = 0,
) -> Verdict:
    """Say whether to adapt, and by which method, without a label of the target.

    Parameters
    ----------
    candidates : mapping of str to estimator
        Adaptation methods, `fit(X, y, *, target)`, shallow or deep. Each is fitted three times a draw, and once more
        if it is chosen.
    X, y : array-like of shape (n_source, ...) and (n_source,)
        The source; sparse tables stay sparse.
    target : array-like of shape (n_target, ...)
        The target's items.
    source_model : estimator, default=None
        What stands unless the evidence clears the bar. Logistic regression by the source's statistics if not given.
    n_draws : int, default=6
        Draws of both domains on which all methods are tried; at least 2. Three take half the time and tell less.
    n_items : int, default=500
        Items of each part of a draw at most.
    random_state : int, generator or None, default=0
        Draws them.

    Raises
    ------
    NotEnoughLabelsError
        A class has one source item.
    DomainError
        The target has fewer than ten items.
    InputError
        A candidate cannot be given a target, or items that are no vectors come without a source model.
    TargetLabelsError, DomainError, WidthError, InputError
        As the estimators' `fit`.

    Notes
    -----
    The source model stands unless a method's mean gain over it, on the figures used, is at least one point and one
    standard error, and none of these figures is below the source model's by more than its standard error: each figure
    can be deceived, but seldom all by one method. Figures that a method optimizes itself are not used for it. A point
    of the neighbors' likeness counts a third: it moves about three times as far as the accuracy.
    """
    _check(candidates, n_draws, n_items)
    source, theirs, classes = _domains(X, y, target, default=source_model is None)
    methods = {SOURCE: SourceModel(normalize="source") if source_model is None else source_model, **candidates}
    random = generator(random_state)
    draws = [
        draw_domains(source, theirs, n_items=n_items, n_classes=len(classes), random=random) for _ in range(n_draws)
    ]
    seeds = random.integers(2**31, size=n_draws)
    trials = [
        run_trials(methods, methods[SOURCE], draw, seed=int(seed)) for draw, seed in zip(draws, seeds, strict=True)
    ]
    shift = _shift(methods[SOURCE], draws, trials)
    table = judged(evidence(draws, trials), shift, {name: optimized(method) for name, method in methods.items()})
    extra = _columns_only(draws, trials)
    choice = chosen(table)
    model = clone(methods[choice]).fit(X, y, target=target)
    return Verdict(choice, model, shift, table.join(extra).round(2), tuple(_reasons(table, choice)))


def evidence(draws: list[Draw], trials: list[dict[str, Trial | None]]) -> dict[str, pd.DataFrame]:
    """Return each method's figures [%] and seconds, a row a draw; empty for a method that refused one.

    The agreement of a draw is that of its fit with the fits on the other draws.
    """
    found = {}
    for name in trials[0]:
        own = [trial[name] for trial in trials]
        kept = [one for one in own if one is not None]
        if len(kept) < len(own):
            found[name] = pd.DataFrame(columns=FIGURES, dtype=float)
            continue
        said = [(draw.rows, one.answers.argmax(axis=1)) for draw, one in zip(draws, kept, strict=True)]
        rows = [
            (
                100 * float(np.mean([agreement([said[place], other]) for other in said[:place] + said[place + 1 :]])),
                100 * one.reverse,
                100 * one.weighted,
                100 * one.neighbors,
                one.seconds,
            )
            for place, one in enumerate(kept)
        ]
        found[name] = pd.DataFrame(rows, columns=FIGURES)
    return found


def optimized(method: Method) -> tuple[Evidence, ...]:
    """Return the figures that a method optimizes itself: what its class says in `optimizes`, or what is known of it."""
    said: tuple[Evidence, ...] = getattr(method, "optimizes", OPTIMIZED.get(type(method), ()))
    return said


def judged(
    figures: Mapping[str, pd.DataFrame], shift: Shift, barred: Mapping[str, tuple[Evidence, ...]]
) -> pd.DataFrame:
    """Return a row a method: its mean figures [%], and its gain over the source model with its standard error.

    figures: by method, a row a draw; barred: figures that are not used for a method.
    """
    rows = {}
    for name, table in figures.items():
        used = [kind for kind in USED[shift] if kind not in barred.get(name, ())]
        gain = error = np.nan
        against = ""
        if len(table) and used:
            gains = (table[used] - figures[SOURCE][used]) * [WORTH[kind] for kind in used]  # (draws, figures)
            gain, error = float(gains.to_numpy().mean()), _standard_error(gains.mean(axis=1))
            against = next((kind for kind in used if gains[kind].mean() < -SURE * _standard_error(gains[kind])), "")
        means = {**table.mean().to_dict(), "seconds": table["seconds"].sum()}
        rows[name] = {**means, "gain": gain, "error": error, "against": against}
    return pd.DataFrame.from_dict(rows, orient="index")


def chosen(table: pd.DataFrame) -> str:
    """Return the method of `judged`'s table that gains most among those that clear the bar, or the source model."""
    clears = table[(table.gain >= BAR) & (table.gain >= SURE * table.error) & (table.against == "")]
    return SOURCE if clears.empty else str(clears.gain.idxmax())


def _standard_error(values: pd.Series) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _reasons(table: pd.DataFrame, choice: str) -> list[str]:
    """Say of each method why it is chosen or not."""
    said = []
    for name, row in table.drop(index=SOURCE).iterrows():
        if np.isnan(row.gain):
            said.append(f"{name}: refused a draw, or there is no figure that it does not optimize itself.")
            continue
        shown = f"{name}: {row.gain:+.1f} points against the source model (standard error {row.error:.1f})"
        if row.gain < max(BAR, SURE * row.error):
            why = f"below the bar of {BAR:g} point and {SURE:g} standard error"
        elif row.against:
            why = f"would clear the bar, but its {row.against} speaks against it"
        else:
            why = "clears the bar, and by most" if name == choice else f"clears the bar, but {choice} gains more"
        said.append(f"{shown}: {why}.")
    return said


def _shift(source_model: Method, draws: list[Draw], trials: list[dict[str, Trial | None]]) -> Shift:
    """Return what most draws say that differs between the domains; in doubt, that the classes look different."""
    said: list[Shift] = []
    for draw, trial in zip(draws, trials, strict=True):
        own = trial[SOURCE]
        if own is None:
            raise InputError("The source model refused the target. Give one that takes any: source_model=...")
        ours = answers_at_home(source_model, draw, draw.held.table)
        said.append(shift_of_answers(ours, draw.held.index, own.answers).verdict)
    ranked: tuple[Shift, ...] = ("other shift", "label shift", "no shift seen")
    return max(ranked, key=said.count)


def _columns_only(draws: list[Draw], trials: list[dict[str, Trial | None]]) -> pd.DataFrame:
    """Return DEV and SND of each method: both reward what methods optimize, and are shown only."""
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in trials[0]}
    for draw, trial in zip(draws, trials, strict=True):
        weights = density_ratio(flat(draw.held.table), flat(draw.target))
        for name, one in trial.items():
            if one is None:
                rows[name].append((np.nan, np.nan))
                continue
            own = np.maximum(one.held[np.arange(len(one.held)), draw.held.index], 1e-6)
            risk = deep_embedded_validation(-np.log(own), weights)
            rows[name].append((risk, soft_neighborhood_density(one.answers)))
    means = {name: np.mean(values, axis=0) for name, values in rows.items()}
    return pd.DataFrame.from_dict(means, orient="index", columns=["dev", "snd"])


def _check(candidates: Mapping[str, Method], n_draws: int, n_items: int) -> None:
    if not isinstance(candidates, Mapping) or not candidates:
        what = "is empty" if isinstance(candidates, Mapping) else f"is a {type(candidates).__name__}"
        raise InputError(f"candidates {what}. Give methods by name, such as {{'CORAL': CORAL()}}.")
    if SOURCE in candidates:
        raise InputError(f"A candidate is called {SOURCE!r}. Give it as source_model=..., or another name.")
    for name, method in candidates.items():
        if isinstance(method, type):
            raise InputError(f"Candidate {name!r} is a class. Give an instance: {method.__name__}().")
        if not has_fit_parameter(method, "target"):
            kind = type(method).__name__
            raise InputError(f"Candidate {name!r}, a {kind}, has no fit(X, y, target=...). Give an adaptation method.")
    if n_draws < 2:
        raise InputError(f"n_draws={n_draws}: agreement needs at least 2 draws.")
    if n_items < FEWEST:
        raise InputError(f"n_items={n_items}: a draw of fewer than {FEWEST} items tells nothing.")


def _domains(
    X: ArrayLike, y: ArrayLike, target: ArrayLike, *, default: bool
) -> tuple[Labeled, Table, NDArray[np.generic]]:
    """Return both domains, checked; items that are no vectors are kept in their shape, and need a model: no default."""
    check_columns(X, target)
    if is_sparse(X) or np.ndim(X) == 2 or default:
        table = domain_table(X, name="X")
        theirs = target_table(target, table)
    else:
        table, theirs = numbers(X, "X"), numbers(target, "target")
        if table.shape[1:] != theirs.shape[1:]:
            raise WidthError(f"target has items of shape {theirs.shape[1:]}; the source's are {table.shape[1:]}.")
        target_table(flat(theirs), domain_table(flat(table), name="X"))
    if theirs.shape[0] < FEWEST:
        raise DomainError(
            f"target has {theirs.shape[0]} items; methods cannot be told apart by fewer than {FEWEST}. Keep the source "
            "model, or collect more."
        )
    check_all_labeled(y)
    classes, index = class_index(y, table.shape[0])
    counts: Indexes = np.bincount(index)
    if counts.min() < 2:
        raise NotEnoughLabelsError(f"Class {str(classes[counts.argmin()])!r} has 1 source item; 2 of each are needed.")
    return Labeled(table, index), theirs, classes
