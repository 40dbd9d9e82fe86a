"""What is known beforehand: names read by words, class shares told by the pool, and labels that do no harm.

Run: python benchmarks/priors.py [PART ...]

Protocol: the whole test split, all-MiniLM-L6-v2 frozen; "pool": 3,000 random train texts without labels (all, if there
are fewer); "names": class names alone, which are looked up in the bundled thesaurus; "words": twelve words per class
from own_words.json, written without looking at a text. Labels: k random rows per class, mean over seeds. No model is
fitted to the test split; all choices were made on train rows.
Parts: names words labels topics few all irony.
"""

import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from support import Texts, draw, line, load_text, table

from anyshot import AnyShotClassifier, Words, load_encoder
from anyshot.encoders.registry import default_for
from anyshot.evaluation.metrics import expected_calibration_error
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once

SEVEN = ("sst2", "customer_reviews", "movie_reviews", "mpqa_opinion", "subjectivity", "ag_news", "sms_spam")
CODES = {
    "acq": "mergers and acquisitions",
    "crude": "crude oil",
    "earn": "earnings",
    "interest": "interest rates",
    "money-fx": "foreign exchange",
    "trade": "trade",
}
MAX_POOL = 3_000
"""Texts of a pool at most."""


class Bench:
    """A data set with its pool, and the accuracy of models on its test split."""

    def __init__(self, name: str) -> None:
        self.data: Texts = load_text(name)
        rows = np.random.default_rng(0).permutation(len(self.data.train))[:MAX_POOL]
        self.pool = [self.data.train[row] for row in rows]

    def ours(self, classes: Any, rows: np.ndarray, *, pool: bool) -> tuple[float, float]:
        """Return accuracy and calibration error [%] of AnyShotClassifier with the labels of these rows."""
        data = self.data
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            clf = AnyShotClassifier(classes)
            clf.fit([data.train[row] for row in rows], data.y[rows], unlabeled=self.pool if pool else None)
            accuracy = float((clf.predict(data.test) == data.y_test).mean())
        truth = np.searchsorted(clf.classes_, data.y_test)
        return 100 * accuracy, 100 * float(expected_calibration_error(clf.predict_proba(data.test), truth))

    def mean(self, classes: Any, k: int | str, *, pool: bool, seeds: int = 5) -> float:
        """Return the mean accuracy over draws of k labels per class."""
        n = 1 if k in (0, "all") else seeds
        return float(np.mean([self.ours(classes, draw(self.data.y, k, seed), pool=pool)[0] for seed in range(n)]))


def own_words(name: str) -> dict[str, Words]:
    """Return the words of each class of a set from own_words.json."""
    listed: Mapping[str, str] = json.loads((Path(__file__).parent / "own_words.json").read_text())[name]
    return {label: Words(words) for label, words in listed.items()}


def renamed(data: Texts, names: Mapping[str, str]) -> Texts:
    """Return the data with other class names."""
    y, y_test = (np.array([names[label] for label in labels]) for labels in (data.y, data.y_test))
    return replace(data, y=y, y_test=y_test)


def without_labels(
    classes_of: Callable[[Bench], Any], targets: dict[str, tuple[float | None, float | None]]
) -> Iterator[str]:
    """Measure the seven sets without a label, and their mean, without and with the pool."""
    found: dict[bool, list[float]] = {False: [], True: []}
    for name in SEVEN:
        bench = Bench(name)
        for pool in (False, True):
            accuracy, error = bench.ours(classes_of(bench), np.zeros(0, int), pool=pool)
            found[pool].append(accuracy)
            what = f"{name}, no label{', pool' if pool else ''}"
            yield line(what, accuracy, targets.get(name, (None, None))[pool], note=f"calibration error {error:.1f}")
    for pool in (False, True):
        yield line(
            f"mean of seven, no label{', pool' if pool else ''}", float(np.mean(found[pool])), targets["mean"][pool]
        )


def names() -> Iterator[str]:
    """Measure names alone."""
    targets = {"mean": (72.0, 78.0), "sst2": (73.5, 76.0), "ag_news": (77.0, 86.0), "sms_spam": (77.0, 90.0)}
    yield from without_labels(lambda bench: bench.data.classes, targets)


def words() -> Iterator[str]:
    """Measure twelve words of one's own per class."""
    yield from without_labels(lambda bench: own_words(bench.data.name), {"mean": (75.0, 80.0)})


def labels() -> Iterator[str]:
    """Measure names with one and five labels per class and the pool."""
    for k, least in ((1, 79.0), (5, 80.0)):
        means = {name: Bench(name).mean(None, k, pool=True) for name in SEVEN}
        note = ", ".join(f"{name} {own:.1f}" for name, own in means.items())
        what = f"mean of seven, {k} {'label' if k == 1 else 'labels'}, pool"
        yield line(what, float(np.mean(list(means.values()))), least, note=note)
    for name, least in (("sms_spam", 85.0), ("reuters", 93.0)):
        yield line(f"{name}, 1 label, pool", Bench(name).mean(None, 1, pool=True), least)


def topics() -> Iterator[str]:
    """Measure the six topics of reuters without a label, by spoken names and by codes with descriptions."""
    bench = Bench("reuters")
    none = np.zeros(0, int)
    for pool, least in ((False, None), (True, 88.0)):
        accuracy, _ = bench.ours(bench.data.classes, none, pool=pool)
        yield line(f"reuters, names{', pool' if pool else ''}", accuracy, least)
    bench.data = renamed(bench.data, {spoken: code for code, spoken in CODES.items()})
    for pool, least in ((False, None), (True, 88.0)):
        accuracy, _ = bench.ours(CODES, none, pool=pool)
        yield line(f"reuters, codes with descriptions{', pool' if pool else ''}", accuracy, least)


def few() -> Iterator[str]:
    """Measure eight labels per class, ten draws, beside the published figures of SetFit on the same encoder."""
    for name, least, setfit in (("customer_reviews", 74.0, 71.6), ("ag_news", 85.5, 83.1), ("sst5", 32.0, 29.8)):
        accuracy = Bench(name).mean(None, 8, pool=True, seeds=10)
        yield line(f"{name}, 8 labels, pool", accuracy, least, note=f"SetFit {setfit}")


def all_labels() -> Iterator[str]:
    """Measure all labels of two sets with uneven classes."""
    for name, least in (("reuters", 96.4), ("snips", 96.6)):
        yield line(f"{name}, all labels", Bench(name).mean(None, "all", pool=False), least)


def irony() -> Iterator[str]:
    """Measure names one of which denies the other, five labels per class, twenty draws, beside logistic regression."""
    bench = Bench("tweet_irony")
    bench.data = renamed(bench.data, {"irony": "ironic", "non_irony": "not ironic"})
    encoder, cache = load_encoder(default_for("text")), VectorCache()
    X, X_test = (encode_once(encoder, texts, cache=cache) for texts in (bench.data.train, bench.data.test))
    ours, peer = [], []
    for seed in range(20):
        rows = draw(bench.data.y, 5, seed)
        ours.append(bench.ours(["ironic", "not ironic"], rows, pool=False)[0])
        model = LogisticRegression(C=10, max_iter=1000).fit(X[rows], bench.data.y[rows])
        peer.append(100 * float((model.predict(X_test) == bench.data.y_test).mean()))
    yield line("ironic or not, no label", bench.ours(["ironic", "not ironic"], np.zeros(0, int), pool=False)[0], None)
    least = round(float(np.mean(peer)), 2)
    yield line("ironic or not, 5 labels", float(np.mean(ours)), least, note="target: logistic regression")


PARTS = {
    "names": names,
    "words": words,
    "labels": labels,
    "topics": topics,
    "few": few,
    "all": all_labels,
    "irony": irony,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        table(part, PARTS[part]())
