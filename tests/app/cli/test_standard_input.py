"""Texts on the standard input."""

import io
import subprocess
import sys

import pytest


def typed(monkeypatch, content, encoding="utf-8"):
    """Give bytes as the standard input of a system with another encoding."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding=encoding))


def test_predict_reads_a_text_a_line_from_the_standard_input(call, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("cannot sign in\n\nwhere is my parcel\n"))
    assert [row["label"] for row in call("predict", "-", "--classes", "delivery,login").rows] == ["login", "delivery"]


def test_a_byte_order_mark_is_removed_from_standard_input(call, monkeypatch):
    typed(monkeypatch, "\ufeffcannot sign in\n".encode())
    assert [row["item"] for row in call("predict", "-", "--classes", "delivery,login").rows] == ["cannot sign in"]


def test_standard_input_in_another_encoding_is_an_error_without_traceback(call, monkeypatch):
    typed(monkeypatch, "Gebühr\n".encode("latin-1"))
    done = call("predict", "-", "--classes", "delivery,login")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: The standard input is not utf-8: ")


@pytest.mark.parametrize(("name", "found"), [("latin-1", "Gebühr"), ("utf-9", "Unknown encoding 'utf-9'")])
def test_the_standard_input_has_the_encoding_that_is_named(call, monkeypatch, name, found):
    typed(monkeypatch, "Gebühr\n".encode("latin-1"))
    done = call("predict", "-", "--classes", "delivery,login", "--encoding", name)
    assert found in (done.rows[0]["item"] if done.code == 0 else done.err)


def test_blank_lines_of_the_standard_input_are_listed(call, monkeypatch):
    typed(monkeypatch, b"cannot sign in\n\nwhere is my parcel\n")
    done = call("predict", "-", "--classes", "delivery,login")
    assert [len(done.rows), done.err] == [2, "Skipped: standard input, line 2: the text is empty.\n"]
    typed(monkeypatch, b"cannot sign in\n\n")
    done = call("predict", "-", "--classes", "delivery,login", "--on-error", "raise")
    assert (done.code, "line 2: the text is empty" in done.err) == (1, True)


def test_a_pipe_is_utf_8_whatever_the_locale(call, monkeypatch):
    typed(monkeypatch, "where is my café crème\n".encode(), encoding="latin-1")
    assert call("predict", "-", "--classes", "delivery,login").rows[0]["item"] == "where is my café crème"


@pytest.mark.parametrize(
    ("first", "what"), [('{"text": "a"}', "JSON"), ("id;Text;n", "names of columns"), ("Review, not good", None)]
)
def test_a_table_on_the_standard_input_is_warned_of(call, monkeypatch, first, what):
    typed(monkeypatch, f"{first}\nwhere is my parcel\n".encode())
    done = call("predict", "-", "--classes", "delivery,login")
    assert len(done.rows) == 2
    assert (f"Warning: the first line of the standard input is {what}" in done.err) == (what is not None)


def test_standard_input_is_answered_line_by_line(made):
    command = [sys.executable, "-m", "anyshot", "predict", "-", "--model", str(made / "model")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as running:
        for text, label in (("cannot sign in", "login"), ("Gebühr: where is my parcel", "delivery")):
            running.stdin.write(text + "\n")
            running.stdin.flush()
            assert f'"label": "{label}"' in running.stdout.readline()  # while the input is still open
        running.stdin.close()
    assert running.returncode == 0


def test_lines_that_arrive_in_parts_are_whole(call, made, monkeypatch):
    text = "".join(f"cannot sign in, é number {number}\r\n" for number in range(100))
    typed(monkeypatch, b"\xef\xbb\xbf" + text.encode())
    monkeypatch.setattr("anyshot.app.cli.standard_input.AT_ONCE", 1001)
    rows = call("predict", "-", "--model", made / "model").rows
    assert [row["item"] for row in rows] == text.replace("\r", "").splitlines()
