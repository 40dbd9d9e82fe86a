"""The learning curve of answers with numbers: the error by how many labels a model has learned from."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.base import clone

from anyshot.base.items import Items, item_count, take
from anyshot.base.progress import track
from anyshot.base.validation import generator
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.curve_picture import number_curve_picture
from anyshot.evaluation.learning_curves import Predictor
from anyshot.evaluation.metrics import rmse
from anyshot.evaluation.regression import finite_or_none

SIZES = (0, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True, eq=False)
class NumberCurve:
    """Root mean squared error by number of labels."""

    scores: pd.DataFrame
    """Columns labels, seed, rmse; one row a fit."""
    n_test: int

    def summary(self) -> pd.DataFrame:
        """Return columns labels, n_draws, mean, sd (NaN for one draw) of the root mean squared error."""
        cells = self.scores.groupby("labels", sort=True)["rmse"]
        return cells.agg(n_draws="count", mean="mean", sd="std").reset_index()

    def plot(self) -> Figure:
        """Return the curve as a picture: the mean of the draws, and one standard deviation around it."""
        table = self.summary()
        draws = table["n_draws"].max()
        note = f"On {self.n_test:,} test items" + (f", mean ± sd of {draws} draws" if draws > 1 else "")
        return number_curve_picture(table, note=note)


def number_curve(
    model: Predictor,
    X: Items,
    y: ArrayLike,
    X_test: Items,
    y_test: ArrayLike,
    *,
    sizes: Sequence[int] = SIZES,
    seeds: int = 5,
) -> NumberCurve:
    """Measure the root mean squared error on `X_test` after fitting clones on nested draws of labels from `X`.

    All labels are the last point. A model whose `fit` takes a `source`, and that has one as `source_`, keeps it, and
    is measured at 0 labels too.

    Raises
    ------
    NotEnoughLabelsError
        Fewer than two items to learn from, or no test item, have a number.
    InputError
        There is not one number an item.
    """
    numbers, truth = finite_or_none(y, "labels"), finite_or_none(y_test, "test labels")
    if len(numbers) != item_count(X) or len(truth) != item_count(X_test):
        raise InputError(
            f"One number an item is needed: {item_count(X)} and {len(numbers)}, {item_count(X_test)} and {len(truth)}."
        )
    known, tested = np.flatnonzero(np.isfinite(numbers)), np.flatnonzero(np.isfinite(truth))
    if len(known) < 2 or not len(tested):
        raise NotEnoughLabelsError(
            f"A curve needs two items or more with numbers to learn from, and one to test on; there are {len(known)} "
            f"and {len(tested)}."
        )
    source = _source(model)
    asked, right = take(X_test, tested), truth[tested]
    least = 0 if source else 2
    wanted = sorted({*(size for size in sizes if least <= size < len(known)), len(known)})
    orders = [generator(seed).permutation(known) for seed in range(seeds)]
    plan = [
        (size, seed, np.sort(order[:size]))
        for size in wanted
        for seed, order in enumerate(orders)
        if 0 < size < len(known) or seed == 0  # nothing, and everything, is the same in every draw
    ]

    def steps() -> Iterator[tuple[int, dict[str, float]]]:
        for size, seed, rows in plan:
            fresh = clone(model)
            labeled = (take(X, rows), numbers[rows]) if size else ()
            fresh.fit(*labeled, **source)
            yield 1, {"labels": size, "seed": seed, "rmse": rmse(right, fresh.predict(asked))}

    return NumberCurve(
        pd.DataFrame(list(track(steps(), total=len(plan), description="Measuring the curve"))), len(tested)
    )


def _source(model: Predictor) -> dict[str, Any]:
    """Return what `fit` is to be given beside labels, so that a clone knows what the model knew before them."""
    if "source" not in inspect.signature(model.fit).parameters or getattr(model, "source_", None) is None:
        return {}
    return {"source": model.source_}  # type: ignore[attr-defined]  # just seen
