"""Zip files that are damaged: each fault raises one of the errors that readers expect."""

import io
import zipfile

import pytest

from anyshot.base.zips import BROKEN_ZIP

CONTENT = bytes(range(256)) * 20


def packed():
    """Return a zip with one compressed file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", CONTENT)
    return bytearray(buffer.getvalue())


def with_bytes(at, *values):
    content = packed()
    content[at : at + len(values)] = values
    return content


def in_both_heads(of_file, of_list, value):
    """Return a zip with a byte changed in the head of its file, and in that of the list of files."""
    content = packed()
    content[of_file] = content[content.index(b"PK\x01\x02") + of_list] = value
    return content


@pytest.mark.parametrize(
    "content",
    [
        b"no zip",
        packed()[:-30],
        with_bytes(60, 255, 255, 255, 255),
        in_both_heads(6, 8, 1),
        in_both_heads(8, 10, 97),
    ],
    ids=["no zip", "cut off", "damaged inside", "encrypted", "unknown method"],
)
def test_what_cannot_be_unpacked_raises_an_expected_error(content):
    with pytest.raises(BROKEN_ZIP), zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.read("a.txt")


def test_the_zip_itself_can_be_unpacked():
    assert zipfile.ZipFile(io.BytesIO(packed())).read("a.txt") == CONTENT
