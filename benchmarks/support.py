"""Shared by the benchmarks: data sets, random samples, and tables of figures with their targets."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

SEEDS = range(5)
REUTERS_TOPICS = ("acq", "crude", "earn", "interest", "money-fx", "trade")


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
    frame = _text_frame(name)
    train, test = frame[frame.split == "train"], frame[frame.split == "test"]
    labels = [part.label.astype(str).to_numpy(dtype=str) for part in (train, test)]
    return Texts(name, train.text.tolist(), labels[0], test.text.tolist(), labels[1])


def load_train(name: str) -> tuple[list[str] | list[Path] | list[Image.Image], NDArray[np.str_]]:
    """Return the items and labels of the train rows of a set of texts or images; all rows if it has no split."""
    folder = shared() / "data" / name
    if name == "cifar10":
        arrays = np.load(folder / "cifar10_3k.npz")
        images = [Image.fromarray(pixels) for pixels in arrays["train_images"]]
        return images, arrays["class_names"].astype(str)[arrays["train_labels"]]
    if name in ("chest_xray", "caltech101_20", "caltech101_rest"):
        files = sorted((folder / "train" if (folder / "train").is_dir() else folder).glob("*/*.jpg"))
        return files, np.array([file.parent.name for file in files])
    frame = _text_frame(name)
    frame = frame[frame.split == "train"]
    return frame.text.tolist(), frame.label.astype(str).to_numpy(dtype=str)


def _text_frame(name: str) -> pd.DataFrame:
    """Return the columns text, label and split of a text data set."""
    sentences = dict.fromkeys(("subjectivity", "customer_reviews", "movie_reviews", "mpqa_opinion"), "sentences")
    folder = shared() / "data" / {"sst2": "sst", "sst5": "sst", **sentences}.get(name, name)
    frame = pd.read_parquet(folder / f"{name}.parquet")
    if name == "snips":
        frame = frame.assign(text=[" ".join(tokens) for tokens in frame.tokens], label=frame.intent)
    if name == "reuters":
        one = frame[[len(labels) == 1 and labels[0] in REUTERS_TOPICS for labels in frame.labels]]
        spoken = pd.read_csv(folder / "names.csv").set_index("code").name
        frame = one.assign(label=[spoken[labels[0]] for labels in one.labels])
    if name == "multilingual_sentiment":
        frame = frame[frame.language == "english"]
    if "title" in frame:
        frame = frame.assign(text=frame.title + ". " + frame.description)
    return frame[~frame.out_of_scope] if "out_of_scope" in frame else frame


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


def installed(folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a process that keeps Python's compiled files in a folder, as an installation has them.

    variables: what else is set in it.
    """
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder)} | variables
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def table(title: str, lines: Iterable[str]) -> None:
    """Print a table, each row as soon as it is measured."""
    print(f"\n## {title}\n\n| | anyshot | target | notes |\n|---|---|---|---|", flush=True)
    for one in lines:
        print(one, flush=True)
