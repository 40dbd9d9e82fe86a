"""The demonstration: no label to ten labels per class on 212 customer messages, and two photographs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.text import Text
from sklearn.datasets import load_sample_images
from sklearn.linear_model import LogisticRegression

from anyshot import data, encoders, evaluation, store, tasks
from anyshot.base.files import atomic_file, check_writable
from anyshot.base.labels import UNKNOWN
from anyshot.base.messages import in_percent
from anyshot.base.protocols import Encoder
from anyshot.base.terminal import rich_table
from anyshot.base.validation import Indexes
from anyshot.errors import DataFileError
from anyshot.evaluation import report as reporting

DRAWS: Final = 5
"""Random samples of labeled messages that the figures are averaged over; their seeds are 0 to 4."""
SHOTS: Final = (1, 3, 5, 10)
"""Numbers of labels per class. The messages that are not among the last of them are the test set."""

OURS, BASELINE = "anyshot", "logistic regression"

NEW_CLASS: Final = "login"
DESCRIPTION: Final = "the customer cannot sign in"
PHOTO_CLASSES: Final = ("temple", "flower", "car", "dog", "bicycle")
UNKNOWN_RATES: Final = (0.05, 0.1, 0.2)  # values of unknown_rate that are compared


@dataclass(frozen=True)
class Messages:
    """Messages of ten classes, messages of no class, and the encoder."""

    texts: list[str]  # n
    labels: list[str]  # n
    out_of_scope: list[str]
    encoder: Encoder

    @property
    def classes(self) -> list[str]:
        """The ten classes, in the order of the file."""
        return list(dict.fromkeys(self.labels))

    def sample(self, seed: int) -> tuple[Indexes, Indexes]:
        """Return the rows of `SHOTS[-1]` random messages per class, and the rows of all others."""
        rows: Indexes = data.few_per_class(self.labels, SHOTS[-1], random_state=seed)
        return rows, np.setdiff1d(np.arange(len(self.texts)), rows)

    def at(self, rows: Sequence[int] | Indexes) -> tuple[list[str], list[str]]:
        """Return the texts and the labels of some rows."""
        return [self.texts[row] for row in rows], [self.labels[row] for row in rows]


def run_demo(out: str | Path, *, console: Console) -> None:
    """Run the library on real data, print the results, and write a plot of the learning curve to `out`.

    A report in HTML is written next to the plot, with the same name and the suffix .html. console: where results are
    printed.

    Raises
    ------
    DataFileError
        The plot or the report cannot be written.
    """
    _check_writable(Path(out))
    data = _read()
    _no_labels(data, console)
    curve = _curve(data, Path(out), console)
    _new_class(data, console)
    _out_of_scope(data, console)
    _photographs(console)
    _report(data, curve, Path(out).with_suffix(".html"), console)
    _headline(console, "Next", "anyshot --help lists the commands. In Python: import anyshot.")


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _no_labels(data: Messages, console: Console) -> None:
    _headline(
        console,
        "1. No labels",
        f"The model gets ten class names and no label. It classifies {len(data.texts)} customer messages by meaning.",
    )
    with _working(console, "Reading the messages"):
        clf = tasks.AnyShotClassifier(data.classes, encoder=data.encoder).fit()
        answers, sure = clf.predict(data.texts), clf.predict_proba(data.texts).max(axis=1)
    firsts = [data.labels.index(name) for name in data.classes[:6]]
    shown = sorted(firsts, key=lambda row: answers[row] != data.labels[row])  # stable: correct predictions first
    rows = [
        (data.texts[row], answers[row], f"{100 * sure[row]:.0f} %", _mark(answers[row], data.labels[row]))
        for row in shown
    ]
    _print_table(console, ("message", "prediction", "probability", "correct"), rows)
    console.print(
        "The table has the first message of six classes, correct predictions first. "
        f"Accuracy: {in_percent(float(np.mean(answers == np.array(data.labels))))} of all {len(data.texts)} messages."
    )


def _curve(data: Messages, out: Path, console: Console) -> Any:
    """Measure accuracy against labels per class, print and plot it, and return the curve."""
    _headline(
        console,
        f"2. One to {SHOTS[-1]} labels per class",
        f"Accuracy (%) on the {len(data.texts) - SHOTS[-1] * len(data.classes)} test messages, mean of {DRAWS} random "
        "samples of labels, next to logistic regression on the same vectors.",
    )
    with _working(console, "Measuring"):
        curves = [_measured(data, seed) for seed in range(DRAWS)]
        scores = pd.concat([curve.scores for curve in curves], ignore_index=True)
        curve = type(curves[0])(scores, curves[0].n_test)
        with atomic_file(out) as part:
            curve.plot(title="200 customer messages in ten classes").savefig(part, dpi=160)
    means = curve.summary().pivot(index="shots", columns="model", values="mean")
    rows = [
        (str(shots), *("-" if np.isnan(mean) else f"{100 * mean:.1f}" for mean in means.loc[shots, [OURS, BASELINE]]))
        for shots in means.index
    ]
    _print_table(console, ("labels per class", OURS, BASELINE), rows)
    console.print(Text(f"Plot: {out}"))
    return curve


def _new_class(data: Messages, console: Console) -> None:
    labeled, _ = data.sample(0)
    examples = [row for row in labeled if data.labels[row] == NEW_CLASS]
    others = [row for row in labeled if data.labels[row] != NEW_CLASS]
    asked = [row for row in range(len(data.texts)) if data.labels[row] == NEW_CLASS and row not in examples]
    _headline(
        console,
        "3. A new class",
        f'A fitted model of nine classes gets a tenth class, "{NEW_CLASS}", from a description and one example.',
    )
    kept = [name for name in data.classes if name != NEW_CLASS]
    clf = tasks.AnyShotClassifier(kept, encoder=data.encoder).fit(*data.at(others))
    texts, _ = data.at(asked)
    before = clf.predict(texts)
    clf.add_class(NEW_CLASS, DESCRIPTION, examples=data.at(examples[:1])[0])
    after = clf.predict(texts)
    console.print(Text(f'clf.add_class("{NEW_CLASS}", "{DESCRIPTION}", examples=["{data.texts[examples[0]]}"])'))
    _print_table(console, ("message", "before", "after"), list(zip(texts, before, after, strict=True))[:4])
    found = int((after == NEW_CLASS).sum())
    console.print(
        f"Of {len(texts)} such messages, {found} are now predicted as {NEW_CLASS}. The first one, explained:\n"
    )
    console.print(clf.explain(texts[:1]))


def _out_of_scope(data: Messages, console: Console) -> None:
    """Count the messages predicted as unknown, of no class and of a class; means over the samples of labels."""
    n_out = len(data.out_of_scope)
    _headline(
        console,
        "4. Messages of no class",
        f'With unknown_rate=0.05, about 5 % of the messages that belong to a class may be predicted as "{UNKNOWN}". A '
        f"higher rate finds more of the {n_out} messages that belong to no class. Mean of {DRAWS} random samples of "
        f"{SHOTS[-1]} labels per class.",
    )
    shown, times_found = [], Counter[str]()
    for rate in UNKNOWN_RATES:
        found, lost = _predicted_unknown(data, rate)
        times_found.update(found)
        shown.append((f"{rate:.2f}", f"{len(found) / DRAWS:.1f} of {n_out}", f"{100 * lost:.0f} %"))
    _print_table(console, ("unknown_rate", "of no class, found", "of a class, lost"), shown)
    for text, times in times_found.most_common(1):
        n_models = DRAWS * len(UNKNOWN_RATES)
        console.print(Text(f'Found most often, by {times} of {n_models} models: "{text}" -> {UNKNOWN}'))


def _photographs(console: Console) -> None:
    _headline(
        console,
        "5. Two photographs",
        f"Without labels and without an image-text model: {len(PHOTO_CLASSES)} new class names, and a network that was "
        "trained on the classes of ImageNet.",
    )
    with _working(console, "Classifying the photographs"):
        files = load_sample_images().filenames
        clf = tasks.AnyShotClassifier(PHOTO_CLASSES).fit()
        answers, sure = clf.predict(files), clf.predict_proba(files)
    rows = [
        (Path(file).name, answer, *(f"{100 * share:.0f} %" for share in own))
        for file, answer, own in zip(files, answers, sure, strict=True)
    ]
    _print_table(console, ("photograph", "prediction", *map(str, clf.classes_)), rows)


def _report(data: Messages, curve: Any, out: Path, console: Console) -> None:
    _headline(
        console,
        "6. A report",
        f"How good the model with {SHOTS[-1]} labels per class is, what more labels would bring, and where it fails.",
    )
    rows, rest = data.sample(seed=0)
    with _working(console, "Writing the report"):
        clf = tasks.AnyShotClassifier(data.classes, encoder=data.encoder)
        clf.fit(*data.at(rows))
        made = reporting.report(clf, *data.at(rest), curve=curve, pool=data.at(rest)[0])
        try:
            made.save(out, title="Customer messages")
        except OSError as error:
            raise DataFileError(f"{out} cannot be written: {error.strerror or error}.") from error
    console.print(Text(made.verdict))
    console.print(Text(f"Report, which opens in a browser: {out}"))


# ── measuring ────────────────────────────────────────────────────────────────────────────────────────────────────


def _measured(data: Messages, seed: int) -> Any:
    """Return the curves for one random sample of labels, with the same test set for each number of labels."""
    labeled, rest = data.sample(seed)
    (texts, labels), (asked, truth) = data.at(labeled), data.at(rest)
    model = tasks.AnyShotClassifier(data.classes, encoder=data.encoder)
    vectors, tested = (store.encode_once(data.encoder, some, cache=store.VectorCache()) for some in (texts, asked))
    ours = evaluation.learning_curve({OURS: model}, texts, labels, asked, truth, shots=(0, *SHOTS), seeds=[seed])
    plain = LogisticRegression(max_iter=1000)
    return ours.joined(
        evaluation.learning_curve({BASELINE: plain}, vectors, labels, tested, truth, shots=SHOTS, seeds=[seed])
    )


def _predicted_unknown(data: Messages, rate: float) -> tuple[list[str], float]:
    """Return the messages of no class that are found, once a sample that finds them, and the share of others lost."""
    found, lost = [], []
    for seed in range(DRAWS):
        rows, rest = data.sample(seed)
        clf = tasks.AnyShotClassifier(data.classes, encoder=data.encoder, unknown_rate=rate).fit(*data.at(rows))
        answers = clf.predict(data.out_of_scope)
        found += [text for text, answer in zip(data.out_of_scope, answers, strict=True) if answer == UNKNOWN]
        lost.append(np.mean(clf.predict(data.at(rest)[0]) == UNKNOWN))
    return found, float(np.mean(lost))


def _read() -> Messages:
    given = data.messages()
    pairs = list(zip(given.items, given.labels, strict=True))
    own = [(text, label) for text, label in pairs if label != "none"]
    out_of_scope = [text for text, label in pairs if label == "none"]
    texts, labels = (list(column) for column in zip(*own, strict=True))
    return Messages(texts, labels, out_of_scope, encoders.load_encoder(encoders.default_for("text")))


def _check_writable(out: Path) -> None:
    """Raise an error now instead of after the work."""
    if out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise DataFileError(f"{out} cannot be written: its name must end in .png, .svg or .pdf.")
    check_writable(out)


# ── printing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _headline(console: Console, title: str, sentence: str) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    console.print(Text(sentence))


def _print_table(console: Console, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    console.print(rich_table(names, rows, numbers=names[1:]))


@contextmanager
def _working(console: Console, doing: str) -> Iterator[None]:
    """Show a status line while the work goes on, in a terminal only."""
    if not console.is_terminal:
        yield
        return
    with console.status(doing):
        yield


def _mark(answer: str, truth: str) -> str:
    return "yes" if answer == truth else f"no: {truth}"
