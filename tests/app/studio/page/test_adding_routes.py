"""What brings items in over HTTP: tables with a choice of columns, and files of which some are bad."""

import asyncio
import io
import re

import openpyxl
import pytest
from PIL import Image


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


def test_what_a_column_that_is_called_class_holds_is_said_before_its_rows_count_as_sorted(client, base):
    table = "answer,Class\nthe bus was late,8b\n" + "".join(f"the lunch was cold on day {n},8a\n" for n in range(3))
    html = client.post(base + "tables", files={"file": ("survey.csv", table)}).json()["html"]
    assert "proposed as the column of the classes: <b>8a, 8b</b>" in html
    alone = client.post(base + "tables", files={"file": ("survey.csv", "answer\nthe bus was late\n")}).json()["html"]
    assert "proposed as the column" not in alone


def test_a_column_without_a_name_is_not_taken_for_that_of_the_classes(client, base):
    html = client.post(base + "tables", files={"file": ("a.csv", "message,,notes\ncharged twice,,x\n")}).json()["html"]
    assert [part.split(">")[1].split("<")[0] for part in html.split(" selected")[1:]] == ["message"]


def test_pasted_columns_without_names_and_how_they_are_read_instead(client, base):
    columns = {"file": ("pasted table.tsv", "charged twice\tbilling\nno parcel\tdelivery\n")}
    html = client.post(base + "tables", files=columns, data={"pasted": ""}).json()["html"]
    assert '<option value="no" selected>' in html
    number = html.split("tables/")[1].split('"')[0]
    again = client.get(f"{base}tables/{number}?names=yes").json()["html"]
    assert '<th scope="col" data-at="0">charged twice</th>' in again
    done = client.post(f"{base}tables/{number}", json={"text": "0", "label": "1", "names": "no"}).json()
    assert done["added"] == 2
    assert [row["label"] for row in client.get(base + "items?ids=1,2").json()] == [1, 2]


def test_a_sheet_that_cannot_be_read_leaves_the_others_to_choose(client, base):
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["text"])
    book.create_sheet("May").append(["text"])
    book["May"].append(["hello"])
    book.active.append(["first"])
    book.save(content)
    html = client.post(base + "tables", files={"file": ("a.xlsx", content.getvalue())}).json()["html"]
    number = html.split("tables/")[1].split('"')[0]
    assert "<option>May</option>" in html
    assert client.get(f"{base}tables/{number}?sheet=June").status_code == 422
    assert "hello" in client.get(f"{base}tables/{number}?sheet=May").json()["html"]
    done = client.post(f"{base}tables/{number}", json={"text": "0", "sheet": "May"}).json()
    assert done["added"] == 1
    assert client.get(base + "items?ids=1").json()[0]["text"] == "hello"


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
    for size in ("thumbnail", "picture"):
        shown = client.get(f"{base}items/1/{size}")
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(shown.content)).size == (40, 30)


def picture(shade):
    content = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, 0, 0)).save(content, "PNG")
    return content.getvalue()


def test_files_that_are_sent_in_parts_are_undone_at_once(client):
    base = client.post("/projects", json={"name": "photos", "kind": "images"}).json()["address"]
    parts = [[("files", (f"holiday/beach/{n}.png", picture(n))) for n in some] for some in ((1, 2), (3, 4))]
    done = client.post(base + "items/files", files=parts[0], data={"several": ""}).json()
    assert done["notes"][0].startswith("The names of the folders are not taken as classes.")
    first = done["undo"]
    second = client.post(base + "items/files", files=parts[1], data={"entry": first["id"]}).json()["undo"]
    assert second == {"id": first["id"], "sentence": "Added 4 items from holiday"}
    client.post(base + "undo", json={"entry": first["id"]})
    assert client.get(base + "changes?since=0").json()["n_items"] == 0
    late = client.post(base + "items/files", files=parts[1], data={"entry": first["id"]})
    assert (late.status_code, "was undone while it went on" in late.json()["detail"]) == (422, True)


def test_a_letter_is_one_item_where_several_were_chosen_and_where_a_person_says_so(client, base):
    letters = [("files", (f"{name}.txt", f"Dear {name}\n\nWhere is it?\n")) for name in ("Ann", "Bob")]
    done = client.post(base + "items/files", files=letters, data={"whole": ""}).json()
    assert (done["added"], done["notes"][0][:44]) == (2, "Several .txt files were added together, and ")
    shown = client.post(base + "tables", files={"file": ("Eve.txt", "Dear Eve\n\nHow are you?\n")}).json()["html"]
    address = base + re.search(r"tables/\w+", shown)[0]
    read = [re.search(r"[\d,]+ rows?, ", one)[0] for one in (shown, client.get(address + "?whole=yes").json()["html"])]
    assert read == ["2 rows, ", "1 row, "]
    taken = client.post(address, json={"kind": "texts", "text": "1", "label": "", "whole": "yes"}).json()
    assert taken["added"] == 1
    table = client.get(base + "export/labels.csv").text
    assert 'Ann.txt,"Dear Ann\n\nWhere is it?"' in table
    assert 'Eve.txt,"Dear Eve\n\nHow are you?"' in table


def test_text_files_are_one_change_and_only_one_that_added_items_goes_on(client, filled):
    files = [("files", (f"{name}.txt", f"a text of {name}\n")) for name in ("one", "two")]
    done = client.post(filled + "items/files", files=files).json()
    assert (done["added"], done["undo"]["sentence"]) == (2, "Added 2 items from one.txt, …")
    client.post(filled + "undo", json={"entry": done["undo"]["id"]})
    assert client.get(filled + "changes?since=0").json()["n_items"] == 2
    tagged = [("files", ("a.txt", "<p>late</p>\n")), *files]
    assert "<p>late</p>" in str(client.post(filled + "items/files", files=tagged).json())
    for wrong in ("1", "99", "x"):  # the first entry added classes
        assert client.post(filled + "items/files", files=files, data={"entry": wrong}).status_code == 422


def test_a_label_that_contradicts_is_listed_with_what_was_kept(client, base):
    table = {"files": ("mail.csv", "text,label\ncharged twice,billing\ncharged twice,login\n")}
    html = client.post(base + "tables", files={"file": table["files"]}).json()["html"]
    number = html.split("tables/")[1].split('"')[0]
    german = {"Accept-Language": "de"}
    done = client.post(f"{base}tables/{number}", json={"text": "0", "label": "1"}, headers=german).json()
    reason = "„charged twice“ hat hier schon ein anderes Label und behält es."
    assert done["refused"] == [{"name": "Zeile 3", "reason": reason}]


def test_only_the_latest_tables_whose_columns_are_to_be_chosen_are_kept(client, base):
    for _ in range(12):
        client.post(base + "tables", files={"file": ("a.csv", "text\nhello\n")})
    folder = client.projects.folders()[base.split("/")[2]]
    assert len(list((folder / "uploads").iterdir())) <= 9


def test_how_a_table_is_read_is_said_once(client, base):
    table = "text,label\nDie Tür fehlt,none\nFalsche Größe,NULL\n".encode("cp1252")
    html = client.post(base + "tables", files={"file": ("<Mai>.csv", table)}).json()["html"]
    assert '<p class="note">&lt;Mai&gt;.csv is read in the older encoding ' in html
    number = html.split("tables/")[1].split('"')[0]
    done = client.post(f"{base}tables/{number}", json={"text": "0", "label": "1"}).json()
    assert done["notes"] == [
        "These count as no class: 'NULL'. If one is a class, add it on the left, then add the table again."
    ]


def test_how_several_files_are_read_is_said_by_their_names(client, base):
    tables = {"a.csv": "text\nÄrger\n".encode("cp1252"), "b.csv": b"text\nmore\n"}
    files = [("files", one) for one in tables.items()]
    (note,) = client.post(base + "items/files", files=files, headers={"Accept-Language": "de"}).json()["notes"]
    assert note.startswith("a.csv wird mit dem älteren Zeichensatz ")


CUSTOMERS = "id;<b>age</b>;weight;since;status\n1;31;70,5;03/04/2024;left\n2;40;n/a;05/06/2024;stays\n3;old;;;left\n"


def test_a_table_of_numbers_is_proposed_as_rows_whose_columns_are_chosen(client, base):
    table = CUSTOMERS + "".join(f"{n};{20 + n % 9};61,{n};01/02/2024;\n" for n in range(4, 31))
    html = client.post(base + "tables", files={"file": ("c.csv", table)}).json()["html"]
    assert 'value="rows" data-reading checked' in html
    assert [part[:1] for part in html.split('name="use-')[1:] if " checked" in part.split(">")[0]] == ["1", "2"]
    assert "the order of day and month is not clear" in html
    assert "&lt;b&gt;age" in html
    number = html.split("tables/")[1].split('"')[0]
    assert 'name="text"' in client.get(f"{base}tables/{number}?kind=texts").json()["html"]
    done = client.post(
        f"{base}tables/{number}", json={"kind": "rows", "label": "4", "use-1": "on", "use-2": "on"}
    ).json()
    assert (done["added"], done["kind"]) == (29, "rows")
    assert done["refused"] == [{"name": "row 4", "reason": "<b>age</b>: 'old' is no number"}]
    row = client.get(base + "items?ids=1", headers={"Accept-Language": "de"}).json()[0]
    assert (row["cells"], row["label"]) == ([["<b>age</b>", "31"], ["weight", "70,5"]], 1)
    assert "data-strike" not in client.get(base + "classes").text
    assert client.get(f"{base}changes?since=0&wait=0").json()["kind"] == "rows"


def test_later_rows_are_found_by_the_names_of_columns_and_a_missing_one_is_said(client):
    base = client.post("/projects", json={"name": "plants", "kind": "rows"}).json()["address"]
    html = client.post(base + "tables", files={"file": ("a.csv", "height,leaf\n3,oval\n5,oval\n3,long\n")}).json()[
        "html"
    ]
    number = html.split("tables/")[1].split('"')[0]
    client.post(f"{base}tables/{number}", json={"kind": "rows", "use-0": "on", "use-1": "on"})
    more = client.post(base + "items/files", files={"files": ("b.csv", "leaf,x,height\nlong,1,7\n")}).json()
    assert (more["added"], more["refused"]) == (1, [])
    columns = {"file": ("pasted.tsv", "leaf\tkind\nlong\toak\n")}
    html = client.post(base + "tables", files=columns, data={"pasted": ""}).json()["html"]
    assert "The column height is missing." in html
    assert '<button class="button main" disabled>' in html
    number = html.split("tables/")[1].split('"')[0]
    refused = client.post(
        f"{base}tables/{number}", json={"kind": "rows", "label": "1"}, headers={"Accept-Language": "de"}
    )
    assert refused.json()["detail"].startswith("pasted.tsv hat keine Spalte „height“, die jede Zeile dieses Projekts")
    client.post(f"/projects/{base.split('/')[2]}/remove", json={})


def test_a_column_of_classes_that_only_its_values_show_is_said_to_be_a_proposal(client):
    base = client.post("/projects", json={"name": "plants", "kind": "rows"}).json()["address"]
    table = "height,leaf,origin\n" + "".join(f"{n}.5,{'oval' if n % 3 else 'long'},{'ab'[n % 2]}\n" for n in range(12))
    html = client.post(base + "tables", files={"file": ("a.csv", table)}).json()["html"]
    assert "<b>origin</b> is proposed as the class" in html
    assert '<option value="2" selected>origin' in html
    number = html.split("tables/")[1].split('"')[0]
    client.post(f"{base}tables/{number}", json={"kind": "rows", "use-0": "on", "use-1": "on"})
    again = client.post(base + "tables", files={"file": ("b.csv", table)}).json()["html"]
    assert "is proposed" not in again
    assert " selected>origin" not in again
    client.post(f"/projects/{base.split('/')[2]}/remove", json={})


def test_a_file_whose_sending_is_cut_off_is_no_fault_of_the_studio(client, base):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in client.headers.items()]
    headers += [(b"host", b"127.0.0.1"), (b"content-type", b"multipart/form-data; boundary=x")]
    path = {"path": base + "items/files", "raw_path": b"", "query_string": b"", "root_path": ""}
    scope = {"type": "http", "method": "POST", "headers": headers, "scheme": "http", **path}
    asyncio.run(client.app(scope, receive, send))
    assert sent[0]["status"] == 400
    assert client.get(base + "order").json()["ids"] == []
