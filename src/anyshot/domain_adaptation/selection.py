"""Decide without target labels whether to adapt, and with which method."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from anyshot.base.messages import enumerated, one_call
from anyshot.base.validation import RandomState, check_whole, generator, number_rows
from anyshot.domain_adaptation.base import AdaptedClassifier, SourceModel, check_domains
from anyshot.domain_adaptation.domains import Domains, Normalize, check_items_per_class, is_sparse
from anyshot.domain_adaptation.ensemble import AdaptationEnsemble
from anyshot.domain_adaptation.label_shift import Shift
from anyshot.domain_adaptation.trials import Adaptation, Subsample, Trial, agreement, as_vectors, run_trials, subsample
from anyshot.errors import DomainError, InputError, WidthError

# Which criteria are reliable depends on the shift. If only the class frequencies differ, source items resampled to the
# target's frequencies are a labeled target: accuracy on them decides, with the agreement. If the classes look different
# they say little, and the reverse accuracy does, with the agreement and the neighbors.
#
# On the 34 transfers of `benchmarks/adapt_or_not.py` the choice gains 5.5 points over the source model and is never
# below it (the best method of each: 7.3). Without neighbors it gains 4.0, without agreement 4.2, without the shift test
# 4.8, without reverse 5.3, without weighted 5.4, and if a criterion may be lower 5.4 (below the source model on three).

Criterion: TypeAlias = Literal["agreement", "reverse", "weighted", "neighbors"]

SOURCE: Final = "source model"
ENSEMBLE: Final = "mean of several methods"
"""The default candidate that is kept unless another one is clearly better by the criteria."""
CRITERIA: Final[dict[Shift, tuple[Criterion, ...]]] = {
    "no shift detected": ("agreement", "reverse", "neighbors"),  # a shift may have been too small to detect
    "label shift": ("agreement", "weighted"),
    "other shift": ("agreement", "reverse", "neighbors"),
}
WEIGHTS: Final[dict[Criterion, float]] = {"agreement": 1.0, "reverse": 1.0, "weighted": 1.0, "neighbors": 1 / 3}
"""Points of accuracy per point of each criterion."""
NORMALIZATIONS: Final[dict[str, Normalize]] = {
    "source's statistics": "source",
    "each domain's statistics": "domain",
    "not normalized": None,
}
COLUMNS: Final = ["agreement", "reverse", "weighted", "neighbors", "seconds"]
MIN_ITEMS: Final = 10
"""Target items needed."""
MIN_GAIN: Final = 1.0
"""How far the criteria of a method must be above the source model's, and above the ensemble's [points]."""


@dataclass(frozen=True)
class Verdict:
    """The result of `adapt_or_not`; it can be printed.

    Attributes
    ----------
    choice : str
        The name of the chosen method; "source model" if no method was shown to be better.
    model : classifier
        The chosen method, fitted on all items of both domains.
    shift : {"no shift detected", "label shift", "other shift"}
        The kind of shift, which determines the criteria.
    table : DataFrame
        A row for each method: agreement, reverse accuracy, weighted accuracy and kappa of neighbors [%], duration of
        its trials [s], how far the criteria used are above the source model's [points], with the standard error over
        the subsamples, and the first of these criteria that is lower than the source model's.
    reasons : tuple of str
        A sentence for each method.
    """

    choice: str
    model: Adaptation
    shift: Shift
    table: pd.DataFrame
    reasons: tuple[str, ...]

    @property
    def adapt(self) -> bool:
        """Whether another method than the source model was chosen."""
        return self.choice != SOURCE

    def __str__(self) -> str:
        return "\n".join(
            [
                f"Adapt with {self.choice}." if self.adapt else "Do not adapt: keep the source model.",
                f"Test of a source model's predictions: {self.shift}. Criteria: {enumerated(CRITERIA[self.shift])}.",
                "They are computed without labels of the target: they show which method to prefer, not its accuracy.",
                *self.reasons,
                self.table.to_string(na_rep="-"),
            ]
        )


@one_call()
def adapt_or_not(
    candidates: Mapping[str, Adaptation] | None,
    X: ArrayLike,
    y: ArrayLike,
    *,
    target: ArrayLike,
    source_model: Adaptation | None = None,
    n_repeats: int = 6,
    n_items: int = 500,
    random_state: RandomState = 0,
) -> Verdict:
    """Decide without target labels whether to adapt, and with which method.

    Parameters
    ----------
    candidates : mapping of str to estimator, or None
        Adaptation methods with `fit(X, y, *, target)`, shallow or deep. Each is fitted three times per repeat, and once
        more if it is chosen. Where the items are vectors, the source model with other normalizations and the "mean of
        several methods", an `AdaptationEnsemble`, are candidates as well.
    X, y : array-like of shape (n_source, ...) and (n_source,)
        The source; sparse tables stay sparse.
    target : array-like of shape (n_target, ...)
        The unlabeled target items.
    source_model : estimator, default=None
        The model to beat. None means logistic regression with the source's statistics.
    n_repeats : int, default=6
        Number of random subsamples of both domains on which all methods are compared; at least 2.
    n_items : int, default=500
        Most training, test and target items of a subsample.
    random_state : int, generator or None, default=0
        Seed of the subsamples.

    Raises
    ------
    NotEnoughLabelsError, DomainError
        A class has only one source item, or the target has fewer than ten.
    InputError
        A candidate has no `target` in `fit`, or the items are not vectors and `source_model` is None.
    TargetLabelsError, WidthError
        As `fit` of the estimators.

    Notes
    -----
    The source model is kept unless the criteria of a method are at least one point above its own on average, and none
    is lower by more than its standard error: each criterion can mislead, but rarely all of them for the same method.
    The kappa of neighbors has a weight of a third: it changes about three times as much as the accuracy. The criteria
    of single methods are less reliable than the mean of several methods, which is therefore chosen unless another
    method is another point above it.
    """
    _check_options(candidates, n_repeats, n_items)
    _check_source_model(source_model)
    domains = _check_domains(X, y, target, default=source_model is None)
    methods = _methods(candidates, source_model, vectors=domains.source.ndim == 2)
    random = generator(random_state)
    samples = [subsample(domains, n_items=n_items, random=random) for _ in range(n_repeats)]
    seeds = random.integers(2**31, size=n_repeats)
    results = [
        run_trials(methods, methods[SOURCE], sample, seed=int(seed))
        for sample, seed in zip(samples, seeds, strict=True)
    ]
    shift = agreed_shift([kind for _, kind in results])
    table = compare(criteria(samples, [trials for trials, _ in results]), shift)
    choice = choose(table)
    model = clone(methods[choice]).fit(X, y, target=target)
    return Verdict(choice, model, shift, table.round(2), tuple(_reasons(table, choice)))


def agreed_shift(found: list[Shift]) -> Shift:
    """Return the kind of shift that was found on most subsamples; of equally frequent ones, the least favorable.

    Label shift must have been found on all of them: a source model that errs in favor of some classes looks like one.
    Of 8 label shifts 7 are found on all six subsamples; of 24 other shifts, none.
    """
    if found.count("label shift") == len(found):
        return "label shift"
    return max(("other shift", "no shift detected"), key=found.count)


def criteria(samples: list[Subsample], trials: list[dict[str, Trial | None]]) -> dict[str, pd.DataFrame]:
    """Return the criteria [%] and seconds of each method, one row per subsample; empty if a fit failed.

    The agreement of a subsample is the mean over its pairs with the other subsamples.
    """
    found = {}
    for name in trials[0]:
        fitted = [trial for by_method in trials if (trial := by_method[name]) is not None]
        if len(fitted) < len(trials):
            if name == SOURCE:
                raise InputError("The source model cannot be fitted on this target. Pass another: source_model=...")
            found[name] = pd.DataFrame(columns=COLUMNS, dtype=float)
            continue
        fits = [(sample.rows, one.predicted.argmax(axis=1)) for sample, one in zip(samples, fitted, strict=True)]
        alike = [np.mean([agreement(fit, other) for other in fits if other is not fit]) for fit in fits]
        rows = [
            (100 * alike[number], 100 * one.reverse, 100 * one.weighted, 100 * one.neighbors, one.seconds)
            for number, one in enumerate(fitted)
        ]
        found[name] = pd.DataFrame(rows, columns=COLUMNS)
    return found


def compare(found: Mapping[str, pd.DataFrame], shift: Shift) -> pd.DataFrame:
    """Return a row for each method: its mean criteria [%], its gain over the source model by them, and a lower one.

    found: the criteria of each method, one row per subsample.
    """
    used = list(CRITERIA[shift])
    rows = {}
    for name, table in found.items():
        gain, error, lower = np.nan, np.nan, ""
        if len(table):
            gains = (table[used] - found[SOURCE][used]) * [WEIGHTS[criterion] for criterion in used]  # (repeats, used)
            gain, error = float(gains.to_numpy().mean()), float(gains.mean(axis=1).std() / np.sqrt(len(gains)))
            standard_errors = gains.std() / np.sqrt(len(gains))
            lower = next((kind for kind in used if gains[kind].mean() < -standard_errors[kind]), "")
        means = {**table.mean().to_dict(), "seconds": table["seconds"].sum()}
        rows[name] = {**means, "gain": gain, "gain_se": error, "lower": lower}
    return pd.DataFrame.from_dict(rows, orient="index")


def choose(table: pd.DataFrame) -> str:
    """Return the method to use: the ensemble, one that is clearly better by `compare`, or the source model."""
    sufficient = table[(table.gain >= MIN_GAIN) & (table.lower == "")]
    if ENSEMBLE in sufficient.index and sufficient.gain.max() < sufficient.gain[ENSEMBLE] + MIN_GAIN:
        return ENSEMBLE
    return SOURCE if sufficient.empty else str(sufficient.gain.idxmax())


def _reasons(table: pd.DataFrame, choice: str) -> list[str]:
    """Return a sentence for each method: why it is chosen or not."""
    reasons = []
    for name, row in table.drop(index=SOURCE).iterrows():
        if np.isnan(row.gain):
            reasons.append(f"{name}: not chosen, it cannot be fitted on one of the subsamples.")
            continue
        if name == choice:
            why = "chosen"
        elif row.lower:
            why = f"not chosen, the criterion {row.lower} is lower than the source model's"
        elif row.gain < MIN_GAIN:
            why = f"not chosen, at least {MIN_GAIN:g} point is required"
        elif choice == ENSEMBLE and row.gain > table.gain[ENSEMBLE]:
            why = f"not chosen, less than {MIN_GAIN:g} point above the {ENSEMBLE}"
        else:
            why = f"not chosen, those of {choice} are higher"
        reasons.append(
            f"{name}: its criteria are {row.gain:+.1f} points from the source model's (standard error "
            f"{row.gain_se:.1f}); {why}."
        )
    return reasons


def _methods(
    candidates: Mapping[str, Adaptation] | None, source_model: Adaptation | None, *, vectors: bool
) -> dict[str, Adaptation]:
    """Return the source model, the default candidates if the items are vectors, and those that were given."""
    source = SourceModel(normalize="source") if source_model is None else source_model
    defaults: dict[str, Adaptation] = {}
    if vectors:
        base = source.base if isinstance(source, AdaptedClassifier) else None
        defaults = {
            f"{SOURCE}, {by}": SourceModel(base=base, normalize=normalize)
            for by, normalize in NORMALIZATIONS.items()
            if not (isinstance(source, SourceModel) and source.normalize == normalize)
        }
        defaults[ENSEMBLE] = AdaptationEnsemble()
    return {SOURCE: source, **defaults, **(candidates or {})}


def _check_options(given: Mapping[str, Adaptation] | None, n_repeats: int, n_items: int) -> None:
    candidates = {} if given is None else given
    if not isinstance(candidates, Mapping):
        kind = type(candidates).__name__
        raise InputError(f"candidates is a {kind}. Pass a dict of methods by name, such as {{'CORAL': CORAL()}}.")
    if SOURCE in candidates:
        raise InputError(f"A candidate is named {SOURCE!r}. Pass it as source_model=..., or rename it.")
    for name, method in candidates.items():
        if isinstance(method, type):
            raise InputError(f"Candidate {name!r} is a class. Pass an instance: {method.__name__}().")
        if not hasattr(method, "fit") or not has_fit_parameter(method, "target"):
            kind = type(method).__name__
            raise InputError(f"Candidate {name!r}, a {kind}, has no fit(X, y, target=...). Pass an adaptation method.")
    check_whole(2, n_repeats=n_repeats)
    check_whole(MIN_ITEMS, n_items=n_items)


def _check_source_model(given: object) -> None:
    if isinstance(given, type):
        raise InputError(f"source_model is a class. Pass an instance: {given.__name__}().")
    if given is not None and not (hasattr(given, "fit") and has_fit_parameter(given, "target")):
        raise InputError(
            f"source_model is {given!r:.60}, which has no fit(X, y, target=...). Pass SourceModel(base=...) of it."
        )


def _check_domains(X: ArrayLike, y: ArrayLike, target: ArrayLike, *, default: bool) -> Domains:
    """Return both domains; items that are not vectors keep their shape, unless `default`."""
    if is_sparse(X) or np.ndim(X) == 2 or default:
        classes, domains = check_domains(X, y, target)
    else:
        source = number_rows(X, dtype=np.float32)
        items = number_rows(target, dtype=np.float32, name="target")
        if source.shape[1:] != items.shape[1:]:
            raise WidthError(f"target has items of shape {items.shape[1:]}; the source's are {source.shape[1:]}.")
        classes, domains = check_domains(as_vectors(source), y, as_vectors(items))
        domains = replace(domains, source=source, target=items)
    if domains.target.shape[0] < MIN_ITEMS:
        raise DomainError(
            f"target has {domains.target.shape[0]} items; at least {MIN_ITEMS} are needed to compare methods. Keep the "
            "source model, or collect more."
        )
    check_items_per_class(classes, domains.index, minimum=2)
    return domains
