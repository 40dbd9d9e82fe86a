"""Trials of adaptation methods on draws of two domains: what each answers, and how it fares where labels are known."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from anyshot.base.validation import Indexes
from anyshot.domain_adaptation.normalization import Table, is_sparse
from anyshot.domain_adaptation.transfer_evidence import class_weights, neighbors_alike, neighbors_of
from anyshot.errors import DomainError, EffectiveSampleError, NotEnoughLabelsError

LEARNED: Final = 0.7
"""Share of the source's items that a draw learns from; the rest is held out."""
DRAWN: Final = 0.8
"""Share of the target's items in a draw."""

Floats = NDArray[np.floating]


class Method(Protocol):
    """An adaptation method, or a source model."""

    classes_: NDArray[np.generic]

    def fit(self, X: ArrayLike, y: ArrayLike, *, target: ArrayLike | None = None) -> Self:
        """Learn from both domains."""
        ...

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:
        """Return the class of target items (n,)."""
        ...


@dataclass(frozen=True)
class Labeled:
    """Source items and the rows of their classes."""

    table: Table  # (n, ...)
    index: Indexes  # (n,)


@dataclass(frozen=True)
class Draw:
    """A draw of both domains; no label of the target is in it."""

    learned: Labeled
    held: Labeled
    target: Table  # (n_t, ...)
    rows: Indexes  # (n_t,), of the target's items in the whole target
    n_classes: int


@dataclass(frozen=True)
class Trial:
    """What a method did on a draw."""

    answers: Floats  # (n_t, c), on the target
    held: Floats  # (n_v, c), on held-out source items
    reverse: float  # accuracy (0 to 1) on held-out source items of the method taught by its answers
    weighted: float  # accuracy (0 to 1) on held-out source items that play the target, at its class shares
    neighbors: float  # how far target items and their neighbors are answered alike: 1 all, 0 by chance
    seconds: float  # that all of it took


def draw_domains(source: Labeled, target: Table, *, n_items: int, n_classes: int, random: np.random.Generator) -> Draw:
    """Draw items of both domains, at most `n_items` of each part, the source's from each class alike."""
    learned, held = _split(source.index, n_items, random)
    n_t = target.shape[0]
    rows = np.sort(random.permutation(n_t)[: min(n_items, max(2, int(DRAWN * n_t)))])
    return Draw(
        Labeled(source.table[learned], source.index[learned]),
        Labeled(source.table[held], source.index[held]),
        target[rows],
        rows,
        n_classes,
    )


def _split(index: Indexes, n_items: int, random: np.random.Generator) -> tuple[Indexes, Indexes]:
    """Return rows to learn from and rows held out; of each class the same share, at least one of either."""
    share = min(LEARNED, n_items / len(index))
    learned, held = [], []
    for k in np.unique(index):
        rows = random.permutation(np.flatnonzero(index == k))
        cut = min(max(1, int(np.ceil(share * len(rows)))), len(rows) - 1)
        learned.append(rows[:cut])
        held.append(rows[cut : cut + max(1, int(np.ceil(share * len(rows))))])
    return np.sort(np.concatenate(learned)), np.sort(np.concatenate(held))


def run_trials(
    methods: Mapping[str, Method], source_model: Method, draw: Draw, *, seed: int
) -> dict[str, Trial | None]:
    """Try every method on a draw; None for one that refuses it.

    source_model: finds the target's class shares; seed: draws the held-out items that play the target.
    """
    stage = _stage(source_model, draw, np.random.default_rng(seed))
    near = neighbors_of(flat(draw.target))
    found: dict[str, Trial | None] = {}
    for name, method in methods.items():
        start = time.perf_counter()
        try:
            fitted = clone(method).fit(draw.learned.table, draw.learned.index, target=draw.target)
            answers = answers_of(fitted, draw.target, draw.n_classes)
            reverse = _reverse(method, draw, answers.argmax(axis=1))
            rehearsed = clone(method).fit(draw.learned.table, draw.learned.index, target=stage.table)
        except (EffectiveSampleError, NotEnoughLabelsError):
            found[name] = None
            continue
        found[name] = Trial(
            answers=answers,
            held=answers_of(fitted, draw.held.table, draw.n_classes),
            reverse=reverse,
            weighted=float(np.mean(rehearsed.predict(stage.table) == stage.index)),
            neighbors=neighbors_alike(answers.argmax(axis=1), near),
            seconds=time.perf_counter() - start,
        )
    return found


def flat(table: Table) -> Table:
    """Return items (n, ...) as vectors (n, d)."""
    return table if is_sparse(table) else table.reshape(len(table), -1)


def answers_of(model: Method, table: Table, n_classes: int) -> Floats:
    """Return a fitted model's probabilities (n, c), all on its answer where it has none."""
    answers = np.zeros((table.shape[0], n_classes))
    if hasattr(model, "predict_proba"):
        answers[:, np.asarray(model.classes_, dtype=np.intp)] = model.predict_proba(table)
    else:
        answers[np.arange(len(answers)), np.asarray(model.predict(table), dtype=np.intp)] = 1
    return answers


def answers_at_home(source_model: Method, draw: Draw, table: Table) -> Floats:
    """Return a source model's answers (n, c) on items that are given to it as the target."""
    fitted = clone(source_model).fit(draw.learned.table, draw.learned.index, target=table)
    return answers_of(fitted, table, draw.n_classes)


def _stage(source_model: Method, draw: Draw, random: np.random.Generator) -> Labeled:
    """Return held-out source items, drawn at the class shares that the target seems to have: a target with labels."""
    ours = answers_at_home(source_model, draw, draw.held.table)
    weights = class_weights(ours, draw.held.index, answers_at_home(source_model, draw, draw.target))
    if weights.sum() <= 0:
        raise DomainError("No class of the source seems to occur in the target: there is nothing to transfer.")
    rows = random.choice(len(weights), len(weights), p=weights / weights.sum())
    return Labeled(draw.held.table[rows], draw.held.index[rows])


def _reverse(method: Method, draw: Draw, classes: Indexes) -> float:
    """Return how well a method that is taught that target items are of `classes` (n_t,) finds those of the source."""
    if len(np.unique(classes)) < 2:
        return float(np.mean(draw.held.index == classes[0]))
    try:
        taught = clone(method).fit(draw.target, classes, target=draw.held.table)
    except NotEnoughLabelsError:  # some methods need more than one item of each class
        return 0.0
    return float(np.mean(taught.predict(draw.held.table) == draw.held.index))
