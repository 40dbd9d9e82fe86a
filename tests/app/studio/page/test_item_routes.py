"""What the page asks about items: their order, groups, and what changed."""

import pytest


@pytest.mark.parametrize("query", ["view=best", "view=first&of=x", "view=first&of=--5", "view=first&like=99"])
def test_an_order_that_does_not_exist_is_refused(client, unchanged, query):
    assert client.get(f"{unchanged}order?{query}").status_code in (404, 422)


def test_a_held_request_is_answered_as_soon_as_something_changes(client, filled):
    since = client.get(filled + "changes?since=0").json()["version"]
    client.post(filled + "labels", json={"items": [2], "label": "unknown"})
    news = client.get(f"{filled}changes?since={since}&wait=20").json()
    assert "labels" in news["subjects"]
    assert news["rows"] == []
    assert news["version"] > since


def test_a_change_is_sent_with_the_items_that_the_page_shows(client, filled):
    since = client.get(filled + "changes?since=0").json()["version"]
    client.post(filled + "labels", json={"items": [2], "label": "unknown"})
    news = client.get(f"{filled}changes?since={since}&ids=2,1").json()
    assert [(row["id"], row["label"]) for row in news["rows"]] == [(2, "unknown"), (1, None)]
    assert client.get(f"{filled}changes?since={news['version'] + 99}&ids=2").json()["rows"] == []


def test_groups_follow_the_order_and_have_every_item(client, filled):
    client.post(filled + "labels", json={"items": [2], "label": "unknown"})
    client.post(filled + "labels", json={"items": [1], "label": 2})
    found = client.get(filled + "order?view=class").json()
    assert (found["ids"], found["groups"]) == ([1, 2], [{"label": 2, "n": 1}, {"label": "unknown", "n": 1}])
    of_class = client.get(filled + "order?view=added&of=unknown").json()
    assert (of_class["ids"], of_class["labeled"], of_class["groups"]) == ([2], [2], None)
    assert client.get(filled + "order?view=added&words=TWICE").json()["ids"] == [1]


def test_items_that_are_gone_are_left_out(client, unchanged):
    assert [row["id"] for row in client.get(unchanged + "items?ids=2,77,1").json()] == [2, 1]


def test_an_order_says_whether_there_are_answers(client, filled):
    version, answered = 0, False
    for _ in range(5):
        if not answered:
            news = client.get(f"{filled}changes?since={version}&wait=20").json()
            version, answered = news["version"], news["answered"]
    assert answered
    assert client.get(filled + "order?view=first").json()["answered"]
