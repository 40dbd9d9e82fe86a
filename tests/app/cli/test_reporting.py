"""The commands report and card."""

import pandas as pd

import anyshot
from app.cli.messages import TRAIN


def test_report_needs_a_file_to_write_and_labels_to_compare_with(call, made):
    assert "must end in .html" in call("report", made / "model", made / "train.csv", "--out", "report.pdf").err
    assert "has no labels to compare" in call("report", made / "model", made / "texts.csv").err


def test_report_lists_missing_sections_and_how_to_add_them(call, made, tmp_path):
    page = tmp_path / "report.html"
    done = call("report", made / "model", made / "train.csv", "--out", page)
    assert "--train DATA" in done.rows[0]["missing"]["next"]
    assert not {"curve", "label_errors_train"} & set(done.rows[0]["missing"])  # the model keeps its labels
    assert "Section left out: Results by group need" in done.err
    assert "--group-column NAME" in done.err
    assert done.rows[0]["warnings"][0].startswith("9 of the 9 test items equal training items")
    assert f"\nNote: {done.rows[0]['warnings'][0]}" in done.err
    assert "report(..." not in done.err


def test_report_writes_one_page_with_rows_to_label_next_and_a_column_as_groups(call, made, tmp_path):
    table = pd.DataFrame([*TRAIN, ("is it paid", None), ("who has my parcel", None)], columns=["text", "label"])
    table.to_csv(tmp_path / "learned.csv", index=False)
    table.head(9).assign(site=[*"aaaabbbb", None]).to_csv(tmp_path / "test.csv", index=False)
    page = tmp_path / "report.html"
    done = call(
        "report", made / "model", tmp_path / "test.csv", "--out", page, "--train", tmp_path / "learned.csv",
        "--group-column", "site",
    )  # fmt: skip
    assert (done.code, done.rows[0]["report"]) == (0, str(page))
    assert "next" not in done.rows[0]["missing"]
    shown = page.read_text(encoding="utf-8")
    assert shown.startswith("<!doctype html>")
    assert "is it paid" in shown
    assert "not given" in shown
    wrong = call("report", made / "model", tmp_path / "test.csv", "--out", page, "--group-column", "town")
    assert "The groups of --group-column town cannot be read" in wrong.err
    wrong = call("report", made / "model", tmp_path / "test.csv", "--out", page, "--group-column", "text")
    assert "The column 'text' holds the items. Give another one as --group-column." in wrong.err


def test_report_on_a_model_that_names_no_classes_says_where_it_can_be_measured(call, made, tmp_path):
    anyshot.AnyShotRegressor().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).save(tmp_path / "numbers")
    done = call("report", tmp_path / "numbers", made / "train.csv")
    assert done.code == 1
    assert "of type AnyShotRegressor, which has no classes. Evaluate it in Python" in done.err


def test_card_tells_of_a_model_and_how_good_it_is(call, made, tmp_path):
    bare = call("card", made / "model").out
    assert bare.startswith("---\nlibrary_name: anyshot")
    measured = call("card", made / "model", "--data", made / "train.csv").out
    assert "accuracy" in measured
    assert "train.csv" in measured
    call("card", made / "model", "--out", tmp_path / "card.md")
    assert (tmp_path / "card.md").read_text(encoding="utf-8").strip() == bare.strip()
