"""The group loads a command when it is called, and none for the list of commands."""

import subprocess
import sys

import pytest

from anyshot.app import cli
from anyshot.base.lazy import load_path


def test_the_list_of_commands_has_each_with_its_summary(call):
    shown = " ".join(call("--help").out.split())
    for name, command in cli._COMMANDS.items():
        assert f"{name} {command.summary}" in shown


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
