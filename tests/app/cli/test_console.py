"""Output of commands: rows in a pipe, tables in a terminal, nothing after the pipe is closed."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from anyshot.app import cli


class Terminal(io.StringIO):
    """A terminal that keeps what it is sent."""

    def isatty(self):
        return True


def test_in_a_terminal_the_answers_are_a_table(made, monkeypatch):
    page = Terminal()
    monkeypatch.setattr(sys, "stdout", page)
    assert cli.run(["predict", "cannot sign in [now]", "--model", str(made / "model")]) == 0
    assert "probability" in page.getvalue()
    assert "cannot sign in [now]" in page.getvalue()
    assert "{" not in page.getvalue()


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


HOSTILE = "\x1b]0;owned\x07 \x9b2J \u202egnp.exe\r"


def is_safe(text):
    """Return whether a terminal only prints a text; colors are ours and allowed."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("command", ["predict", "explain", "suggest", "evaluate"])
def test_a_terminal_gets_no_control_character_of_an_item_or_class(command, made, tmp_path, monkeypatch):
    texts = pd.DataFrame({"text": [f"{HOSTILE} charged twice", "cannot sign in"], "label": [f"x{HOSTILE}y", "billing"]})
    texts.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    items, model = str(tmp_path / "t.jsonl"), str(made / "model")
    texts[["text"]].to_json(tmp_path / "texts.jsonl", orient="records", lines=True)
    pool = str(tmp_path / "texts.jsonl")
    arguments = {"predict": [items, "--model", model], "suggest": [model, pool, "-n", "2"]}
    page = Terminal()
    monkeypatch.setattr(sys, "stdout", page)
    assert cli.run([command, *arguments.get(command, [model, items])]) == 0
    assert r"\x1b]0;" in page.getvalue()
    assert is_safe(page.getvalue())


def test_a_pipe_gets_control_characters_as_json_escapes(call):
    found = call("predict", f"{HOSTILE} charged twice", "--classes", "billing,login")
    assert is_safe(found.out)
    assert found.rows[0]["item"] == f"{HOSTILE} charged twice"


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", f"{''.join(HOSTILE.split())}.csv", "--classes", "a,b"],
        ["predict", "a", "b", "--model", f"{HOSTILE}"],
        ["evaluate", f"{HOSTILE}", "x.csv"],
        [f"{HOSTILE}"],
        ["predict", f"--{HOSTILE}"],
        ["predict", "text", "--text-column", f"{HOSTILE}", "--classes", "a,b"],
        ["fit", f"{HOSTILE}", "--out", "m"],
        ["add-class", "missing", f"{HOSTILE}"],
        ["predict", "text", "--classes", f"a{HOSTILE},a{HOSTILE}"],
        ["predict", "text", "--classes", "a,b", "--encoder", f"hf:{HOSTILE}"],
    ],
)
def test_an_error_shows_control_characters_escaped(arguments, call):
    found = call(*arguments)
    assert found.code in (1, 2)
    assert is_safe(found.err)


def test_an_error_does_not_repeat_what_a_model_states_as_its_version(made, tmp_path, call):
    shutil.copytree(made / "model", tmp_path / "model")
    document = json.loads((tmp_path / "model" / "model.json").read_text())
    document |= {"anyshot": f"1'; rm -rf ~; '{HOSTILE}", "format": 99}
    (tmp_path / "model" / "model.json").write_text(json.dumps(document))
    found = call("predict", "text", "--model", tmp_path / "model")
    assert found.code == 1
    assert "anyshot of unknown version" in found.err
    assert "rm -rf" not in found.err


def test_quiet_silences_notes_and_verbose_says_the_time_wherever_they_stand(call, made):
    for arguments in (["--quiet", "predict"], ["predict", "--quiet"]):
        done = call(*arguments, made / "texts.csv", "--model", made / "model")
        assert (done.code, done.err) == (0, "")
    assert "texts from 'text'" in call("predict", made / "texts.csv", "--model", made / "model").err
    assert re.search(r"It took [\d.]+ s\.\n$", call("predict", "a text", "--model", made / "model", "--verbose").err)
    assert "Error: There is no file" in call("predict", "missing.csv", "--classes", "a,b", "--quiet").err


def test_the_device_is_that_of_the_command_only(call, made):
    done = call("predict", "a text that no other test encodes", "--classes", "a,b", "--device", "nonsense")
    assert done.code == 1
    assert "nonsense" in done.err
    assert "ANYSHOT_DEVICE" not in os.environ
    assert call("predict", "a text", "--model", made / "model", "--device=cpu").code == 0
