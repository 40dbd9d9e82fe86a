"""What the situations share: their register, texts and rows with labels, files, commands, and checks of answers."""

import io
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import pandas as pd
from PIL import Image

from anyshot import AnyShotClassifier
from anyshot.app import cli
from anyshot.data import read_data
from anyshot.errors import AnyshotError

Situation: TypeAlias = Callable[..., object]  # gets an empty folder, and what it is given; true if it holds

TEXTS = ["I want my money back", "refund please", "where is my parcel", "my package is late"] * 3
NAMES = ["refund", "refund", "delivery", "delivery"] * 3
INDEX = [0, 0, 1, 1] * 3
TABLE = pd.DataFrame(np.random.default_rng(3).normal(size=(60, 3)) * [1, 300, 0.01], columns=["a", "b", "c"])
SIGNS = np.where(TABLE["a"] > 0, "yes", "no")
REORDERED = TABLE[["c", "b", "a"]]
PAIRS = list(zip(TEXTS, NAMES, strict=True))
CSV = "text,label\n" + "".join(f"{text},{name}\n" for text, name in PAIRS)
HALF = "the parcel \ud83d"  # one half of an emoji, as a text that was cut off in the middle has it
HALF_IN_JSON = json.dumps(HALF)[1:-1]
CAFES = ("caf\u00e9 ", "caf\u00e9\u00a0", "caf\u00e9\u200b", "\ufeffcaf\u00e9", "cafe\u0301")  # all mean one class
CLASSES = ("--classes", "refund,delivery")


class Subject:
    """The situations of a subject, by name: what goes in, and what must come out."""

    all: ClassVar[dict[str, dict[str, Callable[[Path], object]]]] = {}

    def __init__(self, name: str) -> None:
        self.situations = self.all.setdefault(name, {})

    def __call__(self, name: str, *given: Any) -> Callable[[Situation], Situation]:
        """Add a situation, which gets these values after its folder."""

        def add(situation: Situation) -> Situation:
            if name in self.situations:
                raise ValueError(f"Two situations are called {name!r}.")
            self.situations[name] = lambda folder: situation(folder, *given)
            return situation

        return add

    def refused(self, name: str, *words: str) -> Callable[[Situation], Situation]:
        """Add a situation that must end in an error of anyshot that has all these words."""
        return lambda situation: self(name)(lambda folder: refuses(lambda: situation(folder), *words))

    def warned(self, name: str, *words: str) -> Callable[[Situation], Situation]:
        """Add a situation that must warn with all these words."""
        return lambda situation: self(name)(lambda folder: says(lambda: situation(folder), *words))

    def each(self, name: str, cases: Mapping[str, Any] | Sequence[Any]) -> Callable[[Situation], Situation]:
        """Add a situation for each case, which stands at {} of the name; a tuple gives several values."""

        def add(situation: Situation) -> Situation:
            for case, value in cases.items() if isinstance(cases, Mapping) else zip(cases, cases, strict=True):
                shown = case if isinstance(case, str) and case.isascii() else ascii(case)
                self(name.replace("{}", shown), *(value if isinstance(value, tuple) else (value,)))(situation)
            return situation

        return add


# --- models and files ------------------------------------------------------------------------------------------------


def fitted(
    X: Any = TEXTS, y: Any = NAMES, *, sample_weight: Any = None, unlabeled: Any = None, **parameters: Any
) -> AnyShotClassifier:
    """Return a fitted classifier."""
    clf = AnyShotClassifier(cache=False, **parameters)
    return clf.fit(X, y, sample_weight=sample_weight, unlabeled=unlabeled)


def by_names(classes: Any = ("refund", "delivery"), **parameters: Any) -> AnyShotClassifier:
    """Return a classifier of class names alone."""
    return AnyShotClassifier(classes, cache=False, **parameters).fit()


def model_in(folder: Path) -> Path:
    """Save a model and return its folder."""
    fitted().save(folder / "model")
    return folder / "model"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def photo(folder: Path, name: str, color: str = "red") -> Path:
    """Write an image and return its path."""
    path = written(folder, name, b"")
    Image.new("RGB", (64, 64), color).save(path)
    return path


# --- commands --------------------------------------------------------------------------------------------------------


def command(*arguments: object) -> tuple[int, str, str]:
    """Run a command; return its exit code and both outputs."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.run([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


def fails_with(result: tuple[int, str, str], code: int, *words: str) -> bool:
    """Return whether a command ended with this exit code, and said these words, in whatever lines."""
    shown = " ".join(result[2].replace("│", " ").split())
    return result[0] == code and _has(shown.casefold(), *map(str.casefold, words)) and "Traceback" not in shown


def labels_of(result: tuple[int, str, str]) -> list[str]:
    """Return the labels that a command printed, or its error."""
    return [json.loads(line)["label"] for line in result[1].splitlines()] if result[0] == 0 else [result[2]]


def in_shell(folder: Path, line: str, *, data: bytes = b"", **env: str) -> tuple[int, str, str]:
    """Run a line in bash, in the folder; `anyshot` is the command."""
    start = f'anyshot() {{ "{sys.executable}" -m anyshot "$@"; }}\n'
    run = subprocess.run(
        ["bash", "-c", start + line], cwd=folder, input=data, capture_output=True, env={**os.environ, **env}
    )
    return run.returncode, run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace")


def mentions(result: tuple[int, str, str], *words: str) -> bool:
    """Return whether a command said these words, whatever it returned."""
    said = result[1] + result[2]
    return _has(said.casefold(), *map(str.casefold, words)) and "Traceback" not in said


def facts_of_fit(result: tuple[int, str, str]) -> dict[str, Any]:
    """Return what `anyshot fit` printed."""
    return dict(json.loads(result[1])) if result[0] == 0 else {}


def fit(folder: Path, name: str, content: str | bytes, *options: str) -> tuple[int, str, str]:
    """Run `anyshot fit` on such a file."""
    return command("fit", written(folder, name, content), "--out", folder / "m", *options)


def fit_refused(name: str, content: str | bytes, *words: str, code: int = 1, options: Sequence[str] = ()) -> Situation:
    """Return the situation that `anyshot fit` on such a file ends with this code, and says these words."""
    return lambda folder: fails_with(fit(folder, name, content, *options), code, *words)


# --- what a call says ------------------------------------------------------------------------------------------------


def refuses(call: Callable[[], object], *words: str) -> bool:
    """Return whether a call ends in an error of anyshot that has all these words."""
    try:
        call()
    except AnyshotError as error:
        return _has(str(error).casefold(), *map(str.casefold, words))
    return False


def taken_or_refused(call: Callable[[], object], *words: str) -> bool:
    """Return whether a call gives the right value, or is refused with these words."""
    try:
        return bool(call())
    except AnyshotError as error:
        return _has(str(error), *words)


def read(folder: Path, name: str, content: str | bytes) -> tuple[list[Any], list[Any]]:
    """Return the items and the labels of such a file."""
    data = read_data(written(folder, name, content))
    return list(data.items), list(data.labels or [])


def read_texts(folder: Path, name: str, content: str | bytes) -> list[str]:
    """Return the texts of such a file."""
    return [str(item) for item in read(folder, name, content)[0]]


def read_or_refused(path: Path, texts: list[str], labels: list[Any], *words: str) -> bool:
    """Return whether a file is read as these texts and labels, or refused with these words."""
    try:
        found = read_data(path)
    except AnyshotError as error:
        return _has(str(error).casefold(), *map(str.casefold, words))
    return list(found.items) == texts and found.labels == labels


def says(call: Callable[[], object], *words: str) -> bool:
    """Return whether a call warns with all these words."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    return any(_has(str(one.message), *words) for one in found)


def _has(text: str, *words: str) -> bool:
    return all(word in text for word in words)
