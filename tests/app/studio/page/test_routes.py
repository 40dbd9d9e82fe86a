"""What the page asks and changes over HTTP, with bad input."""

import io

import pytest
from PIL import Image


def test_a_label_is_on_the_disk_when_it_is_acknowledged_and_undone_once(client, filled):
    assert client.post(filled + "labels", json={"items": [1, 2], "label": 1}).json() == {"changed": 2}
    state = client.get(filled + "changes?since=0").json()
    assert (state["n_labels"], state["undo"]["sentence"]) == (2, "Labeled 2 items as billing")
    entry = {"entry": state["undo"]["id"]}
    assert client.post(filled + "undo", json=entry).json() == {"sentence": "Labeled 2 items as billing"}
    assert client.post(filled + "undo", json=entry).json() == {"sentence": ""}
    assert [row["label"] for row in client.get(filled + "items?ids=2,1").json()] == [None, None]
    assert client.get(filled + "changes?since=0").json()["n_items"] == 2


def test_names_are_shown_as_text_everywhere(client, base):
    evil = "<script>alert(1)</script>\"'>"
    client.post(base + "classes", json={"names": evil + "\nlogin"})
    client.post(base + "classes/words", json={"id": 1, "add": "<img src=x onerror=alert(2)>"})
    for path in ("", "classes", "classes?ask=1", "classes/1", "history", "export"):
        page = client.get(base + path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("labels", {"items": [1], "label": 99}),
        ("labels", {"items": "1", "label": 1}),
        ("labels", {"items": [True], "label": 1}),
        ("labels", {"items": [1], "label": "billing"}),
        ("labels", []),
        ("undo", {"entry": 999}),
        ("undo", {}),
        ("classes", {"names": " , \n"}),
        ("classes", {"names": "BILLING"}),
        ("classes", {"names": "refund, unknown"}),
        ("classes", {"names": ["billing"]}),
        ("classes", {"names": "\n".join(map(str, range(101)))}),
        ("classes/edit", {"id": 1, "name": "login"}),
        ("classes/edit", {"id": "1; drop table", "name": "a"}),
        ("classes/edit", {"id": 1, "name": "billing", "color": 11}),
        ("classes/move", {"id": 1, "by": 10**30}),
        ("classes/merge", {"id": 1, "into": 1}),
        ("classes/remove", {"id": 7}),
        ("items", {"texts": [1]}),
        ("items", {"texts": []}),
        ("tables/0123456789abcdef", {"text": 0}),
        ("tables/..", {"text": 0}),
    ],
)
def test_a_bad_change_is_refused_with_a_reason_and_changes_nothing(client, unchanged, path, body):
    before = client.get(unchanged + "changes?since=0").json()["n_labels"], client.get(unchanged + "classes/1").text
    answer = client.post(unchanged + path, json=body)
    assert answer.status_code in (404, 405, 422)
    assert answer.json()["detail"] if answer.status_code == 422 else True
    assert (
        client.get(unchanged + "changes?since=0").json()["n_labels"],
        client.get(unchanged + "classes/1").text,
    ) == before


def test_a_body_that_is_not_json_is_refused(client, unchanged):
    assert client.post(unchanged + "labels", content=b"[" * 100_000).status_code == 422


@pytest.mark.parametrize("query", ["view=best", "view=first&of=x", "view=first&like=99"])
def test_an_order_that_does_not_exist_is_refused(client, unchanged, query):
    assert client.get(f"{unchanged}order?{query}").status_code in (404, 422)


def test_a_table_is_previewed_and_its_rows_are_added_with_labels(client, base):
    table = 'id,<b>message</b>,team\n1,"charged <i>twice</i>",billing\n2,no sign in,login\n3,,login\n'
    html = client.post(base + "tables", files={"file": ("a/../<i>.csv", table)}).json()["html"]
    assert "&lt;b&gt;message" in html
    assert "<b>message" not in html
    number = html.split("tables/")[1].split('"')[0]
    done = client.post(f"{base}tables/{number}", json={"text": "1", "label": "2"}).json()
    assert (done["added"], len(done["refused"])) == (2, 1)
    assert [row["label"] for row in client.get(base + "items?ids=1,2").json()] == [1, 2]
    assert client.post(f"{base}tables/{number}", json={"text": "1"}).status_code == 422


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.xlsx", b"PK\x03\x04"), ("a.exe", b"MZ"), ("a", b"")])
def test_a_file_that_is_no_table_is_refused_by_its_own_name(client, base, name, content):
    answer = client.post(base + "tables", files={"file": (name, content)})
    assert answer.status_code == 422
    assert "/uploads/" not in answer.text


def test_a_corrupt_image_is_listed_and_the_rest_is_taken(client):
    base = client.post("/projects", json={"name": "photos", "kind": "images"}).json()["address"]
    client.post(base + "classes", json={"names": "cat"})
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "PNG")
    files = [("files", ("a.png", picture.getvalue())), ("files", ("b.png", b"no image")), ("files", ("c.txt", b"x"))]
    done = client.post(base + "items/files", files=files, data={"label": "1"}).json()
    assert done["added"] == 1
    assert {one["name"] for one in done["refused"]} == {"b.png", "c.txt"}
    assert client.get(base + "items?ids=1").json()[0]["label"] == 1
    shown = client.get(base + "items/1/thumbnail")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")


def test_a_held_request_is_answered_as_soon_as_something_changes(client, filled):
    since = client.get(filled + "changes?since=0").json()["version"]
    client.post(filled + "labels", json={"items": [2], "label": "unknown"})
    news = client.get(f"{filled}changes?since={since}&wait=20").json()
    assert "labels" in news["subjects"]
    assert news["version"] > since


def test_the_table_and_the_page_are_in_the_language_that_is_asked_for(client, filled):
    german = {"Accept-Language": "de-DE,de;q=0.9"}
    assert "Qualität der Antworten" in client.get(filled, headers=german).text
    assert "2 Klassen" in client.get(filled, headers=german).text
    assert client.get(filled + "export/labels.csv").text.count("\n") == 3
    assert client.get(filled + "export/../model").status_code == 404
