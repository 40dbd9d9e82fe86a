"""Files that tests of reading write."""

from pathlib import Path

from PIL import Image

from anyshot.data.tables import read_table


def file(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file, texts in UTF-8; return its path."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def photo(path: Path) -> Path:
    """Write an image of two by two pixels, and its folder; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (2, 2)).save(path)
    return path


def columns(path: Path) -> dict[str, list]:
    table = read_table(path)
    return {name: table.values(name) for name in table.frame.columns}
