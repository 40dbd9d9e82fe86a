"""The sections of a report that say what was asked, how good the answers are, why, and at what cost."""

import platform
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib import metadata

import numpy as np
import pandas as pd

from anyshot.base.items import item_count
from anyshot.errors import NotEnoughLabelsError
from anyshot.evaluation.extrapolation import extrapolate
from anyshot.evaluation.learning_curves import LearningCurve
from anyshot.evaluation.printing import percent
from anyshot.evaluation.report.collect import SAMPLE_SEED, Asked, Train
from anyshot.evaluation.report.findings import Findings, own_curve
from anyshot.evaluation.report.inline_svg import inline_svg
from anyshot.evaluation.report.render import Kind, PageTable, Part, Section, Tile, readable, sentence
from anyshot.evaluation.report.shown_item import single_items
from anyshot.store.disk_cache import EncodingCounts

NEEDS_COUNTS = (
    "How many labels it learned from is counted where they are given: report(..., train=(items, labels)), in a "
    "terminal --train DATA."
)
NEEDS_CURVE = (
    "A learning curve needs the labels that the model learned from: report(..., train=(items, labels)), in a terminal "
    "--train DATA; or one that is measured already: report(..., curve={}(...))."
)
NEEDS_LEADERBOARD = (
    "A leaderboard needs a model that chose among several: AnyShotClassifier(classes, method='auto') with labels; in a "
    "terminal anyshot fit."
)
VERSIONS = ("anyshot", "numpy", "scikit-learn", "torch", "transformers", "sentence-transformers")


def verdict(found: Findings) -> str:
    """Return the answer to "how good is it" in a sentence or two."""
    got, (lower, upper) = found.evaluation, found.evaluation.accuracy_interval
    known = f"Of 100 such items it answers about {100 * got.accuracy:.0f} right"
    tested = f"{got.n:,} {'item' if got.n == 1 else 'items'} tested"
    spread = f"(95 % interval {percent(lower)} to {percent(upper)} %, {tested})."
    labels = Counter(label for label in found.truth if label is not None)
    most, often = labels.most_common(1)[0]
    if len(labels) == 1:
        return f"{known} {spread} All items are of one class."
    return f'{known} {spread} Always answering "{readable(most)}" would get {100 * often / got.n:.0f} right.'


def tiles(found: Findings) -> tuple[Tile, ...]:
    """Return the figures in large type."""
    got, learned = found.evaluation, found.learned
    lower, upper = got.accuracy_interval
    shown = [Tile(f"{percent(got.accuracy)} %", "right answers", f"{percent(lower)} to {percent(upper)} %")]
    shown.append(Tile(f"{percent(got.per_class_accuracy)} %", "mean over classes", "each class counts the same"))
    if learned is not None:
        n = sum(label is not None for label in learned)
        shown.append(Tile(f"{n:,}", "labels learned from", f"{n / len(found.classes):.1f} a class"))
    shown.append(Tile(f"{len(found.classes):,}", "classes it knows"))
    if got.ece is not None:
        shown.append(Tile(f"{percent(got.ece)}", "points of calibration error", "0 is perfect"))
    return tuple(shown)


def warnings(found: Asked, notes: Sequence[str]) -> tuple[str, ...]:
    """Return what must be known before any figure is read."""
    lines, n, n_given = [sentence(note) for note in notes], len(found.question.y), found.question.n_given
    if n < n_given:
        lines.insert(0, f"A sample: {n:,} of the {n_given:,} items given, drawn at random.")
    return tuple(readable(line) for line in lines)


def asked(found: Findings) -> Part:
    """Say what was asked, and with how many labels."""
    learned = found.learned
    names = [readable(name) for name in found.classes.tolist()]
    some = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    lead = f"To tell {len(names)} classes apart: {some}."
    notes = []
    if learned is not None:
        counts = Counter(label for label in learned if label is not None)
        each = [counts.get(name, 0) for name in found.classes.tolist()]
        without = sum(n == 0 for n in each)
        notes.append(
            f"It learned from {sum(each):,} labels: {min(each)} to {max(each)} a class, median {np.median(each):g}"
            + (f"; {without} {'class has' if without == 1 else 'classes have'} none." if without else ".")
        )
    labeled = int(found.labeled.sum())
    notes.append(f"It was tested on {labeled:,} items with labels, which it must not have learned from.")
    needs = () if learned is not None else (NEEDS_COUNTS,)
    return Part(Section("asked", "Task", "What was asked", lead, tuple(notes), needs=needs))


def labels_worth(found: Findings) -> Part:
    """Show the learning curve, the one given or one measured on the labels learned from."""
    given = found.extras.curve
    shown = curve_part(given) if isinstance(given, LearningCurve) else None
    return worth_of_labels(
        shown, found.extras.train, lambda train: curve_part(own_curve(found, train)), maker="learning_curve"
    )


def worth_of_labels(given: Part | None, train: Train | None, measured: Callable[[Train], Part], *, maker: str) -> Part:
    """Return the curve that was given, else one measured on the labels learned from, else what either needs.

    maker: the function that makes a curve to give.
    """
    needs = NEEDS_CURVE.format(maker)
    if given is not None:
        return given
    if train is not None:
        try:
            return measured(train)
        except NotEnoughLabelsError as error:
            needs = f"A learning curve cannot be measured on the labels learned from. {error}"
    return Part.of_nothing("curve", "More labels", "What more labels would bring", needs, "curve")


def curve_part(curve: LearningCurve) -> Part:
    """Show a learning curve, and what twice the labels would bring."""
    table, picture = curve.summary(), curve.plot()
    picture.set_size_inches(4.8, 3.4)
    drawing = inline_svg(
        picture, name="curve", description="Accuracy by labels a class, one line a model; see the table."
    )
    shown = table.assign(shots=[str(k) for k in table["shots"]], sd=table["sd"])
    kinds: dict[str, Kind] = {
        "model": "text",
        "labels a class": "text",
        "labels": "count",
        "right answers": "share",
        "± sd": "plain-share",
    }
    frame = shown.rename(
        columns={"shots": "labels a class", "n_labels": "labels", "mean": "right answers", "sd": "± sd"}
    )
    section = Section(
        "curve", "More labels", "What more labels would bring", _expected(table), drawing=drawing,
        tables=(PageTable.of(frame, kinds, caption="Accuracy by labels a class"),),
    )  # fmt: skip
    return Part(section, {"curve": picture}, {"curve": table})


def choice(found: Findings) -> Part:
    """Show the methods compared, and why this one answers."""
    part = method(found)
    return part if part.tables else Part(part.section, missing={"leaderboard": NEEDS_LEADERBOARD})


def method(found: Asked) -> Part:
    """Show what a model says of its own method."""
    board, reasons = getattr(found.model, "leaderboard_", None), getattr(found.model, "reasons_", ())
    name = str(getattr(found.model, "method_", type(found.model).__name__))
    tables: tuple[PageTable, ...] = ()
    if isinstance(board, pd.DataFrame) and len(board) and {"method", "accuracy"} <= set(board.columns):
        frame = board[["method", "accuracy"]].rename(columns={"accuracy": "right answers"})
        tables = (
            PageTable.of(frame, {"method": "text", "right answers": "share"}, caption="Compared on labels held out"),
        )
    lead = f"{name} answers." if reasons or tables else f"{name} answers; the model names no other candidates."
    why = (("", tuple(readable(reason) for reason in reasons)),) if reasons else ()
    section = Section("method", "Method", "Why this method", readable(lead), tables=tables, lists=why)
    return Part(section, tables={"leaderboard": board} if tables and board is not None else {})


def cost(found: Asked) -> Part:
    """Say what the answers cost: time, memory, and the encoder's work done and spared."""
    n, price = len(found.question.y), found.price
    lead = f"{n:,} answers took {price.seconds:.2g} s, {1000 * price.seconds / n:.2g} ms each."
    notes = [_spared(price.encoding), f"The whole report took {price.seconds_in_all:.2g} s until here."]
    peak = price.peak_memory
    memory = "cannot be read on this system" if peak is None else f"{peak:,.0f} MB for the whole process until then"
    notes.append(f"Peak memory: {memory}.")
    work = (("the answers", price.seconds, price.encoding), ("the whole report", price.seconds_in_all, price.total))
    table = pd.DataFrame(
        [
            [name, seconds, counts.requested, counts.duplicates, counts.cached, counts.encoded, counts.calls]
            for name, seconds, counts in work
        ],
        columns=["work", "seconds", "wanted", "copies", "from the cache", "encoded", "calls"],
    )
    counts: dict[str, Kind] = {"wanted": "count", "copies": "count", "from the cache": "count", "encoded": "count"}
    kinds: dict[str, Kind] = {"work": "text", "seconds": "number", **counts, "calls": "count"}
    listed = PageTable.of(table, kinds, caption="Items encoded, and what was spared")
    shown = (listed,) if price.total.requested else ()
    return Part(Section("cost", "Cost", "What it costs", lead, tuple(notes), tables=shown), tables={"cost": table})


def _spared(counts: EncodingCounts) -> str:
    """Say what of the encoder's work the cache spared."""
    if not counts.requested:
        return "No item was encoded through the vector cache: the model takes its items as they are."
    spared = counts.cached + counts.duplicates
    calls = f"{counts.calls:,} {'call' if counts.calls == 1 else 'calls'} of the encoder"
    return (
        f"Of {counts.requested:,} vectors wanted for the answers {counts.encoded:,} were encoded, in {calls}; "
        f"{spared:,} ({percent(spared / counts.requested)} %) were spared: {counts.cached:,} found in the cache, "
        f"{counts.duplicates:,} copies of other items."
    )


def reproduced(found: Asked) -> Part:
    """Say how to come to the same figures."""
    parameters = getattr(found.model, "get_params", dict)(deep=False) if hasattr(found.model, "get_params") else {}
    lines = [f"{'model':<24}{type(found.model).__module__}.{type(found.model).__name__}"]
    lines += [f"  {name:<22}{_clipped(value)}" for name, value in parameters.items()]
    lines += [f"{'test data':<24}sha256 {_digest(found)}, {len(found.question.y):,} items"]
    if len(found.question.y) < found.question.n_given:
        lines += [f"{'drawn from':<24}{found.question.n_given:,} items, with seed {SAMPLE_SEED}"]
    lines += [f"{name:<24}{version}" for name in VERSIONS if (version := _version(name)) is not None]
    lines += [f"{'python':<24}{platform.python_version()} on {platform.system()} {platform.machine()}"]
    lead = "The same model, items and versions give the same figures; only the times differ."
    return Part(Section("reproduce", "Reproduce", "How to reproduce it", lead, code=readable("\n".join(lines))))


def _expected(table: pd.DataFrame) -> str:
    """Say in a sentence what the first model of the curve would gain from twice the labels."""
    rows = table[(table["model"] == table["model"].iloc[0]) & (table["shots"] != "all")]
    last = rows.iloc[-1]
    now = f"With {last['shots']} labels a class, {percent(last['mean'])} % of the answers are right on average."
    noise = np.maximum(rows["sd"].fillna(0) / np.sqrt(rows["n_draws"]), 0.005)
    expected = extrapolate(rows["shots"].to_numpy(dtype=float), rows["mean"], noise)
    if expected.refusal is not None:
        return f"{now} What twice as many would bring cannot be said: {expected.refusal}."
    span = f"{percent(expected.lower)} to {percent(expected.upper)}"
    return f"{now} Twice as many are expected to bring {percent(expected.accuracy)} % (90 % belief: {span})."


def _digest(found: Asked) -> str:
    """Return a digest of the items as shown and their labels."""
    content = sha256()
    if isinstance(found.items, np.ndarray) and found.items.dtype != object:
        content.update(np.ascontiguousarray(found.items).tobytes())
    else:
        for item in single_items(found.items, np.arange(item_count(found.items))):
            content.update(str(item).encode("utf-8", "replace") + b"\0")
    content.update("\0".join(map(str, found.question.y)).encode("utf-8", "replace"))
    return content.hexdigest()[:16]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _clipped(value: object) -> str:
    words = " ".join(repr(value).split())
    return words if len(words) <= 100 else f"{words[:99]}…"
