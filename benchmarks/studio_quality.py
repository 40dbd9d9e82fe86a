"""Whether the studio says how good its answers are: its estimate against the truth, and against held-out accuracy.

A script labels up to 80 of 500 random train rows in the order that the page proposes. After 20, 40 and 80 labels, the
accuracy of the answers to all items without a label stands beside what the page says of it, and beside the accuracy on
held-out labels, with their 95 % intervals. The constants of the estimate were chosen on the first half of the sets.

    python benchmarks/studio_quality.py [--draws 2]
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from support import load_train

from anyshot.app.studio import Answers, Project, Query, add_texts, order
from anyshot.app.studio.quality import quality

STEPS = (20, 40, 80)
N_TEXTS = 500
CHOSEN = {
    "ag_news": (0, 4),
    "banking77, last 12": (40, 52),
    "clinc150": (0, 10),
    "customer_reviews": (0, 2),
    "snips": (0, 7),
    "sst5": (0, 5),
    "tweet_irony": (0, 2),
}  # places of the classes by their size
OTHERS = {
    "banking77": (0, 10),
    "banking77, next 20": (20, 40),
    "clinc150, next 25": (60, 85),
    "reuters": (0, 6),
    "sms_spam": (0, 2),
    "sst2": (0, 2),
    "subjectivity": (0, 2),
}


def main() -> None:
    """Print both estimates of each set, then their errors and how often their intervals contain the truth."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=2)
    draws = parser.parse_args().draws
    found = {"chosen": {}, "others": {}}
    for draw in range(draws):
        for half, sets in zip(found, (CHOSEN, OTHERS), strict=True):
            for name, places in sets.items():
                found[half].setdefault(name, []).extend(measured(name, places, draw))
    for half, of_sets in found.items():
        for title, at in {"page": 1, "held-out labels": 4}.items():
            means = np.array([summary(np.array(rows), at) for rows in of_sets.values()]).mean(axis=0)
            print(
                "{}, {}: mean error {:.1f} points, {:.0f} % of intervals contain the truth".format(half, title, *means)
            )


def measured(name: str, places: tuple[int, int], draw: int) -> list[tuple[float, ...]]:
    """Return, and print, the true accuracy and both estimates after each number of labels."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for n_labels, *row in steps(truth_of(name.split(",")[0], places, draw), Path(scratch) / "project"):
            rows.append(tuple(row))
            said = (
                "{} {:3} labels: true {:.1%}, page {:.1%} ({:.0%} to {:.0%}), held-out labels {:.1%} ({:.0%} to {:.0%})"
            )
            print(said.format(name, n_labels, *row), flush=True)
    return rows


def summary(rows: np.ndarray, at: int) -> tuple[float, float]:
    """Return the mean error of an estimate, and how many of its intervals contain the truth, in percent."""
    known = rows[~np.isnan(rows[:, at])]
    inside = (known[:, at + 1] <= known[:, 0]) & (known[:, 0] <= known[:, at + 2])
    return 100 * np.abs(known[:, at] - known[:, 0]).mean(), 100 * inside.mean()


def truth_of(name: str, places: tuple[int, int], draw: int) -> dict[str, str]:
    """Return some texts of a set with their classes."""
    texts, labels = load_train(name)
    table = pd.DataFrame({"text": [" ".join(str(text).split()) for text in texts], "label": labels})
    table = table[table["label"].isin(table["label"].value_counts().index[slice(*places)]) & (table["text"] != "")]
    table = table.drop_duplicates("text").sample(frac=1, random_state=draw)[:N_TEXTS]
    return dict(zip(table["text"], table["label"].str.replace("_", " "), strict=True))


def steps(truth: dict[str, str], folder: Path) -> Iterator[tuple[float, ...]]:
    """Yield the number of labels, the true accuracy, and the two estimates with their intervals."""
    with Project.create(folder, name="task") as project:
        ids = {name: project.classes.add(name) for name in sorted(set(truth.values()))}
        add_texts(project, truth)
        answers = Answers(project, start=False)
        for n_labels in range(STEPS[-1] + 1):
            answers.refit()
            if n_labels in STEPS:
                own, model = quality(project, answers), answers.learned.model
                held_out = [(one.accuracy, *one.interval) for one in model.leaderboard if one.method == model.method]
                page = (own.accuracy, own.lower, own.upper)
                yield n_labels, accuracy(project, answers, truth, ids), *page, *(held_out or [(np.nan,) * 3])[0]
            item = project.items.one(order(project, answers, Query("useful", is_labeled=False))[0])
            project.label([item.id], ids[truth[item.content]])


def accuracy(project: Project, answers: Answers, truth: dict[str, str], ids: dict[str, int]) -> float:
    """Return the accuracy of the answers to the items without a label."""
    labels, found = project.items.labels(), answers.current
    open_ids = labels.ids[labels.labels == 0]
    expected = [ids[truth[item.content]] for item in project.items.get(open_ids)]
    return float(np.mean(found.classes[found.rows_of(open_ids)] == expected))


if __name__ == "__main__":
    main()
