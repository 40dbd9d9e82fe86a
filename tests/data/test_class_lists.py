import logging

import pytest

from anyshot.base.class_words import Words
from anyshot.data.class_lists import read_classes
from anyshot.errors import DataFileError, InputError
from data.written import file


def test_classes_are_read_from_a_list_and_every_file_type(tmp_path):
    listed = ["billing", "lost parcel", "x"]
    assert read_classes("billing, lost parcel,x") == listed
    assert read_classes(str(file(tmp_path, "a.txt", "\ufeffbilling\n\n lost parcel\nx\n"))) == listed
    assert read_classes(str(file(tmp_path, "a.json", '["billing", "lost parcel", "x"]'))) == listed
    assert read_classes(str(file(tmp_path, "a.csv", "class\nbilling\nlost parcel\nx\n"))) == listed


def test_a_name_with_a_comma_is_quoted(tmp_path):
    assert read_classes('"sports, games",news') == ["sports, games", "news"]
    listed = file(tmp_path, "a.txt", "sports, games\nnews; weather\n")
    assert read_classes(str(listed)) == ["sports, games", "news; weather"]


def test_names_that_look_alike_are_written_in_one_way(tmp_path):
    with pytest.warns(UserWarning, match=r"1 of 2 classes in a\.txt"):
        assert read_classes(str(file(tmp_path, "a.txt", "cafe\u0301\nbar\n"))) == ["caf\u00e9", "bar"]


def test_classes_are_read_with_their_descriptions(tmp_path):
    described = {"billing": ["invoices, charges", "payments"], "login": []}
    json = '{"billing": ["invoices, charges", "payments"], "login": []}'
    table = 'class,description\nbilling,"invoices, charges"\nlogin,\nbilling,payments\n'
    assert read_classes(str(file(tmp_path, "a.json", json))) == described
    assert read_classes(str(file(tmp_path, "a.csv", table))) == described
    assert read_classes(str(file(tmp_path, "b.json", '{"a": "one", "b": "two"}'))) == {"a": ["one"], "b": ["two"]}


def test_classes_are_read_with_their_words(tmp_path):
    described = {"spam": ["unwanted", Words("prize, winner, free")], "ham": [Words(add="dinner", drop="pork")], "x": []}
    table = 'Class,Description,Words\nspam,unwanted,"prize, winner"\nham,,+dinner -pork\nx,,\nspam,,free\n'
    assert read_classes(str(file(tmp_path, "a.csv", table))) == described
    json = """{"spam": {"description": "unwanted", "words": ["prize", "winner", "free"]},
        "ham": {"words": "+dinner -pork"}, "x": []}"""
    assert read_classes(str(file(tmp_path, "a.json", json))) == described
    only = "label\tkeywords\nspam\tprize winner\nham\t\n"
    assert read_classes(str(file(tmp_path, "a.tsv", only))) == {"spam": [Words("prize winner")], "ham": []}


def test_a_list_of_words_in_json_may_contain_expressions(tmp_path):
    json = '{"a": {"words": ["money back"]}, "b": {"words": "money back"}}'
    assert read_classes(str(file(tmp_path, "a.json", json))) == {
        "a": [Words(["money back"])],
        "b": [Words("money", "back")],
    }


def test_words_that_cannot_be_used_are_refused_with_their_class(tmp_path):
    with pytest.raises(DataFileError, match=r"a\.csv: the words of class 'b' cannot be used. Words adds and drops"):
        read_classes(str(file(tmp_path, "a.csv", "class,words\na,good\nb,+bad -bad\n")))
    with pytest.raises(DataFileError, match="must contain a list of names"):
        read_classes(str(file(tmp_path, "a.json", '{"a": {"word": "good"}}')))
    with pytest.raises(DataFileError, match="must contain a list of names"):
        read_classes(str(file(tmp_path, "a.json", '{"a": {"words": ["good", 7]}}')))


def test_null_in_json_is_a_class_without_a_description_and_a_wrong_class_is_named(tmp_path):
    assert read_classes(str(file(tmp_path, "a.json", '{"a": null, "b": ["good"]}'))) == {"a": [], "b": ["good"]}
    with pytest.raises(DataFileError, match=r"Class 'b' has something else\.$"):
        read_classes(str(file(tmp_path, "a.json", '{"a": null, "b": 7}')))


@pytest.mark.parametrize("content", ["3", "[1, 2]", '{"a": 1}', '{"a": [1]}'])
def test_json_of_another_shape_is_refused(tmp_path, content):
    with pytest.raises(DataFileError, match="must contain a list of names"):
        read_classes(str(file(tmp_path, "a.json", content)))


def test_a_missing_class_file_or_column_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="no file or folder"):
        read_classes(str(tmp_path / "classes.txt"))
    with pytest.raises(DataFileError, match=r"needs a column named class. Its columns: 'a', 'b'"):
        read_classes(str(file(tmp_path, "a.csv", "a,b\nx,y\n")))


def test_columns_that_are_not_used_are_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        assert read_classes(str(file(tmp_path, "a.csv", "Name;Beschreibung\nx;money\ny;parcel\n"))) == ["x", "y"]
    assert "classes were read from 'Name'; not used: 'Beschreibung'" in caplog.text


@pytest.mark.parametrize("line", ["- delivery", "\u2022\tdelivery"])
def test_a_bullet_before_a_name_is_refused(tmp_path, line):
    with pytest.raises(
        DataFileError, match=r"a\.txt, line 2: .* begins with a bullet\. Write the name of a class alone"
    ):
        read_classes(str(file(tmp_path, "a.txt", f"billing\n{line}\n-5\n")))


def test_names_with_what_may_be_descriptions_are_logged(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        read_classes(str(file(tmp_path, "a.txt", "billing: all payments\ndelivery: parcels\n")))
    assert "such as 'billing: all payments'. If a description follows the colon, write a table" in caplog.text


@pytest.mark.parametrize("line", ["# our queues", "// our queues"])
def test_a_comment_is_no_class(tmp_path, line):
    with pytest.raises(DataFileError, match=r"a\.txt, line 2: .* reads as a comment\. Remove it"):
        read_classes(str(file(tmp_path, "a.txt", f"billing\n{line}\nlogin\n")))
    assert read_classes(str(file(tmp_path, "b.txt", "#sale\nC#\n"))) == ["#sale", "C#"]


def test_a_file_of_another_kind_is_no_name_of_a_class(tmp_path):
    with pytest.raises(DataFileError, match=r"cannot be read as a list of classes\. Supported: \.csv, .*\.txt"):
        read_classes(str(file(tmp_path, "classes.yaml", "- a\n- b\n")))


@pytest.mark.parametrize("given", [None, ["a", "b"]])
def test_something_else_than_a_text_is_refused(given):
    with pytest.raises(InputError, match="A text of names"):
        read_classes(given)


def test_a_number_among_words_is_left_out(tmp_path):
    table = "class,words\nage limit,'minimum age, 18'\nage limit,21\nother,good\n".replace("'", '"')
    with pytest.warns(UserWarning, match="these are left out: '(18|21)'"):
        found = read_classes(str(file(tmp_path, "a.csv", table)))
    assert found["age limit"] == [Words(["minimum age"])]
