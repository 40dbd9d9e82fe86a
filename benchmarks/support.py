"""Shared by the benchmarks: data sets, random samples, and tables of figures with their targets."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SEEDS = range(5)


def shared() -> Path:
    """Return the folder of the data sets, or exit with instructions."""
    folder = Path(os.environ.get("ANYSHOT_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        sys.exit("The data sets are missing: set ANYSHOT_SHARED to the folder that contains data/.")
    return folder


@dataclass(frozen=True)
class Texts:
    """A text data set with its train and test split."""

    name: str
    train: list[str]
    y: NDArray[np.str_]
    test: list[str]
    y_test: NDArray[np.str_]

    @property
    def classes(self) -> list[str]:
        """The class names, sorted."""
        return sorted(set(self.y.tolist()))


def load_text(name: str) -> Texts:
    """Read a text data set without its out-of-scope rows."""
    folder = {"sst2": "sst", "sst5": "sst", "subjectivity": "sentences", "customer_reviews": "sentences"}.get(
        name, name
    )
    frame = pd.read_parquet(shared() / "data" / folder / f"{name}.parquet")
    if "title" in frame:
        frame["text"] = frame.title + ". " + frame.description
    if "out_of_scope" in frame:
        frame = frame[~frame.out_of_scope]
    train, test = frame[frame.split == "train"], frame[frame.split == "test"]
    labels = [part.label.astype(str).to_numpy(dtype=str) for part in (train, test)]
    return Texts(name, train.text.tolist(), labels[0], test.text.tolist(), labels[1])


def load_valid(name: str) -> tuple[list[str], NDArray[np.str_]]:
    """Return texts and labels of the validation split, empty if the data set has none."""
    frame = pd.read_parquet(shared() / "data" / name / f"{name}.parquet")
    frame = frame[(frame.split == "valid") & ~frame.out_of_scope] if "out_of_scope" in frame else frame.head(0)
    return frame.text.tolist(), frame.label.to_numpy(dtype=str)


def draw(y: NDArray[np.str_], k: int | str, seed: int) -> NDArray[np.intp]:
    """Return k random rows of each class, shuffled; those of a larger k include those of a smaller one."""
    random = np.random.default_rng(seed)
    rows = [random.permutation(np.flatnonzero(y == name))[: None if k == "all" else int(k)] for name in np.unique(y)]
    return np.random.default_rng(seed).permutation(np.concatenate(rows))


def uneven(y: NDArray[np.str_], seed: int) -> NDArray[np.intp]:
    """Return 0, 1, 3 or 20 random rows of each class, each number for a random quarter of the classes."""
    random = np.random.default_rng(seed)
    names = np.unique(y)
    counts = random.permutation(np.resize([0, 1, 3, 20], len(names)))
    rows = [random.permutation(np.flatnonzero(y == name))[:k] for name, k in zip(names, counts, strict=True)]
    return random.permutation(np.concatenate(rows)).astype(np.intp)


def line(what: str, figure: float, target: float | None, *, least: bool = True, note: str = "") -> str:
    """Return a row of a table: what was measured, the figure, the target, and whether it is met."""
    if target is None:
        return f"| {what} | {figure:.1f} | | {note} |"
    met = figure >= target if least else figure <= target
    sign = "at least" if least else "at most"
    return f"| {what} | {figure:.1f} | {sign} {target:g} {'✓' if met else '✗'} | {note} |"


def table(title: str, lines: Iterable[str]) -> None:
    """Print a table, each row as soon as it is measured."""
    print(f"\n## {title}\n\n| | anyshot | target | notes |\n|---|---|---|---|", flush=True)
    for one in lines:
        print(one, flush=True)
