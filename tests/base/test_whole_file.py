"""A file is there whole or not at all."""

import errno

import pytest

from anyshot.base.whole_file import whole_file
from anyshot.errors import DataFileError


def test_what_was_written_takes_the_place_of_the_old_file(tmp_path):
    target = tmp_path / "answers.csv"
    target.write_text("old")
    with whole_file(target) as part:
        assert part.suffix == ".csv"
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("stop", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DataFileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (ValueError("no such figure"), ValueError),
    ],
)
def test_whatever_stops_the_writing_the_old_file_stands(stop, raised, tmp_path):
    target = tmp_path / "curve.png"
    target.write_text("old")

    def write():
        with whole_file(target) as part:
            part.write_text("ne")
            raise stop

    with pytest.raises(raised):
        write()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_be_written_is_named_with_the_reason(tmp_path):
    target = tmp_path / "nowhere" / "report.html"
    with (
        pytest.raises(DataFileError, match=r"report\.html cannot be written: No such file or directory"),
        whole_file(target) as part,
    ):
        part.write_text("page")
