"""A request that is repeated gets the same answer, of the same version of the model, within a limit of bytes."""

import json
import weakref
from types import SimpleNamespace

from anyshot.app.server.limits import LimitedBodies
from anyshot.app.server.metrics import Metrics, Summary
from anyshot.app.server.readiness import Snapshot
from anyshot.app.server.repeated_answers import RepeatedAnswers
from anyshot.app.server.service import Answered
from asgi import request

PREDICT, JSON = "/v1/models/support/predict", {"content_type": "application/json"}


class Service:
    """A route that answers with its number of calls, and what stands around it."""

    def __init__(self, limit: int = 1_000_000, length: int = 0) -> None:
        self.live = SimpleNamespace(snapshot=Snapshot(None, 1, "text"))
        self.metrics, self.calls, self.length = Metrics(dict), 0, length
        self.cache = RepeatedAnswers(self.route, {"support": self.live}, self.metrics, limit=limit)
        self.app = LimitedBodies(self.cache, max_body=10_000, seconds=5)

    async def route(self, scope, receive, send) -> None:
        self.calls += 1
        body = b"%d" % self.calls + b" " * self.length
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        answered = Answered(body, weakref.ref(self.live.snapshot), Summary(3, 0, 0.5), "the route")
        scope["state"]["answered"] = answered

    def ask(self, what: str, path: str = PREDICT, **headers: str) -> int:
        return int(request(self.app, json.dumps(what).encode(), path=path, **{**JSON, **headers}).body)


def test_the_same_body_gets_the_same_answer_and_is_counted():
    service = Service()
    assert [service.ask(one) for one in ("a", "b", "a", "a")] == [1, 2, 1, 1]
    value = service.metrics.registry.get_sample_value
    assert value("anyshot_repeated_requests_total", {"model": "support"}) == 2
    assert value("anyshot_answers_total", {"model": "support", "answer": "known"}) == 6
    assert value("anyshot_closeness_mean", {"model": "support"}) == 0.5


def test_another_version_answers_anew():
    service = Service()
    service.ask("a")
    service.live.snapshot = Snapshot(None, 2, "text")
    assert [service.ask("a"), service.ask("a")] == [2, 2]


def test_only_json_for_the_answers_of_a_model_is_remembered():
    service = Service()
    paths = ("/v1/models/support/classes", "/v1/models/other/predict", "/v1/models/a/support/predict")
    assert [service.ask("a", path) for path in 2 * paths] == [1, 2, 3, 4, 5, 6]
    assert [service.ask("a", content_type="multipart/form-data") for _ in range(2)] == [7, 8]


def test_answers_take_a_bounded_number_of_bytes():
    service = Service(limit=200_000)
    for number in range(300):
        service.ask(str(number))
    assert service.cache.size <= 200_000
    assert 100 < len(service.cache) < 200
    assert service.ask("299") == 300
    assert service.ask("0") == 301, "the one that was asked for longest ago was forgotten"
    large = Service(limit=200_000, length=2_000)
    assert [large.ask("a"), large.ask("a")] == [1, 2], "a large answer would take the place of many"
