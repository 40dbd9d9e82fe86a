"""Arguments that typer accepts and commands refuse: options given twice, empty values, and those taken for options."""

from pathlib import Path

import pytest

WORDS = ("--classes", "billing,delivery")


def one_line(done):
    return " ".join(done.err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("predict", "a", "--classes", "billing", "--classes=delivery"), "--classes is given 2 times. Put commas"),
        (("predict", "a.csv", *WORDS, "--text-column", "a", "--text-column", "b"), "subject,body"),
        (("fit", "a.csv", "--out", "m", "--unlabeled", "b", "--unlabeled", "c"), "--unlabeled is given 2 times."),
        (("predict", "a", *WORDS, "--out", ""), "'--out': it is empty"),
        (("fit", "", "--out", "m"), "'DATA': it is empty"),
        (("learn", "m", "a", "--label", " "), "'--label': it is empty"),
        (("predict", "a", *WORDS, "--device"), "'--device' requires an argument"),
        (("predict", "-5 degrees", *WORDS), 'No such option: -5. Put "--" before an argument that begins with "-"'),
        (("fit", "a.csv", "b.csv", "--out", "m"), "the command takes no further argument; got 'b.csv'. Join several"),
        (("predict", "-", "a", *WORDS), '"-" stands for the standard input, and must be the only item'),
    ],
)
def test_an_argument_that_would_be_lost_is_refused(call, arguments, says):
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in one_line(done)


def test_texts_after_two_dashes_are_no_options(call):
    done = call("predict", *WORDS, "--", "--classes", "--classes")
    assert [row["item"] for row in done.rows] == ["--classes", "--classes"]


def test_words_and_descriptions_that_name_a_file_are_refused(call, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a long path would be broken into lines
    named = "words.txt"
    Path(named).write_text("money\nback\n")
    for arguments in (
        ("predict", "a", *WORDS, "--words", f"billing={named}"),
        ("add-class", model, "refund", "--words", named),
        ("add-class", model, "refund", "--description", named),
        ("add-class", model, "refund", "--example", named),
        ("describe-class", model, "billing", "--words", named),
    ):
        done = call(*arguments)
        assert (done.code, "words.txt, which is not read" in one_line(done)) == (2, True)
