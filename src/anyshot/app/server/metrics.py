"""Metrics of the service for Prometheus, in a registry of their own; the processes of a service count together.

`anyshot_drift_alarm` is 1 while the items of a model are less close to its classes than those that it answered first.
"""

import math
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from anyshot.app.server.readiness import Snapshot
from anyshot.errors import InputError

N_REFERENCE: Final = 500
"""Items with which later ones are compared, and of which the latest ones are the mean."""
DRIFT: Final = 0.5
"""Standard deviations by which the mean closeness must fall: that of 500 items varies by 0.03 of them by chance, and a
medium effect is 0.5."""
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""With it, prometheus_client keeps what a process counts in files of this folder, which others can read."""
IN_MEMORY: Final = Path("/dev/shm")
"""Where Linux has files in memory: one of a full disk would end the process that counts."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"})
SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
"""Upper bounds of the buckets of a histogram of times [s]."""
ITEMS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)  # and of one of numbers of items


class Drift:
    """Compare the closeness of the latest items of a model with that of the first.

    Batches are known by their number of items and mean closeness, so that the variance of items is that of the means,
    each weighted by its number of items.

    >>> drift = Drift(n=3)
    >>> for mean in (0.6, 0.5, 0.7, 0.2, 0.2):
    ...     drift.add(1, mean)
    >>> round(drift.reference, 6), drift.alarm
    (0.6, True)
    """

    def __init__(self, n: int = N_REFERENCE) -> None:
        self.n, self.seen, self.batches = n, 0, 0
        self.reference = self.latest = float("nan")
        self._squares = 0.0

    def add(self, n_items: int, closeness: float) -> None:
        """Add items with this mean closeness."""
        if n_items == 0 or math.isnan(closeness):
            return
        if self.seen >= self.n:
            share = min(1.0, n_items / self.n)
            self.latest += share * (closeness - self.latest)
            return
        self.batches, self.seen = self.batches + 1, self.seen + n_items
        before = closeness if self.batches == 1 else self.reference
        self.reference = before + (closeness - before) * n_items / self.seen
        self._squares += n_items * (closeness - before) * (closeness - self.reference)
        self.latest = self.reference

    @property
    def alarm(self) -> bool:
        """Whether the latest items are clearly less close than the first ones."""
        if self.seen < self.n or self.batches < 2:
            return False
        deviation = math.sqrt(self._squares / (self.batches - 1))
        return self.latest < self.reference - DRIFT * deviation


class Summary(NamedTuple):
    """What is counted of an answer."""

    n_items: int
    n_unknown: int
    closeness: float  # mean over the items


@contextmanager
def counted_together() -> Iterator[str]:
    """Let the processes that are started within count in one folder, so that each answers for all of them.

    Raises InputError if no temporary folder can be made.
    """
    before, place = os.environ.get(FOLDER_VARIABLE), IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    try:
        folder = tempfile.TemporaryDirectory(prefix="anyshot-metrics-", dir=place, ignore_cleanup_errors=True)
    except OSError as error:
        raise InputError(
            f"Several processes count requests in a temporary folder, which cannot be made: {error.strerror}. Set "
            "TMPDIR to a folder that can be written, or use --workers 1."
        ) from error
    with folder as name:
        os.environ[FOLDER_VARIABLE] = name
        try:
            yield name
        finally:
            del os.environ[FOLDER_VARIABLE]
            if before is not None:
                os.environ[FOLDER_VARIABLE] = before


class Metrics:
    """What the service counts, in any of its threads, and what Prometheus reads of it.

    snapshots : returns the version that each model is at, by the names of the models
    """

    def __init__(self, snapshots: Callable[[], Mapping[str, Snapshot]]) -> None:
        self._snapshots, self._lock = snapshots, threading.Lock()
        self.queue: Callable[[], int] = int  # returns how many requests wait or are answered; set by the edge
        self._drift: dict[str, Drift] = {}
        self._noted: dict[tuple[str, str], int] = {}  # of the encoded items of a model and source
        self._of_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.registry = CollectorRegistry()
        counter, histogram = partial(Counter, registry=self.registry), partial(Histogram, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry, multiprocess_mode="livemostrecent")
        of_model = ("model",)
        self._requests = counter("anyshot_requests", "Requests answered.", ("method", "route", "status"))
        self._seconds = histogram("anyshot_request_seconds", "Time of a request.", ("route",), buckets=SECONDS)
        self._batch_items = histogram("anyshot_batch_items", "Items encoded together.", buckets=ITEMS)
        self._batch_requests = histogram("anyshot_batch_requests", "Requests encoded together.", buckets=ITEMS)
        self._batch_seconds = histogram("anyshot_batch_seconds", "Time to encode a batch.", buckets=SECONDS)
        self._answers = counter("anyshot_answers", "Items answered.", ("model", "answer"))
        self._repeated = counter("anyshot_repeated_requests", "Requests answered as the same one before.", of_model)
        self._changes = counter("anyshot_changes", "Changes of a model, each once.", of_model)
        about = "Mean closeness of the latest items to their class."
        self._closeness = gauge("anyshot_closeness_mean", about, of_model)
        self._reference = gauge("anyshot_closeness_reference", "Mean closeness of the first items.", of_model)
        self._alarm = gauge(
            "anyshot_drift_alarm",
            "1 while items are less close than the first ones.",
            of_model,
            multiprocess_mode="livemax",
        )
        about = "Requests that wait or are answered."
        self._queue = gauge("anyshot_queue", about, multiprocess_mode="livesum")
        self._version = gauge("anyshot_model_version", "Version of a model.", of_model)
        about = "Items that were encoded, or found in the cache."
        self._encoded = counter("anyshot_encoded_items", about, ("model", "source"))

    def on_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note that a request was answered."""
        method = method if method in METHODS else "other"
        if (method, route, status) not in self._of_requests:  # to look these up takes as long as to count
            own = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
            self._of_requests[method, route, status] = own
        requests, times = self._of_requests[method, route, status]
        requests.inc()
        times.observe(seconds)

    def on_batch(self, n_requests: int, n_items: int, seconds: float) -> None:
        """Note that a batch was encoded."""
        self._batch_requests.observe(n_requests)
        self._batch_items.observe(n_items)
        self._batch_seconds.observe(seconds)

    def on_answers(self, model: str, summary: Summary, *, repeated: bool = False) -> None:
        """Note answers of a model, and whether the same request was answered before."""
        self._answers.labels(model, "unknown").inc(summary.n_unknown)
        self._answers.labels(model, "known").inc(summary.n_items - summary.n_unknown)
        if repeated:
            self._repeated.labels(model).inc()
        with self._lock:
            drift = self._drift.setdefault(model, Drift())
            drift.add(summary.n_items, summary.closeness)
            self._closeness.labels(model).set(drift.latest)
            self._reference.labels(model).set(drift.reference)
            self._alarm.labels(model).set(drift.alarm)

    def on_change(self, model: str) -> None:
        """Note that a model has a new version."""
        self._changes.labels(model).inc()

    def note(self) -> None:
        """Note what is not counted as it happens: the queue, the versions, and the items that were encoded.

        Other processes read it, so that it has to be noted while nobody asks.
        """
        self._queue.set(self.queue())
        for name, snapshot in self._snapshots().items():
            self._version.labels(name).set(snapshot.version)
            counts = getattr(snapshot.classifier, "encoding_counts", None)
            if counts is not None:  # fine-tuned networks and models of vectors keep none
                self._note_encoded(name, "encoder", counts.encoded)
                self._note_encoded(name, "cache", counts.cached + counts.duplicates)

    def _note_encoded(self, model: str, source: str, n_items: int) -> None:
        """Note how many items a model has encoded since it was read, which may have happened since the last time."""
        with self._lock:
            noted, self._noted[model, source] = self._noted.get((model, source), 0), n_items
            self._encoded.labels(model, source).inc(n_items - noted if n_items >= noted else n_items)

    def render(self) -> tuple[bytes, str]:
        """Return the metrics as Prometheus reads them, and their content type."""
        self.note()
        registry = self.registry
        if folder := os.environ.get(FOLDER_VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]  # prometheus_client is partly typed
        return generate_latest(registry), CONTENT_TYPE_LATEST
