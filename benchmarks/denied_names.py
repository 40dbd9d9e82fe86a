"""Classes named by what they are not, such as "not positive", and classes that contain the rest, such as "other".

Run: python benchmarks/denied_names.py

Protocol: the halves of `two_layers.py` and `unseen_sets.py`; no test row is read. The encoder is all-MiniLM-L6-v2,
frozen. First table: for each class of a set with two classes, a model gets its name and "not" with the same name, no
label, and 800 texts of one half or none, and predicts up to 600 texts of the other, with equal shares; accuracy and
mean confidence [%], mean over the two classes. Second table: a model gets the names of some of a set's classes and
"other" for the rest, 0, 1 or 5 labels per class, and up to 1,000 texts or none, and predicts up to 800; half of the
texts are of the rest; accuracy [%], mean over four choices of the classes.
"""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Final

import numpy as np
from misleading_pools import load_halves
from numpy.typing import NDArray
from support import draw

from anyshot import AnyShotClassifier
from anyshot.base.validation import Indexes

SETS: Final = (
    *("sst2", "customer_reviews", "movie_reviews", "mpqa_opinion", "yelp", "imdb", "amazon", "review_titles"),
    *("sms_spam", "subjectivity", "tweet_irony"),
)
POOL, PREDICTED = 400, 300
NAMED: Final = {"ag_news": 2, "reuters": 3, "snips": 3, "review_products": 2, "clinc150_domains": 4, "banking77": 5}
"""How many classes are named; the rest is "other"."""
LABELS: Final = (0, 1, 5)
DRAWS: Final = 4


def balanced_rows(is_named: NDArray[np.bool_], most: int) -> Indexes:
    """Return as many random rows of the class as of the other one, at most `most` of each."""
    random = np.random.default_rng(0)
    rows = [random.permutation(np.flatnonzero(is_named == wanted)) for wanted in (True, False)]
    return np.concatenate([own[: min(most, *map(len, rows))] for own in rows])


def measure(name: str) -> list[float]:
    """Return accuracy and confidence [%] without unlabeled texts and with them, mean over the classes of a set."""
    halves, figures = load_halves(name), []
    for known in np.unique(halves.y).tolist():
        learn, rows = balanced_rows(halves.y == known, POOL), balanced_rows(halves.truth == known, PREDICTED)
        own: list[float] = []
        for pool in (None, [halves.texts[row] for row in learn]):
            clf = AnyShotClassifier([known, f"not {known}"]).fit(unlabeled=pool)
            probabilities = clf.predict_proba([halves.test[row] for row in rows])
            is_known = clf.classes_[probabilities.argmax(axis=1)] == known
            own += [np.mean(is_known == (halves.truth[rows] == known)), probabilities.max(axis=1).mean()]
        figures.append(own)
    return [100 * float(mean) for mean in np.mean(figures, axis=0)]


def measure_other(name: str) -> list[float]:
    """Return the accuracy [%] with "other" for the rest, without unlabeled texts and with them, by number of labels."""
    halves, figures = load_halves(name), []
    for seed in range(DRAWS):
        named = np.random.default_rng(seed).permutation(np.unique(halves.y))[: NAMED[name]]
        y, truth = (np.where(np.isin(own, named), own, "other") for own in (halves.y, halves.truth))
        learn, rows = balanced_rows(y != "other", 500), balanced_rows(truth != "other", 400)
        own = []
        for k, pool in product(LABELS, (None, [halves.texts[row] for row in learn])):
            labeled = draw(y, k, seed)
            clf = AnyShotClassifier([*named.tolist(), "other"])
            clf.fit([halves.texts[row] for row in labeled], y[labeled].tolist(), unlabeled=pool)
            own.append(clf.score([halves.test[row] for row in rows], truth[rows].tolist()))
        figures.append(own)
    return [100 * float(mean) for mean in np.mean(figures, axis=0)]


def main() -> None:
    """Print both tables."""
    print_table(["accuracy", "confidence", "accuracy with the pool", "confidence with it"], SETS, measure)
    print_table([f"{k} labels{pool}" for k, pool in product(LABELS, ("", ", pool"))], NAMED, measure_other)


def print_table(columns: list[str], names: Iterable[str], measure: Callable[[str], list[float]]) -> None:
    """Print the figures of each set, and their means."""
    print("\n| | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
    found = {}
    for name in names:
        found[name] = measure(name)
        print(f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in found[name]) + " |", flush=True)
    print("| *mean* | " + " | ".join(f"{mean:.1f}" for mean in np.mean(list(found.values()), axis=0)) + " |")


if __name__ == "__main__":
    main()
