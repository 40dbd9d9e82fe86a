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


def test_an_address_is_no_file_to_write_but_that_of_a_file_on_this_machine(call, tmp_path):
    done = call("predict", "a", *WORDS, "--out", "s3://bucket/a.csv")
    assert (done.code, "s3://bucket/a.csv is an address, and nothing is uploaded to it." in done.err) == (1, True)
    assert call("predict", "a", *WORDS, f"--out=file://{tmp_path.as_posix()}/a%20b.csv").code == 0
    assert call("predict", f"file://{tmp_path.as_posix()}/a%20b.csv", *WORDS).code == 0


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
