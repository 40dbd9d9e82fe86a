"""Reading tables and folders as items and labels; errors name the cause."""

import logging
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from anyshot.data.datasets import few_per_class, messages, read_data
from anyshot.data.table_writing import write_table
from anyshot.errors import BadItemError, DataFileError, InputError
from data.written import file, photo

# ── tables of texts ──


def test_a_text_file_has_one_text_per_line_and_no_labels(tmp_path, caplog):
    caplog.set_level("INFO")
    data = read_data(file(tmp_path, "a.txt", "one\ntwo, three\n\n"))
    assert (data.items, data.labels, caplog.text) == (["one", "two, three"], None, "")
    assert read_data(file(tmp_path, "b.txt", "Dear Sir\n\nI wait\n")).items == ["Dear Sir", "I wait"]
    assert "b.txt has 1 blank line between others, as a letter has" in caplog.text


def test_a_text_and_an_image_column_are_ambiguous(tmp_path):
    photo(tmp_path / "x.png")
    path = file(tmp_path, "a.csv", "text,file\na,x.png\n")
    with pytest.raises(DataFileError, match="texts in 'text' and images in 'file'"):
        read_data(path)
    assert read_data(path, text_column="text").items == ["a"]
    assert read_data(path, image_column="file").items == [tmp_path / "x.png"]


def test_the_error_for_a_table_without_usual_columns_lists_them(tmp_path):
    path = file(tmp_path, "a.csv", "I was charged twice,billing\nwhere is it,delivery\n")
    with pytest.raises(DataFileError, match=r"'I was charged twice', 'billing'.*--text-column.* The first row must"):
        read_data(path)
    with pytest.raises(DataFileError, match=r"Its columns: 'words'\. .*\(--feature-columns\)\.$"):
        read_data(file(tmp_path, "a.jsonl", '{"words": "a"}\n'))


def test_items_within_objects_are_refused_with_the_remedy(tmp_path):
    path = file(tmp_path, "a.json", '[{"id": 1, "data": {"review": "a"}, "annotations": [{"result": []}]}]')
    with pytest.raises(DataFileError, match=r"'data' holds objects, with 'review'\..* export as JSON-MIN or CSV\.$"):
        read_data(path)


@pytest.mark.parametrize("row", ['{"message": {"text": "a"}}', '{"messages": [{"text": "a"}]}'])
def test_objects_in_place_of_texts_are_refused_with_the_remedy(tmp_path, row):
    with pytest.raises(DataFileError, match=r"' holds objects, with 'text'\. Write one object for each item"):
        read_data(file(tmp_path, "a.jsonl", f"{row}\n" * 2))


@pytest.mark.parametrize("image", [b"\xff\xd8", {"bytes": b"\xff\xd8", "path": "a.jpg"}])
def test_images_within_a_table_are_refused_with_the_remedy(tmp_path, image):
    pd.DataFrame({"image": [image], "label": ["x"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataFileError, match=r"'image' holds the bytes of images\. Save each as a file"):
        read_data(tmp_path / "a.parquet")


def test_a_feature_that_stands_in_the_first_row_of_each_block_only_is_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    path = file(tmp_path, "a.csv", "region,n,label\nnorth,1,x\n,2,y\nsouth,3,x\n,4,y\n")
    read_data(path, feature_columns="all", label_column="label")
    assert "each value in 'region' stands once, above rows without one, which count as missing" in caplog.text


def test_an_empty_text_is_named_by_its_line_and_row(tmp_path):
    path = file(tmp_path, "a.csv", 'text,label\n"two\nlines",x\n,y\n  ,z\n')
    with pytest.raises(BadItemError, match=r"a\.csv, row 3 \(line 4\): the text is empty \(and 1 more\)"):
        read_data(path)


def test_empty_texts_may_be_skipped_and_are_listed(tmp_path):
    path = file(tmp_path, "a.csv", "text,label\na,x\n,y\nb,z\n")
    data = read_data(path, on_error="skip")
    assert (data.items, data.labels) == (["a", "b"], ["x", "z"])
    assert data.skipped == [(f"{path}, row 3", "the text is empty")]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_text_that_a_program_wrote_for_a_missing_one_is_missing(tmp_path, name):
    texts = ["a", "NaN", "NaT", " nan ", "<NA>", "NULL", "none", "null", "Nan bread", "N/A", "NA", "n/a"]
    write_table([{"text": text, "label": "x"} for text in texts], tmp_path / name)
    with pytest.raises(
        BadItemError, match=r"a\.(csv, row 3|jsonl, line 2): the text is missing, written as NaN \(and 7 more\)"
    ):
        read_data(tmp_path / name)
    data = read_data(tmp_path / name, on_error="skip")
    assert data.items == ["a", "none", "null", "Nan bread"]
    assert data.skipped[1][1] == "the text is missing, written as NaT"


def test_a_list_instead_of_a_text_is_named(tmp_path):
    path = file(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": [5]}\n')
    with pytest.raises(BadItemError, match=r"line 2.*'\[5\]' is not a text but of type list"):
        read_data(path)


def test_numbers_among_texts_are_texts(tmp_path):
    rows = '{"text": "a"}\n{"text": 5}\n{"text": 2.50}\n{"text": 12345678901234567890}\n'
    assert read_data(file(tmp_path, "a.jsonl", rows)).items == ["a", "5", "2.5", "12345678901234567890"]
    pd.DataFrame({"text": [4711, None, 12], "label": [1, 2, 1]}).to_parquet(tmp_path / "a.parquet")
    data = read_data(tmp_path / "a.parquet", on_error="skip")
    assert (data.items, data.labels, len(data.skipped)) == (["4711", "12"], [1, 1], 1)


def test_joined_columns_show_numbers_as_a_spreadsheet_does(tmp_path):
    pd.DataFrame({"part": [4711.0], "text": ["is broken"]}).to_parquet(tmp_path / "a.parquet")
    assert read_data(tmp_path / "a.parquet", text_column="part,text").items == ["4711\nis broken"]


def test_skipping_all_items_is_an_error(tmp_path):
    with pytest.raises(DataFileError, match="no usable item in 'text'"):
        read_data(file(tmp_path, "a.csv", "text,label\n,x\n"), on_error="skip")


def test_with_labels_false_ignores_label_columns(tmp_path):
    rows = "".join(f"t{n},{n}.5,x\n" for n in range(60))
    path = file(tmp_path, "a.csv", "text,target,category\n" + rows)
    with pytest.raises(DataFileError, match="several columns"):
        read_data(path)
    with pytest.raises(DataFileError, match=r"with_labels=False"):
        read_data(file(tmp_path, "b.csv", "text,target\n" + "".join(f"t{n},{n}.5\n" for n in range(60))))
    data = read_data(path, with_labels=False)
    assert (data.items[:2], len(data), data.labels) == (["t0", "t1"], 60, None)


def test_with_labels_false_accepts_several_labels_per_item(tmp_path):
    path = file(tmp_path, "a.jsonl", '{"text": "a", "label": ["x", "y"]}\n')
    assert read_data(path, with_labels=False).items == ["a"]


def test_with_labels_false_reads_all_images_of_a_folder(tmp_path):
    images = [photo(tmp_path / name / "cat" / "1.png") for name in ("test", "train")]
    data = read_data(tmp_path, with_labels=False)
    assert (data.items, data.labels) == (images, None)
    file(tmp_path, "labels.csv", "file,animal\ntrain/cat/1.png,x\n")
    data = read_data(tmp_path, with_labels=False)
    assert (data.items, data.labels) == (images[::-1], None)


def test_a_label_column_contradicts_with_labels_false(tmp_path):
    path = file(tmp_path, "a.csv", "text,label\na,x\n")
    with pytest.raises(InputError, match=r"label_column='label' contradicts with_labels=False"):
        read_data(path, label_column="label", with_labels=False)


def test_contradictory_arguments_are_refused(tmp_path):
    path = file(tmp_path, "a.csv", "text\na\n")
    with pytest.raises(InputError, match="on_error must be"):
        read_data(path, on_error="ignore")
    with pytest.raises(InputError, match="not both"):
        read_data(path, text_column="text", image_column="text")
    with pytest.raises(InputError, match=r"a folder, which contains images, but text_column='text' needs a table"):
        read_data(tmp_path, text_column="text")
    with pytest.raises(DataFileError, match="no file or folder"):
        read_data(tmp_path / "absent")


# ── draws, messages, classes ──


def test_few_per_class_returns_k_of_each_and_all_of_a_small_class():
    labels = ["a"] * 9 + ["b"] * 2 + [None] * 5 + ["c"] * 4
    drawn = few_per_class(labels, 3, random_state=0)
    assert Counter(labels[row] for row in drawn) == {"a": 3, "b": 2, "c": 3}
    assert len(set(drawn)) == len(drawn)
    assert (np.diff(drawn) > 0).all()


@pytest.mark.torch
def test_few_per_class_reads_tensors():
    import torch

    assert few_per_class(torch.tensor([0, 0, 1, 1]), 1, random_state=0).shape == (2,)


def test_few_per_class_reads_columns():
    assert few_per_class(pd.Series(["a", None, "b"], index=[5, 6, 7]), 1).tolist() == [0, 2]


def test_few_per_class_is_reproducible_with_a_seed():
    labels = np.repeat(np.arange(5), 40)
    assert (few_per_class(labels, 4, random_state=1) == few_per_class(labels, 4, random_state=1)).all()
    assert (few_per_class(labels, 4, random_state=1) != few_per_class(labels, 4, random_state=2)).any()


def test_few_per_class_draws_more_rows_in_addition_to_fewer():
    labels = [None if k < 0 else k for k in np.random.default_rng(0).integers(-1, 3, size=50).tolist()]
    for seed in range(4):
        fewer, more = (few_per_class(labels, k, random_state=seed) for k in (2, 5))
        assert set(fewer) < set(more)
        assert Counter(labels[row] for row in more) == {0: 5, 1: 5, 2: 5}
    assert few_per_class(labels, 50).tolist() == [row for row, label in enumerate(labels) if label is not None]


def test_few_per_class_samples_uniformly():
    counts = Counter(row for seed in range(400) for row in few_per_class(["a"] * 4, 1, random_state=seed).tolist())
    assert all(70 <= counts[row] <= 130 for row in range(4))  # 100 expected, 8.7 a standard deviation


def test_few_per_class_accepts_zero_and_refuses_less():
    assert few_per_class(["a", "b"], 0).shape == (0,)
    assert few_per_class([None, None], 3).shape == (0,)
    with pytest.raises(InputError, match="k must be at least 0"):
        few_per_class(["a"], -1)


def test_the_messages_are_twenty_per_class_and_a_few_of_none():
    data = messages()
    counts = Counter(data.labels)
    assert counts.pop("none") == 12
    assert len(counts) == 10
    assert set(counts.values()) == {20}
    assert len(set(data.items)) == len(data) == 212


def test_one_column_is_not_for_items_and_labels(tmp_path):
    (tmp_path / "a.csv").write_text("text,more,label\na,b,x\nc,d,y\n")
    for text in ("text", "text,more"):
        with pytest.raises(InputError, match="Give two columns"):
            read_data(tmp_path / "a.csv", text_column=text, label_column="text")


@pytest.mark.parametrize("k", [2.5, "3", None, True, -1])
def test_a_number_of_rows_that_is_none_is_refused(k):
    with pytest.raises(InputError, match="k must be"):
        few_per_class(["a", "b"], k)


def test_few_per_class_refuses_labels_that_can_be_read_only_once():
    with pytest.raises(InputError, match="got a generator"):
        few_per_class((label for label in "ab"), 1)


def test_rows_of_features_are_read_with_their_labels(tmp_path):
    path = file(tmp_path, "a.csv", "age,city,label\n31,Oslo,left\n,,stays\n40,Rome,left\n")
    with pytest.raises(BadItemError, match=r"a.csv, row 3: the row is empty\."):
        read_data(path, feature_columns="all")
    data = read_data(path, feature_columns="all", on_error="skip")
    assert (data.modality, data.item_column, data.label_column) == ("table", "age,city", "label")
    assert data.items.to_dict("list") == {"age": ["31", "40"], "city": ["Oslo", "Rome"]}
    assert (data.labels, data.rows, data.items.index.tolist()) == (["left", "left"], [0, 2], [2, 4])
    assert read_data(path, feature_columns=["city"], with_labels=False, on_error="skip").labels is None


def test_feature_columns_that_contradict_are_refused(tmp_path):
    path = file(tmp_path, "a.csv", "age,city,label\n31,Oslo,left\n")
    for columns, message in (
        ({"feature_columns": "age"}, "must be a list of names, or \"all\"; it is 'age'"),
        ({"feature_columns": []}, "must be a list of names"),
        ({"feature_columns": ["age", "age"]}, "names 'age' twice"),
        ({"feature_columns": "all", "text_column": "city"}, "Items are texts, images or rows of features"),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            read_data(path, **columns)
    with pytest.raises(InputError, match=r"is a folder, which contains images, but feature_columns='all' needs"):
        read_data(tmp_path, feature_columns="all")


@pytest.mark.parametrize("end", ["\n\nSource: export of May\n", "\n,\nSource: export of May,\n"])
def test_a_remark_below_a_blank_row_is_told(tmp_path, caplog, end):
    caplog.set_level(logging.INFO)
    assert len(read_data(file(tmp_path, "a.csv", f"text,label\na b,x\nc d,y{end}"), on_error="skip")) == 3
    assert (
        "a.csv: the rows from row 5 on, below a blank row, seem to be a remark or another table: 'Source: export"
        in caplog.text
    )
    caplog.clear()
    read_data(
        file(tmp_path, "b.csv", f"text,label\na b,x\nc d,y{end.replace('May,', 'May,z')}\ne f,z"), on_error="skip"
    )
    read_data(file(tmp_path, "c.csv", "text,label\na b,x\nc d,y\ne f,\n"))
    assert "a remark" not in caplog.text
