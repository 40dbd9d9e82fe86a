"""Multitask learning: joint training of all tasks compared with separate training by the same method.

    python benchmarks/multitask.py [--only students | --only digits] [--all]

Students: the student performance data. Tasks: pass or fail in mathematics and in Portuguese (classification), and the
three grades (regression), from 30 attributes and the course, without grades; three random samples of ten folds. A
random half of the training labels of each task is removed. Baselines: RidgeCV and LogisticRegressionCV.

Digits: pairs of 8 x 8 digits of scikit-learn side by side. Tasks: the left digit, the right digit (classification) and
their sum (regression); 400 training images with half of the labels of each task removed, 2,000 test images of other
digits, five random samples. One small convolutional encoder reads both halves; separate training has the same network,
learning rate and number of steps. Weighting, epochs and network were chosen on images of 250 of the training digits,
samples 0 to 2.

Targets: the mean score over tasks above separate training, and no task loses more than the standard deviation of its
gain. Accuracy in percent for classification, R^2 in percent for regression. About five minutes on two cores.
"""

import argparse
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from support import line, shared, table
from torch import Tensor, nn

from anyshot.tasks.multitask.comparison import task_score
from anyshot.tasks.multitask.model import MultitaskModel
from anyshot.tasks.multitask.network import MultitaskNetwork
from anyshot.tasks.multitask.task import TaskKind

GRADES: dict[str, TaskKind] = dict.fromkeys(("G1", "G2", "G3"), "regression")
WEIGHTINGS = ["uncertainty", "equal", "cagrad"]
EVERY_WEIGHTING = [*WEIGHTINGS, "pcgrad", "mgda", "imtl-g"]
Labels = dict[str, list[Any]]


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["students", "digits"])
    parser.add_argument("--all", action="store_true", help="all weightings of the tasks, twice as long")
    chosen = parser.parse_args()
    if chosen.only != "digits":
        students()
    if chosen.only != "students":
        digits(EVERY_WEIGHTING if chosen.all else WEIGHTINGS)


def students() -> None:
    """Measure MultitaskModel on the student performance data."""
    X, y = student_tasks()
    lines = []
    for draw in range(3):
        random = np.random.default_rng(draw)
        fold = random.permutation(len(X)) % 10
        for held in range(10):
            train, test = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
            known = half_hidden({name: [labels[row] for row in train] for name, labels in y.items()}, random)
            truth = {name: [labels[row] for row in test] for name, labels in y.items()}
            joint = MultitaskModel(tasks=GRADES).fit(X[train], known).predict(X[test])
            lines += [
                {"task": name, "training": way, "score": task_score(truth[name], predicted, kind=kind_of(name))}
                for name in y
                for way, predicted in {
                    "joint": joint[name],
                    "separate": separate(name, X[train], known).predict(X[test])[name],
                    "scikit-learn": baseline(name, X[train], known[name], X[test]),
                }.items()
            ]
    show("Students' grades, half of the labels (MultitaskModel)", pd.DataFrame(lines), ways=["joint"])


def student_tasks() -> tuple[NDArray[np.float64], Labels]:
    """Return the attributes (1044, 42), with one-hot categories, and {task: labels}."""
    frame = pd.read_parquet(shared() / "data" / "student_performance" / "students.parquet")
    X = pd.get_dummies(frame.drop(columns=list(GRADES)), drop_first=True).to_numpy(np.float64)
    passed = np.where(frame["G3"] >= 10, "pass", "fail")
    y: Labels = {
        f"pass {course}": [p if c == course else None for p, c in zip(passed, frame["course"], strict=True)]
        for course in sorted(frame["course"].unique())
    }
    return X, {**y, **{grade: frame[grade].astype(float).tolist() for grade in GRADES}}


def separate(name: str, X: NDArray[Any], y: Labels) -> MultitaskModel:
    """Return a MultitaskModel fitted to one task."""
    return MultitaskModel(tasks={name: kind_of(name)}).fit(X, {name: y[name]})


def baseline(name: str, X: NDArray[Any], labels: list[Any], X_test: NDArray[Any]) -> NDArray[Any]:
    """Return the predictions of scikit-learn's cross-validated linear model for one task, on standardized features."""
    rows = [row for row, label in enumerate(labels) if label is not None]
    center, spread = X.mean(axis=0), np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    Z, Z_test, y = (X[rows] - center) / spread, (X_test - center) / spread, [labels[row] for row in rows]
    if kind_of(name) == "regression":
        return np.asarray(RidgeCV(np.logspace(-1, 4, 16)).fit(Z, y).predict(Z_test))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)  # of new defaults; it does not affect predictions
        model = LogisticRegressionCV(Cs=np.logspace(-5, 1, 10), scoring="neg_log_loss", max_iter=300).fit(Z, y)
    return np.asarray(model.predict(Z_test))


class Halves(nn.Module):
    """The same encoder for the left and the right digit, with concatenated outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(128, 32),
            nn.ReLU(),
        )

    def forward(self, pairs: Tensor) -> Tensor:
        """Return features (n, 64) of pairs (n, 1, 8, 16)."""
        return torch.cat([self.encoder(pairs[..., :8]), self.encoder(pairs[..., 8:])], dim=1)


def digits(weightings: list[str]) -> None:
    """Measure MultitaskNetwork on pairs of digits with several weightings, two samples in parallel."""
    parts = Parallel(n_jobs=2)(delayed(digit_lines)(draw, weightings) for draw in range(5))
    lines = pd.DataFrame([one for part in parts for one in part])
    show("Two digits side by side, half of the labels (MultitaskNetwork)", lines, ways=weightings)


def digit_lines(draw: int, weightings: list[str]) -> list[dict[str, Any]]:
    """Return the score of each task in one sample, separately trained and with each weighting."""
    torch.set_num_threads(1)
    stored, random = load_digits(), np.random.default_rng(draw)
    order = random.permutation(len(stored.images))
    X, y = composites(stored, order[:900], 400, random)
    X_test, truth = composites(stored, order[900:], 2000, random)
    known = half_hidden(y, random)
    predicted = {"separate": {name: network("equal", {name: known[name]}, X, draw).predict(X_test)[name] for name in y}}
    predicted |= {way: network(way, known, X, draw).predict(X_test) for way in weightings}
    return [
        {"task": name, "training": way, "score": task_score(truth[name], found[name], kind=kind_of(name))}
        for way, found in predicted.items()
        for name in y
    ]


def composites(stored: Any, rows: NDArray[np.intp], n: int, random: np.random.Generator) -> tuple[Any, Labels]:
    """Return images of n pairs of digits (n, 1, 8, 16) and {task: labels}."""
    left, right = random.choice(rows, n), random.choice(rows, n)
    X = np.concatenate([stored.images[left], stored.images[right]], axis=2)[:, None] / 16
    one, other = stored.target[left], stored.target[right]
    return X, {"left": one.tolist(), "right": other.tolist(), "sum": (one + other).astype(float).tolist()}


def network(weighting: Any, y: Labels, X: NDArray[Any], draw: int) -> MultitaskNetwork:
    """Return a network fitted to the tasks of `y`."""
    kinds = {name: kind_of(name) for name in y}
    epochs = 200 if len(y) > 1 else 340  # the same number of steps: fewer items are labeled for one task
    return MultitaskNetwork(Halves, tasks=kinds, weighting=weighting, epochs=epochs, random_state=draw).fit(X, y)


def half_hidden(y: Mapping[str, list[Any]], random: np.random.Generator) -> Labels:
    """Return the labels after removing a random half of each task."""
    hidden = {}
    for name, labels in y.items():
        there = random.permutation([row for row, label in enumerate(labels) if label is not None])
        gone = set(there[: len(there) // 2].tolist())
        hidden[name] = [None if row in gone else label for row, label in enumerate(labels)]
    return hidden


def kind_of(name: str) -> TaskKind:
    """Return the kind of a task of either data set."""
    return "regression" if name in GRADES or name == "sum" else "classification"


def show(title: str, lines: pd.DataFrame, *, ways: list[str]) -> None:
    """Print the score of each task and its gain over separate training, with the targets for the first of `ways`."""
    lines = lines.assign(run=lines.groupby(["task", "training"]).cumcount())
    scores = 100 * lines.pivot(index=["training", "run"], columns="task", values="score")
    print(
        f"\n{scores.groupby(level='training').mean().assign(mean=lambda each: each.mean(axis=1)).round(2).to_string()}"
    )
    rows = []
    for position, way in enumerate(ways):
        gain = scores.loc[way] - scores.loc["separate"]
        rows.append(line(f"{way}: mean gain over tasks [points]", gain.mean().mean(), 0.0 if position == 0 else None))
        rows += [
            line(
                f"{way}: {task}, gain [points]",
                gain[task].mean(),
                round(-gain[task].std(), 2) if position == 0 else None,
                note=f"{scores.loc[way][task].mean():.1f}, separate {scores.loc['separate'][task].mean():.1f}, "
                f"sd of the gain {gain[task].std():.1f} over {len(gain)} runs",
            )
            for task in scores.columns
        ]
    table(title, rows)


if __name__ == "__main__":
    main()
