"""What is taken away from a project: tables, the model, the report and the Python that does the same."""

import zipfile
from datetime import datetime, time

import openpyxl
import pandas as pd
import pytest

from anyshot import data
from anyshot.app.studio import Answers, Project, add_rows, add_table, add_texts, save_project, save_report, save_table
from anyshot.app.studio.exports import python_code, save_model, save_model_zip, save_onnx_zip
from anyshot.app.studio.page.opened import Opened
from anyshot.app.studio.page.panels import quality_panel
from anyshot.app.studio.page.texts import texts_in
from anyshot.errors import DataFileError, InputError, NotEnoughLabelsError
from anyshot.tasks.loading import load
from shop_customers import customers

CLASSES = ["billing", "delivery", "login"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    found = data.messages()
    table = pd.DataFrame({"id": range(len(found.items)), "message": found.items, "truth": found.labels})
    table = table[table["truth"].isin(CLASSES)]
    table = pd.concat([table, table.head(2)])  # two rows twice
    table.loc[table.index[5], "message"] = "=HYPERLINK(billing)"
    table.to_csv(folder / "mail.csv", index=False)
    with Project.create(folder / "project", name="Mail <b>") as project:
        added = add_table(project, folder / "mail.csv", text_column="message")
        assert (added.n_items, added.n_duplicates) == (len(table) - 2, 2)
        ids = {name: project.classes.add(name) for name in CLASSES}
        truth = dict(zip(table["message"], table["truth"], strict=True))
        for item in project.items.get(project.items.labels().ids)[::3]:
            project.label([item.id], ids[truth[item.content]])
        project.label([project.items.labels().ids[1]], "unknown")
        yield project


def test_a_column_without_values_is_exported_to_excel(tmp_path):
    (tmp_path / "mail.csv").write_text("message,\ncharged twice,\nno sign in,\n")
    with Project.create(tmp_path / "project", name="Mail") as project:
        add_table(project, tmp_path / "mail.csv")
        save_table(project, Answers(project, start=False), tmp_path / "out.xlsx")
    rows = openpyxl.load_workbook(tmp_path / "out.xlsx").active.iter_rows(values_only=True)
    assert [row[:2] for row in rows] == [("message", "Column 2"), ("charged twice", None), ("no sign in", None)]


def test_dates_numbers_and_booleans_of_excel_are_exported_as_what_they_are(tmp_path):
    rows = [
        ["message", "at", "day", "hour", "price", "n", "paid"],
        ["charged twice", datetime(2026, 9, 1, 8, 30), datetime(2026, 9, 1), time(7, 15), 9.5, 3, True],
        ["no sign in", None, datetime(2026, 10, 2), None, None, None, False],
    ]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "mail.xlsx")
    with Project.create(tmp_path / "project", name="Mail") as project:
        add_table(project, tmp_path / "mail.xlsx", text_column="message")
        save_table(project, Answers(project, start=False), tmp_path / "out.xlsx")
        save_table(project, Answers(project, start=False), tmp_path / "out.csv")
    exported = openpyxl.load_workbook(tmp_path / "out.xlsx").active.iter_rows(values_only=True)
    assert [list(row[:7]) for row in exported] == rows
    assert pd.read_csv(tmp_path / "out.csv")["day"].tolist() == ["2026-09-01", "2026-10-02"]


@pytest.fixture(scope="module")
def answers(project):
    answers = Answers(project, start=False)
    answers.refit()
    return answers


def test_the_table_has_every_row_and_column_with_its_class(project, answers, tmp_path):
    assert save_table(project, answers, tmp_path / "out.csv") == 62
    made = pd.read_csv(tmp_path / "out.csv")
    assert made.columns.tolist() == ["id", "message", "truth", "class", "confidence", "confirmed"]
    assert made["id"].tolist()[-2:] == made["id"].tolist()[:2]
    confirmed = made[made["confirmed"] == "yes"]
    assert set(confirmed["class"]) == {*CLASSES, "unknown"}
    assert confirmed["confidence"].isna().all()
    assert made[made["confirmed"] == "no"]["confidence"].between(0, 1).all()
    assert made["message"][5] == "'=HYPERLINK(billing)"


def test_the_excel_file_has_texts_and_no_formula(project, answers, tmp_path):
    save_table(project, answers, tmp_path / "out.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert sheet.max_row == 63
    assert (sheet["B7"].value, sheet["B7"].data_type) == ("=HYPERLINK(billing)", "s")
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F63"
    assert {cell.number_format for cell in sheet["E"][1:] if cell.value is not None} == {"0%"}


def test_the_model_answers_as_the_page_does(project, answers, tmp_path):
    save_model_zip(project, tmp_path / "model.zip")
    zipfile.ZipFile(tmp_path / "model.zip").extractall(tmp_path)
    clf = load(tmp_path / "model")
    names = {one.id: one.name for one in project.classes.all()} | {-1: "unknown"}
    texts = project.items.contents(answers.current.ids)
    assert clf.predict(texts).tolist() == [names[number] for number in answers.current.classes.tolist()]
    assert clf.columns_ == {"text": "message"}


def test_the_python_does_the_same(project, answers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_table(project, answers, "texts.csv")
    before = pd.read_csv("texts.csv")
    found = {}
    exec(compile(python_code(project), "code", "exec"), found)
    answered = before["confirmed"] == "no"
    assert (found["table"]["class"][answered] == before["class"][answered]).mean() > 0.9
    assert load(tmp_path / "model").classes_.tolist() == CLASSES


def test_the_python_reads_a_text_that_pandas_takes_for_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Project.create(tmp_path / "mail", name="mail") as project:
        add_texts(project, ["null", "I was charged twice", "My parcel is late"])
        for item, name in ((2, "billing"), (3, "delivery")):
            project.label([item], project.classes.add(name))
        answers, found = Answers(project, start=False), {}
        answers.refit()
        save_table(project, answers, "texts.csv")
        exec(compile(python_code(project), "code", "exec"), found)
    assert found["table"]["text"][0] == "null"
    assert found["table"]["class"].tolist()[1:] == ["billing", "delivery"]


@pytest.mark.full
@pytest.mark.torch
def test_the_onnx_files_are_those_of_the_model(project, tmp_path):
    pytest.importorskip("onnxscript", reason="needs anyshot[onnx]")
    save_onnx_zip(project, tmp_path / "onnx.zip")
    names = {name.split("/")[-1] for name in zipfile.ZipFile(tmp_path / "onnx.zip").namelist()}
    assert "model.onnx" in names
    assert [file.name for file in tmp_path.iterdir()] == ["onnx.zip"]


@pytest.mark.full
def test_the_report_begins_with_what_the_page_says(project, answers, tmp_path):
    verdict = save_report(project, answers, tmp_path / "report.html")
    shown = quality_panel(Opened(project, answers), texts_in("en"))["quality"]
    assert verdict.startswith(f"{shown['headline']}. {shown['about'].split('.')[0]}.")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert verdict in page
    assert "test items correctly" in page
    assert "Mail &lt;b&gt;" in page
    assert "Mail <b>" not in page


def test_what_cannot_be_exported_is_said(tmp_path):
    with Project.create(tmp_path / "new", name="new") as project:
        with pytest.raises(InputError, match="two classes"):
            save_model_zip(project, tmp_path / "model.zip")
        with pytest.raises(NotEnoughLabelsError, match="held-out"):
            save_report(project, Answers(project, start=False), tmp_path / "report.html")
        for name, save in {"mail.xlsx": save_table, "mail.zip": save_project}.items():
            given = [project] if save is save_project else [project, Answers(project, start=False)]
            with pytest.raises(DataFileError, match="there is no folder"):
                save(*given, tmp_path / "nowhere" / name)
    assert [file.name for file in tmp_path.iterdir()] == ["new"]


def test_rows_are_exported_with_types_and_the_python_of_them_runs(customer_rows, tmp_path, monkeypatch):
    project, answers = customer_rows
    monkeypatch.chdir(tmp_path)
    for name in ("rows.csv", "rows.xlsx"):
        save_table(project, answers, name)
    table = pd.read_excel("rows.xlsx")
    assert list(table.columns) == [*customers().columns, "class", "confidence", "confirmed"]
    assert table["income"].dtype == float
    assert str(table["since"].dtype).startswith("datetime64")
    found = {}
    exec(compile(python_code(project), "code", "exec"), found)
    assert found["table"]["class"].tolist() == pd.read_csv("rows.csv")["class"].tolist()
    assert load(tmp_path / "model").feature_names_in_.tolist() == ["age", "income", "city", "since"]


def test_a_model_of_rows_names_its_examples_by_their_values(customer_rows, tmp_path):
    project = customer_rows[0]
    clf = load(save_model(project, tmp_path / "model"))
    one = project.items.one(int(project.items.labels().ids[0]))
    (near,) = clf.explain(project.items.contents([one.id]), k=1)[0].neighbors
    assert near.example == f"row {project.items.name_of(one)}"


def test_a_model_of_rows_needs_labels_of_two_classes(tmp_path):
    (tmp_path / "a.csv").write_text("age,class\n31,young\n40,\n")
    with Project.create(tmp_path / "project", name="x") as project:
        add_rows(project, tmp_path / "a.csv", feature_columns=["age"], label_column="class")
        project.classes.add("old")
        with pytest.raises(InputError, match="Label at least one row of each class"):
            save_model_zip(project, tmp_path / "model.zip")
        project.label([2], 2)
        assert 'table["studio_class"] = clf' in python_code(project)
