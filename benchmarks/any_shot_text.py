"""Text classification with no, few and many labels.

Run: python benchmarks/any_shot_text.py [PART ...]

Protocol: k random rows per class of the train split, mean over seeds 0 to 4, the whole test split, all-MiniLM-L6-v2
frozen. The calibration error is that of the answers for all seeds together. "pool": the train texts without their
labels are given as `unlabeled`. No model is fitted to the test split. Defaults were chosen on halves of the train rows,
but these figures were seen in between.
Parts: banking77 clinc150 ag_news sms_spam sst2 uneven unknown generalized.
"""

import sys
import time
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from support import SEEDS, Texts, draw, line, load_text, shared, table, uneven

from anyshot import AnyShotClassifier, load_encoder
from anyshot.encoders.registry import default_for
from anyshot.evaluation.metrics import expected_calibration_error, unknown_auroc
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once

FLOORS = {
    "banking77": {0: 62, 1: 70, 3: 77, 5: 80.5, 10: 85.5, "all": 92},
    "clinc150": {0: 68, 1: 78.5, 3: 85, 5: 88, 10: 91, "all": 94},
    "ag_news": {},
}
POOL_FLOORS = {
    "banking77": {0: 70.5, 1: 73.5, 10: 86},
    "clinc150": {0: 83, 1: 85, 10: 92},
    "ag_news": {0: 85.5, 1: 85.5, 10: 85.5},
}
LABEL_COUNTS = {
    "banking77": [0, 1, 3, 5, 10, "all"],
    "clinc150": [0, 1, 3, 5, 10, "all"],
    "ag_news": [0, 1, 5, 10, "all"],
}


class Bench:
    """A data set and its vectors, with the accuracies measured on it."""

    def __init__(self, data: Texts) -> None:
        self.data, self.encoder = data, load_encoder(default_for("text"))
        cache = VectorCache()
        self.X = encode_once(self.encoder, data.train, cache=cache)
        self.X_test = encode_once(self.encoder, data.test, cache=cache)

    def ours(self, rows: np.ndarray, *, pool: bool = False) -> tuple[float, AnyShotClassifier]:
        """Return the accuracy [%] of AnyShotClassifier with the labels of these rows."""
        data = self.data
        clf = AnyShotClassifier(data.classes, encoder=self.encoder)
        clf.fit([data.train[row] for row in rows], data.y[rows], unlabeled=data.train if pool else None)
        return 100 * float((clf.predict(data.test) == data.y_test).mean()), clf

    def calibration_error(self, probabilities: list[np.ndarray]) -> float:
        """Return the calibration error [points] of the probabilities of some models for the test texts, together."""
        truth = np.tile(np.searchsorted(self.data.classes, self.data.y_test), len(probabilities))
        return 100 * expected_calibration_error(np.concatenate(probabilities), truth)

    def logistic(self, rows: np.ndarray) -> float:
        """Return the accuracy [%] of logistic regression on the same vectors."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = LogisticRegression(C=10, max_iter=1000).fit(self.X[rows], self.data.y[rows])
        return 100 * float((peer.predict(self.X_test) == self.data.y_test).mean())


def seeds_for(k: int | str) -> range:
    """Return the seeds to average over; without labels, or with all, there is only one."""
    return range(1) if k in (0, "all") else SEEDS


def label_counts(name: str) -> Iterator[str]:
    """Measure from no label to all of them, without the pool and with it."""
    bench = Bench(load_text(name))
    zero_shot = 0.0
    for k in LABEL_COUNTS[name]:
        accuracies, logistic, seconds, probabilities = [], [], [], []
        for seed in seeds_for(k):
            rows = draw(bench.data.y, k, seed)
            began = time.perf_counter()
            accuracy, clf = bench.ours(rows)
            seconds.append(time.perf_counter() - began)
            accuracies.append(accuracy)
            probabilities.append(clf.predict_proba(bench.data.test))
            logistic += [bench.logistic(rows)] if k != 0 else []
        mean = float(np.mean(accuracies))
        zero_shot = mean if k == 0 else zero_shot
        beside = f"logistic regression {np.mean(logistic):.1f}, " if logistic else ""
        note = f"{beside}zero-shot {zero_shot:.1f}, sd {np.std(accuracies):.1f}, {np.median(seconds):.1f} s"
        yield line(f"{name}, k = {k}", mean, FLOORS[name].get(k), note=note)
        if logistic:
            least = round(max(zero_shot, float(np.mean(logistic)) - 0.5), 2)
            yield line(f"{name}, k = {k}, against zero-shot and logistic regression - 0.5", mean, least)
        error, most = bench.calibration_error(probabilities), 8 if k in (0, 1, 3) else 5
        yield line(f"{name}, k = {k}, calibration error [points]", error, most, least=False)
    for k in (0, 1, 5, 10):
        accuracies, probabilities = [], []
        for seed in seeds_for(k):
            accuracy, clf = bench.ours(draw(bench.data.y, k, seed), pool=True)
            accuracies.append(accuracy)
            probabilities.append(clf.predict_proba(bench.data.test))
        note = f"sd {np.std(accuracies):.1f}"
        yield line(f"{name}, k = {k}, pool", float(np.mean(accuracies)), POOL_FLOORS[name].get(k), note=note)
        error, most = bench.calibration_error(probabilities), 8 if k == 1 else 5
        yield line(f"{name}, k = {k}, pool, calibration error [points]", error, most, least=False)


def misleading_names(name: str) -> Iterator[str]:
    """Measure sets whose names mislead: at most one point below the best of three, from two labels per class on."""
    bench = Bench(load_text(name))
    zero_shot, _ = bench.ours(draw(bench.data.y, 0, 0))
    for k in (1, 2, 5, 10):
        draws = [draw(bench.data.y, k, seed) for seed in SEEDS]
        ours = [bench.ours(rows)[0] for rows in draws]
        pooled = [bench.ours(rows, pool=True)[0] for rows in draws]
        logistic = [bench.logistic(rows) for rows in draws]
        best = max(zero_shot, float(np.mean(logistic)), float(np.mean(ours)))
        target = round(best - 1, 2) if k >= 2 else None
        note = f"zero-shot {zero_shot:.1f}, logistic regression {np.mean(logistic):.1f}"
        yield line(f"{name}, k = {k}", float(np.mean(ours)), target, note=note)
        yield line(f"{name}, k = {k}, pool", float(np.mean(pooled)), target, note=note)


def uneven_labels() -> Iterator[str]:
    """Measure with 0, 1, 3 and 20 labels, each for a random quarter of the classes."""
    for name, floor, pool_floor in (("banking77", 71, 73), ("clinc150", 78, 84)):
        bench = Bench(load_text(name))
        draws = [uneven(bench.data.y, seed) for seed in SEEDS]
        logistic = float(np.mean([bench.logistic(rows) for rows in draws]))
        ours = float(np.mean([bench.ours(rows)[0] for rows in draws]))
        yield line(f"{name}, uneven", ours, floor, note=f"logistic regression {logistic:.1f}")
        pooled = float(np.mean([bench.ours(rows, pool=True)[0] for rows in draws]))
        yield line(f"{name}, uneven, pool", pooled, pool_floor)


def unknown() -> Iterator[str]:
    """Measure how well the out-of-scope queries of clinc150 are separated from the others."""
    data, encoder = load_text("clinc150"), load_encoder(default_for("text"))
    frame = pd.read_parquet(shared() / "data" / "clinc150" / "clinc150.parquet")
    outliers = frame[frame.out_of_scope & (frame.split == "test")].text.tolist()
    for k in (0, 1, 5, 10):
        aurocs, lost, found = [], [], []
        for seed in seeds_for(k):
            rows = draw(data.y, k, seed)
            rate = 0.05 if k else None
            clf = AnyShotClassifier(data.classes, encoder=encoder, unknown_rate=rate)
            clf.fit([data.train[row] for row in rows], data.y[rows])
            close = np.concatenate([clf.closeness(data.test), clf.closeness(outliers)])
            is_outlier = np.repeat([False, True], [len(data.test), len(outliers)])
            aurocs.append(100 * unknown_auroc(-close, is_outlier))
            if rate:
                lost.append(100 * float((close[~is_outlier] < clf.unknown_threshold_).mean()))
                found.append(100 * float((close[is_outlier] < clf.unknown_threshold_).mean()))
        yield line(f"clinc150, k = {k}, AUROC", float(np.mean(aurocs)), 95.5 if k == 10 else None)
        if k:
            share = float(np.mean(lost))
            inside = f"3 to 8 {'✓' if 3 <= share <= 8 else '✗'}" if k == 10 else ""
            note = f"{np.mean(found):.1f} % of the outliers found"
            yield f"| clinc150, k = {k}, in scope answered unknown at 5 % | {share:.1f} | {inside} | {note} |"


def generalized() -> Iterator[str]:
    """Measure on banking77 with all labels of 52 classes and none of 25; test texts are of all classes."""
    splits = np.load(shared() / "data" / "zsl_banking77" / "splits.npz")
    bench = Bench(load_text("banking77"))
    data, names = bench.data, splits["class_names"]
    figures: dict[str, list[float]] = {}
    for unseen in splits["unseen_splits"]:
        hidden = set(names[unseen].tolist())
        rows = np.flatnonzero([label not in hidden for label in data.y])
        is_unseen = np.array([label in hidden for label in data.y_test])
        for pool in (None, data.test):
            clf = AnyShotClassifier(data.classes, encoder=bench.encoder)
            clf.fit([data.train[row] for row in rows], data.y[rows], unlabeled=pool)
            right = clf.predict(data.test) == data.y_test
            scores = clf.decision_function([text for text, asked in zip(data.test, is_unseen, strict=True) if asked])
            among = np.isin(clf.classes_, list(hidden))
            t1 = clf.classes_[among][scores[:, among].argmax(axis=1)] == data.y_test[is_unseen]
            u, s = right[is_unseen].mean(), right[~is_unseen].mean()
            for figure, value in (("T1", t1.mean()), ("u", u), ("s", s), ("H", 2 * u * s / (u + s))):
                figures.setdefault(f"{figure}{', test texts as pool' if pool else ''}", []).append(100 * float(value))
    targets = {"T1": 75.4, "H": 74, "T1, test texts as pool": 84, "H, test texts as pool": 78}
    for figure, values in figures.items():
        yield line(
            f"zsl_banking77 {figure}", float(np.mean(values)), targets.get(figure), note=f"sd {np.std(values):.1f}"
        )


PARTS = {
    **{name: (f"{name}: no to all labels", lambda name=name: label_counts(name)) for name in FLOORS},
    "sms_spam": ("sms_spam: names that mislead", lambda: misleading_names("sms_spam")),
    "sst2": ("sst2: names that mislead", lambda: misleading_names("sst2")),
    "uneven": ("Uneven labels", uneven_labels),
    "unknown": ("Unknown", unknown),
    "generalized": ("Seen and unseen classes together", generalized),
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        title, run = PARTS[part]
        table(title, run())
