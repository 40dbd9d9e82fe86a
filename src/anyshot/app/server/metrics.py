"""Metrics of the service for Prometheus, in a registry of their own: each process of the service has its own.

`anyshot_drift_alarm` is 1 while the items of a model are less close to its classes than those that it answered first.
"""

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from anyshot.app.server.readiness import Snapshot

N_REFERENCE: Final = 500
"""Items with which later ones are compared, and of which the latest ones are the mean."""
DRIFT: Final = 0.5
"""Standard deviations by which the mean closeness must fall: that of 500 items varies by 0.03 of them by chance, and a
medium effect is 0.5."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"})
SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
ITEMS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


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


class Metrics(Collector):
    """What the service counts, in any of its threads, and what Prometheus reads of it.

    snapshots : returns the version that each model is at, by the names of the models
    """

    def __init__(self, snapshots: Callable[[], Mapping[str, Snapshot]]) -> None:
        self._snapshots, self._lock = snapshots, threading.Lock()
        self.queue: Callable[[], int] = int  # returns how many requests wait or are answered; set by the edge
        self._drift: dict[str, Drift] = {}
        self._of_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.registry = CollectorRegistry()
        counter, gauge = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        of_model = ("model",)
        self._requests = counter("anyshot_requests", "Requests answered.", ("method", "route", "status"))
        self._seconds = histogram("anyshot_request_seconds", "Time of a request.", ("route",), buckets=SECONDS)
        self._batch_items = histogram("anyshot_batch_items", "Items encoded together.", buckets=ITEMS)
        self._batch_requests = histogram("anyshot_batch_requests", "Requests encoded together.", buckets=ITEMS)
        self._batch_seconds = histogram("anyshot_batch_seconds", "Time to encode a batch.", buckets=SECONDS)
        self._answers = counter("anyshot_answers", "Items answered.", ("model", "answer"))
        self._repeated = counter("anyshot_repeated_requests", "Requests answered as the same one before.", of_model)
        self._changes = counter("anyshot_changes", "Changes of a model.", of_model)
        about = "Mean closeness of the latest items to their class."
        self._closeness = gauge("anyshot_closeness_mean", about, of_model)
        self._reference = gauge("anyshot_closeness_reference", "Mean closeness of the first items.", of_model)
        self._alarm = gauge("anyshot_drift_alarm", "1 while items are less close than the first ones.", of_model)
        self.registry.register(self)

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

    def render(self) -> tuple[bytes, str]:
        """Return the metrics as Prometheus reads them, and their content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterable[Metric]:
        """Yield what is read only when metrics are asked for."""
        yield GaugeMetricFamily("anyshot_queue", "Requests that wait or are answered.", value=self.queue())
        version = GaugeMetricFamily("anyshot_model_version", "Version of a model.", labels=("model",))
        encoded = CounterMetricFamily(
            "anyshot_encoded_items", "Items that were encoded, or found in the cache.", labels=("model", "source")
        )
        for name, snapshot in self._snapshots().items():
            version.add_metric([name], snapshot.version)
            counts = getattr(snapshot.classifier, "encoding_counts", None)
            if counts is None:
                continue  # fine-tuned networks and models of vectors keep none
            encoded.add_metric([name, "encoder"], counts.encoded)
            encoded.add_metric([name, "cache"], counts.cached + counts.duplicates)
        yield from (version, encoded)
