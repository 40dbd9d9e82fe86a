"""Data classes as options of commands, and the options --classes and --words."""

from dataclasses import dataclass
from inspect import signature
from typing import get_type_hints

import pytest
import typer

import anyshot
from anyshot import Words
from anyshot.app.cli.options import ClassOptions, Columns, with_column_options, with_options
from anyshot.errors import ClassesError, DuplicateClassError


@dataclass(frozen=True)
class Size:
    width: int | None = None
    height: int | None = None


def draw(out: str, color: str = "red", *, size: Size, columns: Columns) -> None:
    """Draw."""
    print(out, color, size, columns.text_column)


def test_the_fields_of_a_data_class_become_options(capsys):
    command = with_options(with_column_options(draw), "size", Size, first=True)
    columns = ["text_column", "label_column", "image_column", "feature_columns", "left_out"]
    assert list(signature(command).parameters) == ["out", "width", "height", "color", *columns]
    assert get_type_hints(command)["width"] == int | None
    assert command.__doc__ == "Draw."
    unset = dict.fromkeys(["height", *columns[1:]])
    command(out="a", width=3, color="blue", text_column="t", **unset)
    assert capsys.readouterr().out == "a blue Size(width=3, height=None) t\n"


def test_words_are_joined_to_the_classes_that_are_listed():
    options = ClassOptions("positive,negative", ["positive = good, great", "positive=fun", "negative=bad"])
    assert options.read() == {"positive": [Words("good great fun")], "negative": [Words("bad")]}
    assert ClassOptions("a,b", ["b=bee"]).read() == {"a": [], "b": [Words("bee")]}
    assert ClassOptions("a,b").read() == ["a", "b"]
    assert ClassOptions().read() is None
    assert (ClassOptions().given, ClassOptions("a,b").given, ClassOptions(words=["a=x"]).given) == (False, True, True)


def test_words_may_contain_an_equals_sign_and_change_those_that_are_found():
    assert ClassOptions("a,b", ["a=+cash, -free", "b=x=y"]).read() == {
        "a": [Words(add="cash", drop="free")],
        "b": [Words("x=y")],
    }


def test_words_name_the_classes_where_nothing_else_does():
    options = ClassOptions(words=["spam=prize", "ham=dinner"])
    assert options.read() == {"spam": [Words("prize")], "ham": [Words("dinner")]}
    assert options.read(["ham", "spam", "ham"]) == {"ham": [Words("dinner")], "spam": [Words("prize")]}
    assert ClassOptions(words=["1=prize"]).read([0, 1]) == {0: [], 1: [Words("prize")]}


def test_words_stand_beside_the_descriptions_of_a_file(tmp_path):
    (tmp_path / "classes.csv").write_text("class,description\nspam,unwanted\nham,\n")
    options = ClassOptions(str(tmp_path / "classes.csv"), ["spam=prize"])
    assert options.read() == {"spam": ["unwanted", Words("prize")], "ham": []}


@pytest.mark.parametrize("option", ["good, great", "=good", "positive=", "positive = ", "positive=, ,", ""])
def test_words_without_a_class_or_a_class_without_words_are_refused(option):
    with pytest.raises(typer.BadParameter, match="needs a class and its words"):
        ClassOptions("positive,negative", [option]).read()


def test_words_of_a_class_that_is_not_listed_are_refused():
    with pytest.raises(
        ClassesError, match=r"'positve', which is not one of the classes: a, positive. Did you mean 'po"
    ):
        ClassOptions("a,positive", ["positve=good"]).read()
    with pytest.raises(ClassesError, match=r"'zoo', which is not one of the classes: 0, 1. Name all classes with"):
        ClassOptions(words=["zoo=good"]).read([0, 1])
    with pytest.raises(DuplicateClassError):
        ClassOptions("a,b,a", ["a=good"]).read()


def test_words_of_several_classes_in_one_option_are_refused():
    with pytest.raises(ClassesError, match=r"--words of 'praise' has words of 'bug'. Write --words once for each"):
        ClassOptions("praise,bug", ["praise=great, love, bug=crash, error"]).read()


def test_words_that_name_a_file_are_refused_with_the_option_that_reads_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "classes.csv").write_text("class,words\nspam,prize\nham,dinner\n")
    with pytest.raises(typer.BadParameter, match=r"--words names the file classes.csv.* --classes FILE"):
        ClassOptions(words=["classes.csv"]).read()


def test_predict_takes_words(call, made):
    words = ["--words", "money=invoice, charge", "--words", "parcels=parcel, courier"]
    done = call("predict", "the courier lost it", "why this charge?", *words)
    assert (done.code, [row["label"] for row in done.rows]) == (0, ["parcels", "money"]), done.err
    done = call("predict", "a", "--words", "a=b", "--model", made / "model")
    assert (done.code, "cannot be used together" in done.err) == (2, True)
    done = call("predict", "a", "--classes", "a,b", "--words", "a=…")
    assert (done.code, "No words are given for class 'a', or none of them has letters" in done.err) == (1, True)


def test_words_are_saved_with_a_model_and_come_with_a_new_class(call, made, tmp_path):
    options = ["--words", "billing=invoice, charge", "--words", "login=+password"]
    done = call("fit", made / "train.csv", "--out", tmp_path / "m", *options)
    assert done.code == 0, done.err
    words = Words("invoice, charge"), None, Words(add="password")
    assert anyshot.load(tmp_path / "m").classes == {
        name: [name, *([own] if own else [])] for name, own in zip(("billing", "delivery", "login"), words, strict=True)
    }
    done = call("add-class", tmp_path / "m", "hiring", "--words", "job, career", "--description", "to get work")
    assert done.code == 0, done.err


@pytest.mark.parametrize("command", ["fit", "tune", "curve"])
def test_words_of_no_class_are_refused_before_any_fit(call, made, command, tmp_path):
    out = () if command == "curve" else ("--out", tmp_path / "m")
    done = call(command, made / "train.csv", *out, "--words", "biling=charge")
    assert (done.code, "Did you mean 'billing'?" in done.err) == (1, True), done.err


def test_a_class_whose_name_has_a_comma_is_named_by_its_own_option():
    assert ClassOptions(names=["sports, games", "news; weather"]).read() == ["sports, games", "news; weather"]
    with pytest.raises(typer.BadParameter, match="cannot be used together"):
        ClassOptions("a,b", names=["c"]).read()


def test_names_are_read_without_the_thesaurus_on_request(call, made, tmp_path):
    for options, words in ([], True), (["--no-thesaurus"], False):
        done = call("fit", made / "train.csv", "--out", tmp_path / f"m{words}", *options)
        assert (done.code, anyshot.load(tmp_path / f"m{words}").words) == (0, words), done.err
    done = call("predict", "a", "--no-thesaurus", "--model", made / "model")
    assert (done.code, "cannot be used together" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "prior"),
    [
        (None, "auto"),
        (["labels"], "labels"),
        (["balanced"], "balanced"),
        (["spam=0.13, ham=0.87"], {"spam": 0.13, "ham": 0.87}),
        (["spam = 13 %", "ham=87%"], {"spam": 0.13, "ham": 0.87}),
        (["spam=13%, ham=0.87"], {"spam": 0.13, "ham": 0.87}),
    ],
)
def test_class_shares_are_read_by_class_or_as_a_rule(options, prior):
    assert ClassOptions("spam,ham", class_prior=options).parameters(["spam"])["class_prior"] == prior


def test_shares_name_classes_in_their_type_and_with_commas():
    assert ClassOptions("caf\u00e9", class_prior=["cafe\u0301=1"]).parameters()["class_prior"] == {"caf\u00e9": 1}
    assert ClassOptions(class_prior=["0=2,1.0=1"]).parameters([0, 1, None])["class_prior"] == {0: 2, 1: 1}
    options = ClassOptions(names=["sports, games", "a=b"], class_prior=['"sports, games=3",a=b=1'])
    assert options.parameters()["class_prior"] == {"sports, games": 3, "a=b": 1}
    assert ClassOptions(class_prior=["a=1"]).parameters()["class_prior"] == "auto"  # no class is known


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("spam=0,13, ham=0,87", "'13' needs a class and its share, as a number with a point"),
        ("spam", "'spam' needs a class and its share"),
        ("=0.5", "needs a class and its share"),
        ("", "'' needs a class and its share"),
        ("shares.csv", "needs a class and its share"),
        ("spam=a,ham=b", "'spam=a' needs a class and its share"),
        ("spam=0.1,spam=0.9", "gives the share of 'spam' twice"),
        ("labels", "--class-prior labels needs labels"),
    ],
)
def test_shares_that_cannot_be_read_are_refused(option, words):
    with pytest.raises(typer.BadParameter, match=words):
        ClassOptions("spam,ham", class_prior=[option]).parameters()
    with pytest.raises(ClassesError, match=r"--class-prior names 'spma', .* Did you mean 'spam'"):
        ClassOptions("spam,ham", class_prior=["spma=1"]).parameters()


def test_fit_and_predict_take_class_shares(call, made, tmp_path):
    shares = ["--class-prior", "billing=8, delivery=1, login=1"]
    done = call("fit", made / "train.csv", "--out", tmp_path / "m", *shares)
    assert (done.code, anyshot.load(tmp_path / "m").class_prior["billing"]) == (0, 0.8), done.err
    classes = ["--classes", "billing,delivery"]
    low, high = (
        call("predict", "hello", *classes, "--proba", "--class-prior", f"billing={share},delivery=1").rows[0]["proba"]
        for share in (1, 9)
    )
    assert high["billing"] > low["billing"]
    done = call("predict", "a", *classes, "--class-prior", "billing=1")
    assert (done.code, "Error: --class-prior does not name the class 'delivery'" in done.err) == (1, True), done.err
    done = call("predict", "a", *shares, "--model", made / "model")
    assert (done.code, "cannot be used together" in done.err) == (2, True)
