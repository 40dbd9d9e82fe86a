"""Reading tables and folders as items and labels; errors name the cause."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from anyshot.data.datasets import few_per_class, messages, read_classes, read_data
from anyshot.errors import BadItemError, DataFileError, InputError


def file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (2, 2)).save(path)
    return path


# ── tables of texts ──


@pytest.mark.parametrize("header", ["text,label", "Message,CATEGORY", " sentence , class ", "utterance,intent"])
def test_columns_are_found_by_their_usual_names(tmp_path, header):
    data = read_data(file(tmp_path, "a.csv", f"{header}\nhello,x\nbye,\n"))
    assert (data.items, data.labels, data.modality) == (["hello", "bye"], ["x", None], "text")
    assert (data.source, data.encoding, data.skipped, len(data)) == (tmp_path / "a.csv", "utf-8", [], 2)


def test_the_first_usual_name_has_priority(tmp_path):
    data = read_data(file(tmp_path, "a.csv", "title,text,label,category\nt,a,x,y\n"))
    assert (data.items, data.labels) == (["a"], ["x"])


def test_given_columns_are_used(tmp_path):
    path = file(tmp_path, "a.csv", "text,label,note,kind\na,b,c,d\n")
    data = read_data(path, text_column="note", label_column="kind")
    assert (data.items, data.labels) == (["c"], ["d"])


def test_the_text_column_is_not_used_for_labels(tmp_path):
    data = read_data(file(tmp_path, "a.csv", "topic,n\na b,1\n"), text_column="topic")
    assert (data.items, data.labels) == (["a b"], None)


def test_a_text_file_has_one_text_per_line_and_no_labels(tmp_path):
    data = read_data(file(tmp_path, "a.txt", "one\n\ntwo, three\n"))
    assert (data.items, data.labels) == (["one", "two, three"], None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["1", "2", ""], [1, 2, None]),
        (["True", "false"], [True, False]),
        (["0.5", "2.0"], [0.5, 2.0]),
        (["007", "1"], ["007", "1"]),
        (["1", "none"], ["1", "none"]),
        (["nan", "inf"], ["nan", "inf"]),
        (["NA", "null"], ["NA", "null"]),
        ([" a ", "a"], ["a", "a"]),
    ],
)
def test_labels_are_numbers_only_if_all_are_written_as_such(tmp_path, written, read):
    rows = "".join(f"t{i},{label}\n" for i, label in enumerate(written))
    labels = read_data(file(tmp_path, "a.csv", "text,label\n" + rows)).labels
    assert labels == read
    assert [type(label) for label in labels] == [type(label) for label in read]


def test_labels_keep_their_type_in_json_and_parquet(tmp_path):
    json = file(tmp_path, "a.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": "1"}\n{"text": "c"}\n')
    assert read_data(json).labels == [1, "1", None]
    frame = pd.DataFrame({"text": ["a", "b"], "label": pd.array([True, None], dtype="boolean")})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_data(tmp_path / "a.parquet").labels == [True, None]


def test_several_usual_columns_are_ambiguous(tmp_path):
    path = file(tmp_path, "a.csv", "title,description\na,b\n")
    with pytest.raises(DataFileError, match=r"'title', 'description'\. Choose one with text_column \(--text-column\)"):
        read_data(path)


def test_a_text_and_an_image_column_are_ambiguous(tmp_path):
    photo(tmp_path / "x.png")
    path = file(tmp_path, "a.csv", "text,file\na,x.png\n")
    with pytest.raises(DataFileError, match="texts in 'text' and images in 'file'"):
        read_data(path)
    assert read_data(path, text_column="text").items == ["a"]
    assert read_data(path, image_column="file").items == [tmp_path / "x.png"]


def test_the_error_for_a_table_without_usual_columns_lists_them(tmp_path):
    path = file(tmp_path, "a.csv", "I was charged twice,billing\nwhere is it,delivery\n")
    with pytest.raises(DataFileError, match=r"Its columns: 'I was charged twice', 'billing'.*--text-column"):
        read_data(path)


def test_the_error_for_a_missing_column_suggests_the_closest_name(tmp_path):
    path = file(tmp_path, "a.csv", "text,label\na,b\n")
    with pytest.raises(
        DataFileError, match=r"no column 'labels'\. Its columns: 'text', 'label'\. Did you mean 'label'"
    ):
        read_data(path, label_column="labels")
    with pytest.raises(DataFileError, match=r"Give one of them as text_column \(--text-column\)"):
        read_data(path, text_column="zzz")


def test_an_empty_text_is_named_by_its_line_and_row(tmp_path):
    path = file(tmp_path, "a.csv", 'text,label\n"two\nlines",x\n,y\n  ,z\n')
    with pytest.raises(BadItemError, match=r"a\.csv, line 4 \(row 1\): the text is empty \(and 1 more\)"):
        read_data(path)


def test_empty_texts_may_be_skipped_and_are_listed(tmp_path):
    path = file(tmp_path, "a.csv", "text,label\na,x\n,y\nb,z\n")
    data = read_data(path, on_error="skip")
    assert (data.items, data.labels) == (["a", "b"], ["x", "z"])
    assert data.skipped == [(f"{path}, line 3 (row 1)", "the text is empty")]


def test_a_number_instead_of_a_text_is_named(tmp_path):
    path = file(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": 5}\n')
    with pytest.raises(BadItemError, match=r"line 2.*'5' is not a text but of type int"):
        read_data(path)


def test_skipping_all_items_is_an_error(tmp_path):
    with pytest.raises(DataFileError, match="no usable item"):
        read_data(file(tmp_path, "a.csv", "text,label\n,x\n"), on_error="skip")


def test_several_labels_per_item_are_refused(tmp_path):
    path = file(tmp_path, "a.jsonl", '{"text": "a", "label": ["x", "y"]}\n')
    with pytest.raises(DataFileError, match=r"line 1 .*of type list.*Only one label per item"):
        read_data(path)


def test_a_column_of_texts_is_not_used_as_labels(tmp_path):
    rows = "".join(f"t{n},a long remark on item number {n}\n" for n in range(60))
    path = file(tmp_path, "a.csv", "text,category\n" + rows)
    with pytest.raises(DataFileError, match="'category' does not look like labels: 60 different values in 60 rows"):
        read_data(path)
    assert len(set(read_data(path, label_column="category").labels)) == 60


def test_measurements_are_not_used_as_labels(tmp_path):
    rows = "".join(f"t{n},{n}.5\n" for n in range(60))
    with pytest.raises(DataFileError, match="does not look like labels"):
        read_data(file(tmp_path, "a.csv", "text,target\n" + rows))


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


def test_many_classes_with_one_text_each_are_labels(tmp_path):
    rows = "".join(f"t{n},class number {n}\n" for n in range(60))
    assert len(read_data(file(tmp_path, "a.csv", "text,label\n" + rows)).labels) == 60


def test_contradictory_arguments_are_refused(tmp_path):
    path = file(tmp_path, "a.csv", "text\na\n")
    with pytest.raises(InputError, match="on_error must be"):
        read_data(path, on_error="ignore")
    with pytest.raises(InputError, match="not both"):
        read_data(path, text_column="text", image_column="text")
    with pytest.raises(InputError, match="Folders contain images"):
        read_data(tmp_path, text_column="text")
    with pytest.raises(DataFileError, match="no file or folder"):
        read_data(tmp_path / "absent")


# ── images ──


def test_a_table_of_images_reads_paths_relative_to_itself(tmp_path):
    inside, outside = photo(tmp_path / "data" / "a.png"), photo(tmp_path / "b.jpg")
    data = read_data(file(tmp_path / "data", "list.csv", f"image,label\na.png,x\n{outside},y\n"))
    assert (data.items, data.labels, data.modality) == ([inside, outside], ["x", "y"], "image")


@pytest.mark.parametrize(
    ("name", "fault"), [("absent.png", "there is no file"), ("notes.txt", "does not have an image suffix"), ("", "")]
)
def test_an_unusable_image_is_named_or_skipped(tmp_path, name, fault):
    good = photo(tmp_path / "a.png")
    file(tmp_path, "notes.txt", "x")
    path = file(tmp_path, "list.csv", f"image,label\na.png,x\n{name},y\n")
    with pytest.raises(BadItemError, match=rf"list\.csv, line 3 \(row 1\): .*{fault}"):
        read_data(path)
    data = read_data(path, on_error="skip")
    assert (data.items, data.labels, len(data.skipped)) == ([good], ["x"], 1)


def test_subfolders_are_classes_and_other_files_are_ignored(tmp_path):
    images = [photo(tmp_path / name) for name in ("cat/1.png", "cat/more/2.JPG", "dog/3.png")]
    for name in ("cat/Thumbs.db", "cat/.DS_Store", "dog/._3.png", ".cache/4.png", "__MACOSX/cat/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    data = read_data(tmp_path)
    assert (data.items, data.labels) == (images, ["cat", "cat", "dog"])
    assert (data.modality, data.encoding, data.skipped) == ("image", None, [])


def test_images_outside_subfolders_have_no_label(tmp_path):
    loose = photo(tmp_path / "z.png")
    assert (read_data(tmp_path).items, read_data(tmp_path).labels) == ([loose], None)
    inside = photo(tmp_path / "cat" / "1.png")
    assert (read_data(tmp_path).items, read_data(tmp_path).labels) == ([loose, inside], [None, "cat"])


def test_a_class_folder_without_images_is_listed(tmp_path):
    photo(tmp_path / "cat" / "1.png")
    (tmp_path / "dog").mkdir()
    assert read_data(tmp_path).skipped == [(str(tmp_path / "dog"), "the folder contains no images")]


def test_an_empty_image_file_is_named_or_skipped(tmp_path):
    good = photo(tmp_path / "cat" / "1.png")
    (tmp_path / "cat" / "2.png").touch()
    with pytest.raises(BadItemError, match=r"2\.png: the image file is empty"):
        read_data(tmp_path)
    data = read_data(tmp_path, on_error="skip")
    assert (data.items, data.labels) == ([good], ["cat"])
    assert data.skipped == [(str(tmp_path / "cat" / "2.png"), "the image file is empty")]


def test_labels_csv_gives_labels_and_other_images_have_none(tmp_path):
    images = [photo(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    file(tmp_path, "labels.csv", "file,label\nb.png,1\na.png,\n")
    data = read_data(tmp_path)
    assert (data.items, data.labels) == ([images[1], images[0], images[2]], [1, None, None])
    assert data.encoding == "utf-8"


def test_labels_csv_names_missing_images_and_columns(tmp_path):
    photo(tmp_path / "a.png")
    sheet = file(tmp_path, "labels.csv", "file,label\nb.png,x\n")
    with pytest.raises(BadItemError, match=r"there is no file .*b\.png"):
        read_data(tmp_path)
    sheet.write_text("file,animal\na.png,x\n")
    with pytest.raises(DataFileError, match=r"label is missing. Its columns: 'file', 'animal'.*--label-column"):
        read_data(tmp_path)
    assert read_data(tmp_path, label_column="animal").labels == ["x"]


def test_the_error_for_a_folder_without_images_lists_its_files(tmp_path):
    with pytest.raises(DataFileError, match=r"contains no images .*Found: nothing"):
        read_data(tmp_path)
    file(tmp_path, "a.heic", "x")
    with pytest.raises(DataFileError, match=r"Found: \.heic"):
        read_data(tmp_path)


def test_train_and_test_folders_are_not_classes(tmp_path):
    photo(tmp_path / "train" / "cat" / "1.png")
    photo(tmp_path / "test" / "cat" / "2.png")
    with pytest.raises(DataFileError, match="divided into test, train, which are not classes"):
        read_data(tmp_path)


# ── draws, messages, classes ──


def test_few_per_class_returns_k_of_each_and_all_of_a_small_class():
    labels = ["a"] * 9 + ["b"] * 2 + [None] * 5 + ["c"] * 4
    drawn = few_per_class(labels, 3, random_state=0)
    assert Counter(labels[row] for row in drawn) == {"a": 3, "b": 2, "c": 3}
    assert len(set(drawn)) == len(drawn)
    assert (np.diff(drawn) > 0).all()


def test_few_per_class_is_reproducible_with_a_seed():
    labels = np.repeat(np.arange(5), 40)
    assert (few_per_class(labels, 4, random_state=1) == few_per_class(labels, 4, random_state=1)).all()
    assert (few_per_class(labels, 4, random_state=1) != few_per_class(labels, 4, random_state=2)).any()


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


def test_classes_are_read_from_a_list_and_every_file_type(tmp_path):
    listed = ["billing", "lost parcel", "x"]
    assert read_classes("billing, lost parcel,x") == listed
    assert read_classes(str(file(tmp_path, "a.txt", "\ufeffbilling\n\n lost parcel\nx\n"))) == listed
    assert read_classes(str(file(tmp_path, "a.json", '["billing", "lost parcel", "x"]'))) == listed
    assert read_classes(str(file(tmp_path, "a.csv", "class\nbilling\nlost parcel\nx\n"))) == listed


def test_classes_are_read_with_their_descriptions(tmp_path):
    described = {"billing": ["invoices, charges", "payments"], "login": []}
    json = '{"billing": ["invoices, charges", "payments"], "login": []}'
    table = 'class,description\nbilling,"invoices, charges"\nlogin,\nbilling,payments\n'
    assert read_classes(str(file(tmp_path, "a.json", json))) == described
    assert read_classes(str(file(tmp_path, "a.csv", table))) == described
    assert read_classes(str(file(tmp_path, "b.json", '{"a": "one", "b": "two"}'))) == {"a": ["one"], "b": ["two"]}


@pytest.mark.parametrize("content", ["3", "[1, 2]", '{"a": 1}', '{"a": [1]}'])
def test_json_of_another_shape_is_refused(tmp_path, content):
    with pytest.raises(DataFileError, match="must contain a list of names"):
        read_classes(str(file(tmp_path, "a.json", content)))


def test_a_missing_class_file_or_column_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="no file or folder"):
        read_classes(str(tmp_path / "classes.txt"))
    with pytest.raises(DataFileError, match=r"needs a column named class. Its columns: 'a', 'b'"):
        read_classes(str(file(tmp_path, "a.csv", "a,b\nx,y\n")))
