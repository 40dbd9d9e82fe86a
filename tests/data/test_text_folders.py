"""Folders of texts that have a file each."""

import logging

import pytest

from anyshot.data.datasets import read_data
from anyshot.errors import BadItemError, DataFileError
from data.written import file, photo


def test_each_txt_file_of_a_folder_is_a_text_with_its_subfolder_as_its_label(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    for name in ("billing", "delivery/2026"):
        (tmp_path / name).mkdir(parents=True)
    file(tmp_path / "billing", "b.txt", "Dear Sir\n\nI was charged twice\n")
    file(tmp_path / "delivery" / "2026", "a.txt", "Where is it?\n")
    file(tmp_path, "z.txt", "Hello")
    file(tmp_path, ".DS_Store", "x")
    data = read_data(tmp_path)
    assert data.items == ["Dear Sir\n\nI was charged twice", "Where is it?", "Hello"]
    assert (data.labels, data.modality, data.skipped) == (["billing", "delivery", None], "text", [])
    assert "has 3 .txt files, and each is read as one text" in caplog.text


def test_an_empty_file_of_a_folder_of_texts_is_named_or_skipped(tmp_path):
    file(tmp_path, "a.txt", "one\ntwo")
    file(tmp_path, "b.txt", " \n")
    with pytest.raises(BadItemError, match=r"b\.txt"):
        read_data(tmp_path)
    data = read_data(tmp_path, on_error="skip")
    assert (data.items, data.skipped) == (["one\ntwo"], [(f"{tmp_path}, b.txt", "the text is empty")])


def test_a_file_of_a_folder_of_texts_that_is_no_text_is_named_or_skipped(tmp_path):
    for name, content in (
        ("a.txt", "one\ntwo"),
        ("b.txt", "%PDF-1.7 x"),
        ("c.txt", "<!DOCTYPE html><p>"),
        ("d.txt", ""),
    ):
        file(tmp_path, name, content)
    with pytest.raises(
        BadItemError, match=r"b\.txt: holds no data: it is a PDF\. .* per file \(and 2 more\)\. Correct"
    ):
        read_data(tmp_path)
    data = read_data(tmp_path, on_error="skip")
    assert data.items == ["one\ntwo"]
    assert [place[-5:] for place, _ in data.skipped] == ["b.txt", "c.txt", "d.txt"]
    assert data.skipped[1][1].startswith("holds no data: it is a page of the web")


def test_a_folder_of_texts_and_other_files_is_refused_and_one_with_images_is_of_images(tmp_path):
    file(tmp_path, "a.txt", "one")
    file(tmp_path, "cv.docx", "x")
    with pytest.raises(DataFileError, match=r"each of which is read as one text, and others: cv\.docx\. Give a folder"):
        read_data(tmp_path)
    image = photo(tmp_path / "a.png")
    assert read_data(tmp_path).items == [image]


def test_a_folder_of_texts_that_is_divided_into_train_and_test_is_refused(tmp_path):
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        file(tmp_path / name, "a.txt", name)
    with pytest.raises(DataFileError, match="divided into test, train, which are not classes"):
        read_data(tmp_path)


def test_an_encoding_that_several_files_have_is_logged_once(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_bytes("Grüße aus Köln".encode("cp1252"))
    assert read_data(tmp_path).items == ["Grüße aus Köln"] * 3
    said = [one.message for one in caplog.records if "is not UTF-8" in one.message]
    assert [one.partition("a.txt is not UTF-8")[1] for one in said] == ["a.txt is not UTF-8"]
    assert said[0].endswith("(--encoding). The same holds for 2 other files")
