"""The report function, and the sections on the task, the learning curve, the method, the cost and reproduction."""

import math
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib import metadata
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import is_regressor

from anyshot.base.columns import count, first_of
from anyshot.base.items import Items, check_list, item_count
from anyshot.base.labels import Labels
from anyshot.base.repeated_items import n_repeated, repeated_note
from anyshot.base.validation import pair
from anyshot.base.warning import one_call, warn_of_order
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.extrapolation import forecast
from anyshot.evaluation.learning_curves import LearningCurve
from anyshot.evaluation.metrics import number, percent, percents
from anyshot.evaluation.regression import NumberCurve
from anyshot.evaluation.report import collect, failures
from anyshot.evaluation.report.collect import ClassResults, Inputs, NumberResults, Results, measure_curve
from anyshot.evaluation.report.figures import inline_svg
from anyshot.evaluation.report.render import PageTable, Report, Section, Tile, readable, sentence, single_items
from anyshot.evaluation.splits import Predictor

NEEDS_CURVE = "A learning curve needs training data, train=(items, labels) (--train DATA), or curve={}(...)."
NEEDS_LEADERBOARD = (
    "A leaderboard needs a model that chose its method by labels, as AnyShotClassifier(method='auto') does (anyshot "
    "fit)."
)
WIDE = 0.3  # interval of an accuracy, from which the counts are stated
MIN_CALIBRATION = 100  # test items, below which the calibration error is mostly chance
PACKAGES = ("anyshot", "numpy", "scikit-learn", "torch", "transformers", "sentence-transformers")


@one_call()
def report(
    model: Predictor,
    X: Items,
    y: Labels,
    *,
    groups: Mapping[str, Sequence[Any]] | Sequence[Any] | None = None,
    sample_weight: ArrayLike | None = None,
    train: tuple[Items, Labels] | None = None,
    curve: LearningCurve | NumberCurve | None = None,
    pool: Items | None = None,
) -> Report:
    """Return a report on a fitted model, from labeled items that it was not trained on.

    What cannot be shown, because data are missing or the model does not provide it, is listed on the page and in
    `.missing`, with what it needs.

    Parameters
    ----------
    model : fitted classifier or regressor with `predict`. Also used, if it has them: `predict_proba`, `classes_`,
        `explain`, `closeness`, `suggest`, `leaderboard_`, `reasons_`, `predict_interval`
    X : n items: texts, images, vectors or rows of a table; of more than 20,000, a random sample is used
    y : n labels, None for none; classes that the model does not know are marked. For a regressor, n numbers
    groups : the group of each item (n,), or several such columns by name
    sample_weight : weight of each item (n,) in every share and error
    train : training items and labels, by default those that the model keeps, to count labels, to find wrong ones and,
        without `curve`, to measure a learning curve by about twenty fits
    curve : result of `learning_curve`; for a regressor, of `number_curve`
    pool : unlabeled items from which to suggest the next to label

    Raises
    ------
    InputError
        Items, labels, groups and weights differ in number, weights sum to zero, or probabilities are invalid.
    NotEnoughLabelsError
        No item has a label.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = [[0.0], [1.0], [4.0], [5.0]], ["low", "low", "high", "high"]
    >>> found = report(LogisticRegression().fit(X, y), [[0.5], [4.5], [3.9]], ["low", "high", "low"])
    >>> found.tables["confusions"][["truth", "answer", "n"]].values.tolist()
    [['low', 'high', 1]]
    """
    check_list(X)
    check_list(y, what="A list of labels")
    check_list([] if pool is None else pool, what="A list of items without labels")
    if train is not None:
        train = pair(train, name="train")
    elif hasattr(model, "training_examples") and not isinstance(model, type):
        train = model.training_examples()
    for given, what in ((y, "labels"), (groups, "groups"), (sample_weight, "weights")):
        warn_of_order(X, given, names=("items", what))
    inputs = Inputs(
        model=model, X=X, y=y, groups=_columns(groups), sample_weight=sample_weight, train=train, curve=curve, pool=pool
    )
    # A model without scikit-learn's tags is taken for a classifier.
    if hasattr(model, "__sklearn_tags__") and is_regressor(model):
        numbers = collect.collect_numbers(inputs)
        return _assembled(numbers, number_verdict(numbers), number_tiles(numbers))
    classes = collect.collect_classes(inputs)
    return _assembled(classes, class_verdict(classes), class_tiles(classes))


def _assembled(results: ClassResults | NumberResults, verdict: str, tiles: tuple[Tile, ...]) -> Report:
    notes, n = [sentence(note) for note in results.evaluation.notes], len(results.inputs.y)
    if isinstance(results, ClassResults) and (promised := promised_accuracy(results)) is not None:
        notes.insert(0, promised)
    train = results.inputs.train
    if train is not None and (again := n_repeated(results.inputs.X, train[0])):
        notes.insert(0, sentence(repeated_note(again, n)))
    if n < results.inputs.n_given:
        notes.insert(0, f"Only a random sample of {n:,} of the {results.inputs.n_given:,} items was used.")
    sections = {}
    for name, short, title, for_classes, for_numbers in SECTIONS:
        make: Callable[[Any], Section] | None = for_classes if isinstance(results, ClassResults) else for_numbers
        if make is not None:
            sections[name] = replace(make(results), title=title, short_title=short)
    return Report(results.evaluation, verdict, tiles, tuple(notes), sections)


def _columns(groups: Mapping[str, Sequence[Any]] | Sequence[Any] | None) -> dict[str, Sequence[Any]]:
    """Return the columns of groups by name, a single one as "group"."""
    named = groups if isinstance(groups, (Mapping, pd.DataFrame)) else {} if groups is None else {"group": groups}
    return {str(name): list(values) for name, values in named.items()}


def class_verdict(results: ClassResults) -> str:
    """Return in two sentences how good a classifier is.

    The counts are stated instead of a share where the items are few, and where the share would be 0 or 100 of 100.
    """
    got, (lower, upper) = results.evaluation, results.evaluation.accuracy_interval
    items = count(got.n, "test item")
    is_weighted, is_wide = results.inputs.sample_weight is not None, upper - lower > WIDE
    has_counts = (is_wide and not is_weighted) or round(100 * got.accuracy) in (0, 100)
    labels = Counter(label for label in results.truth if label is not None)
    label, n = labels.most_common(1)[0]
    right = f"It classifies about {100 * got.accuracy:.0f} of 100 such items correctly"
    right += f" (95 % interval {percents(lower, upper)} %, from {items})."
    if has_counts:
        n_right = int((results.correct & results.labeled).sum())
        of = f"{percent(got.accuracy)} % of the weight of" if is_weighted else f"{n_right:,} of"
        right = f"It classified {of} {items} correctly{'. That is too few to say how good it is' if is_wide else ''}:"
        right += f" of 100 such items, {_of_100(lower, upper)} would be correct (95 % interval)."
    if len(labels) == 1:
        return f"{right} All items are of one class."
    always = f"{n:,} of the {got.n:,}" if has_counts else f"{100 * n / got.n:.0f}"
    return f'{right} Always predicting "{readable(label)}" would be correct for {always}.'


def _of_100(lower: float, upper: float) -> str:
    """Return how many of 100 an interval of a share stands for, such as "70 to 95", "at least 70" or "at most 30"."""
    low, high = math.floor(100 * lower), math.ceil(100 * upper)
    if high == 100:
        return f"at least {low}"
    return f"at most {high}" if low == 0 else f"{low} to {high}"


def number_verdict(results: NumberResults) -> str:
    """Return in two sentences how good a regressor is."""
    got = results.evaluation
    interval = f"95 % interval {failures.span(*got.rmse_interval)}, from {got.n:,} test items"
    return (
        f"Its predictions are typically off by {number(got.rmse)} (root mean squared error; {interval}). Always "
        f"predicting the mean of these items would be off by {number(got.baseline)}."
    )


def class_tiles(results: ClassResults) -> tuple[Tile, ...]:
    """Return the figures of a classifier in large type."""
    got, labels = results.evaluation, results.train_labels
    tiles = [
        Tile(f"{percent(got.accuracy)} %", "accuracy", f"{percents(*got.accuracy_interval)} %"),
        Tile(f"{percent(got.per_class_accuracy)} %", "mean accuracy over classes", "each class counts the same"),
        Tile(f"{len(results.classes):,}", "known classes"),
    ]
    if labels is not None:
        n = sum(label is not None for label in labels)
        tiles.insert(2, Tile(f"{n:,}", "training labels", f"{n / len(results.classes):.1f} per class"))
    if got.ece is not None:
        note = "0 is perfect" if got.n >= MIN_CALIBRATION else "unreliable with so few items"
        tiles.append(Tile(percent(got.ece), "calibration error", f"percentage points; {note}"))
    return tuple(tiles)


def number_tiles(results: NumberResults) -> tuple[Tile, ...]:
    """Return the figures of a regressor in large type."""
    table, labels = results.evaluation.table, results.train_labels
    rows = zip(table["figure"], *table[["value", "lower", "upper"]].to_numpy().T.tolist(), strict=True)
    tiles = [Tile(number(value), name, failures.span(lower, upper)) for name, value, lower, upper in rows]
    if labels is not None:
        tiles.append(Tile(f"{np.isfinite(labels).sum():,}", "training labels"))
    return tuple(tiles)


def task(results: ClassResults | NumberResults) -> Section:
    """Return what the model predicts, and from how many labels it was trained."""
    n = int(results.labeled.sum())
    notes = [f"It was tested on {n:,} labeled items. None of them may have been used for training."]
    if isinstance(results, NumberResults):
        truth, numbers = results.truth[results.labeled], results.train_labels
        lead = f"Predict a number for each item. The test values range from {failures.span(truth.min(), truth.max())}."
        if numbers is not None:
            known = numbers[np.isfinite(numbers)]
            mean = f"; their mean is {number(float(known.mean()))}" if len(known) else ""
            notes.insert(0, f"It was trained on {len(known):,} labels{mean}.")
        return Section(lead, tuple(notes), tables={"figures": results.evaluation.table})
    some = first_of([readable(name) for name in results.classes.tolist()], at_most=12)
    if results.train_labels is not None:
        counts = Counter(results.train_labels)
        each = [counts[name] for name in results.classes.tolist()]
        without = f"; {count(n, 'class has', 'classes have')} none." if (n := each.count(0)) else "."
        spread = f"{min(each)} to {max(each)} per class, median {np.median(each):g}"
        notes.insert(0, f"It was trained on {sum(each):,} labels: {spread}{without}")
    return Section(f"Classify items into {len(results.classes)} classes: {some}.", tuple(notes))


def learning(results: ClassResults | NumberResults) -> Section:
    """Return the learning curve that was given, or one measured on the training data."""
    kind = LearningCurve if isinstance(results, ClassResults) else NumberCurve
    needs = NEEDS_CURVE.format("learning_curve" if isinstance(results, ClassResults) else "number_curve")
    curve, train = results.inputs.curve, results.inputs.train
    if not isinstance(curve, kind) and (train is not None or hasattr(results.model, "encoded")):
        try:
            curve = measure_curve(results, train)
        except NotEnoughLabelsError as error:
            needs = f"No learning curve can be measured on the training data. {error}"
    if not isinstance(curve, kind):
        return Section(missing={"curve": needs})
    table, figure = curve.summary(), curve.plot()
    if isinstance(curve, LearningCurve):
        lead, caption = _expected_accuracy(curve), "Accuracy by number of labels per class"
        names = "model shots n_labels accuracy sd"
        figure.set_size_inches(4.8, 3.4)
        frame = table.assign(accuracy=table["mean"], shots=table["shots"].map(str))
    else:
        first, last, names = table.iloc[0], table.iloc[-1], "labels rmse spread n_draws"
        lead = f"With {last['labels']:,.0f} labels its predictions are off by {number(last['mean'])}"
        lead += f", with {first['labels']:,.0f} labels by {number(first['mean'])}." if len(table) > 1 else "."
        caption = "Root mean squared error by number of labels"
        frame = table.assign(rmse=table["mean"], spread=table["sd"])
    shown = PageTable.of(frame, names, caption=caption)
    drawing = inline_svg(figure, name="curve", description=f"{caption}, as in the table.")
    return Section(lead, drawing=drawing, shown=(shown,), figures={"curve": figure}, tables={"curve": table})


def method(results: Results) -> Section:
    """Return which methods the model compared, and why it chose this one."""
    model = results.model
    board, reasons = getattr(model, "leaderboard_", None), tuple(getattr(model, "reasons_", ()))
    lead = readable(f"The method is {getattr(model, 'method_', type(model).__name__)}.")
    bullets = tuple(readable(reason) for reason in reasons)
    if not (isinstance(board, pd.DataFrame) and len(board) and {"method", "accuracy"} <= set(board.columns)):
        missing = {"leaderboard": NEEDS_LEADERBOARD} if isinstance(results, ClassResults) else {}
        return Section(lead, bullets=bullets, missing=missing)
    columns = "method accuracy lower upper" if {"lower", "upper"} <= set(board.columns) else "method accuracy"
    shown = PageTable.of(board, columns, caption="Methods compared by cross-validation, with 95 % intervals")
    return Section(lead, bullets=bullets, shown=(shown,), tables={"leaderboard": board})


def promised_accuracy(results: ClassResults) -> str | None:
    """Return a sentence if cross-validation on the training labels gave another accuracy than the test, beyond chance.

    Compared are means over classes. Newcombe, Statistics in Medicine 1998, method 10.
    """
    board, got = getattr(results.model, "leaderboard_", None), results.evaluation
    if not (isinstance(board, pd.DataFrame) and {"method", "accuracy", "lower", "upper"} <= set(board.columns)):
        return None
    rows = board[board["method"].isin([getattr(results.model, "method_", None), "fine-tuned"])].dropna()
    if not len(rows):
        return None
    promised, gap = rows.iloc[0], got.per_class_accuracy - rows.iloc[0]["accuracy"]
    # Newcombe's interval of a difference of two shares, from the ends of their own intervals that face each other.
    own, other = ("lower", 1) if gap < 0 else ("upper", 0)
    reach = np.hypot(promised["accuracy"] - promised[own], got.accuracy_interval[other] - got.accuracy)
    if abs(gap) <= reach:
        return None
    expect = "Expect the accuracy of the test on items like these" if gap < 0 else "The test items may be easier"
    return (
        f"Cross-validation on the training labels gave {percent(promised['accuracy'])} % (mean over classes), the test "
        f"{percent(got.per_class_accuracy)} %: a larger difference than chance explains. {expect}."
    )


def cost(results: Results) -> Section:
    """Return how long predictions take without the cache, the peak memory, and what the report encoded."""
    n, price = len(results.inputs.y), results.cost
    counts, seconds = price.after - price.before, price.finished - price.started
    total = collect.encoding_counts(results.model) - price.before
    reused = counts.cached + counts.duplicates
    lead = f"A prediction takes {number(1000 * price.each)} ms, measured on {price.n_timed:,} items without the cache."
    notes = [
        f"The {n:,} predictions of this report took {seconds:.2g} s.",
        f"Of {counts.requested:,} items, {counts.encoded:,} had to be encoded; {reused:,} "
        f"({percent(reused / counts.requested)} %) were in the cache or equal to another item."
        if counts.requested else "The model encoded no items.",
    ]  # fmt: skip
    if counts.cut:
        texts = count(counts.cut, "text is", "texts are")
        notes.append(f"{texts} longer than the encoder reads, which ignores the rest: see long_texts.")
    memory = collect.peak_memory()
    if memory is not None:
        notes.append(f"Peak memory of the process: {memory:,.0f} MB.")
    work = (("predictions", seconds, counts), ("whole report", time.perf_counter() - price.started, total))
    table = pd.DataFrame([{"work": name, "seconds": spent, **vars(of)} for name, spent, of in work])
    names = "work seconds requested duplicates cached encoded calls"
    shown = (PageTable.of(table, names, caption="Items encoded"),) if total.requested else ()
    return Section(lead, tuple(notes), shown=shown, tables={"cost": table})


def reproduction(results: ClassResults | NumberResults) -> Section:
    """Return the model, a digest of the data, and the versions that give the same figures."""
    model, n, n_given = results.model, len(results.inputs.y), results.inputs.n_given
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    lines = [f"{'model':<24}{type(model).__module__}.{type(model).__name__}"]
    lines += [f"  {name:<22}{' '.join(repr(value).split())[:100]}" for name, value in parameters.items()]
    lines += [f"{'test data':<24}sha256 {_digest(results.inputs)}, {n:,} items"]
    lines += [f"{'sampled from':<24}{n_given:,} items, with seed {collect.SAMPLE_SEED}"] if n < n_given else []
    lines += [f"{name:<24}{version}" for name in PACKAGES if (version := _version(name))]
    lines += [f"{'python':<24}{platform.python_version()} on {platform.system()} {platform.machine()}"]
    lead = "The same model, data and versions give the same figures, except for the times."
    return Section(lead, code=readable("\n".join(lines)))


def _expected_accuracy(curve: LearningCurve) -> str:
    """Return in sentences the accuracy of the first model of a curve, and what twice the labels would bring."""
    table = curve.summary()
    last = table[table["model"] == table["model"].iloc[0]].iloc[-1]
    if last["shots"] == "all":
        now = f"With all {last['n_labels']:,.0f} labels, the accuracy is {percent(last['mean'])} %."
    else:
        now = f"With {last['shots']} labels per class, the mean accuracy is {percent(last['mean'])} %."
    expected = forecast(curve)
    if expected.refusal is not None:
        return f"{now} What twice as many would bring cannot be predicted: {expected.refusal}."
    span = percents(expected.lower, expected.upper)
    return f"{now} With twice as many, about {percent(expected.accuracy)} % is expected (90 % interval {span} %)."


def _digest(inputs: Inputs) -> str:
    """Return a digest of the items, as text, and their labels."""
    content = sha256()
    if isinstance(inputs.X, np.ndarray) and inputs.X.dtype != object:
        content.update(np.ascontiguousarray(inputs.X).tobytes())
    else:
        for item in single_items(inputs.X, np.arange(item_count(inputs.X))):
            content.update(str(item).encode("utf-8", "replace") + b"\0")
    content.update("\0".join(map(str, inputs.y)).encode("utf-8", "replace"))
    return content.hexdigest()[:16]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


# name, title in the navigation, title, section of a classifier, section of a regressor
SECTIONS: Final = (
    ("task", "Task", "The task", task, task),
    ("curve", "More labels", "What more labels would bring", learning, learning),
    ("method", "Method", "Why this method", method, method),
    ("confusions", "Confusions", "Which classes it confuses", failures.confusions, None),
    ("calibration", "Calibration", "Are its probabilities right?", failures.calibration, None),
    ("unknowns", "Unknowns", "Items of unknown classes", failures.unknowns, None),
    ("classes", "Classes", "Results by class", failures.classes, None),
    ("fit", "Fit", "Predicted and true values", None, failures.fit),
    ("residuals", "Errors", "Where the errors are", None, failures.residuals),
    ("coverage", "Intervals", "Are its intervals right?", None, failures.coverage),
    ("groups", "Groups", "Results by group", failures.groups, failures.groups),
    ("mistakes", "Mistakes", "The worst mistakes", failures.mistakes, failures.mistakes),
    ("labels", "Labels", "Labels that may be wrong", failures.wrong_labels, None),
    ("next", "Next", "What to label next", failures.next_labels, failures.next_labels),
    ("cost", "Cost", "What it costs", cost, cost),
    ("reproduce", "Reproduce", "How to reproduce it", reproduction, reproduction),
)
