"""Metrics count what happened, in a registry of their own."""

from types import SimpleNamespace

import numpy as np

from anyshot.app.server.metrics import Drift, Metrics, Summary
from anyshot.store.encoding import EncodingCounts


def metrics() -> Metrics:
    counts = EncodingCounts(requested=5, duplicates=1, cached=1, encoded=3)
    classifier = SimpleNamespace(encoding_counts=counts)
    found = Metrics(lambda: {"support": SimpleNamespace(version=7, classifier=classifier)})
    found.queue = lambda: 4
    return found


def test_what_happened_is_counted():
    own = metrics()
    own.on_request("POST", "/v1/models/{model}/predict", 200, 0.004)
    own.on_request("BREW", "unknown", 405, 0.001)
    own.on_batch(3, 9, 0.01)
    own.on_answers("support", Summary(n_items=4, n_unknown=1, closeness=0.5))
    own.note()
    value = own.registry.get_sample_value
    route = {"route": "/v1/models/{model}/predict"}
    assert value("anyshot_requests_total", {"method": "POST", "status": "200", **route}) == 1
    assert value("anyshot_requests_total", {"method": "other", "status": "405", "route": "unknown"}) == 1
    assert value("anyshot_request_seconds_bucket", {"le": "0.005", **route}) == 1
    assert value("anyshot_batch_items_sum") == 9
    assert value("anyshot_batch_requests_sum") == 3
    assert value("anyshot_answers_total", {"model": "support", "answer": "unknown"}) == 1
    assert value("anyshot_answers_total", {"model": "support", "answer": "known"}) == 3
    assert value("anyshot_model_version", {"model": "support"}) == 7
    assert value("anyshot_encoded_items_total", {"model": "support", "source": "cache"}) == 2
    assert value("anyshot_queue") == 4
    assert b"anyshot_drift_alarm" in own.render()[0]


def test_items_that_a_model_encodes_are_counted_on_after_it_was_read_anew():
    counts = EncodingCounts(encoded=3)
    own = Metrics(lambda: {"m": SimpleNamespace(version=1, classifier=SimpleNamespace(encoding_counts=counts))})
    for encoded in (3, 5, 2):  # of another object with the last one
        counts.encoded = encoded
        own.note()
    value = own.registry.get_sample_value("anyshot_encoded_items_total", {"model": "m", "source": "encoder"})
    assert value == 7


def test_two_services_count_apart():
    first, second = metrics(), metrics()
    first.on_batch(1, 5, 0.01)
    assert second.registry.get_sample_value("anyshot_batch_items_sum") == 0


def test_the_reference_of_drift_is_the_mean_and_deviation_of_items_in_any_batches():
    values = np.random.default_rng(0).normal(0.5, 0.1, 2_000)
    drift = Drift(n=2_000)
    for batch in np.split(values, [100, 101, 500, 900, 1_999]):
        drift.add(len(batch), batch.mean())
    assert np.isclose(drift.reference, values.mean())
    assert not drift.alarm


def test_drift_alarms_if_items_move_away_and_not_by_chance():
    random = np.random.default_rng(0)
    drift = Drift()
    alarms = []
    for value in random.normal(0.5, 0.1, 20_000):
        drift.add(1, value)
        alarms.append(drift.alarm)
    assert not any(alarms)
    for value in random.normal(0.4, 0.1, 1_000):
        drift.add(1, value)
    assert drift.alarm
    for value in random.normal(0.5, 0.1, 3_000):
        drift.add(1, value)
    assert not drift.alarm
