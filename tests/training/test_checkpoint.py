"""Checkpoints: whole or not there."""

import pytest
import torch

from anyshot.errors import CheckpointError
from anyshot.training.checkpoint import Checkpoints, Saved

SAVED = Saved({"position": 3}, {"weight": torch.arange(4.0)})


def test_the_newest_is_read_and_older_ones_are_gone(tmp_path):
    kept = Checkpoints(tmp_path / "run")
    kept.write(SAVED, step=9)
    kept.write(Saved({"position": 4}, {"weight": torch.ones(2)}), step=10)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["step-10"]
    read = kept.read()
    assert read.facts["position"] == 4
    assert torch.equal(read.tensors["weight"], torch.ones(2))


def test_what_a_kill_left_half_written_is_passed_over_and_cleared(tmp_path):
    kept = Checkpoints(tmp_path)
    kept.write(SAVED, step=1)
    (tmp_path / ".writing-1").mkdir()
    (tmp_path / ".writing-1" / "run.safetensors").write_bytes(b"half")
    assert kept.newest() == tmp_path / "step-1"
    kept.write(SAVED, step=2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-2"]


def test_an_empty_or_missing_folder_holds_none(tmp_path):
    assert Checkpoints(tmp_path / "nowhere").read() is None


@pytest.mark.parametrize("name", ["run.json", "run.safetensors"])
def test_a_damaged_checkpoint_is_refused(tmp_path, name):
    kept = Checkpoints(tmp_path)
    kept.write(SAVED, step=1)
    (tmp_path / "step-1" / name).write_bytes(b"{")
    with pytest.raises(CheckpointError, match="damaged"):
        kept.read()


def test_changed_numbers_are_refused(tmp_path):
    kept = Checkpoints(tmp_path)
    kept.write(SAVED, step=1)
    path = tmp_path / "step-1" / "run.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="was changed"):
        kept.read()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="No checkpoint can be written to"):
        Checkpoints(tmp_path / "file").write(SAVED, step=1)
