"""Whether the studio says how good its answers are: its estimate against the truth, and against held-out accuracy.

A script labels 40 of 500 random train rows in the order that the page proposes. After 10, 20, 30 and 40 labels, the
accuracy of the answers to all items without a label stands beside what the page says of it, and beside the accuracy on
held-out labels, with their 95 % intervals.

    python benchmarks/studio_quality.py
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from support import load_train

from anyshot.app.studio import Answers, Project, Query, add_texts, order
from anyshot.app.studio.quality import quality

STEPS = (10, 20, 30, 40)
N_TEXTS = 500
SETS = {"ag_news": 4, "banking77": 10, "snips": 7, "sms_spam": 2, "tweet_irony": 2}  # the largest classes of each


def main() -> None:
    """Print both estimates of each set, then their errors and how often their intervals contain the truth."""
    found = []
    for name, n_classes in SETS.items():
        with tempfile.TemporaryDirectory() as scratch:
            for step in steps(truth_of(name, n_classes), Path(scratch) / "project"):
                found.append((name, *step))
                print("{} {:3} labels: true {:.1%}, page {:.1%} ({:.0%} to {:.0%})".format(*found[-1][:6]), end="")
                print(", held-out labels {:.1%} ({:.0%} to {:.0%})".format(*found[-1][6:]), flush=True)
    table = np.array([row[2:] for row in found])
    for title, at in {"page": 1, "held-out labels": 4}.items():
        error = 100 * np.abs(table[:, at] - table[:, 0]).mean()
        inside = np.sum((table[:, at + 1] <= table[:, 0]) & (table[:, 0] <= table[:, at + 2]))
        print(f"{title}: mean error {error:.1f} points, {inside} of {len(table)} intervals contain the truth")


def truth_of(name: str, n_classes: int) -> dict[str, str]:
    """Return some texts of a set with their classes."""
    texts, labels = load_train(name)
    table = pd.DataFrame({"text": [" ".join(str(text).split()) for text in texts], "label": labels})
    table = table[table["label"].isin(table["label"].value_counts().index[:n_classes]) & (table["text"] != "")]
    table = table.drop_duplicates("text").sample(frac=1, random_state=0)[:N_TEXTS]
    return dict(zip(table["text"], table["label"].str.replace("_", " "), strict=True))


def steps(truth: dict[str, str], folder: Path) -> Iterator[tuple[float, ...]]:
    """Yield the number of labels, the true accuracy, and the two estimates with their intervals."""
    with Project.create(folder, name="task") as project:
        ids = {name: project.classes.add(name) for name in sorted(set(truth.values()))}
        add_texts(project, truth)
        answers = Answers(project, start=False)
        for n_labels in range(STEPS[-1] + 1):
            answers.refit()
            own, model = quality(project, answers), answers.learned.model
            if n_labels in STEPS and own.accuracy is not None:  # None with too few labels of a class
                held_out = next(one for one in model.leaderboard if one.method == model.method)
                page = (own.accuracy, own.lower, own.upper)
                yield n_labels, accuracy(project, answers, truth, ids), *page, held_out.accuracy, *held_out.interval
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
