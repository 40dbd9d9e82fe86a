"""Situations of `real_inputs.py`: a seventh audit, commands and calls of a practitioner's first week.

The right value of each was written down before the first run; here are those that failed, and their neighbors.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from situations import (
    CLASSES,
    CSV,
    NAMES,
    TEXTS,
    Holds,
    Situation,
    command,
    fails_with,
    fitted,
    model_in,
    refuses,
    says,
    written,
)

from anyshot import MultitaskModel, learning_curve, report
from anyshot.errors import NotEnoughLabelsError

JOINED = ["refund;delivery", *NAMES[1:]]
VECTORS = np.random.default_rng(0).normal(size=(len(NAMES), 4))
CAPITALS = [name.title() for name in NAMES]


def add(holds: Holds) -> None:
    """Add the situations of this file."""
    for what, situation in [*_commands(), *_labels(), *_figures()]:
        holds("seventh audit", what)(situation)


def _commands() -> Iterator[tuple[str, Situation]]:
    def twice(folder: Path) -> bool:
        data, model = written(folder, "a.csv", CSV), model_in(folder)
        once, again = folder / "b.csv", folder / "c.csv"
        command("predict", model, data, "--out", once)
        result = command("predict", model, once, "--out", again)
        return fails_with(result, 0, "'new_predicted_label'") and "new_predicted_label" in pd.read_csv(again)

    def comment(folder: Path) -> bool:
        names = written(folder, "names.txt", "# our queues\nrefund\ndelivery\n")
        return fails_with(command("predict", "where is it", "--classes", names), 1, "line 1", "comment")

    def no_suffix(folder: Path) -> bool:
        return fails_with(
            command("predict", model_in(folder), written(folder, "export_of_may", CSV)), 1, "export_of_may"
        )

    def phone(folder: Path) -> bool:
        (folder / "photos").mkdir()
        written(folder / "photos", "IMG_1.HEIC", "x")
        return fails_with(command("predict", folder / "photos", *CLASSES), 1, ".HEIC")

    def existing_class(folder: Path) -> bool:
        result = command("add-class", model_in(folder), "refund", "--words", "money back")
        return fails_with(result, 1, "describe-class", "learn")

    yield "predictions beside those of an earlier run", twice
    yield "a comment in a list of classes", comment
    yield "a file without a suffix", no_suffix
    yield "photos that PIL cannot read", phone
    yield "words for a class that is there", existing_class


def _labels() -> Iterator[tuple[str, Situation]]:
    shuffled = pd.Series(TEXTS).sample(frac=1, random_state=0)
    in_order = pd.Series(NAMES).sample(frac=1, random_state=0).sort_index()
    calls: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
        "two labels in one": (lambda: fitted(y=JOINED), ("'refund;delivery'", "other classes")),
        "two labels in one, a task": (lambda: MultitaskModel().fit(VECTORS, {"t": JOINED}), ("other classes",)),
        "items and labels in another order": (lambda: fitted(shuffled, in_order), ("another order", ".loc")),
        "a new class that looks like another": (
            lambda: fitted().add_class("Refund", examples=["give it back"]),
            ("'Refund' and 'refund'",),
        ),
        "a class renamed to look like another": (lambda: fitted().rename_class("delivery", "Refund"), ("look alike",)),
        "an example of another class": (lambda: fitted().add_class("x", examples=TEXTS[:1]), ("another label",)),
    }
    for what, (call, words) in calls.items():
        yield what, lambda _, call=call, words=words: says(call, *words)
    for missing in ("N/A", "#N/A", "null", "-", "?"):
        yield (
            f"a missing label written as {missing}",
            lambda _, missing=missing: says(lambda: fitted(y=[missing, *NAMES[1:]]), repr(missing), "None"),
        )


def _figures() -> Iterator[tuple[str, Situation]]:
    test = [f"{text} now" for text in TEXTS]
    yield "test labels in capitals", lambda _: says(lambda: fitted().evaluate(test, CAPITALS), "None of the labels")
    yield (
        "some test labels in capitals",
        lambda _: says(lambda: fitted().score(test, [CAPITALS[0], *NAMES[1:]]), "look alike"),
    )
    yield "numbers as test labels", lambda _: says(lambda: fitted().evaluate(test, range(12)), "None of the labels")
    yield (
        "a report on test labels in capitals",
        lambda _: says(lambda: report(fitted(), test, CAPITALS), "None of the labels"),
    )
    yield (
        "a report as PDF",
        lambda folder: refuses(lambda: report(fitted(), test, NAMES).save(folder / "r.pdf"), "HTML"),
    )

    def beyond(_: Path) -> bool:
        try:
            learning_curve(fitted(), TEXTS, NAMES, shots=[50], seeds=1)
        except NotEnoughLabelsError:
            return True
        return False

    yield "a curve beyond the labels", beyond
