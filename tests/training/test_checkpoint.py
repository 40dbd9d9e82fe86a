import os

import pytest
import torch

from anyshot.errors import CheckpointError
from anyshot.training.checkpoint import Checkpoints, Saved, check_same

SAVED = Saved({"position": 3}, {"weight": torch.arange(4.0)})


def test_the_newest_is_read_and_older_ones_are_deleted(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run")
    checkpoints.write(SAVED, step=9)
    checkpoints.write(Saved({"position": 4}, {"weight": torch.ones(2)}), step=10)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["step-10"]
    read = checkpoints.read()
    assert read.facts["position"] == 4
    assert torch.equal(read.tensors["weight"], torch.ones(2))


def test_an_unfinished_checkpoint_is_ignored_and_later_deleted(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.write(SAVED, step=1)
    unfinished = tmp_path / ".step-2.anyshot-new-0123"
    unfinished.mkdir()
    (unfinished / "run.safetensors").write_bytes(b"half")
    os.utime(unfinished, (0, 0))
    assert checkpoints.newest() == tmp_path / "step-1"
    checkpoints.write(SAVED, step=3)
    assert [path.name for path in tmp_path.iterdir()] == ["step-3"]


def test_other_files_are_not_deleted(tmp_path):
    """The user's own folders, whatever their names, and what another run is writing."""
    checkpoints = Checkpoints(tmp_path)
    others = ["step-by-step", "step-1000-final", "step-3", ".step-3.anyshot-new-0123"]
    for name in others:
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes").write_text("mine")
    checkpoints.write(SAVED, step=1)
    checkpoints.write(SAVED, step=2)
    assert checkpoints.newest() == tmp_path / "step-2"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "step-2"])
    with pytest.raises(CheckpointError, match=r"No checkpoint can be written to .*step-3 is not a checkpoint"):
        checkpoints.write(SAVED, step=3)
    assert (tmp_path / "step-3" / "notes").read_text() == "mine"


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    there, here = {"items": "1266" * 16, "rank": 8}, {"items": "89ab" * 16, "rank": 8}
    with pytest.raises(CheckpointError, match=r"items is 12661266\.\.\. there and 89ab89ab\.\.\. here\. Use another"):
        check_same(
            tmp_path,
            {"architecture": [], "recipe": {}, "about": there},
            {"architecture": [], "recipe": {}, "about": here},
        )


def test_a_missing_folder_has_no_checkpoint(tmp_path):
    assert Checkpoints(tmp_path / "nowhere").read() is None


@pytest.mark.parametrize("name", ["run.json", "run.safetensors"])
def test_a_damaged_checkpoint_is_refused(tmp_path, name):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.write(SAVED, step=1)
    (tmp_path / "step-1" / name).write_bytes(b"{")
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoints.read()


def test_a_changed_checkpoint_is_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.write(SAVED, step=1)
    path = tmp_path / "step-1" / "run.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="was changed"):
        checkpoints.read()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="No checkpoint can be written to"):
        Checkpoints(tmp_path / "file").write(SAVED, step=1)
