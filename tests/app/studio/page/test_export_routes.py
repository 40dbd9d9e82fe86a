"""What is taken away over HTTP."""

import csv
import io
import json
from urllib.parse import unquote


def test_a_table_is_sent_under_the_name_of_the_project(client, unchanged):
    answer = client.get(unchanged + "export/labels.csv")
    assert "labels.csv" in answer.headers["content-disposition"]
    assert [row[0] for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))][1:] == [
        "I was charged twice",
        "I cannot sign in",
    ]


def test_what_cannot_be_exported_is_said_and_no_other_file_is_sent(client, unchanged, base):
    assert client.get(unchanged + "export/project.sqlite").status_code == 422
    assert client.get(unchanged + "export/%2e%2e%2fproject.sqlite").status_code in (404, 422)
    answer = client.get(base + "export/model.zip", headers={"Accept-Language": "de"})
    assert (answer.status_code, "zwei Klassen" in answer.json()["detail"]) == (422, True)


def test_the_choices_have_the_python_and_the_command(client, unchanged):
    page = client.get(unchanged + "export").text
    assert "AnyShotClassifier(classes" in page
    assert "anyshot serve model" in page


def test_what_a_table_does_not_hold_is_said_beside_it(client, base):
    client.post(base + "items", json={"texts": ["=1+1", "bell \a", "x" * 40_000]})

    def notes(file):
        return json.loads(unquote(client.get(f"{base}export/{file}").headers["X-Anyshot-Notes"]))

    assert notes("labels.xlsx") == [
        "1 text has invisible characters that Excel cannot hold. They are left out.",
        "1 text is cut to 32,767 characters, the most that Excel can hold. The CSV table has all of it.",
    ]
    (of_formula,) = notes("labels.csv")
    assert of_formula.startswith("In the table, an apostrophe stands before 1 text, ")
    assert notes("project.zip") == []
