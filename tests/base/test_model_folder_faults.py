"""Model folders when a process is killed, several write at once, or the disk is full or read-only."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from anyshot.base.files import folder_lock
from anyshot.base.model_folder import read_model, write_model
from anyshot.errors import InputError, ModelFolderError

ARRAYS = {"weights": np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)}


def write(folder: Path, name: str = "old") -> Path:
    write_model(folder, facts={"name": name}, arrays=ARRAYS, card=f"# {name}\n")
    return folder


# Ends the process, as kill -9 would, before the n-th change that `write_model` makes to a file or folder. Each forked
# child dies one step later than the last, until one finishes.
DIE_AT_EVERY_STEP = """
import json, os, sys
from pathlib import Path
from anyshot.base.model_folder import read_model, write_model

root = Path(sys.argv[1])
steps = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree"}

def die_before(last):
    left = [last]
    def hook(event, arguments):
        if event in steps and (event != "open" or str(root) in str(arguments[0])):
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
    sys.addaudithook(hook)

for last in range(200):
    folder = root / str(last) / "model"
    write_model(folder, facts={"name": "old"}, arrays={}, card="old")
    child = os.fork()
    if child == 0:
        die_before(last)
        write_model(folder, facts={"name": "new"}, arrays={}, card="new")
        os._exit(0)
    died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    found = read_model(folder).facts["name"]
    write_model(folder, facts={"name": "next"}, arrays={}, card="next")
    print(json.dumps([died, found, read_model(folder).facts["name"], folder.exists()]))
    if died == 0:
        break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_at_any_step_leaves_the_complete_old_or_new_model(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", DIE_AT_EVERY_STEP, str(tmp_path)], capture_output=True, text=True, check=True
    )
    outcomes = [json.loads(line) for line in run.stdout.splitlines()]
    *killed, last = outcomes
    assert last == [0, "new", "next", True]
    assert all(died == 9 for died, *_ in killed)
    found = [name for _, name, *_ in killed]
    assert len(found) > 8
    assert set(found) == {"old", "new"}
    assert found == sorted(found, reverse=True)  # "old" up to one step, "new" from there on
    assert all(after == "next" and exists for _, _, after, exists in killed)


def test_after_a_kill_between_the_two_renames_the_old_model_is_read_and_then_restored(tmp_path):
    write(tmp_path / "model").rename(tmp_path / ".model.anyshot-old")
    with pytest.raises(InputError):
        write_model(tmp_path / "model", facts={"bad": np.nan}, arrays={}, card="")
    with folder_lock(tmp_path / "model"):  # learn reads under the lock
        assert read_model(tmp_path / "model").facts["name"] == "old"
        assert (tmp_path / "model").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_after_a_kill_behind_the_two_renames_the_new_model_is_read_and_the_old_one_deleted(tmp_path):
    write(tmp_path / "model", "new")
    old = write(tmp_path / "other").rename(tmp_path / ".model.anyshot-old")
    (tmp_path / "model" / "model.json").rename(tmp_path / "kept.json")
    with pytest.raises(ModelFolderError):
        read_model(tmp_path / "model")
    assert old.exists()  # the only model that can be read
    (tmp_path / "kept.json").rename(tmp_path / "model" / "model.json")
    assert read_model(tmp_path / "model").facts["name"] == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_another_process_just_replaces_is_left_alone(tmp_path):
    write(tmp_path / "model").rename(tmp_path / ".model.anyshot-old")
    with folder_lock(tmp_path / "model"), ThreadPoolExecutor(1) as other:
        assert other.submit(read_model, tmp_path / "model").result().facts["name"] == "old"
        assert (tmp_path / ".model.anyshot-old").exists()


def test_a_leftover_temporary_folder_is_ignored_and_later_deleted(tmp_path):
    write(tmp_path / "model")
    leftover = tmp_path / ".model.anyshot-new-0123abcd"
    leftover.mkdir()
    (leftover / "model.json").write_text("{")
    write(tmp_path / "model", "new")
    assert leftover.exists()  # it may belong to a running process
    os.utime(leftover, (0, 0))
    write(tmp_path / "model", "newer")
    assert not leftover.exists()
    assert read_model(tmp_path / "model").facts["name"] == "newer"


WRITER = """
import sys
from anyshot.base.model_folder import write_model

for round in range(60):
    write_model(sys.argv[1], facts={"name": sys.argv[2], "round": round}, arrays={}, card="")
"""


def test_two_writing_processes_wait_for_each_other_and_a_reader_for_neither(tmp_path):
    write(tmp_path / "model")
    patient = ["-W", "ignore:Waiting for"]  # on a busy machine one of them waits for more than ten seconds
    command = [sys.executable, *patient, "-c", WRITER, str(tmp_path / "model")]
    writers = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in ("one", "other")]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(read_model(tmp_path / "model").facts["name"])
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    assert seen <= {"old", "one", "other"}
    assert read_model(tmp_path / "model").facts["round"] == 59
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


READ_ONLY = """
import os, shutil, sys, tempfile
from pathlib import Path
from anyshot.errors import ModelFolderError
from anyshot.base.model_folder import write_model

parent = Path(tempfile.mkdtemp())
write_model(parent / "model", facts={}, arrays={}, card="")
parent.chmod(0o555)
child = os.fork()  # the superuser may write anywhere, so the child is another user
if not child:
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        write_model(parent / "model", facts={}, arrays={}, card="")
    except ModelFolderError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print([path.name for path in parent.iterdir()])
parent.chmod(0o755)
shutil.rmtree(parent)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="changes the user in a forked process")
def test_a_read_only_folder_is_named_whether_or_not_it_can_be_locked():
    run = subprocess.run([sys.executable, "-c", READ_ONLY], capture_output=True, text=True, check=True)
    message, left = run.stdout.splitlines()
    assert "Permission denied: " in message
    assert ".model.anyshot-new-" in message
    assert "choose another folder" in message
    assert left == "['model']"


FULL_DISK = """
import resource, sys
import numpy as np
from anyshot.errors import ModelFolderError
from anyshot.base.model_folder import write_model

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_model(sys.argv[1], facts={}, arrays={"big": np.zeros(100_000)}, card="")
except ModelFolderError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits a file's size")
def test_a_full_disk_leaves_the_old_model_and_no_leftover(tmp_path):
    write(tmp_path / "model")
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "model")], capture_output=True, text=True, check=True
    )
    assert "cannot be written" in run.stdout
    assert "Free some disk space" in run.stdout
    assert read_model(tmp_path / "model").facts["name"] == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
