"""Files that tests of reading write."""

from pathlib import Path

from PIL import Image


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
