"""A task in the studio: how good answers are after 0, 10, 20 and 40 labels, given in the order that the page proposes.

A script answers as the true labels say. The texts are 300 random train rows of banking77's ten largest classes; the
accuracy is that on all test rows of these classes. Beside the proposed order stand random orders, and logistic
regression on the same vectors and the labels of the proposed order.

With `--train` the test rows are not read: the accuracy is that on the other train rows, and the classes are the second
and the third ten by size.

    python benchmarks/studio_task.py [--draws 10] [--train]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from support import load_text

from anyshot.app.studio import Answers, Project, Query, add_texts, order

STEPS = (0, 10, 20, 40)
N_TEXTS = 300
RANDOM_ORDERS = 3
COLUMNS = ("proposed order", "random order", "logistic regression, proposed", "logistic regression, random")


def accuracies(classes: list[str], texts: pd.DataFrame, tests: pd.DataFrame, folder: Path, seed: int | None) -> dict:
    """Return the accuracy of the answers, and of logistic regression, by the number of labels.

    seed: of a random order; None for the proposed one.
    """
    with Project.create(folder, name="task") as project:
        ids = {name: project.classes.add(name.replace("_", " ")) for name in classes}
        add_texts(project, texts["text"])
        answers = Answers(project, start=False)
        truth = dict(zip(texts["text"], texts["label"], strict=True))
        items = project.items.get(project.items.labels().ids)
        shuffled = [items[row] for row in np.random.default_rng(seed or 0).permutation(len(items))]
        found, labeled = {}, []
        for n_labels in range(STEPS[-1] + 1):
            if n_labels in STEPS or seed is None:
                answers.refit()
            if n_labels in STEPS:
                found[n_labels] = tested(answers, ids, labeled, truth, tests)
            if n_labels == STEPS[-1]:
                return found
            item = shuffled[n_labels]
            if seed is None:
                item = project.items.one(order(project, answers, Query("useful", is_labeled=False))[0])
            project.label([item.id], ids[truth[item.content]])
            labeled.append(item)
    raise AssertionError


def tested(answers: Answers, ids: dict, labeled: list, truth: dict, tests: pd.DataFrame) -> tuple[float, float]:
    """Return the accuracy of the model on the test rows, and that of logistic regression on the same labels."""
    learned, expected = answers.learned, tests["label"].map(ids).to_numpy()
    vectors = learned.model.embedder.encode(tests["text"].tolist())
    ours = np.mean(learned.answers(vectors)[0] == expected)
    given = [ids[truth[item.content]] for item in labeled]
    if len(set(given)) < 2:
        return ours, np.nan
    train = answers.vectors(np.array([item.id for item in labeled]))[1]
    plain = LogisticRegression(C=10, max_iter=1000).fit(train, given)
    return ours, np.mean(plain.predict(vectors) == expected)


def measure(frame: pd.DataFrame, classes: list[str], *, draws: int, on_train: bool) -> np.ndarray:
    """Return the accuracies (draws, steps, 4) of all orders, in percent."""
    own = frame[frame["label"].isin(classes)]
    train = own[own["split"] == "train"].drop_duplicates("text")
    rows = []
    for draw in range(draws):
        mixed = train.sample(frac=1, random_state=draw)
        tests = mixed[N_TEXTS:] if on_train else own[own["split"] == "test"]
        with tempfile.TemporaryDirectory() as scratch:
            proposed = accuracies(classes, mixed[:N_TEXTS], tests, Path(scratch) / "proposed", None)
            seeds = range(1 + RANDOM_ORDERS * draw, 1 + RANDOM_ORDERS * (draw + 1))
            others = [accuracies(classes, mixed[:N_TEXTS], tests, Path(scratch) / f"{seed}", seed) for seed in seeds]
        random = {step: np.mean([one[step] for one in others], axis=0) for step in STEPS}
        rows.append([[proposed[n][0], random[n][0], proposed[n][1], random[n][1]] for n in STEPS])
        print(f"draw {draw + 1}:", np.round(100 * np.array(rows[-1]), 1).tolist(), flush=True)
    return 100 * np.array(rows)


def main() -> None:
    """Print the accuracies as a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--train", action="store_true")
    given = parser.parse_args()
    texts = load_text("banking77")
    train = pd.DataFrame({"text": texts.train, "label": texts.y, "split": "train"})
    frame = pd.concat([train, pd.DataFrame({"text": texts.test, "label": texts.y_test, "split": "test"})])
    by_size = train["label"].value_counts().index.tolist()
    groups = [by_size[10:20], by_size[20:30]] if given.train else [by_size[:10]]
    found = np.concatenate([measure(frame, names, draws=given.draws, on_train=given.train) for names in groups])
    print(f"| labels | {' | '.join(COLUMNS)} | proposed above random |\n|---|---|---|---|---|---|")
    for row, n_labels in enumerate(STEPS):
        gain = found[:, row, 0] - found[:, row, 1]
        means = ["" if np.isnan(mean) else f"{mean:.1f}" for mean in found[:, row].mean(axis=0)]
        print(f"| {n_labels} | {' | '.join(means)} | {gain.mean():+.1f} (sd {gain.std():.1f}) |")


if __name__ == "__main__":
    main()
