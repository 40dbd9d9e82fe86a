"""What is taken away over HTTP."""

import csv
import io


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
