"""Speed of fitting, updating, predicting and starting.

    python benchmarks/speed.py

Data: banking77 with 10 labels per class, and random vectors. Times are medians of several runs in one process after a
warm-up; ratios are measured alternately. The start is measured in new processes. Targets are in the table.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from support import draw, line, load_text, table
from threadpoolctl import threadpool_limits

from anyshot import AnyShotClassifier, load_encoder
from anyshot.base.validation import unit
from anyshot.encoders.registry import default_for
from anyshot.store.disk_cache import VectorCache
from anyshot.store.encoding import encode_once
from anyshot.tasks.vector_classifiers import AnyShotHead


def seconds(work: Callable[[], object], *, runs: int = 5) -> float:
    """Return the median duration of `work` [s]."""
    work()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def head() -> Iterator[str]:
    """Measure fitting and updating on banking77 with 10 labels per class."""
    data, encoder, cache = load_text("banking77"), load_encoder(default_for("text")), VectorCache()
    chosen = draw(data.y, 10, 0)
    texts, labels = [data.train[row] for row in chosen], data.y[chosen]
    X = encode_once(encoder, texts, cache=cache)
    index = np.searchsorted(data.classes, labels)
    S = encode_once(encoder, data.classes, cache=cache)
    bare = seconds(lambda: AnyShotHead().fit(X, index, class_vectors=S))
    yield line("head, 770 labels, 77 classes [s]", bare, 1, least=False)
    clf = AnyShotClassifier(data.classes, encoder=encoder)
    yield line("fit with the comparison of methods [s]", seconds(lambda: clf.fit(texts, labels), runs=3), None)
    clf = AnyShotClassifier(data.classes, encoder=encoder).fit(texts, labels)
    name, more = "crypto currency", [data.train[row] for row in np.setdiff1d(np.arange(len(data.train)), chosen)[:5]]
    encode_once(encoder, [name, *more], cache=cache)
    changes: dict[str, Callable[[], object]] = {
        "add_class by name": lambda: clf.add_class(name),
        "remove_class": lambda: clf.remove_class(name),
        "add_class with five examples": lambda: clf.add_class(name, examples=more),
        "remove_class with five examples": lambda: clf.remove_class(name),
        "partial_fit of one item": lambda: clf.partial_fit(more[:1], [data.classes[0]]),
    }
    times: dict[str, list[float]] = {what: [] for what in changes}
    for _ in range(6):
        for what, change in changes.items():
            began = time.perf_counter()
            change()
            times[what].append(time.perf_counter() - began)
    for what, taken in times.items():
        target = 50 if what == "add_class by name" else None
        yield line(f"{what}, texts in the cache [ms]", 1000 * float(np.median(taken[1:])), target, least=False)


def many_classes() -> Iterator[str]:
    """Measure predicting 100,000 vectors of 10,000 classes, relative to the matrix product alone."""
    random = np.random.default_rng(0)
    centers = random.normal(size=(10_000, 384)).astype(np.float32)
    X = random.normal(size=(100_000, 384)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    clf = AnyShotClassifier({f"c{number}": center for number, center in enumerate(centers)}, cache=False).fit()
    coef = np.ascontiguousarray(centers.T)
    ours, bare = [], []
    for _ in range(3):
        began = time.perf_counter()
        clf.predict(X)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        for first in range(0, len(X), 400):
            X[first : first + 400] @ coef
        bare.append(time.perf_counter() - began)
    note = f"{np.median(ours):.1f} s against {np.median(bare):.1f} s"
    yield line("predict / matrix product", float(np.median(ours) / np.median(bare)), 2, least=False, note=note)


def busy_machine() -> Iterator[str]:
    """Measure fitting a small head while other processes use every core.

    `base.threads` limits BLAS to one thread only if no other Python thread is running. Before, it always did.
    """
    random = np.random.default_rng(0)
    index = np.repeat(np.arange(77), 10)
    S = unit(random.normal(size=(77, 384)))
    X = unit(S[index] + 0.1 * random.normal(size=(770, 384)))

    def fit() -> None:
        AnyShotHead().fit(X, index, class_vectors=S)

    def always_limited() -> None:
        with threadpool_limits(limits=1, user_api="blas"):
            fit()

    end = threading.Event()
    other = threading.Thread(target=end.wait)
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield line("the only Python thread [s]", seconds(fit), None, note=f"before: {seconds(always_limited):.1f}")
        other.start()
        yield line("with another Python thread [s]", seconds(fit), None, note=f"before: {seconds(always_limited):.1f}")
    finally:
        for process in load:
            process.kill()
            process.wait()
        end.set()


def start() -> Iterator[str]:
    """Measure the time from process start to the first prediction, and that of the import alone."""
    command = [sys.executable, "-m", "anyshot", "predict", "I was charged twice", "--classes", "billing,delivery"]

    def run(what: list[str]) -> None:
        subprocess.run(what, check=True, capture_output=True, env=os.environ)

    yield line("anyshot predict [s]", seconds(lambda: run(command), runs=3), 4, least=False)
    empty = seconds(lambda: run([sys.executable, "-c", "pass"]))
    light = seconds(lambda: run([sys.executable, "-c", "import anyshot"]))
    yield line("import anyshot [s]", light - empty, 0.3, least=False)


if __name__ == "__main__":
    table("Fitting and updating", head())
    table("Many classes", many_classes())
    table("A head of 770 labels on a busy machine", busy_machine())
    table("Start", start())
