"""Splits of labeled data: held-out rows, and accuracy by folds, domains and few-shot episodes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from anyshot.base.columns import column_values, item_count, take
from anyshot.base.estimator import check_predicts_classes, fresh_copy
from anyshot.base.folds import folds_by_arrival
from anyshot.base.items import Items, check_list
from anyshot.base.labels import Labels, class_table, classes_in, to_indexes
from anyshot.base.messages import count, one_call, warn_of_order
from anyshot.base.progress import track
from anyshot.base.validation import Indexes, RandomState, check_whole, generator
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.intervals import wilson_interval
from anyshot.evaluation.metrics import percent, percents
from anyshot.evaluation.printing import Printable

HOLDOUT_SHARE: Final = 0.3
"""Share of each class's labeled items that a learning curve is measured on."""
MAX_ROWS = 10  # rows of a printed table; the data frame has all


class Predictor(Protocol):
    """A scikit-learn estimator with `predict`; it is cloned before each fit."""

    fit: Any

    def predict(self, X: Any) -> Any:
        """Return one prediction per item (n,)."""
        ...


def holdout_rows(labels: Labels, *, seed: int) -> Indexes:
    """Return sorted rows (m,) to hold out as test items: 30 % of each class, at least one, at random.

    Raises
    ------
    NotEnoughLabelsError
        A class has a single label, so it cannot be in both parts.
    """
    random, chosen = generator(seed), []
    for name in classes_in(labels):
        own = [row for row, label in enumerate(labels) if label == name]
        if len(own) < 2:
            raise NotEnoughLabelsError(
                f"Class {name!r} has one item; a curve needs two, one of them to test on. Add an item, or leave the "
                "class out."
            )
        chosen.extend(random.choice(own, size=max(1, round(HOLDOUT_SHARE * len(own))), replace=False).tolist())
    return np.sort(np.array(chosen, dtype=np.intp))


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference of two series over the same draws."""

    mean: float
    sd: float
    """Over the draws; NaN for one draw."""
    lower: float
    upper: float
    n: int

    def __str__(self) -> str:
        if self.n < 2:
            return f"{100 * self.mean:+.1f} points (one draw)"
        return f"{100 * self.mean:+.1f} points ({100 * self.lower:+.1f} to {100 * self.upper:+.1f}, {self.n} draws)"


def check_models(wide: pd.DataFrame, *models: str) -> None:
    """Raise InputError if a model is not a column of the table."""
    unknown = [name for name in models if name not in wide.columns]
    if unknown:
        raise InputError(f"Unknown model {unknown[0]!r}. Choose one of: {', '.join(wide.columns)}.")


def paired_difference(a: ArrayLike, b: ArrayLike) -> PairedDifference:
    """Return the mean of `a` (n,) minus `b` (n,) over the same n draws, with Student's 95 % interval.

    The interval covers the variation over draws of labels, not over test items. For one draw it is NaN.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or not first.size:
        raise InputError(f"Two series of the same draws are needed; the shapes are {first.shape} and {second.shape}.")
    difference, n = first - second, len(first)
    mean = float(difference.mean())
    if n < 2:
        return PairedDifference(mean, math.nan, math.nan, math.nan, n)
    sd = float(difference.std(ddof=1))
    reach = float(student.ppf(0.975, n - 1)) * sd / math.sqrt(n)
    return PairedDifference(mean, sd, mean - reach, mean + reach, n)


class _Split(NamedTuple):
    """The name of a part of the data, and the rows to train and to test on."""

    name: str
    train: Indexes
    test: Indexes


@dataclass(frozen=True, eq=False, repr=False)
class HeldOutScores(Printable):
    """The accuracy on parts of the data, each predicted by a model that was not trained on it."""

    parts: pd.DataFrame
    """Columns part, n_train, n, accuracy, lower, upper (Wilson's 95 % interval); one row per part."""
    what: str
    """What a part is: "fold", "domain" or "episode"."""

    @property
    def mean(self) -> float:
        """Mean accuracy of the parts."""
        return float(self.parts["accuracy"].mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Student's 95 % interval of the mean. For folds it is approximate, because their training items overlap."""
        found = paired_difference(self.parts["accuracy"], np.zeros(len(self.parts)))
        return max(found.lower, 0.0), min(found.upper, 1.0)

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        rows = self.parts.sort_values("accuracy", kind="stable").head(MAX_ROWS)
        intervals = list(map(percents, rows["lower"], rows["upper"]))
        figures = {"items": rows["n"].to_numpy(), "accuracy": [percent(share) for share in rows["accuracy"]]}
        shown = pd.DataFrame({self.what: rows["part"].to_numpy(), **figures, "95 %": intervals})
        return [("Accuracy (%), lowest first", shown)]

    def _notes(self) -> tuple[str, ...]:
        lower, upper = self.interval
        span = "" if math.isnan(lower) else f" ({percents(lower, upper)})"
        return (f"mean of {count(len(self.parts), self.what)}: {percent(self.mean)} %{span}",)


@one_call(fits_parts=True)
def cross_validate(model: Predictor, X: Items, y: Labels, *, n_folds: int = 5) -> HeldOutScores:
    """Measure the accuracy on each fold of a clone of the model that was fitted on the other folds.

    X (n items), y (n,), None for no label (left out).

    Raises
    ------
    NotEnoughLabelsError
        There are fewer labels than folds.
    """
    check_whole(2, n_folds=n_folds)
    index = _class_index(model, X, y)
    n = np.count_nonzero(index >= 0)
    if n < n_folds:
        raise NotEnoughLabelsError(f"{n_folds} folds need at least {n_folds} labels; there are {n}.")
    folds = folds_by_arrival(index, n_folds)
    splits = [
        _Split(str(fold), np.flatnonzero((folds >= 0) & (folds != fold)), np.flatnonzero(folds == fold))
        for fold in np.unique(folds[folds >= 0])
    ]
    return _measure(model, X, y, splits, what="fold")


@one_call(fits_parts=True)
def leave_one_domain_out(model: Predictor, X: Items, y: Labels, domains: Sequence[Any]) -> HeldOutScores:
    """Measure the accuracy on each domain of a clone of the model that was fitted on all other domains.

    domains (n,): the site, device, author or product line of each item. Other arguments as for `cross_validate`.

    Raises
    ------
    InputError
        There is not one domain per item, or only one domain has labels.
    """
    names = np.array([str(domain) for domain in column_values(domains)])
    index = _class_index(model, X, y)
    if len(names) != len(index):
        raise InputError(f"There are {len(index)} items and {len(names)} domains. Give one domain per item.")
    warn_of_order(X, domains, names=("X", "domains"))
    labeled = index >= 0
    if len(np.unique(names[labeled])) < 2:
        raise InputError("All labeled items are of one domain, but two or more are needed to leave one out.")
    splits = [
        _Split(str(domain), np.flatnonzero(labeled & (names != domain)), np.flatnonzero(labeled & (names == domain)))
        for domain in np.unique(names[labeled])
    ]
    return _measure(model, X, y, splits, what="domain")


@one_call(fits_parts=True)
def few_shot_episodes(
    model: Predictor,
    X: Items,
    y: Labels,
    *,
    n_classes: int = 5,
    n_shots: int = 1,
    n_episodes: int = 200,
    random_state: RandomState = 0,
) -> HeldOutScores:
    """Measure the accuracy on small tasks: random classes, `n_shots` labels and up to 15 test items of each.

    Vinyals et al., Matching Networks for One Shot Learning, NeurIPS 2016, section 4.1. `.interval` is that of the mean
    over episodes. Other arguments as for `cross_validate`.

    Raises
    ------
    NotEnoughClassesError
        Fewer than `n_classes` classes have more than `n_shots` labels.
    """
    check_whole(2, n_classes=n_classes)
    check_whole(1, n_shots=n_shots, n_episodes=n_episodes)
    index = _class_index(model, X, y)
    enough = np.flatnonzero(np.bincount(index[index >= 0]) > n_shots)
    if len(enough) < n_classes:
        raise NotEnoughClassesError(
            f"Episodes need n_classes={n_classes} classes of {n_shots + 1} items or more; there are {len(enough)}."
        )
    random, splits = generator(random_state), []
    for episode in range(n_episodes):
        classes = random.choice(enough, n_classes, replace=False)
        rows = [random.permutation(np.flatnonzero(index == k)) for k in classes]
        train, test = ([own[part] for own in rows] for part in (slice(n_shots), slice(n_shots, n_shots + 15)))
        splits.append(_Split(str(episode), np.concatenate(train), np.concatenate(test)))
    return _measure(model, X, y, splits, what="episode")


def _class_index(model: Predictor, X: Items, y: Labels) -> Indexes:
    """Return the class of each label (n,), -1 for none; raise InputError if the model predicts numbers."""
    check_predicts_classes(model, name=type(model).__name__, instead="evaluate_numbers(y, predictions) on each fold")
    check_list(y, what="A list of labels")
    return to_indexes(y, class_table(classes_in(y)), n_items=item_count(X))


def _measure(model: Predictor, X: Items, y: Labels, splits: Sequence[_Split], *, what: str) -> HeldOutScores:
    """Fit a clone for each split and compare its predictions with the labels."""
    warn_of_order(X, y, names=("X", "y"))
    labels: NDArray[np.object_] = np.array(column_values(y), dtype=object)

    def steps() -> Iterator[tuple[int, dict[str, Any]]]:
        for split in splits:
            fitted = fresh_copy(model)
            fitted.fit(take(X, split.train), labels[split.train].tolist())
            predicted = fitted.predict(take(X, split.test))
            right = sum(bool(one == label) for one, label in zip(predicted, labels[split.test], strict=True))
            lower, upper = wilson_interval(right, len(split.test))
            sizes = {"part": split.name, "n_train": len(split.train), "n": len(split.test)}
            yield 1, {**sizes, "accuracy": right / len(split.test), "lower": lower, "upper": upper}

    rows = list(track(steps(), total=len(splits), description=f"Measuring {what}s"))
    return HeldOutScores(pd.DataFrame(rows), what)
