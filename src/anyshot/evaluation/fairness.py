"""Fairness: figures by group, and associations between class names and groups of words."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import UndefinedMetricWarning

from anyshot.base.columns import column_values, is_missing, is_table
from anyshot.base.labels import Labels, classes_in, label_list
from anyshot.base.messages import first_of, warn_of_order
from anyshot.base.validation import RandomState, generator, unit, vectors
from anyshot.errors import InputError, NotEnoughLabelsError
from anyshot.evaluation.intervals import interval_or_nan, or_nan, share_interval, wilson_interval
from anyshot.evaluation.metrics import MIN_RELIABLE, accuracy, item_weights, refuse_other_types
from anyshot.evaluation.printing import Printable

MOST_DIVISIONS = 20_000  # permutations, up to which a permutation test tries all
MAX_NUMBERED_GROUPS = 20  # more different numbers are no groups


@dataclass(frozen=True, eq=False, repr=False)
class GroupFigures(Printable):
    """A metric by group, with intervals and group sizes. It prints."""

    table: pd.DataFrame
    """Columns group, n, value, lower, upper; NaN where the metric is undefined or the group is too small."""
    overall: float
    difference: float
    """Highest minus lowest value, over the groups that have one; NaN with fewer than two."""
    ratio: float
    """Lowest over highest value; NaN if the highest is 0, or fewer than two groups have a value."""
    notes: tuple[str, ...]

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        figures = {name: [_three(value) for value in self.table[name]] for name in ("value", "lower", "upper")}
        compared = "" if math.isnan(self.difference) else f", {self.difference:.3f} between the highest and the lowest"
        title = f"By group: {_three(self.overall)} overall{compared}"
        return [(title, self.table.assign(**figures))]

    def _notes(self) -> tuple[str, ...]:
        return self.notes


def figures_by_group(
    y: Labels,
    predicted: Labels,
    groups: Sequence[Any] | NDArray[Any],
    *,
    metric: Callable[..., float] = accuracy,
    sample_weight: ArrayLike | None = None,
    n_draws: int = 500,
    random_state: RandomState = 0,
) -> GroupFigures:
    """Return `metric(y, predicted)` for each group, with its 95 % interval and size.

    Parameters
    ----------
    y, predicted : (n,) labels and predictions; items without a label are left out, and counted in a note
    groups : (n,) the group of each item; None, NaN and pandas.NA are the group "not given"
    metric : any function of labels and predictions, such as ``sklearn.metrics.recall_score``. Where it warns that it is
        undefined, as recall does for a group without positive items, the group has no value
    sample_weight : (n,) weight of each item, passed to the metric by that name
    n_draws, random_state : of the bootstrap; accuracy has Wilson's interval instead

    Raises
    ------
    InputError
        The lengths differ, or weights are negative or sum to zero, overall or in a group.
    """
    truth, answers, group, labeled = _columns(y, predicted, groups)
    weight, rows = item_weights(sample_weight, len(labeled))[labeled], []
    figure = _defined(metric, weighted=sample_weight is not None)
    for name in sorted(set(group.tolist())):
        inside = group == name
        columns = truth[inside], answers[inside], weight[inside]
        if not columns[2].any():
            raise InputError(f"The weights of group {name!r} sum to zero. Leave it out, or give its items weights.")
        value = or_nan(figure, *columns)
        interval = (
            share_interval(value, columns[2])
            if metric is accuracy
            else interval_or_nan(figure, *columns, n_draws=n_draws, random_state=random_state)
        )
        rows.append([name, int(inside.sum()), value, *interval])
    table = pd.DataFrame(rows, columns=["group", "n", "value", "lower", "upper"])
    found = table["value"].dropna()
    best, worst = (found.max(), found.min()) if len(found) > 1 else (math.nan, math.nan)
    ratio = float(worst / best) if best > 0 else math.nan
    notes = notes_on_sizes(table) + _notes_on_missing(table, int((~labeled).sum()))
    return GroupFigures(table, or_nan(figure, truth, answers, weight), float(best - worst), ratio, notes)


def rates_by_group(
    y: Labels, predicted: Labels, groups: Sequence[Any] | NDArray[Any], *, sample_weight: ArrayLike | None = None
) -> pd.DataFrame:
    """Return how often each class is predicted in each group: for all items, and for items of it and of others.

    Columns class, group, n, selected (share of the items predicted as the class, which demographic parity compares),
    true_positive and false_positive (the same share among items of the class and among others, which equalized odds
    compares; NaN without such items). Items without a label are left out. Hardt, Price, Srebro, Equality of Opportunity
    in Supervised Learning, NeurIPS 2016.

    Examples
    --------
    >>> rates = rates_by_group(["hire", "no", "no"], ["hire", "hire", "no"], ["a", "a", "b"])
    >>> rates[rates["class"] == "hire"]["false_positive"].tolist()
    [1.0, 0.0]
    """
    truth, answers, group, labeled = _columns(y, predicted, groups)
    weight, rows = item_weights(sample_weight, len(labeled))[labeled], []
    for name in classes_in([*truth.tolist(), *answers.tolist()]):
        is_class, selected = truth == name, answers == name
        for one in sorted(set(group.tolist())):
            inside = group == one
            shares = [_share(selected, weight * (inside & some)) for some in (True, is_class, ~is_class)]
            rows.append([name, one, int(inside.sum()), *shares])
    return pd.DataFrame(rows, columns=["class", "group", "n", "selected", "true_positive", "false_positive"])


def accuracy_by_group(
    right: ArrayLike, groups: Sequence[Any] | NDArray[Any], *, sample_weight: ArrayLike | None = None
) -> pd.DataFrame:
    """Return columns group, n, accuracy, lower, upper (Wilson, 95 %) of items (n,) that are correct or not.

    A group whose weights sum to zero has accuracy and interval NaN.
    """
    is_right, group = np.asarray(right), named_groups(groups)
    if not np.isin(is_right, (0, 1)).all():
        raise InputError("right must hold True or False for each item: whether its prediction is correct.")
    is_right = is_right.astype(bool)
    if len(is_right) != len(group):
        raise InputError(f"There are {len(is_right)} items and {len(group)} groups. Give one group per item.")
    weight, rows = item_weights(sample_weight, len(group)), []
    for name in sorted(set(group.tolist())):
        inside = group == name
        share = _share(is_right, weight * inside)
        rows.append([name, int(inside.sum()), share, *share_interval(share, weight[inside])])
    return pd.DataFrame(rows, columns=["group", "n", "accuracy", "lower", "upper"])


def named_groups(groups: Sequence[Any] | NDArray[Any]) -> NDArray[np.str_]:
    """Return the groups (n,) as names, "not given" for None, NaN, NaT and pandas.NA.

    Raises InputError if they are many different numbers, such as ages, or several columns.
    """
    if is_table(groups) or isinstance(groups, Mapping):
        raise InputError(f"groups is a {type(groups).__name__}. Pass one column, (n,), such as groups['site'].")
    listed = column_values(groups)
    n_numbers = len({one for one in listed if isinstance(one, int | float) and not is_missing(one)})
    if n_numbers > MAX_NUMBERED_GROUPS:
        raise InputError(
            f"The groups are {n_numbers} different numbers, such as ages. Divide them into a few ranges, as by "
            "pandas.cut(numbers, 5); or, if they name groups, pass them as text."
        )
    return np.array(["not given" if is_missing(one) else str(one) for one in listed], dtype=np.str_)


def notes_on_sizes(table: pd.DataFrame) -> tuple[str, ...]:
    """Return a note on groups that are too small for reliable figures; `table` has columns group and n."""
    small = table[table["n"] < MIN_RELIABLE]
    if not len(small):
        return ()
    named = first_of(small["group"].tolist(), at_most=3)
    return (f"groups with fewer than {MIN_RELIABLE} items, whose figures are unreliable: {named}",)


def answers_that_change(answers: Mapping[str, Labels]) -> pd.DataFrame:
    """Return how often predictions change if only the group in an item changes (counterfactual fairness).

    answers: for each variant, such as "she" and "he", the predictions for the same n items in that wording. Columns
    first, second, n, share, lower, upper (Wilson, 95 %): one row for each pair of variants. Kusner et al., NeurIPS
    2017, definition 5, for changes of wording.
    """
    if not hasattr(answers, "items"):
        raise InputError(f"answers is a {type(answers).__name__}. Pass {{'she': predictions, 'he': predictions}}.")
    listed = {name: np.array(label_list(one), dtype=object) for name, one in answers.items()}
    lengths = {len(one) for one in listed.values()}
    if len(listed) < 2 or len(lengths) != 1 or 0 in lengths:
        raise InputError(f"Two or more variants of the same items are needed; they have {sorted(lengths)} predictions.")
    rows = []
    for first, second in combinations(listed, 2):
        changed = listed[first] != listed[second]
        n, n_changed = len(changed), int(changed.sum())
        rows.append([first, second, n, n_changed / n, *wilson_interval(n_changed, n)])
    return pd.DataFrame(rows, columns=["first", "second", "n", "share", "lower", "upper"])


def leaning(X: ArrayLike, first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return the mean cosine of each vector (n,) to the first group of words minus that to the second.

    X (n, d); first (a, d); second (b, d). Caliskan, Bryson, Narayanan, Semantics derived automatically from language
    corpora contain human-like biases, Science 2017, s(w, A, B).
    """
    return np.asarray(np.subtract(*(cosines.mean(axis=1) for cosines in _cosines(X, first, second))))


@dataclass(frozen=True)
class Association:
    """The difference of two sets of vectors in their leaning to two groups of words."""

    effect: float
    """In standard deviations of the leaning over both sets."""
    p: float
    """Two-sided: the share of permutations of the vectors with a difference at least as large."""
    n: tuple[int, int]

    def __str__(self) -> str:
        return f"effect {self.effect:+.2f} sd (p = {self.p:.3g}, {self.n[0]} against {self.n[1]})"


def association(
    X: ArrayLike, Y: ArrayLike, first: ArrayLike, second: ArrayLike, *, random_state: RandomState = 0
) -> Association:
    """Test whether `X` (n, d) leans to the `first` (a, d) words and `Y` (m, d) to the `second` (b, d) ones.

    The word embedding association test, Caliskan et al., Science 2017, here two-sided. All splits into sets of n and m
    are tried if there are at most 20,000, else a random sample of as many.
    """
    leans = [leaning(table, first, second) for table in (X, Y)]
    both, n = np.concatenate(leans), len(leans[0])
    if min(map(len, leans)) < 2:
        raise NotEnoughLabelsError(f"Two vectors or more are needed in each set; there are {n} and {len(leans[1])}.")
    spread = float(both.std(ddof=1))
    gap = float(leans[0].mean() - leans[1].mean())
    p = float(_permuted(both[None], n, generator(random_state))[0])
    return Association(gap / spread if spread > 0 else 0.0, p, (n, len(leans[1])))


def class_leanings(
    names: Sequence[str], X: ArrayLike, first: ArrayLike, second: ArrayLike, *, random_state: RandomState = 0
) -> pd.DataFrame:
    """Return which group of words each class vector is closer to: the bias of the zero-shot prior before any label.

    names (c,); X (c, d) class vectors, of names or descriptions; first (a, d) and second (b, d) vectors of the words.
    Columns class, leaning (positive: to the first), effect (in standard deviations of the cosines to all words), p
    (two-sided, over permutations of the words), p_adjusted (Holm, for all classes); largest absolute leaning first.
    """
    toward, random, names = _cosines(X, first, second), generator(random_state), list(names)
    if len(names) != len(toward[0]):
        raise InputError(
            f"There are {len(names)} names and {len(toward[0])} class vectors. Give one of each per class."
        )
    leans = toward[0].mean(axis=1) - toward[1].mean(axis=1)  # (c,)
    cosines, n = np.hstack(toward), toward[0].shape[1]  # (c, a + b)
    spread = cosines.std(axis=1, ddof=1)
    p = _permuted(cosines, n, random)
    found = pd.DataFrame(
        {
            "class": names,
            "leaning": leans,
            "effect": np.divide(leans, spread, out=np.zeros_like(leans), where=spread > 0),
            "p": p,
            "p_adjusted": holm(p),
        }
    )
    return found.sort_values("leaning", key=abs, ascending=False, kind="stable", ignore_index=True)


def _cosines(X: ArrayLike, first: ArrayLike, second: ArrayLike) -> list[NDArray[np.float64]]:
    """Return the cosines of vectors `X` (n, d) to both groups of words (n, a), (n, b)."""
    table, found = unit(vectors(X)), []
    for name, words in (("first", first), ("second", second)):
        group = vectors(words, width=table.shape[1], name=name)
        if not len(group):
            raise InputError(f"{name} holds no word; give the vector of one or more.")
        found.append(np.asarray(table @ unit(group).T, dtype=np.float64))
    return found


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return p-values (m,) adjusted for m tests at once. Holm, Scandinavian Journal of Statistics 1979."""
    values = np.asarray(p, dtype=np.float64)
    order, m = np.argsort(values, kind="stable"), len(values)
    adjusted = np.empty(m)
    adjusted[order] = np.maximum.accumulate(values[order] * np.arange(m, 0, -1)).clip(max=1)
    return adjusted


def _permuted(values: NDArray[np.float64], n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return for each row of `values` (c, m) the share of splits into n and m - n whose means differ as much or more.

    The observed split is the first n and the rest. scipy's permutation_test takes ten times as long for many rows.
    """
    size = values.shape[1]
    exact = math.comb(size, n) <= MOST_DIVISIONS
    if exact:
        members = np.array(list(combinations(range(size), n)))
    else:
        members = random.permuted(np.tile(np.arange(size), (MOST_DIVISIONS, 1)), axis=1)[:, :n]
    is_first, found = np.zeros((len(members), size)), []
    np.put_along_axis(is_first, members, 1, axis=1)
    for row in values:
        inside = is_first @ row
        gaps = np.abs(inside / n - (row.sum() - inside) / (size - n))
        reached = int((gaps >= abs(row[:n].mean() - row[n:].mean()) - 1e-9).sum())
        # A random sample may lack the observed split, which is added, or p could be zero.
        found.append(reached / len(gaps) if exact else (reached + 1) / (len(gaps) + 1))
    return np.array(found)


def _defined(metric: Callable[..., float], *, weighted: bool) -> Callable[..., float]:
    """Return the metric of labels, predictions and weights; it raises NotEnoughLabelsError where it is undefined."""
    if not callable(metric):
        raise InputError(f"metric must be a function of labels and predictions; it is {metric!r:.60}.")

    def figure(y: ArrayLike, predicted: ArrayLike, weight: NDArray[np.float64]) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UndefinedMetricWarning)
            try:
                found = metric(y, predicted, sample_weight=weight) if weighted else metric(y, predicted)
            except UndefinedMetricWarning as warning:
                raise NotEnoughLabelsError(f"The metric is undefined for these items: {warning}") from warning
        if found is None or np.ndim(found):
            raise InputError(f"metric must return one number; it returned {found!r:.60}.")
        return float(found)

    return figure


def _columns(
    y: Labels, predicted: Labels, groups: Sequence[Any] | NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.str_], NDArray[np.bool_]]:
    """Return labels, predictions and groups (m,) of the items with a label, and which items have one (n,)."""
    truth, answers, group = label_list(y), label_list(predicted), named_groups(groups)
    for name, other in (("predicted", predicted), ("groups", groups)):
        warn_of_order(y, other, names=("y", name))
    if not len(truth) == len(answers) == len(group) or not len(truth):
        n, m, k = len(truth), len(answers), len(group)
        raise InputError(f"Each item needs a label, a prediction and a group; there are {n}, {m} and {k}.")
    refuse_other_types(truth, answers)
    labeled = np.array([label is not None for label in truth])
    if not labeled.any():
        raise NotEnoughLabelsError(f"None of the {len(truth)} items has a label to compare the predictions with.")
    kept = [_array([values[row] for row in np.flatnonzero(labeled)]) for values in (truth, answers)]
    return kept[0], kept[1], group[labeled], labeled


def _array(values: list[Any]) -> NDArray[Any]:
    """Return values as an array, of objects if their types differ, since numpy would turn numbers into texts."""
    if len({type(value) for value in values}) == 1:
        return np.array(values)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _share(which: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    return float(np.average(which, weights=weight)) if weight.any() else math.nan


def _notes_on_missing(table: pd.DataFrame, n_unlabeled: int) -> tuple[str, ...]:
    undefined = first_of(table.loc[table["value"].isna(), "group"].tolist(), at_most=3)
    notes = (f"groups for which the metric is undefined: {undefined}",) if undefined else ()
    left_out = (f"left out because they have no label: {n_unlabeled} items",) if n_unlabeled else ()
    return notes + left_out


def _three(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
