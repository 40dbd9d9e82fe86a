"""Protocols: how labels are drawn and dealt out, and the learning curve, what each number of labels is worth."""

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from rich.console import Group
from rich.text import Text
from scipy.stats import t as student
from sklearn.base import clone

from anyshot.base.items import Items, Labels, class_table, classes_in, item_count, label_list, take, to_indexes
from anyshot.base.progress import track
from anyshot.base.validation import Indexes, generator
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.curve_picture import Line, curve_picture
from anyshot.evaluation.metrics import accuracy
from anyshot.evaluation.printing import as_text, html_lines, html_table, percent, rich_table
from anyshot.evaluation.splits import places_in_class, set_aside

Shots: TypeAlias = int | Literal["all"]  # labels a class
_Fit: TypeAlias = tuple[str, "Predictor", Shots, int, Indexes]  # name, model, labels a class, seed, rows (m,)
Seeds: TypeAlias = int | Sequence[int]  # how many draws (seeds 0, 1, ...), or their seeds

SHOTS: tuple[Shots, ...] = (0, 1, 2, 5, 10, 20, "all")


class Predictor(Protocol):
    """A scikit-learn estimator that predicts; it is cloned before each fit.

    If `fit()` can be called with no labels at all, the model is measured at 0 labels too; if `fit` has a parameter
    `unlabeled`, it is handed the unlabeled items.
    """

    fit: Any

    def predict(self, X: Any) -> Any:
        """Return one answer an item (n,)."""
        ...


def few_shot_draws(y: ArrayLike, k: Shots, *, seeds: Seeds = 5) -> list[Indexes]:
    """Return, for each seed, the rows (m,) of `k` items of every class, in rising order.

    y (n,): rows of the class table, -1 for no label. The draws are nested: the draw of a seed for k = 5 holds its draw
    for k = 1. A class with fewer than `k` items gives all it has; "all" takes every item that has a label.
    """
    index = np.asarray(y, dtype=np.intp)
    if k != "all" and k < 0:
        raise InputError(f"k must be 0 or more, or 'all'; it is {k}.")
    limit = len(index) if k == "all" else k
    draws = []
    for seed in range(seeds) if isinstance(seeds, int) else seeds:
        place = places_in_class(index, generator(seed).permutation(len(index)))
        draws.append(np.flatnonzero((index >= 0) & (place < limit)))
    return draws


@dataclass(frozen=True)
class PairedDifference:
    """How much higher one series is than another over the same draws."""

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


def paired_difference(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> PairedDifference:
    """Return how much higher `a` (n,) is than `b` (n,) over the same n draws, with Student's interval of the mean.

    The interval speaks of other draws of labels, not of other test items. With one draw there is none (NaN).
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or not first.size:
        raise InputError(f"Two series over the same draws are needed; the shapes are {first.shape} and {second.shape}.")
    difference, n = first - second, len(first)
    mean = float(difference.mean())
    if n < 2:
        return PairedDifference(mean, math.nan, math.nan, math.nan, n)
    sd = float(difference.std(ddof=1))
    reach = float(student.ppf((1 + level) / 2, n - 1)) * sd / math.sqrt(n)
    return PairedDifference(mean, sd, mean - reach, mean + reach, n)


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve:
    """Accuracy by labels a class, of one or more models on the same draws."""

    scores: pd.DataFrame
    """Columns model, shots (a number or "all"), seed, n_labels, accuracy; one row a fit."""
    n_test: int

    def summary(self) -> pd.DataFrame:
        """Return columns model, shots, n_draws, n_labels (mean), mean, sd (NaN for one draw) of the accuracy."""
        cells = self.scores.groupby(["model", "shots"], sort=False)
        table = cells.agg(
            n_draws=("seed", "size"), n_labels=("n_labels", "mean"), mean=("accuracy", "mean"), sd=("accuracy", "std")
        ).reset_index()
        return table.sort_values("shots", key=lambda shots: shots.map(_rank), kind="stable", ignore_index=True)

    def compare(self, a: str, b: str) -> pd.DataFrame:
        """Return how much higher `a` is than `b`: columns shots, n_draws, mean, sd, lower, upper (95 %, paired)."""
        wide = self.scores.pivot(index=["shots", "seed"], columns="model", values="accuracy")
        missing = [name for name in (a, b) if name not in wide.columns]
        if missing:
            raise InputError(f"There is no model {missing[0]!r} on the curve; there are {', '.join(wide.columns)}.")
        both, rows = wide[[a, b]].dropna().reset_index(), []
        for shots in sorted(both["shots"].unique(), key=_rank):
            cell = both[both["shots"] == shots]
            found = paired_difference(cell[a], cell[b])
            rows.append([shots, found.n, found.mean, found.sd, found.lower, found.upper])
        return pd.DataFrame(rows, columns=["shots", "n_draws", "mean", "sd", "lower", "upper"])

    def joined(self, other: "LearningCurve") -> "LearningCurve":
        """Return both curves as one; give each its own names of models. They must share shots, seeds and test items."""
        twice = set(self.scores["model"]) & set(other.scores["model"])
        if twice or self.n_test != other.n_test:
            cause = f"both have a model {sorted(twice)[0]!r}" if twice else "they were measured on other test items"
            raise InputError(f"These curves cannot be joined: {cause}.")
        return LearningCurve(pd.concat([self.scores, other.scores], ignore_index=True), self.n_test)

    def plot(self, *, title: str = "What each label is worth") -> Figure:
        """Return the curve as a picture: the mean of the draws, and one standard deviation around it."""
        table = self.summary()
        lines = [
            Line(
                name=str(name),
                at=[str(shots) for shots in rows["shots"]],
                mean=rows["mean"].to_numpy(),
                sd=rows["sd"].to_numpy(),
            )
            for name, rows in table.groupby("model", sort=False)
        ]
        places = [str(shots) for shots in table["shots"].unique()]
        draws = int(table["n_draws"].max())
        note = f"Accuracy on {self.n_test:,} test items" + (f", mean ± sd of {draws} draws" if draws > 1 else "")
        return curve_picture(lines, places=places, title=title, note=note)

    def __str__(self) -> str:
        return as_text(self.__rich__())

    __repr__ = __str__

    def __rich__(self) -> Group:
        return Group(rich_table(self._shown(), title=_TITLE), Text(self._note()))

    def _repr_html_(self) -> str:
        return html_table(self._shown(), title=_TITLE) + html_lines((self._note(),))

    def _shown(self) -> pd.DataFrame:
        """Return the summary as texts: a row for each number of labels, a column for each model."""
        table = self.summary()
        spread = [f" ± {percent(sd)}" if sd == sd else "" for sd in table["sd"]]
        table["shown"] = [percent(mean) + sd for mean, sd in zip(table["mean"], spread, strict=True)]
        wide = table.pivot(index="shots", columns="model", values="shown").fillna("-")
        wide = wide.loc[table["shots"].unique(), self.scores["model"].unique()]
        return wide.reset_index().rename(columns={"shots": "labels a class"})

    def _note(self) -> str:
        return f"{self.n_test} test items; ± is the standard deviation over {self.scores['seed'].nunique()} draws."


_TITLE = "Accuracy (%) by labels a class"


def learning_curve(
    models: Mapping[str, Predictor] | Predictor,
    X: Items,
    y: Labels,
    X_test: Items | None = None,
    y_test: Labels | None = None,
    *,
    shots: Sequence[Shots] = SHOTS,
    seeds: Seeds = 5,
    unlabeled: Items | Literal["rest"] | None = None,
) -> LearningCurve:
    """Measure the accuracy of each model on `X_test` after fitting it on 0, 1, 2, ... labels a class.

    All models see the same draws, nested in the number of labels; 0 and "all", where no draw differs from another, are
    fitted once. Each fit is of a fresh clone. What a model is given follows from its `fit` (see `Predictor`): 0 labels
    if it can do without, unlabeled items if it takes them. Where it says that labels or classes are too few, as at 0
    labels where these name the classes, it has no point. Labels of the test items choose nothing.

    Parameters
    ----------
    models : {name: estimator}, or one estimator, named after its class
    X, y : items and labels to draw from; None is no label
    X_test, y_test : items to be answered; those without a label are left out. Without them, 30 % of each class of `X`,
        drawn with seed 0, are set aside
    shots : labels a class, numbers or "all"
    seeds : how many draws, or their seeds
    unlabeled : items for the models that use them; "rest" hands over the items of `X` that are not drawn

    Raises
    ------
    NotEnoughLabelsError
        No item, or no test item, has a label, or nothing can be fitted at these `shots`.
    InputError
        There is no model, or test items without labels.
    """
    X, y, X_test, y_test = _parted(X, y, X_test, y_test)
    named = models if isinstance(models, Mapping) else {type(models).__name__: models}
    if not named:
        raise InputError("There is no model to measure. Give {name: estimator}.")
    index = to_indexes(y, class_table(classes_in(y)), n_items=item_count(X))
    truth = label_list(y_test)
    tested = [row for row, label in enumerate(truth) if label is not None]
    if len(truth) != item_count(X_test) or not tested:
        raise NotEnoughLabelsError(
            f"{item_count(X_test)} test items have {len(tested)} labels. Give one label an item."
        )
    bench = _Bench(
        X, np.array(label_list(y), dtype=object), take(X_test, tested), [truth[row] for row in tested], unlabeled
    )
    plan = [
        (name, model, k, seed, rows)
        for k in sorted(set(shots), key=_rank)
        for seed, rows in _distinct_draws(index, k, seeds=seeds)
        for name, model in named.items()
        if k != 0 or _can_do_without(model, "X", "y")
    ]

    made = list(track(bench.measured(plan), total=len(plan), description="Measuring the curve"))
    measured = [row for row in made if not isinstance(row, Exception)]
    if not measured:
        cause = f" {made[-1]}" if made else ""
        raise NotEnoughLabelsError(f"No model can be fitted at shots={tuple(shots)}. Add labels a class.{cause}")
    scores = pd.DataFrame(measured)
    return LearningCurve(scores.astype({"shots": object}), n_test=len(tested))


def _parted(X: Items, y: Labels, X_test: Items | None, y_test: Labels | None) -> tuple[Items, Labels, Items, Labels]:
    """Return items and labels to draw from and to measure on."""
    if X_test is not None and y_test is not None:
        return X, y, X_test, y_test
    if X_test is not None or y_test is not None:
        raise InputError("Give X_test and y_test together, or neither: a share of X is set aside then.")
    labels = label_list(y)
    if len(labels) != item_count(X):
        raise InputError(
            f"There are {item_count(X)} items and {len(labels)} labels. Give one label an item, None for none."
        )
    test = set_aside(labels, seed=0)
    rest = np.setdiff1d(np.arange(len(labels)), test)
    return take(X, rest), [labels[row] for row in rest], take(X, test), [labels[row] for row in test]


@dataclass(frozen=True)
class _Bench:
    """The data that every model of a curve is measured on."""

    X: Items
    y: NDArray[np.object_]  # (n,)
    X_test: Items
    y_test: Sequence[Any]
    unlabeled: Items | Literal["rest"] | None

    def measured(self, plan: Sequence[_Fit]) -> Iterator[tuple[int, dict[str, Any] | Exception]]:
        """Yield a row of scores for each fit, or why the model could not begin with so few labels."""
        for name, model, k, seed, rows in plan:
            row: dict[str, Any] | Exception
            try:
                row = {
                    "model": name,
                    "shots": k,
                    "seed": seed,
                    "n_labels": len(rows),
                    "accuracy": self.run(model, rows),
                }
            except (NotEnoughClassesError, NotEnoughLabelsError) as error:
                row = error
            yield 1, row

    def run(self, model: Predictor, rows: Indexes) -> float:
        """Fit a clone on `rows` and return its accuracy on the test items."""
        fresh = clone(model)
        labeled = (take(self.X, rows), self.y[rows].tolist()) if len(rows) else ()
        if self.unlabeled is not None and "unlabeled" in inspect.signature(fresh.fit).parameters:
            fresh.fit(*labeled, unlabeled=self._unlabeled(rows))
        else:
            fresh.fit(*labeled)
        return accuracy(self.y_test, fresh.predict(self.X_test))

    def _unlabeled(self, rows: Indexes) -> Items | None:
        if not isinstance(self.unlabeled, str):
            return self.unlabeled
        rest: Items = take(self.X, np.setdiff1d(np.arange(item_count(self.X)), rows))
        return rest


def _distinct_draws(index: Indexes, k: Shots, *, seeds: Seeds) -> list[tuple[int, Indexes]]:
    """Return (seed, rows) for each draw; where all draws must be alike, the first."""
    listed = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if k in (0, "all"):
        listed = listed[:1]
    return list(zip(listed, few_shot_draws(index, k, seeds=listed), strict=True))


def _can_do_without(model: Predictor, *names: str) -> bool:
    """Tell whether `fit` may be called without these arguments."""
    parameters = inspect.signature(model.fit).parameters
    return all(name in parameters and parameters[name].default is not inspect.Parameter.empty for name in names)


def _rank(shots: Shots) -> float:
    return math.inf if shots == "all" else float(shots)
