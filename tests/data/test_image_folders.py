import logging
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from anyshot.data.datasets import read_data
from anyshot.data.table_writing import write_table
from anyshot.errors import BadItemError, DataFileError
from data.written import file, photo


def test_a_table_of_images_reads_paths_relative_to_itself(tmp_path):
    inside, outside = photo(tmp_path / "data" / "a.png"), photo(tmp_path / "b.jpg")
    data = read_data(file(tmp_path / "data", "list.csv", f"image,label\na.png,x\n{outside},y\n"))
    assert (data.items, data.labels, data.modality) == ([inside, outside], ["x", "y"], "image")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("absent.png", "there is no file"),
        ("notes.txt", r"'notes\.txt' does not have an image suffix, such as \.jpg or \.png"),
        (5000 * "A", r"'A{28} … A{28}' does not have an image suffix"),
        ("photo.HEIC", r"images of the type \.HEIC cannot be read; save it as \.jpg"),
        ("", "the path is empty, or that of a folder"),
        ("cats/", "the path is empty, or that of a folder"),
        ("https://example.com/a.png", r"https://example\.com/a\.png is an address, and nothing is downloaded"),
        ("data:image/png;base64;iVBOR" + 5000 * "A", "'data:image/png;base6…' is an image written as text"),
    ],
)
def test_an_unusable_image_is_named_or_skipped(tmp_path, name, fault):
    good = photo(tmp_path / "a.png")
    file(tmp_path, "notes.txt", "x")
    (tmp_path / "cats").mkdir()
    path = file(tmp_path, "list.csv", f"image,label\na.png,x\n{name},y\n")
    with pytest.raises(BadItemError, match=rf"list\.csv, row 3: .*{fault}"):
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
    with pytest.raises(DataFileError, match=r"contains no images\. Found: nothing"):
        read_data(tmp_path)
    file(tmp_path, "a.heic", "x")
    with pytest.raises(DataFileError, match=r"Found: \.heic"):
        read_data(tmp_path)


def test_train_and_test_folders_are_not_classes(tmp_path):
    photo(tmp_path / "train" / "cat" / "1.png")
    photo(tmp_path / "test" / "cat" / "2.png")
    with pytest.raises(DataFileError, match="divided into test, train, which are not classes"):
        read_data(tmp_path)


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "avif", "jp2", "JPG", "tiff"])
def test_images_of_every_suffix_are_found(tmp_path, suffix):
    image = photo(tmp_path / "cat" / f"1.{suffix}")
    assert read_data(tmp_path).items == [image]


def test_images_in_linked_folders_are_found_once(tmp_path):
    photo(tmp_path / "elsewhere" / "1.png")
    photo(tmp_path / "set" / "dog" / "2.png")
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "dog" / "again").symlink_to(tmp_path / "set" / "dog")
    data = read_data(tmp_path / "set")
    assert data.items == [tmp_path / "set" / "cat" / "1.png", tmp_path / "set" / "dog" / "2.png"]
    assert data.labels == ["cat", "dog"]


def test_files_that_are_no_images_are_listed(tmp_path):
    photo(tmp_path / "cat" / "1.png")
    for name in ("2.heic", "3.mov"):
        (tmp_path / "cat" / name).write_bytes(b"x")
    assert [Path(path).name + ": " + reason for path, reason in read_data(tmp_path).skipped] == [
        "2.heic: images of the type .heic cannot be read; save it as .jpg",
        "3.mov: not an image by its suffix",
    ]


def test_metadata_csv_of_a_hugging_face_data_set_gives_labels(tmp_path):
    images = [photo(tmp_path / name) for name in ("a.png", "b.png")]
    sheet = file(tmp_path, "metadata.csv", "file_name,label\nb.png,x\na.png,y\n")
    assert (read_data(tmp_path).items, read_data(tmp_path).labels) == (images[::-1], ["x", "y"])
    sheet.write_text("file_name,caption\nb.png,x\na.png,y\n")
    assert (read_data(tmp_path).items, read_data(tmp_path).labels) == (images, None)


@pytest.mark.parametrize("written", ["in\\1.png", "./in/1.png", "in//1.png"])
def test_paths_are_read_as_other_systems_write_them(tmp_path, written):
    image = photo(tmp_path / "in" / "1.png")
    data = read_data(file(tmp_path, "list.csv", f"image,label\n{written},x\n"))
    assert data.items[0].samefile(image)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_in_paths_may_be_composed_or_not(tmp_path, form):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    image = photo(tmp_path / unicodedata.normalize(other, "caf\u00e9.png"))
    written = unicodedata.normalize(form, "caf\u00e9.png")
    assert read_data(file(tmp_path, "list.csv", f"image,label\n{written},x\n")).items == [image]


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    image = photo(tmp_path / "1.png")
    file(tmp_path, "list.csv", "image,label\n~/1.png,x\n")
    assert read_data("~/list.csv").items == [image]


def test_a_damaged_image_may_be_skipped(tmp_path):
    good = photo(tmp_path / "cat" / "1.png")
    (tmp_path / "cat" / "2.png").write_bytes(good.read_bytes()[:40])
    data = read_data(tmp_path, on_error="skip")
    assert data.items == [good]
    assert data.skipped[0][1].startswith(str(tmp_path / "cat" / "2.png"))


def test_images_may_be_listed_without_their_suffix(tmp_path):
    images = [photo(tmp_path / name) for name in ("a.png", "in/b.1.PNG")]
    sheet = file(tmp_path, "labels.csv", "id,label\na,x\nin/b.1,y\n")
    data = read_data(tmp_path, image_column="id")
    assert (data.items, data.labels) == (images, ["x", "y"])
    photo(tmp_path / "a.jpg")  # now "a" is one of two
    with pytest.raises(BadItemError, match="'a' does not have an image suffix"):
        read_data(sheet, image_column="id")


def test_images_that_a_list_leaves_out_are_logged(tmp_path, caplog):
    for name in ("cat/1.png", "dog/2.png"):
        photo(tmp_path / name)
    file(tmp_path, "labels.csv", "file,label\ncat/1.png,cat\n")
    with caplog.at_level(logging.INFO):
        assert read_data(tmp_path).labels == ["cat", None]
    assert f"does not list 1 image of {tmp_path}, read without a label: 2.png" in caplog.text


@pytest.mark.parametrize("suffix", ["tsv", "xlsx", "jsonl"])
def test_a_list_of_labels_may_be_any_table(tmp_path, suffix):
    for name in ("batch1/1.png", "batch2/2.png"):
        photo(tmp_path / name)
    rows = pd.DataFrame({"file": ["batch1/1.png", "batch2/2.png"], "label": ["x", "y"]})
    if suffix == "tsv":
        rows.to_csv(tmp_path / "labels.tsv", sep="\t", index=False)
    else:
        write_table(rows, tmp_path / f"labels.{suffix}")
    data = read_data(tmp_path)
    assert (data.labels, data.skipped) == (["x", "y"], [])


def test_a_folder_with_one_folder_names_the_one_that_may_be_meant(tmp_path, caplog):
    for name in ("all/cat/1.png", "all/dog/2.png"):
        photo(tmp_path / name)
    with caplog.at_level(logging.INFO):
        assert read_data(tmp_path).labels == ["all", "all"]
    assert f"the folders in it (cat, dog) are the classes, give {tmp_path / 'all'}" in caplog.text


def test_a_link_to_a_folder_above_gives_no_class_the_images_of_another(tmp_path):
    images = [photo(tmp_path / name) for name in ("cat/1.png", "dog/2.png")]
    (tmp_path / "cat" / "all").symlink_to(tmp_path)
    data = read_data(tmp_path)
    assert (data.items, data.labels) == (images, ["cat", "dog"])


def test_spaces_around_the_path_of_an_image_are_left_out(tmp_path):
    images = [photo(tmp_path / name) for name in ("a.png", "b.png")]
    data = read_data(file(tmp_path, "list.csv", 'image,label\n"a.png ",x\n" b.png",y\n'))
    assert data.items == images
