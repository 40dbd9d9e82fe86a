"""What the situations of `real_inputs.py` share: a few texts and rows with labels, and files that they read."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

Situation: TypeAlias = Callable[[Path], object]  # gets an empty folder; true if it holds

TEXTS = ["I want my money back", "refund please", "where is my parcel", "my package is late"] * 3
NAMES = ["refund", "refund", "delivery", "delivery"] * 3
INDEX = [0, 0, 1, 1] * 3
TABLE = pd.DataFrame(np.random.default_rng(3).normal(size=(60, 3)), columns=["a", "b", "c"])
SIGNS = np.where(TABLE["a"] > 0, "yes", "no")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
