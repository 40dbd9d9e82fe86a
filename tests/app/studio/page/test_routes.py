"""The pages and panels of the studio over HTTP."""

import re


def test_names_are_shown_as_text_everywhere(client, base):
    evil = "<script>alert(1)</script>\"'>"
    client.post(base + "classes", json={"names": evil + "\nlogin"})
    client.post(base + "classes/words", json={"id": 1, "add": "<img src=x onerror=alert(2)>"})
    for path in ("", "classes", "classes?ask=1", "classes/1", "history", "export"):
        page = client.get(base + path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_the_table_and_the_page_are_in_the_language_that_is_asked_for(client, filled):
    german = {"Accept-Language": "de-DE,de;q=0.9"}
    assert "Qualität der Antworten" in client.get(filled, headers=german).text
    assert "2 Klassen" in client.get(filled, headers=german).text
    assert client.get(filled + "export/labels.csv").text.count("\n") == 3
    assert client.get(filled + "export/../model").status_code == 404


def test_a_project_without_its_slash_is_redirected(client, unchanged):
    answer = client.get(unchanged.rstrip("/"), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, unchanged.replace(" ", "%20"))


def test_the_panel_asks_for_the_words_of_some_classes(client, unchanged):
    page = client.get(unchanged + "classes?ask=1,2").text
    assert re.findall(r'name="words-(\d)"', page) == ["1", "2"]
    assert "typical" not in client.get(unchanged + "classes?ask=x").text
    assert "typical" not in client.get(unchanged + "classes").text


def test_every_checkbox_has_a_name_before_its_item_is_known(client, unchanged):
    page = client.get(unchanged).text
    boxes = re.findall(r'<input type="checkbox"[^>]*tabindex[^>]*>', page)
    assert len(boxes) == 2
    assert all('aria-label="' in box for box in boxes)
