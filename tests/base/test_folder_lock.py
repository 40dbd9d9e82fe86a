"""One writer at a time, readers never held up, and nothing left behind."""

import os
import subprocess
import sys
import threading

import pytest

from anyshot.base import folder_lock
from anyshot.base.folder_lock import sole_writer

HOLDER = """
import sys
from anyshot.base.folder_lock import sole_writer
with sole_writer(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def held(tmp_path):
    """Let another process hold the folder `tmp_path / "model"` until it is told to stop."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "model")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def waiting(folder, done):
    """Wait for the folder in a thread of its own."""

    def take():
        with sole_writer(folder):
            done.append(True)

    thread = threading.Thread(target=take)
    thread.start()
    return thread


def test_a_second_writer_waits_for_the_first_and_nothing_is_left(tmp_path):
    order = []
    with sole_writer(tmp_path / "model"):
        second = waiting(tmp_path / "model", order)
        second.join(0.2)
        order.append("first")
    second.join()
    assert order == ["first", True]
    assert list(tmp_path.iterdir()) == []


def test_another_process_is_waited_for_also_by_another_path_and_named(tmp_path, held, monkeypatch):
    monkeypatch.setattr(folder_lock, "PATIENCE", 0.0)
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    end = threading.Timer(0.3, held.stdin.close)  # whereupon it lets go
    end.start()
    with (
        pytest.warns(UserWarning, match=rf"model is being changed by process {held.pid} on .* since \d\d:\d\d:\d\d"),
        sole_writer(tmp_path / "link" / "model"),
    ):
        held.wait()
    end.join()
    assert held.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_holder_that_is_killed_holds_nothing(tmp_path, held):
    held.kill()
    held.wait()
    assert (tmp_path / ".model.anyshot-lock").exists()
    with sole_writer(tmp_path / "model"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_writer_does_not_wait_for_itself_nor_for_another_folder(tmp_path):
    with sole_writer(tmp_path / "model"), sole_writer(tmp_path / "model"), sole_writer(tmp_path / "other"):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".model.anyshot-lock", ".other.anyshot-lock"]
    assert list(tmp_path.iterdir()) == []


def test_what_stops_the_block_lets_the_folder_go(tmp_path):
    def stopped():
        with sole_writer(tmp_path / "model"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == []
    with sole_writer(tmp_path / "model"):
        pass


def test_where_no_lock_can_be_made_the_block_runs(tmp_path):
    (tmp_path / "file").write_text("no folder")
    ran = []
    with sole_writer(tmp_path / "file" / "model"):
        ran.append(True)
    assert ran
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="follows links")
def test_a_link_laid_in_the_place_of_the_lock_is_not_written_through(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / ".model.anyshot-lock").symlink_to(tmp_path / "thesis.txt")
    with sole_writer(tmp_path / "model"):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


COUNTER = """
import sys
from pathlib import Path
from anyshot.base.folder_lock import sole_writer
file = Path(sys.argv[1]) / "count"
for _ in range(100):
    with sole_writer(file):
        file.write_text(str(int(file.read_text()) + 1))
"""


def test_no_change_of_three_processes_is_lost(tmp_path):
    (tmp_path / "count").write_text("0")
    running = [subprocess.Popen([sys.executable, "-c", COUNTER, str(tmp_path)]) for _ in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "300"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]
