"""Protocols that hold part of the items out: folds, whole domains, and episodes of few classes."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Group
from rich.text import Text
from scipy.stats import t as student
from sklearn.base import clone

from anyshot.base.items import Items, Labels, class_table, classes_in, item_count, take, to_indexes
from anyshot.base.progress import track
from anyshot.base.protocols import Encoder
from anyshot.base.validation import Indexes, RandomState, generator
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.learning_curves import Predictor
from anyshot.evaluation.metrics import wilson_interval
from anyshot.evaluation.printing import as_text, html_lines, html_table, percent, rich_table
from anyshot.evaluation.splits import folds_by_arrival
from anyshot.store.disk_cache import encode_once

SHOWN = 10  # rows of the table that are printed; the table itself holds all


class _Split(NamedTuple):
    """What one part is called, what is learned from and what is asked."""

    name: str
    train: Indexes
    test: Indexes


@dataclass(frozen=True, eq=False, repr=False)
class HeldOutScores:
    """Accuracy on parts of the data, each answered by a model that has not seen it."""

    parts: pd.DataFrame
    """Columns part, n_train, n, accuracy, lower, upper (Wilson's interval, 95 %); one row a part."""
    what: str
    """What a part is: "fold", "domain" or "episode"."""

    @property
    def mean(self) -> float:
        """Mean accuracy of the parts."""
        return float(self.parts["accuracy"].mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Student's interval of the mean, 95 %, as if parts were drawn independently; folds share items, so about."""
        n = len(self.parts)
        if n < 2:
            return math.nan, math.nan
        reach = float(student.ppf(0.975, n - 1)) * float(self.parts["accuracy"].std()) / math.sqrt(n)
        return self.mean - reach, self.mean + reach

    def __str__(self) -> str:
        return as_text(self.__rich__())

    __repr__ = __str__

    def __rich__(self) -> Group:
        return Group(rich_table(self._shown(), title="Accuracy (%), the lowest first"), Text(self._note()))

    def _repr_html_(self) -> str:
        return html_table(self._shown(), title="Accuracy (%), the lowest first") + html_lines((self._note(),))

    def _shown(self) -> pd.DataFrame:
        rows = self.parts.sort_values("accuracy", kind="stable").head(SHOWN)
        spans = [f"{percent(low)} to {percent(high)}" for low, high in zip(rows["lower"], rows["upper"], strict=True)]
        figures = {"items": rows["n"].to_numpy(), "accuracy": [percent(one) for one in rows["accuracy"]]}
        return pd.DataFrame({self.what: rows["part"].to_numpy(), **figures, "95 %": spans})

    def _note(self) -> str:
        lower, upper = self.interval
        span = f" ({percent(lower)} to {percent(upper)})" if lower == lower else ""
        return f"mean of {len(self.parts)} {self.what}{'s' * (len(self.parts) != 1)}: {percent(self.mean)} %{span}"


def cross_validate(
    model: Predictor, X: Items, y: Labels, *, n_folds: int = 5, encoder: Encoder | None = None
) -> HeldOutScores:
    """Answer each fold by a clone of the model fitted on the others.

    X (n items), y (n,); None is no label, and such items are left out. encoder: encodes every item once, and the model
    is fitted on vectors; without it the model takes the items as they are.

    Raises
    ------
    NotEnoughLabelsError
        There are fewer labels than folds.
    """
    index = to_indexes(y, class_table(classes_in(y)), n_items=item_count(X))
    if np.count_nonzero(index >= 0) < n_folds:
        raise NotEnoughLabelsError(f"{n_folds} folds need as many labels; there are {np.count_nonzero(index >= 0)}.")
    folds = folds_by_arrival(index, n_folds)
    splits = [
        _Split(str(fold), np.flatnonzero((folds >= 0) & (folds != fold)), np.flatnonzero(folds == fold))
        for fold in np.unique(folds[folds >= 0])
    ]
    return _measured(model, X, y, splits, what="fold", encoder=encoder)


def leave_one_domain_out(
    model: Predictor, X: Items, y: Labels, domains: Sequence[Any], *, encoder: Encoder | None = None
) -> HeldOutScores:
    """Answer each domain's items by a clone of the model fitted on all the others: what a new domain would see.

    domains (n,): the site, device, author or product line of each item. The others are as for `cross_validate`.

    Raises
    ------
    InputError
        There is not one domain an item, or only one domain with labels.
    """
    named = np.array([str(domain) for domain in domains])
    index = to_indexes(y, class_table(classes_in(y)), n_items=item_count(X))
    if len(named) != len(index):
        raise InputError(f"There are {len(index)} items and {len(named)} domains. Give one domain an item.")
    known = index >= 0
    if len(np.unique(named[known])) < 2:
        raise InputError("All labeled items are of one domain; two or more are needed to leave one out.")
    splits = [
        _Split(str(domain), np.flatnonzero(known & (named != domain)), np.flatnonzero(known & (named == domain)))
        for domain in np.unique(named[known])
    ]
    return _measured(model, X, y, splits, what="domain", encoder=encoder)


def few_shot_episodes(
    model: Predictor,
    X: Items,
    y: Labels,
    *,
    n_classes: int = 5,
    n_shots: int = 1,
    n_episodes: int = 200,
    encoder: Encoder | None = None,
    random_state: RandomState = 0,
) -> HeldOutScores:
    """Measure the model on small tasks: some classes at random, `n_shots` labels of each, up to 15 questions of each.

    Vinyals et al., Matching Networks for One Shot Learning, NeurIPS 2016, section 4.1. `.interval` is that of the mean
    over episodes. The others are as for `cross_validate`.

    Raises
    ------
    NotEnoughClassesError
        Fewer than `n_classes` classes have more than `n_shots` labels.
    """
    index = to_indexes(y, class_table(classes_in(y)), n_items=item_count(X))
    enough = np.flatnonzero(np.bincount(index[index >= 0]) > n_shots)
    if len(enough) < n_classes or n_classes < 2:
        raise NotEnoughClassesError(
            f"Episodes of {n_classes} classes (2 or more) with {n_shots} labels and a question need as many classes of "
            f"{n_shots + 1} items; there are {len(enough)}."
        )
    random, splits = generator(random_state), []
    for episode in range(n_episodes):
        drawn = [
            random.permutation(np.flatnonzero(index == k)) for k in random.choice(enough, n_classes, replace=False)
        ]
        train = np.concatenate([rows[:n_shots] for rows in drawn])
        splits.append(_Split(str(episode), train, np.concatenate([rows[n_shots : n_shots + 15] for rows in drawn])))
    return _measured(model, X, y, splits, what="episode", encoder=encoder)


def _measured(
    model: Predictor, X: Items, y: Labels, splits: Sequence[_Split], *, what: str, encoder: Encoder | None
) -> HeldOutScores:
    """Fit a clone for each split and compare its answers with the labels."""
    items: Any = X if encoder is None else encode_once(encoder, X, cache=None)
    labels: NDArray[np.object_] = np.array(list(y), dtype=object)

    def steps() -> Iterator[tuple[int, dict[str, Any]]]:
        for split in splits:
            fresh = clone(model)
            fresh.fit(take(items, split.train), labels[split.train].tolist())
            right = _right(fresh.predict(take(items, split.test)), labels[split.test])
            lower, upper = wilson_interval(right, len(split.test))
            share = right / len(split.test)
            sizes = {"part": split.name, "n_train": len(split.train), "n": len(split.test)}
            yield 1, {**sizes, "accuracy": share, "lower": lower, "upper": upper}

    rows = list(track(steps(), total=len(splits), description=f"Measuring {what}s"))
    return HeldOutScores(pd.DataFrame(rows), what)


def _right(answers: Iterable[Any], labels: Iterable[Any]) -> int:
    return sum(bool(answer == label) for answer, label in zip(answers, labels, strict=True))
