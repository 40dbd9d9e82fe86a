"""What unlabeled texts that mislead cost: those of another set, and those of some of the classes only.

Run: python benchmarks/misleading_pools.py

     python benchmarks/misleading_pools.py --labeled

Protocol: the halves of `two_layers.py` and `unseen_sets.py`; no test row is read. A model gets the names of a set's
classes, no label, and up to 1,000 texts: of each other set in turn, or of half or three quarters of its own classes
(three random choices of them), and predicts up to 2,000 texts of the other half. Plain accuracy [%]. The encoder is
all-MiniLM-L6-v2, frozen. In the last table the texts are of all classes but one, each in turn, and the other classes
have no or five labels: the share of their items that is predicted as that class, without the texts and with them [%].

With --labeled, a model also gets 2, 5, 20 or 100 labels per class of its own set (two draws), and the first table is
printed as a row for each number: how many of the pools cost more than 2 points, the worst and the mean change, and the
mean change with the set's own pool. The next table is of domains with the same classes: reviews of four kinds of
products, and sentences of three sites. Labels are of one domain, unlabeled texts and texts to predict of another, each
pair in turn; the labels are given as such or as a source.
"""

import sys
from collections.abc import Iterator
from itertools import permutations, product
from typing import Final

import numpy as np
import pandas as pd
import two_layers
import unseen_sets
from numpy.typing import NDArray
from support import draw, shared
from two_layers import Halves

from anyshot import AnyShotClassifier

SETS: Final = (
    *("ag_news", "reuters", "snips", "sms_spam", "subjectivity", "sst2", "customer_reviews", "mpqa_opinion"),
    *("multilingual_sentiment", "tweet_irony", "banking77", "sst5", "movie_reviews"),
)
MANY_CLASSES: Final = (
    *("ag_news", "reuters", "snips", "review_products", "clinc150_domains", "crows_pairs"),
    *("banking77", "clinc150"),
)
FEW_CLASSES: Final = ("ag_news", "reuters", "snips")
PARTS: Final = (0.75, 0.5)
DRAWS: Final = 3
MAX_POOL: Final = 1_000
TOLERANCE: Final = 2.0  # points
LABELS: Final = (2, 5, 20, 100)
LABEL_DRAWS: Final = 2
DOMAINS: Final = ("multi_domain_sentiment/reviews", "sentiment_labelled_sentences/sentiment_labelled_sentences")
MAX_CHARACTERS: Final = 1_500


def load_halves(name: str) -> Halves:
    """Return the two halves of a set."""
    found = (unseen_sets if name in unseen_sets.SETS else two_layers).load_halves(name)
    return found._replace(test=found.test[: two_layers.MAX_PREDICTED], truth=found.truth[: two_layers.MAX_PREDICTED])


def correct(halves: Halves, pool: list[str]) -> NDArray[np.bool_]:
    """Return which of the texts to predict a model of the names and a pool, which may be empty, predicts correctly."""
    clf = AnyShotClassifier(np.unique(halves.y).tolist()).fit(unlabeled=pool or None)
    return np.asarray(clf.predict(halves.test) == halves.truth)


def of_other_sets() -> Iterator[str]:
    """Yield a row for each set: its accuracy without unlabeled texts, and the change with those of each set."""
    halves = {name: load_halves(name) for name in SETS}
    changes = []
    for name, own in halves.items():
        alone = 100 * correct(own, []).mean()
        cells = []
        for other, pool in halves.items():
            change = 100 * correct(own, pool.texts[:MAX_POOL]).mean() - alone
            cells.append(f"*{change:+.1f}*" if other == name else f"{change:+.1f}")
            changes += [] if other == name else [change]
        yield f"| {name} | {alone:.1f} | " + " | ".join(cells) + " |"
    lost = sum(change < -TOLERANCE for change in changes)
    yield f"\n{lost} of {len(changes)} pools of another set cost more than {TOLERANCE:g} points"
    yield f"(the worst {min(changes):+.1f}, mean {np.mean(changes):+.1f})."


def of_other_sets_with_labels(labels: int) -> str:
    """Return a row: what the pools of other sets change, where a model has labels of its own set."""
    halves = {name: load_halves(name) for name in SETS}
    others, own_pool = [], []
    for name, own in halves.items():
        fewest = np.unique(own.y, return_counts=True)[1].min()
        rows = [draw(own.y, labels, seed) for seed in range(LABEL_DRAWS) if labels < fewest]
        alone = [score(own, some, {}) for some in rows]
        for other, pool in halves.items():
            more = {"unlabeled": pool.texts[:MAX_POOL]}
            changes = [score(own, some, more) - before for some, before in zip(rows, alone, strict=True)]
            (own_pool if other == name else others).extend([float(np.mean(changes))] if changes else [])
    lost = sum(change < -TOLERANCE for change in others)
    cells = f"{lost} of {len(others)} | {min(others):+.1f} | {np.mean(others):+.1f} | {np.mean(own_pool):+.1f}"
    return f"| {labels} | {cells} |"


def score(halves: Halves, rows: NDArray[np.intp], options: dict[str, list[str]]) -> float:
    """Return the accuracy [%] of a model with some labels of a set, and of other items."""
    clf = AnyShotClassifier(np.unique(halves.y).tolist())
    clf.fit([halves.texts[row] for row in rows], halves.y[rows].tolist(), **options)
    return 100 * clf.score(halves.test, halves.truth)


def of_other_domains(file: str) -> Iterator[str]:
    """Yield a row for each number of labels: mean accuracy [%] on a domain from labels of another one."""
    frame = pd.read_parquet(shared() / f"data/{file}.parquet")
    texts, labels = frame.text.str[:MAX_CHARACTERS].to_numpy(), frame.label.to_numpy(str)
    domains, names, halves = frame.domain.to_numpy(), np.unique(labels).tolist(), {}
    for domain in np.unique(domains):
        rows = np.random.default_rng(0).permutation(np.flatnonzero(domains == domain))[:MAX_POOL]
        half = len(rows) // 2
        learn, test = rows[:half], rows[half:]
        halves[domain] = Halves(texts[learn].tolist(), labels[learn], texts[test].tolist(), labels[test])
    for k in LABELS:
        found = []
        for (_, source), (_, target) in permutations(halves.items(), 2):
            for rows in (draw(source.y, k, seed) for seed in range(LABEL_DRAWS)):
                given = [source.texts[row] for row in rows], source.y[rows].tolist()
                fits = (
                    AnyShotClassifier(names).fit(*given),
                    AnyShotClassifier(names).fit(*given, unlabeled=target.texts),
                    AnyShotClassifier(names).fit(source=given, unlabeled=target.texts),
                )
                found.append([100 * clf.score(target.test, target.truth) for clf in fits])
        yield f"| {file.split('/')[0]} | {k} | " + " | ".join(f"{mean:.1f}" for mean in np.mean(found, axis=0)) + " |"


def of_some_classes(name: str, part: float) -> str:
    """Return a row: accuracy on the classes that the pool has and lacks, without it and with it."""
    own, figures = load_halves(name), []
    alone, names = correct(own, []), np.unique(own.y)
    n_kept = max(2, int(len(names) * part))
    for seed in range(DRAWS):
        random = np.random.default_rng(seed)
        kept = random.permutation(names)[:n_kept]
        pool = random.permutation(np.flatnonzero(np.isin(own.y, kept)))[:MAX_POOL]
        helped, inside = correct(own, [own.texts[row] for row in pool]), np.isin(own.truth, kept)
        figures.append([found[rows].mean() for rows in (inside, ~inside) for found in (alone, helped)])
    cells = " | ".join(f"{100 * mean:.1f}" for mean in np.mean(figures, axis=0))
    return f"| {name} | {n_kept} of {len(names)} | {cells} |"


def of_all_but_one(name: str) -> str:
    """Return a row: the share of items of other classes [%] that are predicted as a class that the pool lacks."""
    own, cells = load_halves(name), []
    for labels, with_pool in product((0, 5), (False, True)):
        taken = []
        for lacking in np.unique(own.y).tolist():
            others, inside = np.flatnonzero(own.y != lacking), own.truth != lacking
            labeled = others[draw(own.y[others], labels, 0)]
            pool = np.random.default_rng(0).permutation(others)[:MAX_POOL] if with_pool else []
            clf = AnyShotClassifier(np.unique(own.y).tolist())
            texts = [own.texts[row] for row in labeled]
            clf.fit(texts, own.y[labeled].tolist(), unlabeled=[own.texts[row] for row in pool] or None)
            taken.append(np.mean(np.asarray(clf.predict(own.test))[inside] == lacking))
        cells.append(f"{100 * np.mean(taken):.1f}")
    return f"| {name} | " + " | ".join(cells) + " |"


def print_with_labels() -> None:
    """Print the tables of models with labels."""
    print(
        "| labels per class | pools of other sets that cost more | worst | mean | own pools, mean |\n"
        + "|---" * 5
        + "|"
    )
    for labels in LABELS:
        print(of_other_sets_with_labels(labels), flush=True)
    print("\n| | labels per class | labels alone | with unlabeled texts | labels as source, unlabeled texts |")
    print("|---" * 5 + "|")
    for row in (row for file in DOMAINS for row in of_other_domains(file)):
        print(row, flush=True)


def main() -> None:
    """Print the tables."""
    if "--labeled" in sys.argv[1:]:
        print_with_labels()
        return
    print("| names of | alone | " + " | ".join(SETS) + " |")
    print("|" + "---|" * (len(SETS) + 2))
    for row in of_other_sets():
        print(row, flush=True)
    print("\n| | classes in the pool | their items alone | with the pool | other items alone | with the pool |")
    print("|" + "---|" * 6)
    for part in PARTS:
        for name in MANY_CLASSES:
            print(of_some_classes(name, part), flush=True)
    print("\n| | no label | no label, pool | 5 labels | 5 labels, pool |\n" + "|---" * 5 + "|")
    for name in FEW_CLASSES:
        print(of_all_but_one(name), flush=True)


if __name__ == "__main__":
    main()
