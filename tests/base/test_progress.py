import io
import sys
from types import SimpleNamespace

from anyshot.base import progress
from anyshot.base.progress import counter, hidden, track


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
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: 0.0))
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


def test_a_job_shows_one_bar_for_all_that_is_tracked_inside(monkeypatch):
    terminal = open_terminal(monkeypatch, delay=-1.0)
    with progress.job(total=10, description="Encoding texts"):
        for _ in range(2):
            assert list(track(STEPS, total=5, description="Inner")) == ["a", "b"]
    assert "Inner" not in terminal.getvalue()
    assert "10/10" in terminal.getvalue()


def test_what_runs_inside_of_tracked_work_adds_no_bar(monkeypatch):
    terminal = open_terminal(monkeypatch, delay=-1.0)
    for _ in track([(1, "x"), (1, "y")], total=2, description="Fine-tuning"):
        with progress.job(total=5, description="Encoding texts"):
            assert list(track(STEPS, total=5, description="Inner")) == ["a", "b"]
    assert "Fine-tuning" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()
    assert "Inner" not in terminal.getvalue()
    assert "Encoding" not in terminal.getvalue()
    assert list(track(STEPS, total=5, description="Later")) == ["a", "b"]
    assert "Later" in terminal.getvalue()


def test_without_a_terminal_there_is_a_message_every_ten_seconds(monkeypatch, caplog):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    now = iter(range(0, 1000, 6))  # of this module alone: threads of other tests read the clock too
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: float(next(now))))
    with caplog.at_level("INFO", logger="anyshot"):
        list(track([(100, None)] * 5, total=1000, description="Encoding texts"))
    assert caplog.messages == [
        "Encoding texts: 200 of 1,000, about 48 s left",
        "Encoding texts: 400 of 1,000, about 36 s left",
    ]


def test_hidden_work_shows_nothing(monkeypatch, caplog):
    terminal = open_terminal(monkeypatch, delay=-1.0)
    with progress.hidden(), progress.job(total=5, description="Encoding texts"):
        assert list(track(STEPS, total=5, description="Inner")) == ["a", "b"]
    assert terminal.getvalue() == ""


def test_a_counter_states_what_is_done_and_hides_what_is_tracked_inside(monkeypatch):
    terminal = open_terminal(monkeypatch, delay=-1.0)
    with counter(total=4, description="Training") as show:
        show(1.5, "Training, loss 0.5")
        list(track(STEPS, total=5, description="Encoding texts"))
        show(4, "Training, loss 0.1")
    assert "Training, loss 0.1" in terminal.getvalue()
    assert "4/4" in terminal.getvalue()
    assert "Encoding texts" not in terminal.getvalue()


def test_a_counter_in_a_pipe_logs_the_part_of_an_item_that_is_done(monkeypatch, caplog):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with caplog.at_level("INFO", "anyshot"), counter(total=4, description="Training") as show:
        show(1.5, "Training, loss 0.5")
    assert caplog.messages[0].startswith("Training, loss 0.5: 1.5 of 4, about ")


def test_a_counter_is_hidden_inside_of_hidden(monkeypatch):
    terminal = open_terminal(monkeypatch, delay=-1.0)
    with hidden(), counter(total=4, description="Training") as show:
        show(4, "Training")
    assert terminal.getvalue() == ""
