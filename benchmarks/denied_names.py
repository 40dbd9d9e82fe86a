"""Two classes of which one is named by what it is not, such as "positive" and "not positive".

Run: python benchmarks/denied_names.py

Protocol: the halves of `two_layers.py` and `unseen_sets.py`; no test row is read. For each class of a set with two
classes, a model gets its name and "not" with the same name, no label, and 800 texts of one half or none, and predicts
up to 600 texts of the other, with equal shares. Accuracy and mean confidence [%], mean over the two classes. The
encoder is all-MiniLM-L6-v2, frozen.
"""

import numpy as np
from misleading_pools import load_halves
from numpy.typing import NDArray

from anyshot import AnyShotClassifier
from anyshot.base.validation import Indexes

SETS = (
    *("sst2", "customer_reviews", "movie_reviews", "mpqa_opinion", "yelp", "imdb", "amazon", "review_titles"),
    *("sms_spam", "subjectivity", "tweet_irony"),
)
POOL, PREDICTED = 400, 300


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


def main() -> None:
    """Print the table."""
    print("| | accuracy | confidence | accuracy with the pool | confidence with it |\n" + "|---" * 5 + "|")
    found = {}
    for name in SETS:
        found[name] = measure(name)
        print(f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in found[name]) + " |", flush=True)
    print("| *mean* | " + " | ".join(f"{mean:.1f}" for mean in np.mean(list(found.values()), axis=0)) + " |")


if __name__ == "__main__":
    main()
