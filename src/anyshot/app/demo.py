"""The demonstration: from no label to many on 212 customer messages, and two photographs named on the spot."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sklearn.datasets import load_sample_images
from sklearn.linear_model import LogisticRegression

from anyshot import data, encoders, evaluation, store, tasks
from anyshot.base.files import atomic_file
from anyshot.base.items import UNKNOWN
from anyshot.base.protocols import Encoder
from anyshot.base.validation import Indexes
from anyshot.errors import DataFileError
from anyshot.evaluation import report as reporting

DRAWS: Final = 10
"""Draws of labeled messages that every figure of the table is the mean of; their seeds are 0 to 9."""
MOST: Final = 5
"""Labels a class, at most; all other messages are the test set, at every number of labels."""

OURS, WITH_POOL, BASELINE = "anyshot", "anyshot + unlabeled", "logistic regression"

NEW_CLASS: Final = "login"
DESCRIPTION: Final = "the customer cannot sign in"
PHOTO_CLASSES: Final = ("temple", "flower", "car", "dog", "bicycle")
UNKNOWN_RATES: Final = (0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Messages:
    """The messages that belong to a class, those that belong to none, and the encoder of both."""

    texts: list[str]  # n
    labels: list[str]  # n
    strange: list[str]
    encoder: Encoder

    @property
    def classes(self) -> list[str]:
        """The ten classes, in the order of the file."""
        return list(dict.fromkeys(self.labels))

    def drawn(self, seed: int) -> tuple[Indexes, Indexes]:
        """Return the rows of `MOST` messages a class, and the rows of all others."""
        rows: Indexes = data.few_per_class(self.labels, MOST, random_state=seed)
        return rows, np.setdiff1d(np.arange(len(self.texts)), rows)

    def at(self, rows: Sequence[int] | Indexes) -> tuple[list[str], list[str]]:
        """Return the texts and the labels of some rows."""
        return [self.texts[row] for row in rows], [self.labels[row] for row in rows]


def run_demo(out: str | Path, *, console: Console) -> None:
    """Show on real input what the library does; print it, and write the picture of the learning curve to `out`.

    Beside the picture stands a report, a page that opens in a browser, under the same name with .html at its end.

    Raises
    ------
    DataFileError
        The picture or the page cannot be written.
    """
    _check_writable(Path(out))
    data = _read()
    _no_labels(data, console)
    curve = _curve(data, Path(out), console)
    _new_class(data, console)
    _strangers(data, console)
    _photographs(console)
    _report(data, curve, Path(out).with_suffix(".html"), console)
    _headline(console, "Next", "anyshot --help lists the commands; the same in Python begins with: import anyshot.")


# ── the steps ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _no_labels(data: Messages, console: Console) -> None:
    _headline(
        console,
        "1. No labels",
        f"Ten class names are all that is given; {len(data.texts)} customer messages are told apart by meaning alone.",
    )
    with _working(console, "Reading the messages"):
        clf = tasks.AnyShotClassifier(data.classes, encoder=data.encoder).fit()
        answers, sure = clf.predict(data.texts), clf.predict_proba(data.texts).max(axis=1)
    firsts = [data.labels.index(name) for name in data.classes[:6]]
    shown = sorted(firsts, key=lambda row: answers[row] != data.labels[row])  # stable: those answered rightly first
    rows = [(data.texts[row], answers[row], f"{sure[row]:.0%}", _mark(answers[row], data.labels[row])) for row in shown]
    console.print(_table(("message", "answer", "sure", "right"), rows))
    console.print(
        "Shown: the first message of each of six classes, those answered rightly first. "
        f"Right: {np.mean(answers == np.array(data.labels)):.0%} of all {len(data.texts)}."
    )


def _curve(data: Messages, out: Path, console: Console) -> Any:
    """Measure accuracy against labels a class, print it, draw it, and return it."""
    _headline(
        console,
        "2. One, three, five labels a class; then the unlabeled messages too",
        f"Accuracy (%) on the {len(data.texts) - MOST * len(data.classes)} messages that no label was drawn from, mean "
        f"of {DRAWS} draws, beside logistic regression on the same vectors.",
    )
    with _working(console, "Measuring"):
        curves = [_measured(data, seed) for seed in range(DRAWS)]
        scores = pd.concat([curve.scores for curve in curves], ignore_index=True)
        curve = type(curves[0])(scores, curves[0].n_test)
        with atomic_file(out) as part:
            curve.plot(title="200 customer messages in ten classes").savefig(part, dpi=160)
    means = curve.summary().pivot(index="shots", columns="model", values="mean")
    rows = [
        (str(shots), *("-" if np.isnan(mean) else f"{100 * mean:.1f}" for mean in means.loc[shots, [*_MODELS]]))
        for shots in means.index
    ]
    console.print(_table(("labels a class", *_MODELS), rows))
    console.print(Text(f"The picture: {out}"))
    return curve


def _new_class(data: Messages, console: Console) -> None:
    labeled, _ = data.drawn(0)
    examples = [row for row in labeled if data.labels[row] == NEW_CLASS]
    others = [row for row in labeled if data.labels[row] != NEW_CLASS]
    asked = [row for row in range(len(data.texts)) if data.labels[row] == NEW_CLASS and row not in examples]
    _headline(
        console,
        "3. A class more, live",
        f'A model of nine classes is given a tenth, "{NEW_CLASS}", by a description and one example; no other data.',
    )
    kept = [name for name in data.classes if name != NEW_CLASS]
    clf = tasks.AnyShotClassifier(kept, encoder=data.encoder).fit(*data.at(others))
    texts, _ = data.at(asked)
    before = clf.predict(texts)
    clf.add_class(NEW_CLASS, DESCRIPTION, examples=data.at(examples[:1])[0])
    after = clf.predict(texts)
    console.print(Text(f'clf.add_class("{NEW_CLASS}", "{DESCRIPTION}", examples=["{data.texts[examples[0]]}"])'))
    console.print(_table(("message", "before", "after"), list(zip(texts, before, after, strict=True))[:4]))
    found = int((after == NEW_CLASS).sum())
    console.print(f"Of {len(texts)} such messages, {found} are answered {NEW_CLASS} now. Why the first one is:\n")
    console.print(clf.explain(texts[:1]))


def _strangers(data: Messages, console: Console) -> None:
    rows, rest = data.drawn(0)
    texts, labels = data.at(rows)
    belong = data.at(rest)[0]
    n_strange = len(data.strange)
    _headline(
        console,
        "4. Messages that fit no class",
        f'unknown_rate=0.05 allows about 5 % of messages that do belong to a class to be answered "{UNKNOWN}"; what is '
        f"stranger than these is found. Of {n_strange} messages that belong nowhere, more are found at a higher rate.",
    )
    shown, found = [], []
    for rate in UNKNOWN_RATES:
        clf = tasks.AnyShotClassifier(data.classes, encoder=data.encoder, unknown_rate=rate).fit(texts, labels)
        answers = clf.predict(data.strange)
        found.append([text for text, answer in zip(data.strange, answers, strict=True) if answer == UNKNOWN])
        n_lost = int((clf.predict(belong) == UNKNOWN).sum())
        shown.append((f"{rate:.2f}", f"{len(found[-1])} of {n_strange}", f"{n_lost} of {len(belong)}"))
    console.print(_table(("unknown_rate", "strangers found", "others lost"), shown))
    first = next((texts[0] for texts in found if texts), None)
    if first is not None:
        console.print(Text(f'"{first}" -> {UNKNOWN}'))


def _photographs(console: Console) -> None:
    _headline(
        console,
        "5. Two photographs",
        f"No label and no image-text model: {len(PHOTO_CLASSES)} class names given on the spot, and a network that was "
        "trained on ImageNet's own classes.",
    )
    with _working(console, "Looking at the photographs"):
        files = load_sample_images().filenames
        clf = tasks.AnyShotClassifier(PHOTO_CLASSES).fit()
        answers, sure = clf.predict(files), clf.predict_proba(files)
    rows = [
        (Path(file).name, answer, *(f"{share:.0%}" for share in own))
        for file, answer, own in zip(files, answers, sure, strict=True)
    ]
    console.print(_table(("photograph", "answer", *PHOTO_CLASSES), rows))


def _report(data: Messages, curve: Any, out: Path, console: Console) -> None:
    _headline(
        console,
        "6. A report to show",
        f"How good the model with {MOST} labels a class is, what more labels would bring, and where it fails.",
    )
    rows, rest = data.drawn(seed=0)
    with _working(console, "Writing the report"):
        clf = tasks.AnyShotClassifier(data.classes, encoder=data.encoder, unknown_rate=UNKNOWN_RATES[0])
        clf.fit(*data.at(rows))
        made = reporting.report(clf, *data.at(rest), curve=curve, pool=data.at(rest)[0])
        try:
            made.save(out, title="Customer messages")
        except OSError as error:
            raise DataFileError(f"{out} cannot be written: {error.strerror or error}.") from error
    console.print(Text(made.page.verdict))
    console.print(Text(f"The report, to open in a browser: {out}"))


# ── the measuring ────────────────────────────────────────────────────────────────────────────────────────────────────

_MODELS: Final = (OURS, WITH_POOL, BASELINE)


def _measured(data: Messages, seed: int) -> Any:
    """Return the curves of one draw: nested labels, and one test set for all numbers of labels."""
    labeled, rest = data.drawn(seed)
    (texts, labels), (asked, truth) = data.at(labeled), data.at(rest)
    model = tasks.AnyShotClassifier(data.classes, encoder=data.encoder)
    vectors, tested = (store.encode_once(data.encoder, some, cache=store.VectorCache()) for some in (texts, asked))
    shots = (0, 1, 3, MOST)
    bare = evaluation.learning_curve({OURS: model}, texts, labels, asked, truth, shots=shots, seeds=[seed])
    pooled = evaluation.learning_curve(
        {WITH_POOL: model}, texts, labels, asked, truth, shots=shots, seeds=[seed], unlabeled=asked
    )
    plain = LogisticRegression(max_iter=1000)
    baseline = evaluation.learning_curve(
        {BASELINE: plain}, vectors, labels, tested, truth, shots=shots[1:], seeds=[seed]
    )
    return pooled.joined(bare).joined(baseline)


def _read() -> Messages:
    given = data.messages()
    pairs = list(zip(given.items, given.labels, strict=True))
    own = [(text, label) for text, label in pairs if label != "none"]
    strange = [text for text, label in pairs if label == "none"]
    texts, labels = (list(column) for column in zip(*own, strict=True))
    return Messages(texts, labels, strange, encoders.load_encoder("minilm"))


def _check_writable(out: Path) -> None:
    """Refuse at once what would fail after half a minute."""
    if out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise DataFileError(f"{out} cannot be written: its name must end in .png, .svg or .pdf.")
    if not out.parent.is_dir():
        raise DataFileError(f"{out} cannot be written: there is no folder {out.parent}.")


# ── the printing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _headline(console: Console, title: str, sentence: str) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(Text(sentence))


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return rows as a table, the first column as wide as there is room."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(names):
        table.add_column(Text(name), no_wrap=place > 0, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


@contextmanager
def _working(console: Console, doing: str) -> Iterator[None]:
    """Show that work goes on, in a terminal only."""
    if not console.is_terminal:
        yield
        return
    with console.status(doing):
        yield


def _mark(answer: str, truth: str) -> str:
    return "yes" if answer == truth else f"no: {truth}"
