"""Checkpoints: whole or not there."""

import os

import pytest
import torch

from anyshot.errors import CheckpointError
from anyshot.training.checkpoint import Checkpoints, Saved, check_same

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
    os.utime(tmp_path / ".writing-1", (0, 0))
    assert kept.newest() == tmp_path / "step-1"
    kept.write(SAVED, step=2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-2"]


def test_what_is_no_checkpoint_of_this_run_stays(tmp_path):
    """The user's own folders, whatever their names, and what another run is writing now."""
    kept = Checkpoints(tmp_path)
    others = ["step-by-step", "step-1000-final", "step-3", ".writing-0"]
    for name in others:
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes").write_text("mine")
    kept.write(SAVED, step=1)
    kept.write(SAVED, step=2)
    assert kept.newest() == tmp_path / "step-2"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "step-2"])
    with pytest.raises(CheckpointError, match="No checkpoint can be written to"):
        kept.write(SAVED, step=3)
    assert (tmp_path / "step-3" / "notes").read_text() == "mine"


def test_a_checkpoint_of_another_run_is_refused_in_few_digits(tmp_path):
    there, here = {"items": "1266" * 16, "rank": 8}, {"items": "89ab" * 16, "rank": 8}
    with pytest.raises(CheckpointError, match=r"items is 12661266\.\.\. there and 89ab89ab\.\.\. here\. Name another"):
        check_same(
            tmp_path,
            {"architecture": [], "recipe": {}, "about": there},
            {"architecture": [], "recipe": {}, "about": here},
        )


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
