"""A model, its data, and a command to run on them."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

import anyshot
from anyshot.app import cli
from app.cli.messages import POOL, TRAIN


@pytest.fixture(scope="module", autouse=True)
def own_cache(one_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANYSHOT_CACHE", str(one_cache))
        patch.delenv("COLUMNS", raising=False)  # in a narrow terminal errors are wrapped
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Write data and a model once."""
    folder = tmp_path_factory.mktemp("made")
    table = pd.DataFrame(TRAIN, columns=["text", "label"])
    table.to_csv(folder / "train.csv", index=False)
    table[["text"]].to_csv(folder / "texts.csv", index=False)
    pd.DataFrame({"text": POOL}).to_csv(folder / "pool.csv", index=False)
    table[["text"]].assign(target=0.5, topic="?").to_csv(folder / "measured.csv", index=False)
    table.assign(label=table["label"].map({"billing": 0, "delivery": 1, "login": 2})).to_csv(
        folder / "numbers.csv", index=False
    )
    assert cli.run(["fit", str(folder / "train.csv"), "--out", str(folder / "model")]) == 0
    return folder


@pytest.fixture
def model(made, tmp_path):
    """Return a copy of the model that a test may change."""
    anyshot.load(made / "model").save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def call(capsys):
    """Run a command in this process; return its exit code, its rows and both outputs."""

    def called(*arguments):
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        rows = [json.loads(line) for line in captured.out.splitlines() if line.startswith("{")]
        return SimpleNamespace(code=code, rows=rows, out=captured.out, err=captured.err)

    return called
