"""A bar for long work in a terminal, and nothing in a pipe."""

import io
import sys

from anyshot.base import progress
from anyshot.base.progress import track


class Terminal(io.StringIO):
    def isatty(self):
        return True


def open_terminal(monkeypatch, *, patience=progress.PATIENCE):
    """Put a terminal where errors go; in the test itself, since pytest puts its own there after the fixtures."""
    screen = Terminal()
    monkeypatch.setattr(progress, "PATIENCE", patience)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


STEPS = [(2, "a"), (3, "b")]


def test_in_a_pipe_the_steps_pass_and_nothing_is_shown(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    assert list(track(STEPS, total=5, doing="Encoding texts")) == ["a", "b"]
    assert pipe.getvalue() == ""


def test_short_work_shows_no_bar(monkeypatch):
    terminal = open_terminal(monkeypatch)
    assert list(track(STEPS, total=5, doing="Encoding texts")) == ["a", "b"]
    assert terminal.getvalue() == ""


def test_long_work_in_a_terminal_shows_how_much_is_done(monkeypatch):
    terminal = open_terminal(monkeypatch, patience=-1.0)
    assert list(track(STEPS, total=5, doing="Encoding texts")) == ["a", "b"]
    assert "Encoding texts" in terminal.getvalue()
    assert "5/5" in terminal.getvalue()


def test_work_that_is_left_early_or_fails_gives_the_cursor_back(monkeypatch):
    terminal = open_terminal(monkeypatch, patience=-1.0)
    steps = track(STEPS, total=5, doing="Encoding texts")
    next(steps)
    assert "\x1b[?25h" not in terminal.getvalue()
    steps.close()
    assert "\x1b[?25h" in terminal.getvalue()


def test_steps_are_made_one_at_a_time(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    made = []
    steps = track(((1, made.append(name) or name) for name in "abc"), total=3, doing="Encoding texts")
    assert next(steps) == "a"
    assert made == ["a"]
