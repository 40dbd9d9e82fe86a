"""An application in this process, with a model of texts, one of points and one of images."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from anyshot import AnyShotClassifier
from anyshot.app.server.app import create_app
from anyshot.app.server.opening import open_models
from anyshot.app.server.settings import Settings
from clocked_server import clocked_server
from served import save_support

POINTS = {"left": [-1.0, 0.0, 0.1], "right": [1.0, 0.0, 0.1]}


@pytest.fixture(scope="session")
def saved(tmp_path_factory) -> Path:
    """Return a folder of the three models, which are fitted once."""
    place = tmp_path_factory.mktemp("models")
    images = list(np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3), dtype=np.uint8))
    AnyShotClassifier(POINTS, cache=False).fit([[0.9, 0.3, 0.0]], ["right"]).save(place / "points")
    AnyShotClassifier(cache=False).fit(images, ["noise", "snow"] * 2).save(place / "images")
    save_support(place / "support", unknown_rate=0.2, cache=False)
    return place


@pytest.fixture(scope="module")
def folders(saved, tmp_path_factory) -> dict[str, Path]:
    """Return a copy of the models, for requests that change them."""
    place = shutil.copytree(saved, tmp_path_factory.mktemp("models") / "own")
    return {name: place / name for name in ("support", "points", "images")}


@pytest.fixture(scope="module")
def client(folders):
    settings = Settings(max_items=200)
    with TestClient(create_app(open_models(folders, settings), settings)) as running:
        yield running


@pytest.fixture(scope="module")
def running():
    """A server with a clock of its own."""
    with clocked_server() as found:
        yield found
