"""Learning curves: the accuracy of models by number of labels per class, over nested random draws of labels."""

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from anyshot.base.columns import item_count, take
from anyshot.base.estimator import check_predicts_classes, fresh_copy
from anyshot.base.folds import first_per_class
from anyshot.base.items import Items, check_list
from anyshot.base.labels import Labels, class_table, classes_in, label_list, to_indexes, wrong_number_of_labels
from anyshot.base.messages import one_call, warn_of_order
from anyshot.base.progress import track
from anyshot.base.repeated_items import n_repeated, repeated_note
from anyshot.base.validation import Floats, Indexes, check_whole, generator, is_whole
from anyshot.errors import InputError, NotEnoughClassesError, NotEnoughLabelsError
from anyshot.evaluation.metrics import accuracy, with_spread
from anyshot.evaluation.printing import Printable
from anyshot.evaluation.splits import Predictor, check_models, holdout_rows, paired_difference

Shots: TypeAlias = int | Literal["all"]  # labels per class
Seeds: TypeAlias = int | Sequence[int]  # the number of draws (seeds 0, 1, ...), or their seeds
_Fit: TypeAlias = tuple[str, Predictor, Shots, int, Indexes]  # name, model, labels per class, seed, rows (m,)

SHOTS: tuple[Shots, ...] = (0, 1, 2, 5, 10, 20, "all")

# The colors of Okabe and Ito, which are distinct for all kinds of color vision, without yellow, which is invisible on
# white. The markers differ too, for print in gray.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#3b4252")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
INK, FAINT, GRID = "#2e3440", "#6b7280", "#e5e7eb"
MARGIN = 0.04  # share of the figure's height beyond 0 and 100 %, for the points there
NAME_HEIGHT = 0.052  # share of the figure's height that the name of a line needs


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve(Printable):
    """The accuracy of one or more models by number of labels per class, on the same draws."""

    scores: pd.DataFrame
    """Columns model, shots (a number or "all"), seed, n_labels, accuracy; one row per fit."""
    n_test: int
    n_repeated: int = 0
    """Test items that equal one of the items to draw from."""

    def summary(self) -> pd.DataFrame:
        """Return columns model, shots, n_draws, n_labels (mean), mean, sd (NaN for one draw) of the accuracy."""
        cells = self.scores.groupby(["model", "shots"], sort=False)
        table = cells.agg(
            n_draws=("seed", "size"), n_labels=("n_labels", "mean"), mean=("accuracy", "mean"), sd=("accuracy", "std")
        ).reset_index()
        return table.sort_values("shots", key=lambda shots: shots.map(_rank), kind="stable", ignore_index=True)

    def compare(self, a: str, b: str) -> pd.DataFrame:
        """Return the accuracy of `a` minus that of `b`: columns shots, n_draws, mean, sd, lower, upper (95 %)."""
        wide = self.scores.pivot(index=["shots", "seed"], columns="model", values="accuracy")
        check_models(wide, a, b)
        both, rows = wide[[a, b]].dropna().reset_index(), []
        for shots in sorted(both["shots"].unique(), key=_rank):
            cell = both[both["shots"] == shots]
            found = paired_difference(cell[a], cell[b])
            rows.append([shots, found.n, found.mean, found.sd, found.lower, found.upper])
        return pd.DataFrame(rows, columns=["shots", "n_draws", "mean", "sd", "lower", "upper"])

    def joined(self, other: "LearningCurve") -> "LearningCurve":
        """Return both curves as one. Their models need distinct names, and shots, seeds and test items must agree."""
        twice = set(self.scores["model"]) & set(other.scores["model"])
        if twice or self.n_test != other.n_test:
            cause = f"both have a model {sorted(twice)[0]!r}" if twice else "they were measured on other test items"
            raise InputError(f"These curves cannot be joined: {cause}.")
        return LearningCurve(pd.concat([self.scores, other.scores], ignore_index=True), self.n_test, self.n_repeated)

    def plot(self, *, title: str = "Accuracy by number of labels") -> Figure:
        """Return a figure of the mean accuracy over the draws, with one standard deviation around it."""
        table = self.summary()
        lines = [
            Line(str(name), [str(shots) for shots in rows["shots"]], rows["mean"].to_numpy(), rows["sd"].to_numpy())
            for name, rows in table.groupby("model", sort=False)
        ]
        ticks = [str(shots) for shots in table["shots"].unique()]
        draws = int(table["n_draws"].max())
        note = f"Accuracy on {self.n_test:,} test items" + (f", mean ± sd of {draws} draws" if draws > 1 else "")
        return curve_picture(lines, ticks=ticks, title=title, note=note)

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        """Return a table with a row for each number of labels and a column for each model."""
        table = self.summary()
        table["shown"] = list(map(with_spread, table["mean"], table["sd"]))
        wide = table.pivot(index="shots", columns="model", values="shown").fillna("-")
        wide = wide.loc[table["shots"].unique(), self.scores["model"].unique()]
        return [("Accuracy (%) by labels per class", wide.reset_index().rename(columns={"shots": "labels per class"}))]

    def _notes(self) -> tuple[str, ...]:
        n_draws = self.scores["seed"].nunique()
        note = f"{self.n_test} test items; ± is the standard deviation over {n_draws} draws."
        return (note, f"{repeated_note(self.n_repeated, self.n_test)}.") if self.n_repeated else (note,)


@one_call(fits_parts=True)
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
    """Measure the accuracy of each model on `X_test` after fitting it on 0, 1, 2, ... labels per class.

    All models are fitted on the same draws, which are nested in the number of labels; 0 and "all" are fitted once. Each
    fit is of a new clone. A model is measured at 0 labels if `fit()` can be called without labels, and gets the
    unlabeled items if `fit` has a parameter `unlabeled`. A fit that raises an error for too few labels or classes is
    left out, as are more labels per class than any class has.

    Parameters
    ----------
    models : {name: estimator}, or one estimator, named after its class
    X, y : items and labels to draw from; None is no label
    X_test, y_test : test items and labels; None is no label (left out). Without them, 30 % of each class of `X` is held
        out, with seed 0
    shots : labels per class, numbers or "all"
    seeds : number of draws, or their seeds
    unlabeled : items for the models that use them; "rest" passes the items of `X` that are not drawn

    Raises
    ------
    NotEnoughLabelsError
        No item, or no test item, has a label, or no model can be fitted at these `shots`.
    InputError
        There is no model, or there are test items without labels.
    """
    shots = list(shots) if isinstance(shots, Iterator) else shots
    seeds = list(seeds) if isinstance(seeds, Iterator) else seeds
    _check_plan(shots, seeds)
    if isinstance(unlabeled, str) and unlabeled != "rest":
        raise InputError(f"unlabeled must be a list of items, 'rest' or None; it is {unlabeled!r}.")
    named = _named_models(models)
    check_list(y, what="A list of labels")
    X, y, X_test, y_test = _parts(X, y, X_test, y_test)
    index = to_indexes(y, class_table(classes_in(y)), n_items=item_count(X))
    truth = label_list(y_test)
    tested = [row for row, label in enumerate(truth) if label is not None]
    if len(truth) != item_count(X_test) or not tested:
        raise NotEnoughLabelsError(
            f"{item_count(X_test)} test items have {len(tested)} labels. Give one label per item."
        )
    labels, labels_test = np.array(label_list(y), dtype=object), [truth[row] for row in tested]
    data = _Data(X, labels, take(X_test, tested), labels_test, unlabeled)
    plan = _fits(named, index, shots, seeds)
    results = list(track(data.scores(plan), total=len(plan), description="Measuring the curve"))
    scores = [row for row in results if not isinstance(row, Exception)]
    if not scores:
        cause = f" {results[-1]}" if results else ""
        raise NotEnoughLabelsError(f"No model can be fitted at shots={tuple(shots)}. Give more labels.{cause}")
    again = n_repeated(take(X_test, tested), X)
    return LearningCurve(pd.DataFrame(scores).astype({"shots": object}), len(tested), again)


def _fits(models: Mapping[str, Predictor], index: Indexes, shots: Sequence[Shots], seeds: Seeds) -> list[_Fit]:
    """Return the fits of a curve, with fewest labels first: of each model on each draw from classes `index` (n,)."""
    largest = np.bincount(index[index >= 0]).max(initial=0)
    return [
        (name, model, k, seed, rows)
        for k in sorted({k for k in shots if k == "all" or k <= largest}, key=_rank)
        for seed, rows in _distinct_draws(index, k, seeds=seeds)
        for name, model in models.items()
        if k != 0 or _fits_without_labels(model)
    ]


def _check_plan(shots: object, seeds: object) -> None:
    """Raise InputError if `shots` or `seeds` are no numbers of labels or of draws, before anything is fitted."""
    if isinstance(shots, str) or not isinstance(shots, Iterable):
        raise InputError(f'shots must be a list of labels per class, such as (1, 5, "all"); it is {shots!r}.')
    bad = [k for k in shots if k != "all" and not (is_whole(k) and k >= 0)]
    if bad:
        raise InputError(f"shots must hold whole numbers of labels per class, or 'all'; one of them is {bad[0]!r}.")
    if not len(list(shots)):
        raise InputError('shots is empty. Give numbers of labels per class, such as (1, 5, "all").')
    if not isinstance(seeds, Iterable):
        check_whole(1, seeds=seeds)
    elif len(set(seeds)) < max(1, len(list(seeds))):
        raise InputError(f"seeds must be a number of draws, or different seeds; it is {seeds!r:.60}.")


def _named_models(models: Mapping[str, Predictor] | Predictor) -> Mapping[str, Predictor]:
    """Return the models by name; raise InputError for none, and for one that predicts numbers or cannot be fitted."""
    named = models if isinstance(models, Mapping) else {type(models).__name__: models}
    if not named:
        raise InputError("There is no model to measure. Give {name: estimator}.")
    if any(isinstance(model, type) or not hasattr(model, "fit") for model in named.values()):
        raise InputError(
            f"models must be {{name: estimator}}, or one estimator such as AnyShotClassifier(); it is {models!r:.60}."
        )
    for name, model in named.items():
        check_predicts_classes(model, name=name, instead="evaluation.number_curve(model, X, y, X_test, y_test)")
    return named


def _parts(X: Items, y: Labels, X_test: Items | None, y_test: Labels | None) -> tuple[Items, Labels, Items, Labels]:
    """Return the items and labels to draw from, and those to test on."""
    warn_of_order(X, y, names=("X", "y"))
    warn_of_order(X_test, y_test, names=("X_test", "y_test"))
    if X_test is not None and y_test is not None:
        return X, y, X_test, y_test
    if X_test is not None or y_test is not None:
        raise InputError("Give X_test and y_test together, or neither to hold out a part of X.")
    labels = label_list(y)
    if len(labels) != item_count(X):
        raise wrong_number_of_labels(item_count(X), len(labels))
    test = holdout_rows(labels, seed=0)
    rest = np.setdiff1d(np.arange(len(labels)), test)
    return take(X, rest), [labels[row] for row in rest], take(X, test), [labels[row] for row in test]


@dataclass(frozen=True)
class _Data:
    """The data that all models of a curve are measured on."""

    X: Items
    y: NDArray[np.object_]  # (n,)
    X_test: Items
    y_test: Sequence[Any]
    unlabeled: Items | Literal["rest"] | None

    def scores(self, plan: Sequence[_Fit]) -> Iterator[tuple[int, dict[str, Any] | Exception]]:
        """Yield a row of scores for each fit, or the error of a model that needs more labels or classes."""
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
        fitted = fresh_copy(model)
        labeled = (take(self.X, rows), self.y[rows].tolist()) if len(rows) else ()
        if self.unlabeled is not None and "unlabeled" in inspect.signature(fitted.fit).parameters:
            rest = np.setdiff1d(np.arange(item_count(self.X)), rows)
            fitted.fit(*labeled, unlabeled=take(self.X, rest) if isinstance(self.unlabeled, str) else self.unlabeled)
        else:
            fitted.fit(*labeled)
        return accuracy(self.y_test, fitted.predict(self.X_test))


def _distinct_draws(index: Indexes, k: Shots, *, seeds: Seeds) -> list[tuple[int, Indexes]]:
    """Return (seed, rows) for each draw, nested in those of a larger `k`; only the first if all are the same."""
    listed = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if k in (0, "all"):
        listed = listed[:1]
    limit = len(index) if k == "all" else k
    return [(seed, first_per_class(index, limit, generator(seed).permutation(len(index)))) for seed in listed]


def _fits_without_labels(model: Predictor) -> bool:
    """Return whether X and y of `fit` are optional."""
    parameters = inspect.signature(model.fit).parameters
    return all(name in parameters and parameters[name].default is not inspect.Parameter.empty for name in ("X", "y"))


def _rank(shots: Shots) -> float:
    return math.inf if shots == "all" else float(shots)


@dataclass(frozen=True)
class Line:
    """The curve of one model."""

    name: str
    at: Sequence[str]
    """The ticks of its m points."""
    mean: Floats
    """(m,), shares of 1."""
    sd: Floats
    """(m,), NaN for one draw."""


def curve_picture(lines: Sequence[Line], *, ticks: Sequence[str], title: str, note: str) -> Figure:
    """Return the curves over evenly spaced `ticks` ("0", "1", ..., "all"), each named at its end."""
    figure = Figure(figsize=(7.6, 4.6), layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.12), facecolor="white")
    axes = figure.subplots()
    x_of = {tick: x for x, tick in enumerate(ticks)}
    for number, line in enumerate(lines):
        color, marker = COLORS[number % len(COLORS)], MARKERS[number % len(MARKERS)]
        x = np.array([x_of[tick] for tick in line.at])  # (m,)
        axes.fill_between(x, line.mean - line.sd, line.mean + line.sd, color=color, alpha=0.14, linewidth=0)
        numbered = np.array([tick != "all" for tick in line.at])
        axes.plot(x[numbered], line.mean[numbered], color=color, linewidth=2.2, solid_capstyle="round")
        if not numbered[-1]:  # "all" is not a number: a dotted line
            axes.plot(x[-2:], line.mean[-2:], color=color, linewidth=1.6, linestyle=(0, (1, 2)), zorder=1)
        axes.plot(
            x, line.mean, linestyle="none", color=color, marker=marker, markersize=6.5, markeredgecolor="white",
            markeredgewidth=1.1, zorder=4,
        )  # fmt: skip
    _style(axes, ticks=ticks, title=title, note=note)
    _name_lines(axes, lines, x_of)
    return figure


def _style(axes: Axes, *, ticks: Sequence[str], title: str, note: str) -> None:
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold", color=INK, pad=26)
    axes.annotate(note, (0, 1), xytext=(0, 9), xycoords="axes fraction", textcoords="offset points", fontsize=9,
                  color=FAINT, parse_math=False)  # fmt: skip
    axes.set_xticks(range(len(ticks)), labels=list(ticks))
    axes.set_xlim(-0.25, len(ticks) - 0.75)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -MARGIN * high), min(high, 1 + MARGIN * (1 - low)))  # no tick beyond 0 and 100 %
    axes.set_xlabel("labels per class", color=FAINT, labelpad=6)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#9ca3af")
    axes.tick_params(length=0, colors=INK, labelsize=10)


def _name_lines(axes: Axes, lines: Sequence[Line], x_of: dict[str, int]) -> None:
    """Write each name beside the end of its line, moved apart if ends are close."""
    low, high = axes.get_ylim()
    ends = np.array([line.mean[-1] for line in lines])
    for number, height in enumerate(spread_apart(ends, gap=NAME_HEIGHT * (high - low))):
        line, color = lines[number], COLORS[number % len(COLORS)]
        axes.annotate(
            f"{line.name}  {100 * line.mean[-1]:.1f}", (x_of[line.at[-1]], ends[number]),
            xytext=(max(x_of.values()) + 0.2, height), color=color, fontsize=10, fontweight="bold", va="center",
            annotation_clip=False, parse_math=False,
        )  # fmt: skip


def spread_apart(heights: Floats, *, gap: float) -> Floats:
    """Return heights (m,) in the same order and at least `gap` apart, moved as little as possible (least squares)."""
    order = np.argsort(heights, kind="stable")
    gaps = gap * np.arange(len(heights))
    moved = np.empty(len(heights))
    moved[order] = isotonic_regression(heights[order] - gaps) + gaps  # minus the gaps, the heights must not fall
    return moved
