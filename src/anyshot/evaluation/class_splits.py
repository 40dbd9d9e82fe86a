"""Evaluation of zero-shot methods over several splits into seen and unseen classes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from anyshot.base.progress import track
from anyshot.base.validation import Indexes, Vectors, check_indexes, mask, vectors
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.metrics import ausuc, harmonic_mean, per_class_accuracy, with_spread
from anyshot.evaluation.printing import Printable
from anyshot.evaluation.splits import PairedDifference, check_models, paired_difference

FIGURES = ("t1", "u", "s", "h", "ausuc")


class ZeroShotPredictor(Protocol):
    """A scikit-learn estimator with `fit(X, y, *, class_vectors)`; it is cloned before each fit.

    If it has `uncorrected_scores(X)`, these raw scores are evaluated as well.
    """

    fit: Any

    def decision_function(self, X: Any) -> Any:
        """Return the scores of all classes (n, c)."""
        ...


def zero_shot_figures(scores: ArrayLike, y: ArrayLike, seen: ArrayLike) -> dict[str, float]:
    """Return t1, u, s, h and ausuc, 0 to 1, of `scores` (n, c) for items of seen and unseen classes.

    y (n,): class indexes; seen (c,): bool. Accuracies are means over classes. t1: items of unseen classes among the
    unseen classes; u and s: items of unseen and of seen classes among all classes; h: harmonic mean of u and s; ausuc:
    area under the curve of u and s over all penalties. Xian et al., TPAMI 2018, eq. (8) and (9).

    Raises InputError if `scores` is no table, or has NaN, infinity, or a row without a finite score; -inf excludes a
    class. Raises NotEnoughLabelsError if `y` has items of seen or of unseen classes only.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise InputError(f"scores must be a table (n, c); the shape is {table.shape}.")
    wrong = np.flatnonzero(~(table < np.inf).all(axis=1) | ~np.isfinite(table).any(axis=1))
    if wrong.size:
        raise InputError(f"scores must be finite, or -inf to exclude a class; row {wrong[0]} has {table[wrong[0]]}.")
    truth = check_indexes(y, n_items=len(table), n_classes=table.shape[1])
    table, truth = table[truth >= 0], truth[truth >= 0]
    is_seen = mask(seen, table.shape[1], name="seen")
    of_seen = is_seen[truth]
    if of_seen.all() or not of_seen.any():
        raise NotEnoughLabelsError("Items of seen and of unseen classes are needed, but y has only one of the two.")
    among_unseen = np.where(is_seen, -np.inf, table)[~of_seen].argmax(axis=1)
    answers = table.argmax(axis=1)
    u = per_class_accuracy(truth[~of_seen], answers[~of_seen])
    s = per_class_accuracy(truth[of_seen], answers[of_seen])
    # A gate sets the scores of one side to -inf. A finite value keeps the order within rows, which is all that matters.
    finite = np.where(np.isfinite(table), table, np.min(table[np.isfinite(table)]) - 1e6)
    area = ausuc(finite, truth, is_seen)
    return {
        "t1": per_class_accuracy(truth[~of_seen], among_unseen),
        "u": u,
        "s": s,
        "h": harmonic_mean(u, s),
        "ausuc": area,
    }


@dataclass(frozen=True, eq=False, repr=False)
class ClassSplitScores(Printable):
    """Figures of one or more methods over the same class splits."""

    scores: pd.DataFrame
    """Columns model, corrected (bool), split, t1, u, s, h, ausuc; one row per fit, two if there are raw scores."""

    def summary(self) -> pd.DataFrame:
        """Return the mean and the standard deviation (columns ending in _sd) of each figure over the splits."""
        cells = self.scores.groupby(["model", "corrected"], sort=False)[list(FIGURES)]
        return cells.mean().join(cells.std().add_suffix("_sd")).reset_index()

    def compare(self, a: str, b: str, *, figure: str = "t1", corrected: bool = False) -> PairedDifference:
        """Return `figure` of model `a` minus that of `b` over the same splits, with its interval."""
        rows = self.scores[self.scores["corrected"] == corrected]
        wide = rows.pivot(index="split", columns="model", values=figure)
        check_models(wide, a, b)
        return paired_difference(wide[a], wide[b])

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        table = self.summary()
        shown = {"model": table["model"], "scores": np.where(table["corrected"], "corrected", "raw")}
        for figure in FIGURES:
            shown[figure] = list(map(with_spread, table[figure], table[f"{figure}_sd"]))
        return [("Zero-shot figures (%)", pd.DataFrame(shown))]

    def _notes(self) -> tuple[str, ...]:
        n_splits = self.scores["split"].nunique()
        return (f"± is the standard deviation over {n_splits} class splits; accuracies are means over classes.",)


def over_class_splits(
    models: Mapping[str, ZeroShotPredictor],
    X: ArrayLike,
    y: ArrayLike,
    *,
    class_vectors: ArrayLike,
    unseen: Sequence[ArrayLike],
    train: ArrayLike,
    test: ArrayLike | None = None,
    transductive: bool = False,
) -> ClassSplitScores:
    """Fit each model on the seen classes of each split, and evaluate it on seen and unseen classes.

    Parameters
    ----------
    models : {name: estimator}
        Each is cloned before each fit.
    X, y : items (n, d) and their class indexes (n,), -1 for no label (not trained on, and in no figure)
    class_vectors : (c, a)
    unseen : for each split, the indexes (k,) of the classes without labels
    train : mask (n,) of the items that may be trained on if their class is seen
    test : mask (n,) of the test items; by default those outside `train`, and all items of unseen classes
    transductive : bool
        Whether the test items, of seen and unseen classes, are passed to `fit` as `unlabeled`.

    Raises
    ------
    InputError
        There is no model, or no split.
    """
    items = vectors(X)
    table = np.asarray(class_vectors)
    index = check_indexes(y, n_items=len(items), n_classes=len(table))
    labeled = index >= 0
    learnable = mask(train, len(items), name="train")
    tested = None if test is None else mask(test, len(items), name="test")
    if not isinstance(models, Mapping) or not models or not len(unseen):
        raise InputError("At least one model and one split are needed: {name: estimator}, [unseen classes, ...].")

    def steps() -> Iterator[tuple[int, list[dict[str, Any]]]]:
        for split, names in enumerate(unseen):
            seen = np.ones(len(table), dtype=bool)
            seen[np.asarray(names)] = False
            given = learnable & labeled & seen[index]
            measured = ~learnable | (labeled & ~seen[index]) if tested is None else tested & ~given
            pool = {"unlabeled": items[measured]} if transductive else {}
            for name, model in models.items():
                fresh = clone(model).fit(items[given], index[given], class_vectors=table, **pool)
                yield 1, _rows(name, split, fresh, items[measured], index[measured], seen)

    measured = track(steps(), total=len(unseen) * len(models), description="Measuring class splits")
    return ClassSplitScores(pd.DataFrame([row for rows in measured for row in rows]))


def _rows(name: str, split: int, model: Any, X: Vectors, y: Indexes, seen: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the figures of a fitted model for its raw scores and, if it corrects them, for the corrected scores.

    A correction changes u, s and h only: t1 compares unseen classes alone, and ausuc covers all penalties.
    """
    if not hasattr(model, "uncorrected_scores"):
        return [_row(name, False, split, zero_shot_figures(model.decision_function(X), y, seen))]
    raw = zero_shot_figures(model.uncorrected_scores(X), y, seen)
    corrected = zero_shot_figures(model.decision_function(X), y, seen)
    both = corrected | {"t1": raw["t1"], "ausuc": raw["ausuc"]}
    return [_row(name, False, split, raw), _row(name, True, split, both)]


def _row(name: str, corrected: bool, split: int, figures: dict[str, float]) -> dict[str, Any]:
    return {"model": name, "corrected": corrected, "split": split, **figures}
