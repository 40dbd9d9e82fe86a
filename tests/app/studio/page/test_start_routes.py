"""The first page: what projects are created of, and how they are renamed, removed and brought back."""

import io
import os
import re
import time
import zipfile

import pytest
from PIL import Image

from anyshot.app.studio import save_model
from anyshot.app.studio.page.start_routes import _file_name


def test_a_project_that_is_dropped_into_another_one_belongs_onto_the_first_page(client, unchanged):
    exported = client.get(unchanged + "export/project.zip").content
    for kind in ("texts", "images"):
        base = client.post("/projects", json={"name": "other", "kind": kind}).json()["address"]
        done = client.post(base + "items/files", files={"files": ("mail.zip", exported)}).json()
        reason = "this is a project or a model that was exported; drop it onto the first page to go on with it"
        assert (done["added"], done["refused"]) == (0, [{"name": "mail.zip", "reason": reason}])
        client.post(f"/projects/{base.split('/')[2]}/remove", json={})


def test_a_project_is_taken_away_and_brought_to_another_place(client, filled):
    client.post(filled + "labels", json={"items": [1], "label": 1})
    archive = client.get(filled + "export/project.zip").content
    assert zipfile.is_zipfile(io.BytesIO(archive))
    address = client.post("/projects/file", files={"files": ("mail.zip", archive)}).json()["address"]
    assert address != filled
    assert client.get(address + "changes?since=0").json()["n_labels"] == 1
    assert client.post("/projects/file", files={"file": ("bad.zip", b"PK")}).status_code == 422


def test_a_file_that_cannot_be_read_leaves_no_project(client):
    before = client.projects.folders()
    assert client.post("/projects/file", files={"file": ("a.csv", b"")}).status_code == 422
    assert client.projects.folders() == before


def test_the_project_of_a_table_that_nobody_chose_columns_of_is_deleted_after_a_day(client):
    def age(name):
        (mark,) = client.projects.folders()[name].glob("uploads/*/created")
        os.utime(mark, (time.time() - 90_000,) * 2)

    def start(name):
        sent_table = {"file": (f"{name}.csv", b"number,message\n1,Where is it?\n2,It is late\n")}
        return client.post("/projects/file", files=sent_table).json()["address"]

    for name in ("left open", "named", "renamed", "chosen just now"):
        address = start(name)
        if name == "named":
            client.post(address.split("?")[0] + "classes", json={"names": "delivery"})
        if name == "renamed":
            client.post(f"/projects/{name}/rename", json={"name": "mine"})
        if name != "chosen just now":
            age(name)
    client.get("/")
    assert {"named", "renamed", "chosen just now"} <= client.projects.folders().keys()
    assert "left open" not in client.projects.folders() | client.projects.removed()
    for name in ("named", "renamed", "chosen just now"):
        client.post(f"/projects/{name}/remove", json={})


@pytest.fixture(scope="module")
def model(client, tmp_path_factory):
    """The files of a saved model, as a folder sends them."""
    base = client.post("/projects", json={"name": "trained", "kind": "texts"}).json()["address"]
    client.post(base + "classes", json={"names": "billing, login"})
    client.post(base + "items", json={"texts": ["I was charged twice", "I cannot sign in"]})
    client.post(base + "labels", json={"items": [1], "label": 1})
    folder = save_model(client.projects.get("trained").project, tmp_path_factory.mktemp("saved") / "model")
    return {f"my model/{file.name}": file.read_bytes() for file in sorted(folder.iterdir())}


def sent(files):
    return [("files", (name, content)) for name, content in files.items()]


def test_the_folder_of_a_model_becomes_a_project(client, model):
    address = client.post("/projects/file", files=sent(model)).json()["address"]
    assert address == "/p/my model/"
    assert client.get(address + "changes?since=0").json()["n_labels"] == 1
    assert "login" in client.get(address + "classes").text


@pytest.mark.parametrize("path", ["model/C:x", "a/..", "model.json:x", "..\\x", "/"])
def test_a_sent_file_has_no_name_that_leads_elsewhere(path):
    assert re.fullmatch(r"\w[\w.-]*", _file_name(path))


def test_a_damaged_model_and_other_files_leave_no_project(client, model):
    before = client.projects.folders()
    for files, said in [
        ({name: content[:40] for name, content in model.items()}, "holds no model that can be read"),
        ({"a/x.csv": b"text", "a/y.csv": b"text"}, "no model"),
        ({}, "A file is needed"),
    ]:
        answer = client.post("/projects/file", files=sent(files))
        assert answer.status_code == 422
        assert said in answer.json()["detail"]
        assert "/tmp" not in answer.text
    assert client.projects.folders() == before


def test_a_project_is_renamed_removed_and_brought_back(client, filled):
    name = filled.split("/")[2]
    client.post(filled + "labels", json={"items": [1], "label": 1})
    assert client.post(f"/projects/{name}/rename", json={"name": " <b>New</b> "}).json() == {"name": ""}
    assert "&lt;b&gt;New&lt;/b&gt;" in client.get("/").text
    assert client.post(f"/projects/{name}/rename", json={"name": " "}).status_code == 422
    gone = client.post(f"/projects/{name}/remove", json={}).json()["name"]
    assert client.get(filled + "changes?since=0").status_code == 409
    assert "was removed" in client.get(f"/?removed={gone}").text
    back = client.post(f"/projects/{gone}/restore", json={}).json()["name"]
    assert client.get(f"/p/{back}/changes?since=0").json()["n_labels"] == 1
    gone = client.post(f"/projects/{back}/remove", json={}).json()["name"]
    client.post(f"/projects/{gone}/delete", json={})
    assert client.post(f"/projects/{gone}/restore", json={}).status_code == 409


@pytest.mark.parametrize("action", ["rename", "remove", "restore", "delete"])
def test_no_name_leads_to_another_folder(client, action):
    for name in ("..", "%2e%2e", "..%2f..", ".trash", "none"):
        assert client.post(f"/projects/{name}/{action}", json={"name": "x"}).status_code in (404, 405, 409)


def test_an_address_of_no_project_leads_to_the_first_page(client):
    page = client.get("/p/none/", headers={"Accept": "text/html", "Accept-Language": "de"})
    assert page.status_code == 409
    assert "Es gibt kein Projekt „none“." in page.text
    assert "Mit einer Datei anfangen" in page.text


def zip_of(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, own in files.items():
            archive.writestr(name, own)
    return {"file": ("ward.zip", content.getvalue())}


def test_a_zip_of_photographs_becomes_a_project_and_one_of_other_files_is_refused(client):
    photo = io.BytesIO()
    Image.new("RGB", (40, 30)).save(photo, "JPEG")
    found = client.post("/projects/file", files=zip_of({"ward/a.jpg": photo.getvalue(), "ward/b.txt": b"x"})).json()
    assert (found["address"], found["done"]["added"]) == ("/p/ward/", 1)
    assert [one["name"] for one in found["done"]["refused"]] == ["ward/b.txt"]
    before = client.projects.folders()
    for files, said in [({"a.jpg": b"x"}, "has no image that can be read"), ({"a.txt": b"x"}, "unpack the zip")]:
        assert said in client.post("/projects/file", files=zip_of(files)).json()["detail"]
    assert client.projects.folders() == before


def test_projects_with_one_name_are_told_apart(client, base):
    client.post(f"/projects/{base.split('/')[2]}/rename", json={"name": "twin"})
    client.post("/projects", json={"name": "twin", "kind": "texts"})
    page = client.get("/").text
    assert f"<b>twin ({base.split('/')[2]})</b>" in page
    assert "<b>twin (twin)</b>" in page
