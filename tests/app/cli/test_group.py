"""The group loads a command when it is called, and commands refuse arguments that typer accepts."""

import subprocess
import sys
from pathlib import Path

import pytest

from anyshot.app import cli
from anyshot.base.lazy import load_path


def test_the_list_of_commands_has_each_with_its_summary(call):
    shown = " ".join(call("--help").out.split())
    for name, command in cli._COMMANDS.items():
        assert f"{name} {command.summary}" in shown


def test_no_arguments_show_the_list_of_commands(call):
    assert call().out == call("--help").out


def test_a_misspelled_command_is_suggested(call):
    done = call("predct")
    assert done.code == 2
    assert "No such command 'predct'. Did you mean 'predict'" in done.err


HEAVY = ("sklearn", "scipy.optimize", "pandas", "pyarrow", "matplotlib", "jinja2", "torch", "transformers", "PIL")
LATE = ("numpy.random", "numpy.ma", "importlib.metadata", "secrets", "socket")
"""Modules that a prediction from class names does without; each takes 3 to 15 ms to load."""
USED = """
import sys
from anyshot.__main__ import main
try:
    main()
except SystemExit as done:
    print(done.code, *sorted(set(sys.modules) & set({watched!r})), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "watched"),
    [
        (["--help"], ("numpy", *HEAVY)),
        (["--version"], ("numpy", *HEAVY)),
        (["predict", "I was charged twice", "--classes", "billing,delivery"], (*LATE, *HEAVY)),
        (["predict", "I was charged twice", "--model", "MODEL"], HEAVY),
    ],
)
def test_a_command_imports_only_what_it_needs(made, arguments, watched):
    given = [str(made / "model") if one == "MODEL" else one for one in arguments]
    command = [sys.executable, "-c", USED.format(watched=watched), *given]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "0"


def test_the_options_of_a_service_are_checked_without_the_web_framework():
    watched = ("fastapi", "starlette", "pydantic", "uvicorn", "prometheus_client", *HEAVY)
    command = [sys.executable, "-c", USED.format(watched=watched), "serve", "one/model", "two/model"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Two models are named 'model'" in done.stderr
    assert done.stderr.splitlines()[-1] == "2"  # the exit code, and none of these


def test_a_loaded_model_predicts_without_scikit_learn_or_pandas(made):
    code = "import sys, anyshot; anyshot.load(sys.argv[1]).predict(['charged']); print(set(sys.modules) & set({!r}))"
    command = [sys.executable, "-c", code.format(HEAVY), str(made / "model")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_every_command_is_found():
    assert all(callable(load_path(one.function)) for one in cli._COMMANDS.values())


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
        (("fit", "a.csv", "b.csv", "--out", "m"), "the command takes no further argument; got 'b.csv'. Put a text"),
        (("predict", "-", "a", *WORDS), '"-" stands for the standard input, and must be the only item'),
    ],
)
def test_an_argument_that_would_be_lost_is_refused(call, arguments, says):
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in one_line(done)


def test_the_files_of_a_pattern_are_refused_with_how_to_join_them(call, monkeypatch, tmp_path, model):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b 1.csv"):
        Path(name).write_text("text,label\nrefund,billing")
    for arguments in (("predict", model), ("fit", "--out", "m"), ("learn", model), ("evaluate", model)):
        done = call(*arguments, "a.csv", "b 1.csv")
        assert (
            done.code,
            "To join files with the same columns: awk 1 a.csv 'b 1.csv' > all.csv" in one_line(done),
        ) == (2, True)


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
