"""Learning curve, prediction sets, extrapolation, and suggestions of what to label.

Run: python benchmarks/learning_curve.py [PART ...]

Protocol: all-MiniLM-L6-v2 frozen; random labels of the train split; the test split is used for measuring only. Parts:

- curve: accuracy at 0, 1, 2, 5, 10 and 20 labels per class, five samples, three methods, and the total time;
- sets: 10 labels per class for training, and the threshold from 10 others or from the same labels held out; ten
  samples. The coverage holds for items like those of the threshold, so it is also measured, without a target, on the
  other train texts and, for clinc150, with a threshold from 10 texts per class of its validation split;
- extrapolation: the accuracy at 10 labels per class predicted from that at 1 to 5; ten samples;
- forecast: what the report says of twice the labels, against what came true; on train rows only: labels from one half,
  the curve's 100 or 400 test items and 1,000 others, which tell what came true, from the other. Four samples of 2 to 20
  labels per class of each of five sets (twenty random classes of banking77), every other one with natural class shares;
- suggest: from the names alone, as many labels as classes in each of five rounds, chosen by `suggest` or at random, and
  the accuracy on the test texts after each round; ten samples.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.linear_model import LogisticRegression
from support import Texts, draw, line, load_text, load_train, load_valid, table

from anyshot import AnyShotClassifier, PrototypeClassifier, encode_once, load_encoder
from anyshot.encoders.registry import default_for
from anyshot.evaluation.extrapolation import Extrapolation, extrapolate, forecast
from anyshot.evaluation.learning_curves import learning_curve
from anyshot.store.disk_cache import VectorCache

DRAWS = range(10)
SETS = ("banking77", "clinc150")
FORECAST_SETS = ("banking77", "snips", "ag_news", "sst2", "reuters")
FORECAST_DRAWS = range(100, 104)


class Bench:
    """A data set with its texts and class names as vectors."""

    def __init__(self, name: str) -> None:
        self.data: Texts = load_text(name)
        encoder, cache = load_encoder(default_for("text")), VectorCache()
        self.X, self.X_test = (encode_once(encoder, part, cache=cache) for part in (self.data.train, self.data.test))
        names = encode_once(encoder, [name.replace("_", " ") for name in self.data.classes], cache=cache)
        self.described = dict(zip(self.data.classes, names, strict=True))
        texts, y = load_valid(name)
        self.valid = (encode_once(encoder, texts, cache=cache), y) if texts else None

    def fitted(self, rows: np.ndarray, *, seed: int = 0) -> AnyShotClassifier:
        """Return an AnyShotClassifier fitted to the labels of these rows."""
        clf = AnyShotClassifier(self.described, random_state=seed)
        return clf.fit(self.X[rows], self.data.y[rows]) if len(rows) else clf.fit()

    def accuracy(self, clf: AnyShotClassifier) -> float:
        """Return the accuracy on the test split, from 0 to 1."""
        return float(np.mean(clf.predict(self.X_test) == self.data.y_test))


def curve() -> Iterator[str]:
    """Measure the time of the whole learning curve."""
    bench = Bench("banking77")
    began, busy = time.perf_counter(), time.process_time()
    models = {
        "anyshot": AnyShotClassifier(bench.described),
        "nearest mean": PrototypeClassifier(),
        "logistic regression": LogisticRegression(C=10, max_iter=1000),
    }
    data = bench.data
    found = learning_curve(models, bench.X, data.y, bench.X_test, data.y_test, shots=(0, 1, 2, 5, 10, 20), seeds=5)
    took, used = time.perf_counter() - began, time.process_time() - busy
    print(f"\n{found}")
    yield line("banking77, the curve [s]", took, 60, least=False, note=f"{used:.0f} s of one core")


def sets() -> Iterator[str]:
    """Measure coverage and size of the prediction sets."""
    for name in SETS:
        bench = Bench(name)
        coverage: dict[str, list[float]] = {}
        size: dict[str, list[float]] = {}
        for seed in DRAWS:
            for way, (members, labels) in _sets(bench, seed).items():
                truth = zip(members, labels.tolist(), strict=True)
                coverage.setdefault(way, []).append(100 * float(np.mean([label in own for own, label in truth])))
                size.setdefault(way, []).append(float(np.mean([len(own) for own in members])))
        for way, shares in coverage.items():
            mean = float(np.mean(shares))
            note = f"at most 92 {'✓' if mean <= 92 else '✗'}; {np.mean(size[way]):.1f} classes on average"
            note += f"; {min(shares):.1f} to {max(shares):.1f} over {len(DRAWS)} draws"
            yield line(f"{name}, sets at 90 %, {way}", mean, None if "train" in way else 88, note=note)


Sets = tuple[list[list[str]], np.ndarray]  # of n items, and their labels (n,)


def _sets(bench: Bench, seed: int) -> dict[str, Sets]:
    """Return the prediction sets of the test texts, or of others, by the origin of the threshold."""
    few = draw(bench.data.y, 10, seed)
    others = np.setdiff1d(draw(bench.data.y, 20, seed), few)
    clf = bench.fitted(few)
    labels = bench.data.y[others]
    y_test, given = bench.data.y_test, (bench.X[others], labels)
    rest = np.setdiff1d(np.arange(len(bench.X)), np.concatenate([few, others]))
    found = {
        "10 other labels per class": (clf.predict_set(bench.X_test, calibration=given), y_test),
        "the same labels": (clf.predict_set(bench.X_test), y_test),
        "10 other labels per class, train texts": (
            clf.predict_set(bench.X[rest], calibration=given),
            bench.data.y[rest],
        ),
    }
    if bench.valid is not None:
        X, y = bench.valid
        rows = draw(y, 10, seed)
        held_out = clf.predict_set(bench.X_test, calibration=(X[rows], y[rows]))
        found["10 labels per class of the validation split"] = (held_out, y_test)
    return found


def extrapolation() -> Iterator[str]:
    """Predict the accuracy at 10 labels per class from that at up to 5."""
    for name in SETS:
        bench = Bench(name)
        misses, inside = [], []
        for seed in DRAWS:
            shots = (1, 2, 3, 4, 5, 10)
            found = [bench.accuracy(bench.fitted(draw(bench.data.y, k, seed))) for k in shots]
            predicted = extrapolate(shots[:-1], found[:-1], 0.01)
            misses.append(100 * abs(predicted.accuracy - found[-1]))
            inside.append(predicted.lower <= found[-1] <= predicted.upper)
        n_close = float(np.sum(np.array(misses) <= 2))
        note = (
            f"mean miss {np.mean(misses):.1f} points, largest {max(misses):.1f}; {sum(inside)} within the 90 % interval"
        )
        yield line(f"{name}, samples of 10 within 2 points", n_close, 8, note=note)


def forecasts() -> Iterator[str]:
    """Forecast the accuracy with twice the labels, as the report does."""
    for n_test in (100, 400):
        everything: list[tuple[Extrapolation, float]] = []
        for name in FORECAST_SETS:
            found = [_forecast(name, k, seed, n_test) for seed in FORECAST_DRAWS for k in (2, 5, 10, 20)]
            everything += found
            yield _forecast_line(f"{name}, {n_test} test items", found)
        yield _forecast_line(f"all sets, {n_test} test items", everything)


def _forecast_line(what: str, found: list[tuple[Extrapolation, float]]) -> str:
    given = [(one, truth) for one, truth in found if one.refusal is None]
    inside = float(np.mean([one.lower <= truth <= one.upper for one, truth in given])) if given else float("nan")
    misses = [100 * abs(one.accuracy - truth) for one, truth in given]
    width = np.mean([100 * (one.upper - one.lower) for one, _ in given]) if given else float("nan")
    note = f"{len(given)} of {len(found)} given; mean miss {np.mean(misses or [np.nan]):.1f} points, width {width:.1f}"
    return line(f"{what}: coverage of the 90 % interval", 100 * inside, None, note=note)


def _forecast(name: str, k: int, seed: int, n_test: int) -> tuple[Extrapolation, float]:
    """Return the forecast from about `k` labels per class, and the accuracy with twice as many on other items."""
    texts, y = load_train(name)
    random = np.random.default_rng(seed)
    some = random.choice(np.unique(y), min(20, len(np.unique(y))), replace=False)
    rows = random.permutation(np.flatnonzero(np.isin(y, some)))
    half, others = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    n = k * len(some)
    if seed % 2:  # natural class shares, with one label of each class
        half = np.concatenate([one := half[draw(y[half], 1, seed)], np.setdiff1d(half, one, assume_unique=True)])
        first, both = half[:n], half[: 2 * n]
    else:
        first, both = half[draw(y[half], k, seed)], half[draw(y[half], 2 * k, seed)]
    used = np.concatenate([both, others[: n_test + 1000]])
    encoder, cache = load_encoder(default_for("text")), VectorCache()
    X = dict(zip(used.tolist(), encode_once(encoder, [texts[row] for row in used], cache=cache), strict=True))

    def vectors_of(part: np.ndarray) -> np.ndarray:
        return np.stack([X[row] for row in part.tolist()])

    vectors = encode_once(encoder, [str(one).replace("_", " ") for one in some], cache=cache)
    clf = AnyShotClassifier(dict(zip(some.tolist(), vectors, strict=True)))
    tested, rest = others[:n_test], others[n_test : n_test + 1000]
    most = int(np.unique(y[first], return_counts=True)[1].max())
    shots = [one for one in (0, 1, 2, 5, 10, 20) if one < most]
    curve = learning_curve(
        clf, vectors_of(first), y[first], vectors_of(tested), y[tested], shots=[*shots, "all"], seeds=3
    )
    clf.fit(vectors_of(both), y[both])
    return forecast(curve), float(np.mean(clf.predict(vectors_of(rest)) == y[rest]))


def suggestions() -> Iterator[str]:
    """Compare suggested labels with random ones."""
    ways: dict[str, Callable[[Bench, int], list[float]]] = {"suggest": _suggested, "random": _random}
    bench = Bench("banking77")
    found = {name: np.array([100 * np.array(way(bench, seed)) for seed in DRAWS]) for name, way in ways.items()}
    for rounds in (1, 3, 5):
        ours, plain = (found[name][:, rounds - 1] for name in ("suggest", "random"))
        target = round(float(plain.mean()) + 2, 1) if rounds == 5 else None
        note = f"random {plain.mean():.1f}; {np.sum(ours > plain)} of {len(DRAWS)} draws better"
        yield line(f"banking77, {rounds} x classes labels, suggest", float(ours.mean()), target, note=note)


def _suggested(bench: Bench, seed: int) -> list[float]:
    rows, accuracies = np.zeros(0, np.intp), []
    clf = bench.fitted(rows, seed=seed)
    for _ in range(5):
        rest = np.setdiff1d(np.arange(len(bench.X)), rows)
        rows = np.append(rows, rest[clf.suggest(bench.X[rest], n=len(bench.described))])
        clf = bench.fitted(rows, seed=seed)
        accuracies.append(bench.accuracy(clf))
    return accuracies


def _random(bench: Bench, seed: int) -> list[float]:
    order = np.random.default_rng(seed).permutation(len(bench.X))
    return [bench.accuracy(bench.fitted(order[: rounds * len(bench.described)])) for rounds in range(1, 6)]


PARTS = {"curve": curve, "sets": sets, "extrapolation": extrapolation, "forecast": forecasts, "suggest": suggestions}

if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="The classes '.*' are nearly the same")
    warnings.filterwarnings("ignore", message="The number of unique classes is greater")
    for part in sys.argv[1:] or list(PARTS):
        table(part, PARTS[part]())
