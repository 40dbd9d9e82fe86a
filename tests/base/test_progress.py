import io
import sys

from anyshot.base import progress
from anyshot.base.progress import track


class Terminal(io.StringIO):
    def isatty(self):
        return True


def open_terminal(monkeypatch, *, delay=progress.DELAY):
    """Replace stderr by a terminal; called in the test itself, since pytest replaces stderr after the fixtures."""
    screen = Terminal()
    monkeypatch.setattr(progress, "DELAY", delay)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


STEPS = [(2, "a"), (3, "b")]


def test_nothing_is_shown_in_a_pipe(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    monkeypatch.setattr(progress, "DELAY", -1.0)
    assert list(track(STEPS, total=5, description="Encoding texts")) == ["a", "b"]
    assert pipe.getvalue() == ""


def test_short_work_shows_no_bar(monkeypatch):
    terminal = open_terminal(monkeypatch)
    assert list(track(STEPS, total=5, description="Encoding texts")) == ["a", "b"]
    assert terminal.getvalue() == ""


def test_long_work_shows_a_bar_in_a_terminal(monkeypatch):
    terminal = open_terminal(monkeypatch, delay=-1.0)
    assert list(track(STEPS, total=5, description="Encoding texts")) == ["a", "b"]
    assert "Encoding texts" in terminal.getvalue()
    assert "5/5" in terminal.getvalue()


def test_the_cursor_is_restored_when_work_stops_early(monkeypatch):
    terminal = open_terminal(monkeypatch, delay=-1.0)
    steps = track(STEPS, total=5, description="Encoding texts")
    next(steps)
    assert "\x1b[?25h" not in terminal.getvalue()
    steps.close()
    assert "\x1b[?25h" in terminal.getvalue()


def test_steps_are_computed_one_at_a_time(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    computed = []
    steps = track(((1, computed.append(name) or name) for name in "abc"), total=3, description="Encoding texts")
    assert next(steps) == "a"
    assert computed == ["a"]
