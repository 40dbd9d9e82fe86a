"""The command line program: commands, exit codes and error messages."""

import io
import json
import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

import anyshot
from anyshot.app import cli
from anyshot.app.cli import console, group
from app.cli.messages import process


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a"], "Either --classes or a model is required"),
        (["a", "--classes", "x,y", "--model", "m"], "cannot be used together"),
        (["a", "--classes", "x,y", "--text-column", "t"], "the items are not in a table"),
        ([], "Missing argument"),
        (["a", "--nonsense"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_2(call, arguments, message):
    done = call("predict", *arguments)
    assert done.code == 2
    assert message in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--classes", "x"], "At least two classes are needed; got only 'x'."),
        (["a", "--classes", "x,x"], "Class 'x' is named 2 times."),
        (["", "--classes", "mail,news"], "The text in row 0 is empty."),
        (["missing.csv", "--classes", "x,y"], "There is no file missing.csv."),
        (["a", "--classes", "missing.txt"], "There is no file or folder missing.txt."),
        (["a", "--classes", "x,y", "--encoder", "minilmm"], "Did you mean 'minilm'?"),
        (["a", "--classes", "x,y", "--out", "a.xls"], "its name must end in .csv, .xlsx, .jsonl or .parquet."),
        (["a", "--model", "nowhere"], "There is no folder"),
    ],
)
def test_a_problem_with_data_or_model_ends_with_1_and_one_message(call, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = call("predict", *arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: ")
    assert message in done.err
    assert "Traceback" not in done.err


def test_the_version_is_the_package_s(call):
    assert call("--version").out == f"anyshot {anyshot.__version__}\n"


@pytest.mark.parametrize("command", sorted(cli._COMMANDS))
def test_every_command_s_help_ends_with_an_example(call, command):
    done = call(command, "--help")
    assert not re.search("--[a-z-]+ .*<(int|float|str)", done.out)  # types of Python
    assert done.code == 0
    assert f"anyshot {command}" in done.out[done.out.index("Example") :]


def test_a_warning_is_one_line_without_its_source_once(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with console._plain_warnings():
            for _ in range(2):
                warnings.warn("two classes are alike", stacklevel=1)
    assert capsys.readouterr().err == "Warning: two classes are alike\n"


def test_the_console_script_answers_in_a_pipe_without_color(made):
    done = process("predict", "cannot sign in", "--model", made / "model")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["label"] == "login"


def test_the_console_script_ends_with_1_and_no_traceback(made, tmp_path):
    done = process("predict", tmp_path / "missing.csv", "--model", made / "model")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_interrupt_ends_with_130(made, monkeypatch, capsys):
    class Interrupting(io.StringIO):
        def __iter__(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupting())
    assert cli.run(["predict", "-", "--model", str(made / "model")]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


INTERRUPTED_EARLY = """
import sys
from anyshot.__main__ import main

class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
main()
"""


def test_an_interrupt_while_the_program_is_being_loaded_ends_with_130():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED_EARLY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_the_installed_command_is_the_one_that_can_be_interrupted_early():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"anyshot": "anyshot.__main__:main"}


@pytest.mark.parametrize("command", sorted(cli._COMMANDS))
def test_help_is_wrapped_to_the_terminal_and_begins_with_the_summary(command):
    shown = cli._COMMANDS[command]
    text = group.built(command, shown, ()).help
    assert text.startswith(shown.summary)
    assert "\n" not in text.replace("\n\n", "")
