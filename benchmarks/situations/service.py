"""Requests to the service."""

from pathlib import Path

from fastapi.testclient import TestClient

from anyshot.app.server.app import create_app
from anyshot.app.server.opening import open_models
from anyshot.app.server.settings import Settings
from situations.situation import HALF_IN_JSON, Situation, Subject, model_in

holds = Subject("service")


def _asks(address: str, body: str | bytes, status: int, *words: str) -> Situation:
    """Return the situation that a request to a model is answered by this status and these words."""

    def ask(folder: Path) -> bool:
        settings = Settings()
        model = model_in(folder)
        with TestClient(create_app(open_models({"m": model}, settings), settings)) as client:
            reply = client.post(f"/v1/models/m/{address}", content=body, headers={"Content-Type": "application/json"})
        return reply.status_code == status and all(word in reply.text for word in words)

    return ask


holds("one text in place of items: answered as one item")(_asks("predict", '{"items": "refund"}', 200, '"refund"}]'))
holds("a text in an object, among the items: answered")(
    _asks("predict", '{"items": [{"text": "refund"}]}', 200, '"refund"}]')
)
holds("half an emoji in an item: status 400")(
    _asks("predict", f'{{"items": ["refund", "{HALF_IN_JSON}"]}}', 400, "unpaired surrogate")
)
holds("half an emoji in an example: status 400")(
    _asks("examples", f'{{"items": ["{HALF_IN_JSON}"], "labels": ["refund"]}}', 400, "unpaired surrogate")
)
holds("half an emoji in a class: status 400")(
    _asks("classes", f'{{"name": "{HALF_IN_JSON}"}}', 400, "unpaired surrogate")
)
holds("null among the items: status 422, with the item")(_asks("predict", '{"items": ["refund", null]}', 422, "1"))
holds("a misspelled key: status 422, with the key")(_asks("predict", '{"item": ["refund"]}', 422, "item"))
holds("a body that is not UTF-8: status 400, with the place")(
    _asks("predict", b'{"items": ["caf\xe9"]}', 400, "not UTF-8", "byte 15")
)
holds("nine million bytes of one vector: status 413, with how many numbers are read")(
    _asks("predict", b'{"items": [' + b"1," * 4_500_000 + b"1]}", 413, "2,000,000 numbers")
)
holds("a million numbers in place of examples: status 422, with how many entries a list may have")(
    _asks("classes", b'{"name": "a", "examples": [' + b"1," * 1_000_000 + b"1]}", 422, "examples", "10,000 entries")
)
holds("fewer labels than items: status 422, with both numbers")(
    _asks("examples", '{"items": ["a", "b"], "labels": ["refund"]}', 422, "2", "1")
)
holds("a class of spaces: status 422")(_asks("classes", '{"name": "  "}', 422, "name"))
holds("a class named ..: status 422")(_asks("classes", '{"name": ".."}', 422, "no part of an address"))
holds("a number beyond all as a class: status 422")(_asks("classes", '{"name": 1e400}', 422, "a finite number"))
holds("a text of nine million letters: answered at once, by its beginning")(
    _asks("predict", '{"items": "' + "x y" * 3_000_000 + '"}', 200, '"cut":true')
)
holds("a word of nine million letters: answered at once, by its beginning")(
    _asks("predict", '{"items": "' + "x" * 9_000_000 + '"}', 200, '"cut":true')
)
