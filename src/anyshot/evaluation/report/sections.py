"""The report function, and the sections on the task, the learning curve, the method, the cost and reproduction."""

import math
import platform
import time
from collections import Counter
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from anyshot.base.columns import item_count, take
from anyshot.base.items import Items
from anyshot.base.labels import Labels, classes_in, label_list
from anyshot.base.lazy import version_of
from anyshot.base.messages import count, first_of, shortened
from anyshot.base.repeated_items import repeated_note
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.extrapolation import forecast
from anyshot.evaluation.learning_curves import LearningCurve, learning_curve
from anyshot.evaluation.metrics import number, percent, percents, span
from anyshot.evaluation.regression import NumberCurve, number_curve
from anyshot.evaluation.report import collect
from anyshot.evaluation.report.collect import ClassResults, Inputs, NumberResults, Results, spread_rows
from anyshot.evaluation.report.render import PageTable, Section, Tile, readable, sentence, single_items

NEEDS_CURVE = "A learning curve needs training data, train=(items, labels) (--train DATA), or curve={}(...)."
NEEDS_LEADERBOARD = (
    "A comparison of methods needs a model that compared them on its labels, as AnyShotClassifier and `anyshot fit` do "
    "with enough labels of each class."
)
WIDE = 0.3  # interval of an accuracy, from which the counts are stated
MIN_CALIBRATION = 100  # test items, below which the calibration error is mostly chance
CURVE_SHOTS = (0, 1, 2, 5, 10, 20)  # labels per class of the curve
CURVE_SEEDS = 3  # draws of labels for each point
CURVE_ITEMS = 1_000  # test items that a curve is measured on
PACKAGES = ("anyshot", "numpy", "scikit-learn", "torch", "transformers", "sentence-transformers")


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
    interval = f"95 % interval {span(*got.rmse_interval)}, from {got.n:,} test items"
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
    tiles = [Tile(number(value), name, span(lower, upper)) for name, value, lower, upper in rows]
    if labels is not None:
        tiles.append(Tile(f"{np.isfinite(labels).sum():,}", "training labels"))
    return tuple(tiles)


def task(results: ClassResults | NumberResults) -> Section:
    """Return what the model predicts, and from how many labels it was trained."""
    n = int(results.labeled.sum())
    notes = [f"It was tested on {n:,} labeled items."]
    if results.n_repeated:
        notes.append(sentence(repeated_note(results.n_repeated, len(results.inputs.y))))
    else:
        notes.append("None of them may have been used for training.")
    if isinstance(results, NumberResults):
        truth, numbers = results.truth[results.labeled], results.train_labels
        lead = f"Predict a number for each item. The test values range from {span(truth.min(), truth.max())}."
        if numbers is not None:
            known = numbers[np.isfinite(numbers)]
            mean = f"; their mean is {number(float(known.mean()))}" if len(known) else ""
            notes.insert(0, f"The training data have {len(known):,} labels{mean}.")
        return Section(lead, tuple(notes), tables={"figures": results.evaluation.table})
    some = first_of([readable(name) for name in results.classes.tolist()], at_most=12)
    if results.train_labels is not None:
        counts = Counter(results.train_labels)
        each = [counts[name] for name in results.classes.tolist()]
        without = f"; {count(n, 'class has', 'classes have')} none." if (n := each.count(0)) else "."
        spread = f"{min(each)} to {max(each)} per class, median {np.median(each):g}"
        notes.insert(0, f"The training data have {sum(each):,} labels: {spread}{without}")
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
    return Section(
        lead,
        description=f"{caption}, as in the table.",
        shown=(shown,),
        figures={"curve": figure},
        tables={"curve": table},
    )


def measure_curve(
    results: ClassResults | NumberResults, train: tuple[Items, Labels] | None
) -> LearningCurve | NumberCurve:
    """Measure the model's learning curve on labels sampled from `train`, on at most 1,000 of the test items.

    A model that can be fitted to vectors, which it keeps, is: so it has its unlabeled items at each number of labels.

    Test items of classes that are neither in the model nor in `train` are left out: no number of training labels would
    make their predictions correct, and the curve could not be extrapolated.
    """
    model, train = _refitted(results.model, train)
    if isinstance(results, NumberResults):
        rows = spread_rows(len(results.truth), CURVE_ITEMS)
        X_test, y_test = take(results.inputs.X, rows), results.truth[rows]
        return number_curve(model, train[0], list(train[1]), X_test, y_test, seeds=CURVE_SEEDS)
    labels = label_list(train[1])
    names, sizes = np.unique([str(label) for label in labels if label is not None], return_counts=True)
    known = {str(name) for name in [*names, *results.classes]}
    tested = np.flatnonzero([str(label) in known for label in results.truth])
    if len(names) < 2:
        found = f'all are of "{names[0]}"' if len(names) else "there are none"
        raise NotEnoughLabelsError(f"A learning curve needs training labels of two classes; {found}.")
    if not len(tested):
        raise NotEnoughLabelsError("A learning curve needs test items of the training classes; there are none.")
    most = int(sizes.max())
    shots = [k for k in CURVE_SHOTS if k < most]
    rows = tested[spread_rows(len(tested), CURVE_ITEMS)]
    name, X_test = "this model", take(results.inputs.X, rows)
    X_test = X_test if model is results.model else model.encode(X_test)
    curve = learning_curve(
        {name: model}, train[0], labels, X_test, [results.truth[row] for row in rows], shots=shots, seeds=CURVE_SEEDS
    )
    # The last point is the model itself, on the same items, and not one that was fitted again.
    at_hand = [name, "all", 0, int(sizes.sum()), float(results.correct[rows].mean())]
    end = pd.DataFrame([at_hand], columns=["model", "shots", "seed", "n_labels", "accuracy"])
    scores = pd.concat([curve.scores[list(end)], end.astype({"shots": object})], ignore_index=True)
    return LearningCurve(scores, n_test=curve.n_test)


def _refitted(model: Any, train: tuple[Items, Labels] | None) -> tuple[Any, tuple[Items, Labels]]:
    """Return the model to fit to some of the labels, and the labeled items that it takes.

    An encoder that was trained on the labels contains them, and a clone may learn other classes than the model has.
    """
    encoded: Any = model.encoded() if hasattr(model, "encoded") else None
    if train is None:
        return encoded, encoded.training_examples()
    if encoded is None or encoded.is_fine_tuned or not set(model.classes_).issuperset(classes_in(train[1])):
        return model, train
    return encoded, (encoded.encode(train[0]), train[1])


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
    lines += [f"  {name:<22}{shortened(' '.join(repr(value).split()))}" for name, value in parameters.items()]
    lines += [f"{'test data':<24}sha256 {_digest(results.inputs)}, {n:,} items"]
    lines += [f"{'sampled from':<24}{n_given:,} items, with seed {collect.SAMPLE_SEED}"] if n < n_given else []
    lines += [f"{name:<24}{version}" for name in PACKAGES if (version := version_of(name))]
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
