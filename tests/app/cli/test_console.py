"""Output of commands: rows in a pipe, tables in a terminal, nothing after the pipe is closed."""

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from anyshot.app import cli
from anyshot.app.cli.console import plain


def test_in_a_terminal_the_answers_are_a_table(made, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    page = Terminal()
    monkeypatch.setattr(sys, "stdout", page)
    assert cli.run(["predict", "cannot sign in [now]", "--model", str(made / "model")]) == 0
    assert "probability" in page.getvalue()
    assert "cannot sign in [now]" in page.getvalue()
    assert "{" not in page.getvalue()


def test_json_holds_no_nan_and_no_numpy():
    given = {"a": np.float32(0.5), "b": [float("nan"), np.int64(3)], "c": Path("x"), 4: (True, None)}
    assert plain(given) == {"a": 0.5, "b": [None, 3], "c": "x", "4": [True, None]}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_problem_and_no_traceback():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "anyshot", "models"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device.\n")


def test_a_reader_that_leaves_ends_the_program_silently():
    with subprocess.Popen(
        [sys.executable, "-m", "anyshot", "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        message = running.stderr.read()
    assert (running.returncode, message) == (141, b"")


@pytest.mark.skipif(os.name == "nt", reason="closes an output as a shell does")
def test_an_output_that_was_closed_is_no_fault():
    command = f"{shlex.quote(sys.executable)} -m anyshot models >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
