"""Texts with tags of HTML, or with letters that were read in a wrong encoding, are told."""

import logging

from anyshot.data.datasets import read_data
from data.written import file


def test_texts_with_tags_of_html_are_told(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    read_data(file(tmp_path, "good.csv", "text,label\n1 < 2 & 3 > 2,a\nR&D,b\n"))
    assert not caplog.text
    read_data(file(tmp_path, "bad.csv", "text,label\n<p>refund</p>,a\nlate&nbsp;again,b\nok,a\n"))
    assert "2 texts with tags or codes of HTML, such as '<p>refund</p>'" in caplog.text


def test_letters_that_another_program_garbled_are_told(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    text = "text,label\nüber uns,a\nschön,b\nok,a\n10 Â\n"
    read_data(file(tmp_path, "good.csv", text))
    assert not caplog.text
    read_data(file(tmp_path, "bad.csv", text.encode().decode("cp1252", errors="replace")))
    assert (
        "letters of 3 texts were garbled before the file was saved, such as 'Ã¼ber uns', which was 'über" in caplog.text
    )
