"""The sections of a report that say what was asked, how good the answers are, why, and at what cost."""

import platform
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from importlib import metadata

import numpy as np
import pandas as pd

from anyshot.checks import RandomState
from anyshot.evaluation.extrapolation import extrapolate
from anyshot.evaluation.findings import Findings
from anyshot.evaluation.inline_svg import inline_svg
from anyshot.evaluation.printing import percent
from anyshot.evaluation.protocols import LearningCurve, count
from anyshot.evaluation.report_page import Kind, PageTable, Part, Section, Tile, readable, sentence
from anyshot.evaluation.shown_item import single_items
from anyshot.items import Items
from anyshot.labels import Label

VERSIONS = ("anyshot", "numpy", "scikit-learn", "torch", "transformers", "sentence-transformers")


def verdict(found: Findings) -> str:
    """Return the answer to "how good is it" in a sentence or two."""
    got, (lower, upper) = found.evaluation, found.evaluation.accuracy_interval
    known = f"Of 100 such items it answers about {100 * got.accuracy:.0f} right"
    spread = f"(95 % interval {percent(lower)} to {percent(upper)} %, {got.n:,} items tested)."
    labels = Counter(label for label in found.truth if label is not None)
    most, often = labels.most_common(1)[0]
    if len(labels) == 1:
        return f"{known} {spread} All items are of one class."
    return f'{known} {spread} Always answering "{readable(most)}" would get {100 * often / got.n:.0f} right.'


def tiles(found: Findings, learned: Sequence[Label] | None) -> tuple[Tile, ...]:
    """Return the figures in large type."""
    got = found.evaluation
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


def warnings(found: Findings) -> tuple[str, ...]:
    """Return what must be known before any figure is read."""
    lines = [sentence(note) for note in found.evaluation.notes]
    if len(found.truth) < found.n_given:
        lines.insert(0, f"A sample: {len(found.truth):,} of the {found.n_given:,} items given, drawn at random.")
    return tuple(readable(line) for line in lines)


def asked(found: Findings, learned: Sequence[Label] | None) -> Part:
    """Say what was asked, and with how many labels."""
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
    labelled = int(found.labelled.sum())
    notes.append(f"It was tested on {labelled:,} items with labels, which it must not have learned from.")
    return Part(Section("asked", "Task", "What was asked", lead, tuple(notes)))


def labels_worth(curve: LearningCurve | None) -> Part:
    """Show the learning curve, and what twice the labels would bring."""
    if curve is None:
        return Part()
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
    board, reasons = getattr(found.model, "leaderboard_", None), getattr(found.model, "reasons_", ())
    method = str(getattr(found.model, "method_", type(found.model).__name__))
    tables: tuple[PageTable, ...] = ()
    if isinstance(board, pd.DataFrame) and len(board) and {"method", "accuracy"} <= set(board.columns):
        frame = board[["method", "accuracy"]].rename(columns={"accuracy": "right answers"})
        tables = (
            PageTable.of(frame, {"method": "text", "right answers": "share"}, caption="Compared on labels held out"),
        )
    lead = f"{method} answers." if reasons or tables else f"{method} answers; the model names no other candidates."
    why = (("", tuple(readable(reason) for reason in reasons)),) if reasons else ()
    section = Section("method", "Method", "Why this method", readable(lead), tables=tables, lists=why)
    return Part(section, tables={"leaderboard": board} if board is not None and tables else {})


def cost(found: Findings) -> Part:
    """Say what the answers cost."""
    n = len(found.truth)
    each = 1000 * found.seconds / n
    lead = f"{n:,} answers took {found.seconds:.2g} s, {each:.2g} ms each."
    notes = []
    if found.seconds_again is not None and found.seconds > 3 * found.seconds_again:
        saved = f"{found.seconds_again:.2g} s"
        notes.append(f"Asked for their probabilities next, the same items took {saved}: what was made once was kept.")
    distinct = _n_distinct(found.X)
    if distinct is not None and distinct < n:
        notes.append(
            f"{n - distinct:,} of the items are copies of others; these need no further work where work is kept."
        )
    if found.peak_memory is not None:
        notes.append(f"The whole process needed up to {found.peak_memory:,.0f} MB of memory until then.")
    return Part(Section("cost", "Cost", "What it costs", lead, tuple(notes)))


def reproduced(found: Findings, random_state: RandomState) -> Part:
    """Say how to come to the same figures."""
    parameters = getattr(found.model, "get_params", dict)(deep=False) if hasattr(found.model, "get_params") else {}
    lines = [f"model         {type(found.model).__module__}.{type(found.model).__name__}"]
    lines += [f"  {name:<12}{_clipped(value)}" for name, value in parameters.items()]
    lines += [f"test data     sha256 {_digest(found)}, {len(found.truth):,} items", f"random_state  {random_state!r}"]
    lines += [f"{name:<14}{version}" for name in VERSIONS if (version := _version(name)) is not None]
    lines += [f"python        {platform.python_version()} on {platform.system()} {platform.machine()}"]
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


def _n_distinct(X: Items) -> int | None:
    """Return how many different items there are; None where they cannot be told apart cheaply."""
    if hasattr(X, "shape") or not all(isinstance(item, str) for item in X):
        return None
    return len(set(X))


def _digest(found: Findings) -> str:
    """Return a digest of the items as shown and their labels."""
    content = sha256()
    if isinstance(found.X, np.ndarray) and found.X.dtype != object:
        content.update(np.ascontiguousarray(found.X).tobytes())
    else:
        for item in single_items(found.X, np.arange(count(found.X))):
            content.update(str(item).encode("utf-8", "replace") + b"\0")
    content.update("\0".join(map(str, found.truth)).encode("utf-8", "replace"))
    return content.hexdigest()[:16]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _clipped(value: object) -> str:
    words = " ".join(repr(value).split())
    return words if len(words) <= 100 else f"{words[:99]}…"
