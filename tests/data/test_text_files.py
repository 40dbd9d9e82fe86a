import gzip
import logging
import os
import unicodedata
from pathlib import Path

import pytest

from anyshot.data.text_files import as_on_disk, existing, read_text, refuse_other_kinds, remedy_for_type
from anyshot.errors import DataFileError, InputError
from data.written import file

TEXTS = {
    "windows-1251": " ".join(["почему заказ едет так долго,доставка", "деньги не пришли,оплата"]),
    "gb18030": "我的包裹什么时候到,配送\n请退款,账单\n",
    "cp932": "荷物はいつ届きますか,配送\n返金してください,請求\n",
    "euc_kr": "내 소포는 언제 도착합니까,배송\n환불해 주세요,결제\n",
    "big5": "我的包裹什麼時候到,配送\n請退款,帳單\n",
    "windows-1252": "Où est mon colis ?,livraison\nc\u2019est cassé \u2013 5\u20ac,retour\n",
}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("我的包裹什么时候到", "gb18030"),
        ("请退款", "gb18030"),
        ("환불해 주세요", "euc_kr"),
        ("我的包裹什麼時候到", "big5"),
        ("พัสดุของฉันอยู่ที่ไหน", "cp874"),
        ("איפה ההזמנה שלי בבקשה", "windows-1255"),
        ("где мой заказ", "windows-1251"),
    ],
)
def test_a_few_words_are_read_by_the_letters_that_they_usually_have(tmp_path, text, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert read_text(path) == (text, encoding)


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_is_detected_and_said(tmp_path, caplog, encoding):
    path, text = tmp_path / "a.csv", "text,label\n" + TEXTS[encoding]
    path.write_bytes(text.encode(encoding))
    with caplog.at_level(logging.INFO):
        assert read_text(path) == (text, encoding)
    assert f"is not UTF-8; it was read as {encoding}" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "hola\u00bfc\u00f3mo est\u00e1s?",
        "Novotn\u00fd",
        "\u00fea\u00f0 er r\u00e9tt",
        "\u00a35 off",
        "it\u2019s great",
        "l\u2019\u00e9t\u00e9",
        "na\u00efve caf\u00e9",
        "\u00bfD\u00f3nde?",
        "width\u00d7height, a\u00d7b",
        "c\u0153ur",
        "12 ao\u00fbt",
        "5 m\u00b3",
        "3\u00bc cups",
        "\u00a5500",
        *[
            "\n".join([text] * 3)
            for text in ("it\u2019s fine\u2014really", "2 m\u00b3", "ao\u00fbt", "b\u0153uf", "H\u00d4TEL", "5 \u2030")
        ],
    ],
    ids=ascii,
)
def test_a_few_accents_are_western(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode("cp1252"))
    assert read_text(path) == (text, "windows-1252")


def test_letters_of_no_language_and_of_several_encodings_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("text\na³þb c¼ðd".encode("cp1252"))
    with pytest.raises(DataFileError, match=r"line 2: neither UTF-8 nor Windows-1252, .* \(--encoding\)"):
        read_text(path)
    path.write_bytes("text\nfür Stück Tür".encode("mac_roman"))
    with pytest.raises(
        DataFileError, match=r"line 2: not UTF-8, and its letters may be in cp852 as well as in mac_roman"
    ):
        read_text(path)


def test_an_encoding_that_is_given_is_used(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("źle".encode("cp1250"))
    assert read_text(path, "cp1250") == ("źle", "cp1250")
    with pytest.raises(DataFileError, match=r"line 1: not utf-8, which was named"):
        read_text(path, "utf-8")
    with pytest.raises(InputError, match="Unknown encoding 'latin-99'"):
        read_text(path, "latin-99")


def test_the_end_mark_of_dos_is_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text,label\na,b\x1a")
    assert read_text(tmp_path / "a.csv")[0] == "text,label\na,b"


def test_compressed_files_are_unpacked(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress("text\ncafé\n".encode()))
    assert read_text(path) == ("text\ncafé\n", "utf-8")
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(DataFileError, match="is cut off or damaged"):
        read_text(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04", r"Excel .* end in \.xlsx"),
        (b"PAR1", r"Parquet file\. Let its name end in \.parquet"),
        (b"\x1f\x8b", r"gzip\. Let its name end in \.gz"),
        (b"SQLite format 3", r"an SQLite database\. Save its texts as \.csv"),
        (b"ARROW1", r"a Feather or Arrow file\. Save its texts as \.csv"),
        (b"\xd0\xcf\x11\xe0", r"Excel 97 to 2003\. Save it as \.xlsx"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path, content, what):
    (tmp_path / "a.csv").write_bytes(content + b"\0\0")
    with pytest.raises(DataFileError, match=f"is not what its name says: it is .*{what}"):
        read_text(tmp_path / "a.csv")


def test_an_arrow_file_called_parquet_is_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"ARROW1\0\0")
    with pytest.raises(DataFileError, match=r"a\.parquet is not what its name says: it is a Feather or Arrow file"):
        refuse_other_kinds(tmp_path / "a.parquet")


def test_a_text_may_begin_as_a_file_of_another_kind(tmp_path):
    (tmp_path / "a.csv").write_text("PAR1,PAR2\n")
    assert read_text(tmp_path / "a.csv") == ("PAR1,PAR2\n", "utf-8")


def test_an_address_is_refused_as_it_was_given(tmp_path):
    with pytest.raises(DataFileError, match=r"https://example.org/data.csv is an address, .* Download it"):
        existing(Path("https://example.org/data.csv"))
    (tmp_path / "a b.txt").touch()
    assert existing(Path(f"file://{tmp_path.as_posix()}/a%20b.txt")) == tmp_path / "a b.txt"
    with pytest.raises(DataFileError, match="There is no file"):
        existing(tmp_path / "c:/a.csv")


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("<!DOCTYPE html>", "a page of the web"),
        ("<html><table>", "If it shows a table, .* save it as .xlsx or .csv"),
        ("version https://git-lfs.github.com/spec/v1", "Run: git lfs pull"),
        ("%PDF-1.7", "a PDF"),
        ("{\\rtf1", "rich text"),
        ("<table>", "save it as .xlsx or .csv"),
        ("<?xml version='1.0'?>", "XML"),
    ],
)
def test_files_of_other_kinds_are_named_whatever_their_names_end_in(tmp_path, start, words):
    (tmp_path / "a.csv").write_text(f"\n{start}\nand more\n")
    with pytest.raises(DataFileError, match=words):
        read_text(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.eml", "a.vcf", "a.ics", "a.msg", "a.html", "a.docx"])
def test_a_document_is_to_be_saved_as_a_file_of_text(name):
    remedy = "Save its text as .txt: one such file is a text per line, and a folder of them is a text per file."
    assert remedy_for_type(Path(name)) == remedy
    assert remedy_for_type(Path("a.xlsx.gz")) == "Unpack it, and give what was in it."
    assert remedy_for_type(Path("a.js")) == "Save its texts as .csv, or as .txt with a text per line."


@pytest.mark.parametrize("name", ["tickets", "tickets.csv.bak", "tickets.csv (1)", ".csv"])
def test_files_of_unknown_types_may_have_a_wrong_name(name):
    assert remedy_for_type(Path(name)).startswith("If it is one of these, let its name end so; else save")


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataFileError, match="neither a file nor a folder"):
        existing(tmp_path / "pipe")


@pytest.mark.parametrize("target", ["moved.csv", "link.csv"])
def test_a_link_that_leads_to_no_file_is_named(tmp_path, target):
    (tmp_path / "link.csv").symlink_to(target)
    with pytest.raises(DataFileError, match=rf"link\.csv is a link to {target}, where no file is"):
        existing(tmp_path / "link.csv")


def test_accents_in_paths_may_be_composed_or_decomposed(tmp_path):
    folder = tmp_path / unicodedata.normalize("NFD", "prüfung")
    folder.mkdir()
    (folder / "größe.csv").write_text("text\na\n", encoding="utf-8")
    other = tmp_path / "prüfung" / unicodedata.normalize("NFD", "größe.csv")
    assert existing(other) == folder / "größe.csv"
    assert as_on_disk(tmp_path / "prüfung" / "ä.csv") == folder / "ä.csv"


def test_the_standard_input_in_place_of_a_file_is_refused():
    with pytest.raises(DataFileError, match=r"read for texts to answer only\. Write the data to a file"):
        existing(Path("-"))


def test_a_plain_file_that_is_named_as_compressed_is_refused(tmp_path):
    with pytest.raises(DataFileError, match=r"not compressed by gzip.*let its name end in \.csv"):
        read_text(file(tmp_path, "a.csv.gz", "text\na\n"))


@pytest.mark.parametrize("name", ["undefined", "punycode", "unicode_escape", "hex"])
def test_an_encoding_in_which_no_file_is_written_is_unknown(tmp_path, name):
    with pytest.raises(InputError, match=f"Unknown encoding '{name}'"):
        read_text(file(tmp_path, "a.csv", "text\na\n"), name)


def test_utf_16_is_refused_for_a_file_without_zero_bytes(tmp_path):
    with pytest.raises(DataFileError, match="is not utf-16: it has no zero bytes"):
        read_text(file(tmp_path, "a.csv", "text\nabc\n"), "utf-16")
    assert read_text(file(tmp_path, "b.csv", "text\nabc\n".encode("utf-16-le")), "utf-16-le")[0] == "text\nabc\n"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"text\nab\0cde\n", "line 2: a zero byte"),
        ("a.csv", b"text\nabc\n" + bytes(99), "was not written to its end"),
        ("a.csv", "text\nabc\n".encode("utf-16-le"), "name its encoding, such as utf-16-le"),
        ("a.csv.gz", gzip.compress(gzip.compress(b"text\n")), "several times. Unpack it once"),
        ("a.csv.gz", gzip.compress(b"text\na\n")[:-9], "is cut off or damaged"),
    ],
    ids=["inside", "at the end", "of UTF-16", "compressed twice", "cut off"],
)
def test_zero_bytes_and_damaged_archives_are_refused_by_their_cause(tmp_path, name, content, reason):
    with pytest.raises(DataFileError, match=reason):
        read_text(file(tmp_path, name, content))
