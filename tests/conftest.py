"""Fixtures that several test files share."""

import os
from collections.abc import Sequence
from pathlib import Path

# Before numpy is loaded: threads that wait for each other at every small product make tests on a busy machine crawl.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

from anyshot.base.validation import Vectors, unit


class LetterEncoder:
    """A text encoder of 26 numbers: how often each letter stands in the text. Nothing to download."""

    modality = "text"
    width = 26
    digest = "letters-1"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, inputs: Sequence[str]) -> Vectors:
        self.encoded.extend(inputs)
        counts = [[text.lower().count(chr(ord("a") + place)) for place in range(26)] for text in inputs]
        return unit(np.array(counts, dtype=np.float32).reshape(-1, 26) + 1e-3)


@pytest.fixture
def letters() -> LetterEncoder:
    return LetterEncoder()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data sets, or skip the test by name where there is none."""
    folder = Path(os.environ.get("ANYSHOT_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("needs the real data sets: set ANYSHOT_SHARED to their folder")
    return folder


@pytest.fixture(scope="session")
def one_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the vectors of tests that encode the thousand ImageNet names: once is enough."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> str:
    """A tiny BERT of random weights in a folder, by the name that loads it."""
    import tiny_language_models as tiny  # torch and transformers, for the tests that ask for it only

    return f"hf:{tiny.saved('bert', tmp_path_factory.mktemp('bert'))[0]}"
