"""Data classes as options of commands."""

from dataclasses import dataclass
from inspect import signature
from typing import get_type_hints

from anyshot.app.cli.options import Columns, with_column_options, with_options


@dataclass(frozen=True)
class Size:
    width: int | None = None
    height: int | None = None


def draw(out: str, color: str = "red", *, size: Size, columns: Columns) -> None:
    """Draw."""
    print(out, color, size, columns.text_column)


def test_the_fields_of_a_data_class_become_options(capsys):
    command = with_options(with_column_options(draw), "size", Size, first=True)
    columns = ["text_column", "label_column", "image_column"]
    assert list(signature(command).parameters) == ["out", "width", "height", "color", *columns]
    assert get_type_hints(command)["width"] == int | None
    assert command.__doc__ == "Draw."
    unset = dict.fromkeys(["height", "label_column", "image_column"])
    command(out="a", width=3, color="blue", text_column="t", **unset)
    assert capsys.readouterr().out == "a blue Size(width=3, height=None) t\n"
