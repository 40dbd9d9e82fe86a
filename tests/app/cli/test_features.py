"""Rows of numbers, dates and categories on the command line, from the first fit to more labels."""

import numpy as np
import pandas as pd
import pytest

from anyshot import AnyShotClassifier
from anyshot.base.model_folder import read_model


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Write customers who left or stayed: older ones with a higher income left, and more of them in Rome."""
    folder, random = tmp_path_factory.mktemp("rows"), np.random.default_rng(0)
    left = np.arange(90) % 2 == 0
    table = pd.DataFrame(
        {
            "age": random.integers(20, 40, 90) + 15 * left,
            "income": [f"{value:.2f}".replace(".", ",") for value in random.normal(1000 + 900 * left, 200)],
            "city": np.where(random.random(90) < 0.3 + 0.4 * left, "Rome", "Oslo"),
            "since": pd.to_datetime("2024-01-15").strftime("%d.%m.%Y"),
            "status": np.where(left, "left", "stays"),
        }
    )
    for name, part in (("train", table[:50]), ("test", table[50:80])):
        part.to_csv(folder / f"{name}.csv", sep=";", index=False)
    table[80:].drop(columns="status").to_csv(folder / "new.csv", sep=";", index=False)
    return folder


@pytest.fixture
def fitted(call, rows, tmp_path):
    done = call(
        "fit", rows / "train.csv", "--feature-columns", "all", "--label-column", "status", "--out", tmp_path / "m"
    )
    assert done.code == 0
    assert "rows of features from 'age,income,city,since', labels from 'status'" in done.err
    return tmp_path / "m"


def test_a_model_of_features_is_that_of_python(call, rows, fitted):
    table = pd.read_csv(rows / "train.csv", sep=";", decimal=",")
    other = AnyShotClassifier(encoder="table").fit(table.drop(columns="status"), table["status"])
    new = pd.read_csv(rows / "new.csv", sep=";", decimal=",")
    done = call("predict", fitted, rows / "new.csv")
    assert [row["label"] for row in done.rows] == other.predict(new).tolist()
    np.testing.assert_allclose([row["probability"] for row in done.rows], other.predict_proba(new).max(axis=1))
    assert done.rows[0]["item"].startswith(f"age={new['age'][0]}, income={new['income'][0]:g}")


@pytest.mark.filterwarnings("default")  # the command prints warnings, which are errors in tests
def test_a_column_that_determines_the_label_is_named(call, rows, tmp_path):
    table = pd.concat([pd.read_csv(rows / name, sep=";", dtype=str) for name in ("train.csv", "test.csv")])
    table.assign(code=table["status"].str[0]).to_csv(tmp_path / "coded.csv", sep=";", index=False)
    given = "fit", tmp_path / "coded.csv", "--label-column", "status", "--out", tmp_path / "m", "--feature-columns"
    assert "determine the label of all labeled rows, each by itself: 'code'. If" in call(*given, "age,city,code").err


def test_a_model_reads_its_columns_whatever_the_options_for_all_columns_say(call, rows, fitted, tmp_path):
    table = pd.read_csv(rows / "new.csv", sep=";", dtype=str)
    table[table.columns[::-1]].assign(number=range(10)).to_csv(tmp_path / "more.csv", sep=";", index=False)
    known = call("predict", fitted, rows / "new.csv").rows
    for options in (
        (),
        ("--feature-columns", "all"),
        ("--except", "number"),
        ("--feature-columns", "city,since,income,age"),
    ):
        done = call("predict", fitted, tmp_path / "more.csv", *options)
        assert (done.code, done.rows) == (0, known)
    for options in (("--except", "age"), ("--feature-columns", "income,city,since")):
        done = call("explain", fitted, tmp_path / "more.csv", *options)
        assert (done.code, "needs the column 'age', on which it was fitted" in done.err) == (1, True)


def test_the_columns_of_a_wide_table_are_listed_by_whole_names(call, rows, tmp_path):
    table = pd.read_csv(rows / "train.csv", sep=";", dtype=str)
    table.assign(a_long_name=1, another_long_name=2, last=3).to_csv(tmp_path / "t.csv", sep=";", index=False)
    given = "--feature-columns", "all", "--label-column", "status", "--out", tmp_path / "m"
    done = call("fit", tmp_path / "t.csv", *given)
    assert "from 'age,income,city,since,a_long_name' and 2 more, labels from 'status'" in done.err


def test_each_command_reads_the_columns_that_the_model_knows(call, rows, fitted, tmp_path):
    assert call("evaluate", fitted, rows / "test.csv").rows[0]["accuracy"] > 0.9
    explained = call("explain", fitted, rows / "new.csv", "-k", "1").rows[0]
    assert explained["item"] == "row 2"  # as a spreadsheet counts
    train = pd.read_csv(rows / "train.csv", sep=";")
    at = int(explained["neighbors"][0]["example"].removeprefix("row ")) - 2
    assert train["status"][at] == explained["neighbors"][0]["label"]
    data = rows / "test.csv", "--train", rows / "train.csv", "--group-column", "city"
    report = call("report", fitted, *data, "--out", tmp_path / "r.html")
    assert report.code == 0
    assert call("card", fitted, "--data", rows / "test.csv").code == 0
    columns = "--feature-columns", "age,income", "--label-column", "status"
    assert len(call("curve", rows / "train.csv", *columns, "--draws", "1").rows[0]["scores"]) > 2


def test_suggested_rows_are_learned(call, rows, fitted, tmp_path):
    assert call("suggest", fitted, rows / "new.csv", "-n", "3", "--out", tmp_path / "todo.csv").code == 0
    todo = pd.read_csv(tmp_path / "todo.csv", sep=";", dtype=str)
    todo.assign(label=["left", None, "stays"]).to_csv(tmp_path / "todo.csv", sep=";", index=False)
    before = len(read_model(fitted).facts["training_set"]["examples"])
    done = call("learn", fitted, tmp_path / "todo.csv")
    assert "with 2 labels. 1 row without a label was ignored." in done.err
    assert len(read_model(fitted).facts["training_set"]["examples"]) == before + 2
    assert "already" not in done.err
    assert "the model had 2 of these 2 labels already" in call("learn", fitted, tmp_path / "todo.csv").err
    todo.drop(columns="label").to_csv(tmp_path / "todo.csv", sep=";", index=False)
    assert [row["row"] for row in call("suggest", fitted, tmp_path / "todo.csv").rows] == [3]  # the others were learned


@pytest.mark.filterwarnings("default")  # the command prints warnings, which are errors in tests
def test_a_row_without_any_value_is_skipped_and_a_gap_is_told(call, rows, fitted, tmp_path):
    (tmp_path / "gaps.csv").write_text("since;city;income;age\n15.01.2024;Oslo;900,5;30\n;;;\n15.01.2024;Oslo;n/a;30\n")
    done = call("predict", fitted, tmp_path / "gaps.csv")
    assert len(done.rows) == 2
    assert "gaps.csv, row 3: the row is empty" in done.err
    assert "Column 'income' had no missing value in `fit` and has some in row 4" in done.err


def test_a_feature_of_the_model_is_not_proposed_for_the_labels(call, rows, tmp_path):
    model = tmp_path / "m"
    call("fit", rows / "train.csv", "--feature-columns", "age,city", "--label-column", "status", "--out", model)
    done = call("evaluate", model, rows / "new.csv")
    assert done.code
    assert "no labels to compare" in done.err
    assert "It may be" not in done.err


def test_what_rows_of_features_cannot_do_is_said(call, rows, fitted, tmp_path):
    features, out = ("--feature-columns", "all"), ("--out", tmp_path / "x")
    as_texts = "--text-column", "city", "--label-column", "status"
    for arguments, message in (
        (("fit", rows / "train.csv", *features, *out), "with --label-column. It may be 'status'."),
        (("fit", rows / "train.csv", *features, "--text-column", "city", *out), "texts, images or rows of features"),
        (("tune", rows / "train.csv", *features, *out), "have no encoder to tune. Use anyshot fit"),
        (
            ("fit", rows / "train.csv", "--feature-columns", "age", "--except", "city", *out),
            "Give --feature-columns all",
        ),
        (("fit", rows / "train.csv", *features, "--except", "cities", *out), "no column 'cities' that --except could"),
        (("predict", fitted, rows / "test.csv", "--except", "city"), "needs the column 'city'"),
        (
            ("fit", rows / "train.csv", *features, "--label-column", "status", "--encoder", "minilm", *out),
            "does not encode rows of features",
        ),
        (("fit", rows / "train.csv", *as_texts, "--encoder", "table", *out), "is for rows of numbers"),
        (("encode", rows / "train.csv", *features, "--out", tmp_path / "x.npz"), "are not encoded"),
        (("predict", rows / "new.csv", *features, "--classes", "left,stays"), "say nothing about rows of features"),
        (("add-class", fitted, "paused"), "says nothing about numbers. Give a labeled example of it."),
        (("predict", "nomodel", rows / "new.csv"), "a model is required. There is no folder nomodel."),
        (("predict", fitted, "a text"), "Give a file with the columns age, income, city, since"),
        (("learn", fitted, "a text", "--label", "left"), "Give a file with the columns age, income, city, since"),
        (("add-class", fitted, "new", "--example", "a text"), "Give a file with the columns age, income, city, since"),
        (("predict", fitted, rows / "train.csv", "--text-column", "city"), "texts, images or rows of features"),
    ):
        done = call(*arguments)
        assert done.code
        assert message in " ".join(done.err.replace("│", " ").split())


def test_a_class_is_added_by_rows(call, fitted, tmp_path):
    (tmp_path / "new.csv").write_text("since;city;income;age\n15.01.2024;Oslo;9000,5;90\n15.01.2024;Rome;9100;91\n")
    assert call("add-class", fitted, "new", "--examples", tmp_path / "new.csv").code == 0
    assert [row["label"] for row in call("predict", fitted, tmp_path / "new.csv").rows] == ["new", "new"]


def test_unlabeled_rows_may_have_other_columns_in_another_order(call, rows, tmp_path):
    table = pd.read_csv(rows / "test.csv", sep=";", dtype=str)
    table[table.columns[::-1]].assign(note="x").to_csv(tmp_path / "more.csv", sep=";", index=False)
    given = "--feature-columns", "all", "--label-column", "status", "--unlabeled", tmp_path / "more.csv"
    done = call("fit", rows / "train.csv", *given, "--out", tmp_path / "m")
    assert (done.code, "rows of features from 'age,income,city,since'." in done.err) == (0, True)


@pytest.mark.filterwarnings("default")  # the command prints warnings, which are errors in tests
def test_a_row_with_a_cell_of_another_kind_is_skipped_and_named(call, fitted, tmp_path):
    (tmp_path / "bad.csv").write_text("since;city;income;age\n15.01.2024;Oslo;1,5;30\n;;;\n15.01.2024;Oslo;9,5;old\n")
    done = call("predict", fitted, tmp_path / "bad.csv", "--out", tmp_path / "out.csv")
    assert (done.code, "bad.csv, row 4: age: 'old' is no number." in done.err) == (0, True)
    answers = pd.read_csv(tmp_path / "out.csv", sep=";")["predicted_label"]
    assert answers.isna().tolist() == [False, True, True]
    done = call("predict", fitted, tmp_path / "bad.csv", "--on-error", "raise")
    assert (done.code, "row 3: the row is empty (and 1 more)" in done.err) == (1, True)
    (tmp_path / "us.csv").write_text("since;city;income;age\n01/15/2024;Oslo;1,5;30\n01/02/2024;Oslo;9,5;31\n")
    done = call("predict", fitted, tmp_path / "us.csv")
    assert (done.code, "'01/15/2024' in row 2, but in `fit` dates were day first. Write dates as" in done.err) == (
        1,
        True,
    )


def test_columns_are_left_out_and_names_with_commas_stand_in_quotes(call, rows, tmp_path):
    table = pd.read_csv(rows / "train.csv", sep=";", dtype=str).rename(columns={"age": "age, years"})
    table.to_csv(tmp_path / "t.csv", sep=";", index=False)
    table.to_csv(tmp_path / "more.csv", sep=";", index=False)
    given = "--label-column", "status", "--unlabeled", tmp_path / "more.csv", "--out", tmp_path / "m"
    for names, read in (
        (("all", "--except", '"age, years",since'), "'income,city'"),
        (('income,"age, years"',), "'income,\"age, years\"'"),
        (("age, years",), "'\"age, years\"'"),
    ):
        done = call("fit", tmp_path / "t.csv", "--feature-columns", *names, *given)
        assert (done.code, done.err.count(f"rows of features from {read}")) == (0, 2)
    done = call("fit", tmp_path / "t.csv", "--feature-columns", "income,age, years", *given)
    assert (done.code, 'double quotes around names with commas: "age, years".' in done.err) == (1, True)


def test_advice_for_python_is_left_out(call, tmp_path):
    (tmp_path / "t.csv").write_text('size,label\n"1,5",a\n"2,5",b\n', encoding="utf-8")
    done = call("fit", tmp_path / "t.csv", "--feature-columns", "size", "--out", tmp_path / "m")
    assert done.err.endswith("holds numbers with a decimal comma, such as '1,5'. Write them with a decimal point.\n")
