"""Whether labels and unlabeled texts help or harm on ten sets of texts that no choice of a default has seen.

Run: python benchmarks/unseen_sets.py                  # all sets
     python benchmarks/unseen_sets.py yelp crows_pairs
     python benchmarks/unseen_sets.py --few         # with few unlabeled texts

Protocol: the rows of a set are shuffled (seed 0) and divided into two halves of at most 3,000 texts. A model gets class
names, 0, 1, 2, 5, 10 or all labels per class of one half, without and with the texts of that half as the pool, and
predicts the other half. Plain accuracy [%], mean over 5 draws of labels (1 without labels and with all). It is compared
with the best of: the bare names, the names as they are read, logistic regression (C = 10) on the same labels, and the
same model with fewer labels. A difference below -0.5 points is marked. The encoder is all-MiniLM-L6-v2, frozen.
With --few, the pool is 1, 3, 10 or 30 other texts per class of that half, and the change of the accuracy is printed.

Sets: sentences about restaurants, films and telephones (positive or negative), tweets in Spanish, French and German
(three moods, by English names), titles of reviews (positive or negative), reviews by product (four), queries by domain
(clinc150, ten), sentences by the group of people they are about (CrowS-Pairs, nine, uneven).
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import product
from typing import Final

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from support import draw, shared
from two_layers import Halves

from anyshot import AnyShotClassifier
from anyshot.base.progress import track

LABELS: Final = (0, 1, 2, 5, 10, "all")
DRAWS: Final = 5
MAX_HALF: Final = 3_000
MAX_CHARACTERS: Final = 400
TOLERANCE: Final = 0.5
FEW: Final = (1, 3, 10, 30)
FEW_LABELS: Final = (0, 1, 5)


def _sentences(source: str) -> pd.DataFrame:
    frame = pd.read_parquet(shared() / "data/sentiment_labelled_sentences/sentiment_labelled_sentences.parquet")
    return frame[frame.domain == source]


def _tweets(language: str) -> pd.DataFrame:
    frame = pd.read_parquet(shared() / "data/multilingual_sentiment/multilingual_sentiment.parquet")
    return frame[frame.language == language]


def _reviews() -> pd.DataFrame:
    return pd.read_parquet(shared() / "data/multi_domain_sentiment/reviews.parquet")


def _titles() -> pd.DataFrame:
    frame = _reviews().drop(columns="text").rename(columns={"title": "text"})
    return frame[frame.text.astype(str).str.len() > 3]


def _products() -> pd.DataFrame:
    return _reviews().drop(columns="label").rename(columns={"domain": "label"})


def _domains() -> pd.DataFrame:
    frame = pd.read_parquet(shared() / "data/clinc150/clinc150.parquet")
    return frame[~frame.out_of_scope].drop(columns="label").rename(columns={"domain": "label"})


def _groups() -> pd.DataFrame:
    frame = pd.read_parquet(shared() / "data/fairness_text/crows_pairs.parquet")
    return frame.rename(columns={"sent_more": "text", "bias_type": "label"})


SETS: Final[dict[str, Callable[[], pd.DataFrame]]] = {
    "yelp": lambda: _sentences("yelp"),
    "imdb": lambda: _sentences("imdb"),
    "amazon": lambda: _sentences("amazon"),
    "spanish": lambda: _tweets("spanish"),
    "french": lambda: _tweets("french"),
    "german": lambda: _tweets("german"),
    "review_titles": _titles,
    "review_products": _products,
    "clinc150_domains": _domains,
    "crows_pairs": _groups,
}


def load_halves(name: str) -> Halves:
    """Return two halves of a set, of at most `MAX_HALF` texts each."""
    frame = SETS[name]()
    rows = np.random.default_rng(0).permutation(len(frame))[: 2 * MAX_HALF]
    texts = [str(text)[:MAX_CHARACTERS] for text in frame.text.iloc[rows]]
    y = frame.label.astype(str).str.replace(r"[_-]", " ", regex=True).to_numpy(dtype=str)[rows]
    half = len(rows) // 2
    return Halves(texts[:half], y[:half], texts[half:], y[half:])


def measure(name: str) -> dict[str, dict[int | str, float]]:
    """Return the mean accuracy [%] of each model by the number of labels per class."""
    halves = load_halves(name)
    names = sorted(set(halves.y))
    found: dict[str, dict[int | str, float]] = {"anyshot": {}, "pool": {}, "logistic regression": {}}
    bare = AnyShotClassifier(names, words=False).fit()
    found["bare names"] = {0: 100 * bare.score(halves.test, halves.truth)}
    encoder = bare.encoded()
    X, test = np.asarray(encoder.encode(halves.texts)), np.asarray(encoder.encode(halves.test))
    for labels in LABELS:
        seeds = range(1 if labels in (0, "all") else DRAWS)
        all_rows = [draw(halves.y, labels, seed) for seed in seeds]
        for model, pool in (("anyshot", None), ("pool", halves.texts)):
            scores = []
            for rows in all_rows:
                clf = AnyShotClassifier(names)
                clf.fit([halves.texts[row] for row in rows], halves.y[rows], unlabeled=pool)
                scores.append(clf.score(halves.test, halves.truth))
            found[model][labels] = 100 * float(np.mean(scores))
        if labels:
            fits = [LogisticRegression(C=10, max_iter=1000).fit(X[rows], halves.y[rows]) for rows in all_rows]
            found["logistic regression"][labels] = 100 * float(np.mean([f.score(test, halves.truth) for f in fits]))
    return found


def row_of(name: str, found: dict[str, dict[int | str, float]]) -> tuple[str, int, int]:
    """Return a row of the table, the number of its settings, and how many of them lose at most the tolerance."""
    cells, kept, total = [], 0, 0
    without_items = max(found["bare names"][0], found["anyshot"][0])
    for model in ("anyshot", "pool"):
        best = without_items
        for labels in LABELS:
            own, other = found[model][labels], found["logistic regression"].get(labels, 0.0)
            lost = own - max(best, other)
            kept, total = kept + (lost >= -TOLERANCE), total + 1
            cells.append(f"{own:.1f}" if lost >= -TOLERANCE else f"{own:.1f} ({lost:+.1f}) ✗")
            best = max(best, own)
    regression = ", ".join(f"{found['logistic regression'][k]:.1f}" for k in LABELS if k)
    return f"| {name} | {found['bare names'][0]:.1f} | " + " | ".join(cells) + f" | {regression} |", total, kept


def measure_few(name: str) -> list[float]:
    """Return by how much few unlabeled texts change the accuracy [points], for each number of them and of labels."""
    halves = load_halves(name)
    names = sorted(set(halves.y))
    changes = []
    for per_class, labels in product(FEW, FEW_LABELS):
        scores = []
        for seed in range(DRAWS):
            rows = draw(halves.y, labels, seed)
            others = np.random.default_rng(seed).permutation(np.setdiff1d(np.arange(len(halves.y)), rows))
            texts, y = [halves.texts[row] for row in rows], halves.y[rows]
            more = [halves.texts[row] for row in others[: per_class * len(names)]]
            models = (AnyShotClassifier(names).fit(texts, y, unlabeled=pool) for pool in (None, more))
            scores.append([clf.score(halves.test, halves.truth) for clf in models])
        without, with_pool = 100 * np.mean(scores, axis=0)
        changes.append(float(with_pool - without))
    return changes


def print_few(names: Sequence[str]) -> None:
    """Print the table of few unlabeled texts, and its means."""
    steps = ((1, (name, measure_few(name))) for name in names)
    measured = dict(track(steps, total=len(names), description="Measuring sets"))
    print("| | " + " | ".join(f"{m} texts, {k} labels" for m, k in product(FEW, FEW_LABELS)) + " |")
    print("|" + "---|" * (len(FEW) * len(FEW_LABELS) + 1))
    for name, changes in {**measured, "*mean*": np.mean(list(measured.values()), axis=0)}.items():
        print(f"| {name} | " + " | ".join(f"{change:+.1f}" for change in changes) + " |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", help="default: all")
    parser.add_argument("--few", action="store_true", help="few unlabeled texts")
    options = parser.parse_args()
    names = options.sets or list(SETS)
    if options.few:
        print_few(names)
        return
    steps = ((1, (name, measure(name))) for name in names)
    measured = dict(track(steps, total=len(names), description="Measuring sets"))
    rows = [row_of(name, found) for name, found in measured.items()]
    head = [*(str(k) for k in LABELS), *(f"{k} pool" for k in LABELS)]
    print("| | bare names | " + " | ".join(head) + " | logistic regression, 1 to all |")
    print("|" + "---|" * (len(head) + 3))
    for row, _, _ in rows:
        print(row)
    kept, total = sum(one for *_, one in rows), sum(one for _, one, _ in rows)
    print(f"\n{kept} of {total} settings lose at most {TOLERANCE} points.")


if __name__ == "__main__":
    main()
