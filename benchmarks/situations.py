"""What the situations of `real_inputs.py` share: texts and rows with labels, files, commands, and what they say."""

import io
import json
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from anyshot import AnyShotClassifier
from anyshot.app import cli
from anyshot.errors import AnyshotError

Situation: TypeAlias = Callable[[Path], object]  # gets an empty folder; true if it holds
Holds: TypeAlias = Callable[[str, str], Callable[[Situation], Situation]]

TEXTS = ["I want my money back", "refund please", "where is my parcel", "my package is late"] * 3
NAMES = ["refund", "refund", "delivery", "delivery"] * 3
INDEX = [0, 0, 1, 1] * 3
TABLE = pd.DataFrame(np.random.default_rng(3).normal(size=(60, 3)), columns=["a", "b", "c"])
SIGNS = np.where(TABLE["a"] > 0, "yes", "no")
CSV = "text,label\n" + "".join(f"{text},{name}\n" for text, name in zip(TEXTS, NAMES, strict=True))
CLASSES = ("--classes", "refund,delivery")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def fitted(X: Any = TEXTS, y: Any = NAMES, **parameters: Any) -> AnyShotClassifier:
    """Return a fitted classifier."""
    return AnyShotClassifier(cache=False, **parameters).fit(X, y)


def model_in(folder: Path) -> Path:
    """Save a model and return its folder."""
    AnyShotClassifier().fit(TEXTS, NAMES).save(folder / "model")
    return folder / "model"


def command(*arguments: object) -> tuple[int, str, str]:
    """Run a command; return its exit code and both outputs."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.run([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


def fails_with(result: tuple[int, str, str], code: int, *words: str) -> bool:
    """Return whether a command ended with this exit code, and said these words."""
    return (
        result[0] == code
        and all(word.casefold() in result[2].casefold() for word in words)
        and "Traceback" not in result[2]
    )


def labels_of(result: tuple[int, str, str]) -> list[str]:
    """Return the labels that a command printed, or its error."""
    return [json.loads(line)["label"] for line in result[1].splitlines()] if result[0] == 0 else [result[2]]


def refuses(call: Callable[[], object], *words: str) -> bool:
    """Return whether a call ends in an error of anyshot that has all these words."""
    try:
        call()
    except AnyshotError as error:
        return all(word.casefold() in str(error).casefold() for word in words)
    return False


def fails(call: Callable[[], object], *words: str) -> bool:
    """Return whether a call ends in an error of anyshot, or of scikit-learn's checks, with these words."""
    try:
        call()
    except (AnyshotError, ValueError) as error:
        return all(word in str(error) for word in words)
    return False


def says(call: Callable[[], object], *words: str) -> bool:
    """Return whether a call warns with all these words."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    return any(all(word in str(one.message) for word in words) for one in found)
