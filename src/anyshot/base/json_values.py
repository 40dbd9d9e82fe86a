"""Values as JSON has them, numpy's as Python's and arrays as lists, and the text of them."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np

from anyshot.base.columns import python_value

JSON: TypeAlias = str | int | float | bool | list["JSON"] | dict[str, "JSON"] | None
PART: Final = 20
"""Elements of a list or an object that are written at once."""
_JSON: Final = json.JSONEncoder(separators=(",", ":")).encode


def json_scalar(value: Any, path: str = "") -> JSON:
    """Return a value that is neither a list nor a mapping as JSON: null for what is missing, text for other types.

    >>> json_scalar(np.float32(0.5)), json_scalar(float("nan")), json_scalar(2 + 1j)
    (0.5, None, '(2+1j)')
    """
    value = python_value(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def json_value(
    value: Any,
    convert: Callable[[Any, str], JSON] = json_scalar,
    name_of: Callable[[Any, str], str] = lambda name, path: str(name),
    path: str = "",
) -> JSON:
    """Return a value as JSON types.

    convert: called with each value inside, and with its place, such as "['a'][1]"; name_of: with each name in a
    mapping, and with the place of the mapping.

    >>> json_value({"scores": np.array([1, 2]), 3: (None, True)})
    {'scores': [1, 2], '3': [None, True]}
    """
    if isinstance(value, Mapping):
        return {
            name_of(name, path): json_value(own, convert, name_of, f"{path}[{name!r}]") for name, own in value.items()
        }
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return [json_value(own, convert, name_of, f"{path}[{row}]") for row, own in enumerate(value)]
    return convert(value, path)


def json_in_parts(content: Any) -> str:
    """Return JSON of which a part is written at a time, since no other thread runs while one is written.

    >>> json_in_parts({"a": [1.5, {"b": None}], "c": list(range(21))})
    '{"a":[1.5,{"b":null}],"c":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}'
    """
    if isinstance(content, dict) and len(content) <= PART:
        return "{" + ",".join(f"{_JSON(str(key))}:{json_in_parts(value)}" for key, value in content.items()) + "}"
    if not isinstance(content, list):
        return _JSON(content)
    if len(content) <= PART:
        return "[" + ",".join(map(json_in_parts, content)) + "]"
    return "[" + ",".join(_JSON(content[row : row + PART])[1:-1] for row in range(0, len(content), PART)) + "]"
