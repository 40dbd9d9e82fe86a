import errno
import os
import subprocess
import sys
import threading
import time

import pytest

from anyshot.base import files
from anyshot.base.files import atomic_file, check_writable, folder_lock
from anyshot.errors import DataFileError

HOLDER = """
import sys
from anyshot.base.files import folder_lock
with folder_lock(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.readline()
"""

COUNTER = """
import sys
from pathlib import Path
from anyshot.base.files import folder_lock
file = Path(sys.argv[1]) / "count"
for _ in range(100):
    with folder_lock(file):
        file.write_text(str(int(file.read_text()) + 1))
"""


def test_a_file_is_replaced_when_it_is_complete(tmp_path):
    target = tmp_path / "answers.csv"
    target.write_text("old")
    with atomic_file(target) as part:
        assert part.suffix == ".csv"
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DataFileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ValueError("no such figure"), ValueError),
    ],
)
def test_an_error_during_writing_leaves_the_old_file(error, raised, tmp_path):
    target = tmp_path / "curve.png"
    target.write_text("old")

    def write():
        with atomic_file(target) as part:
            part.write_text("ne")
            raise error

    with pytest.raises(raised):
        write()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among files")
def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "out.csv")
    with pytest.raises(DataFileError, match=r"it is a pipe or a device. Choose the name of a file"):
        check_writable(tmp_path / "out.csv")


def test_a_file_that_is_protected_is_not_replaced(tmp_path):
    target = tmp_path / "answers.csv"
    target.write_text("old")
    target.chmod(0o444)
    if os.access(target, os.W_OK):
        pytest.skip("root may write every file")
    with pytest.raises(DataFileError, match="cannot be written: Permission denied"):
        check_writable(target)


def test_a_file_that_cannot_be_written_is_named_with_the_reason(tmp_path):
    target = tmp_path / "nowhere" / "report.html"
    with (
        pytest.raises(DataFileError, match=r"report\.html cannot be written: No such file or directory"),
        atomic_file(target) as part,
    ):
        part.write_text("page")


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `tmp_path / "model"`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "model")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_second_writer_waits_for_the_first_and_no_lock_file_is_left(tmp_path):
    order = []

    def lock():
        with folder_lock(tmp_path / "model"):
            order.append("second")

    second = threading.Thread(target=lock)
    with folder_lock(tmp_path / "model"):
        second.start()
        second.join(0.2)
        order.append("first")
    second.join()
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def change_once_released(folder, holder, warned):
    """Take the lock that another process holds until there is a warning."""

    def release():
        while not warned:
            time.sleep(0.01)
        holder.stdin.close()

    end = threading.Thread(target=release, daemon=True)
    end.start()
    with folder_lock(folder):
        holder.wait()
    end.join()


def test_a_warning_names_the_process_that_holds_the_lock(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(files, "LOCK_WARNING", 0.0)
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    message = rf"Waiting for process {holder.pid} on .* since \d\d:\d\d:\d\d to finish changing .*model"
    with pytest.warns(UserWarning, match=message) as warned:
        change_once_released(tmp_path / "link" / "model", holder, warned)
    assert holder.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_killed_process_holds_no_lock(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert (tmp_path / ".model.anyshot-lock").exists()
    with folder_lock(tmp_path / "model"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_thread_may_take_its_own_lock_again_and_other_locks(tmp_path):
    with folder_lock(tmp_path / "model"), folder_lock(tmp_path / "model"), folder_lock(tmp_path / "other"):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".model.anyshot-lock", ".other.anyshot-lock"]
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_block_releases_the_lock(tmp_path):
    def interrupted():
        with folder_lock(tmp_path / "model"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    with folder_lock(tmp_path / "model"):
        pass


def test_the_block_runs_without_a_lock_where_no_lock_file_can_be_made(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    ran = []
    with folder_lock(tmp_path / "file" / "model"):
        ran.append(True)
    assert ran
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no folder in which root can make no file")
def test_no_lock_is_waited_for_in_a_folder_that_takes_no_files():
    with folder_lock("/proc/model"):
        pass
    with pytest.raises(DataFileError, match=r"/proc/answers.csv cannot be written"):
        check_writable("/proc/answers.csv")


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="follows links")
def test_a_symbolic_link_in_place_of_the_lock_file_is_not_followed(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / ".model.anyshot-lock").symlink_to(tmp_path / "thesis.txt")
    with folder_lock(tmp_path / "model"):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_no_change_by_three_processes_is_lost(tmp_path):
    (tmp_path / "count").write_text("0")
    running = [subprocess.Popen([sys.executable, "-c", COUNTER, str(tmp_path)]) for _ in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "300"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]


def test_on_windows_a_rename_is_tried_again_while_another_process_reads(tmp_path, monkeypatch):
    refusals = [PermissionError(), PermissionError()]

    class RefusedAtFirst(type(tmp_path)):
        def replace(self, target):
            if refusals:
                raise refusals.pop()
            return super().replace(target)

    source = RefusedAtFirst(tmp_path / "a")
    source.write_text("new")
    with pytest.raises(PermissionError):
        files.rename(source, tmp_path / "b")  # elsewhere it would be refused again
    monkeypatch.setattr(files, "ON_WINDOWS", True)
    assert files.rename(source, tmp_path / "b").read_text() == "new"
    assert refusals == []


def test_on_windows_a_rename_that_is_always_refused_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ON_WINDOWS", True)
    monkeypatch.setattr(files, "RENAMING", 0.05)

    class Refused(type(tmp_path)):
        def replace(self, target):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "Path", Refused)
    with pytest.raises(DataFileError, match="cannot be written: Permission denied"), files.atomic_file(tmp_path / "a"):
        pass


def test_a_file_in_a_folder_that_is_not_there_is_refused_before_the_work(tmp_path):
    with pytest.raises(DataFileError, match=r"a\.csv cannot be written: there is no folder .*new\. Create it first"):
        files.check_writable(tmp_path / "new" / "a.csv")


def test_a_link_stays_and_permissions_are_kept(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    with atomic_file(link) as part:
        part.write_text("new")
    assert (link.is_symlink(), real.read_text(), real.stat().st_mode & 0o777) == (True, "new", 0o600)


@pytest.mark.parametrize("name", ["a" * 250 + ".csv", "\u8d26" * 80 + ".csv"])
def test_a_name_that_is_nearly_too_long_is_written(tmp_path, name):
    files.check_writable(tmp_path / name)
    with atomic_file(tmp_path / name) as part:
        part.write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_is_replaced_keeps_its_permissions(tmp_path):
    files.replace_folder(tmp_path / "m", {"a": b"1"})
    (tmp_path / "m").chmod(0o700)
    files.replace_folder(tmp_path / "m", {"a": b"2"})
    assert ((tmp_path / "m").stat().st_mode & 0o777, (tmp_path / "m" / "a").read_bytes()) == (0o700, b"2")
