"""What unlabeled texts that mislead cost: those of another set, and those of some of the classes only.

Run: python benchmarks/misleading_pools.py

Protocol: the halves of `two_layers.py` and `unseen_sets.py`; no test row is read. A model gets the names of a set's
classes, no label, and up to 1,000 texts: of each other set in turn, or of half or three quarters of its own classes
(three random choices of them), and predicts up to 2,000 texts of the other half. Plain accuracy [%]. The encoder is
all-MiniLM-L6-v2, frozen. In the last table the texts are of all classes but one, each in turn, and the other classes
have no or five labels: the share of their items that is predicted as that class, without the texts and with them [%].
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np
import two_layers
import unseen_sets
from numpy.typing import NDArray
from support import draw
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


def main() -> None:
    """Print the tables."""
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
