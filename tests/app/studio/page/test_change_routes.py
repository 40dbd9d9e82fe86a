"""What changes a project over HTTP: labels, classes and undo, with bad input."""

import re

import pytest


def test_a_label_is_on_the_disk_when_it_is_acknowledged_and_undone_once(client, filled):
    before = client.get(filled + "changes?since=0").json()["undo"]
    done = client.post(filled + "labels", json={"items": [1, 2], "label": 1}).json()
    state = client.get(filled + "changes?since=0").json()
    assert (state["n_labels"], done["changed"], done["undo"]) == (2, 2, state["undo"])
    entry, sentence = {"entry": done["undo"]["id"]}, "Labeled 2 items as billing"
    for told, items in ((sentence, [1, 2]), ("", [])):
        undone = client.post(filled + "undo", json=entry).json()
        version = client.get(filled + "changes?since=0").json()["version"]
        assert undone == {"sentence": told, "items": items, "undo": before, "version": version}
    again = {"sentence": sentence, "items": [1, 2], "undo": done["undo"], "version": version + 1}
    assert client.post(filled + "redo", json={}).json() == again
    assert client.post(filled + "undo", json=entry).json()["undo"] == before
    assert [row["label"] for row in client.get(filled + "items?ids=2,1").json()] == [None, None]
    assert client.get(filled + "changes?since=0").json()["n_items"] == 2


def test_a_label_that_the_items_have_already_changes_nothing(client, filled):
    client.post(filled + "labels", json={"items": [1], "label": 1})
    version = client.get(filled + "changes?since=0").json()["version"]
    assert client.post(filled + "labels", json={"items": [1], "label": 1}).json() == {"changed": 0}
    assert client.get(filled + "changes?since=0").json()["version"] == version


def test_a_change_after_the_one_that_the_page_shows_is_not_undone_with_it(client, filled):
    client.post(filled + "labels", json={"items": [1], "label": 1})
    shown = client.get(filled + "changes?since=0").json()["undo"]
    client.post(filled + "labels", json={"items": [2], "label": 2})
    answer = client.post(filled + "undo", json={"entry": shown["id"]})
    assert (answer.status_code, "Other changes came after this one" in answer.json()["detail"]) == (422, True)
    assert [row["label"] for row in client.get(filled + "items?ids=1,2").json()] == [1, 2]


def test_a_label_that_looks_wrong_is_kept(client, filled):
    assert client.post(filled + "labels/keep", json={"items": [1]}).json() == {}
    client.post(filled + "labels", json={"items": [1], "label": 1})
    done = client.post(filled + "labels/keep", json={"items": [1, 2]}).json()
    assert done["undo"]["sentence"] == "Kept 1 label"


def test_what_a_dialog_changes_is_undone_at_once(client, filled):
    before = client.get(filled + "classes/1").text
    body = {"id": 1, "name": "invoices", "description": "what was paid", "color": 5}
    done = client.post(filled + "classes/edit", json=body).json()
    assert done["undo"]["sentence"] == "Edited the class billing"
    client.post(filled + "undo", json={"entry": done["undo"]["id"]})
    assert client.get(filled + "classes/1").text == before


@pytest.mark.parametrize(
    ("pasted", "names"),
    [
        ("1. refund\n2) bug", ["refund", "bug"]),
        ("- refund\n• bug", ["refund", "bug"]),
        ("1. FC Nord\nrest", ["1. FC Nord", "rest"]),
        ("refund, lost", ["refund", "lost"]),
        ("Repairs, heating\nlost,", ["Repairs, heating", "lost"]),
    ],
)
def test_the_numbers_of_a_pasted_list_are_no_part_of_the_names(client, filled, pasted, names):
    added = client.post(filled + "classes", json={"names": pasted}).json()["added"]
    shown = [client.get(f"{filled}classes/{number}").text for number in added]
    assert all(f'value="{name}"' in text for name, text in zip(names, shown, strict=True)), shown[0][:500]


@pytest.mark.parametrize(
    ("given", "names"),
    [("refund\t12\nlost\t7", ["refund", "lost"]), ("1\t2", ["1", "2"]), ("refund\tlost", ["refund", "lost"])],
)
def test_classes_are_pasted_from_columns_of_a_spreadsheet(client, base, given, names):
    done = client.post(base + "classes", json={"names": given}).json()
    assert done["undo"]["sentence"] == f"Added the classes {', '.join(names)}"


def test_no_class_has_the_name_that_the_page_gives_to_items_of_no_class(client, base):
    german = {"Accept-Language": "de"}
    refused = client.post(base + "classes", json={"names": "Unbekannt"}, headers=german)
    assert "„Unbekannt“ kann kein Name einer Klasse sein" in refused.json()["detail"]
    assert client.post(base + "classes", json={"names": "Unbekannt"}).status_code == 200  # of the English page


def own_words(client, base):
    return re.findall(r'class="chip own[^"]*">([^<]+)', client.get(base + "classes").text)


def test_the_words_of_several_classes_are_given_at_once(client, filled):
    body = {"words-1": "invoice,\nfee", "words-2": ""}
    assert client.post(filled + "classes/words", json=body).json()["message"]
    assert own_words(client, filled) == ["invoice", "fee"]
    body = {"words-1": "money", "words-2": "password"}
    done = client.post(filled + "classes/words", json=body).json()["undo"]
    assert done["sentence"] == "Changed the words of billing, login"
    assert own_words(client, filled) == ["invoice", "fee", "money", "password"]
    client.post(filled + "undo", json={"entry": done["id"]})
    assert own_words(client, filled) == ["invoice", "fee"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("labels", {"items": [1], "label": 99}),
        ("labels", {"items": "1", "label": 1}),
        ("labels", {"items": [True], "label": 1}),
        ("labels", {"items": [1], "label": "billing"}),
        ("labels", []),
        ("labels/keep", {"items": 1}),
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
        ("classes/words", {"words-x": "fee"}),
        ("classes/words", {"words-9": "fee"}),
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
