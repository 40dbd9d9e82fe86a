"""The ablation benchmark runs on a small set, resumes where it stopped, and computes its figures correctly."""

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from anyshot.evaluation.metrics import expected_calibration_error

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def ablation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("ablation")


@pytest.fixture
def tables(ablation: ModuleType) -> ModuleType:
    return import_module("ablation_tables")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the vectors of one set: 40 items of two classes, around two directions."""
    random = np.random.default_rng(0)
    index = np.repeat([0, 1], 20)
    X = random.normal(size=(2, 512))[index] + random.normal(size=(40, 512))
    (tmp_path / "vectors").mkdir()
    X = (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)
    np.savez(tmp_path / "vectors" / "tweet_irony.npz", X=X, y=np.array(["irony", "non_irony"])[index])
    (tmp_path / "vectors" / "tweet_irony.json").write_text(json.dumps([f"text {row}" for row in range(40)]))
    return tmp_path


def test_a_set_is_measured_once_and_reported(
    ablation: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--folder", str(folder), "--sets", "tweet_irony", "--draws", "1", "--workers", "0"]
    ablation.main([*command, "--variants", "balance", "filter"])
    first = {file.name: file.stat().st_mtime_ns for file in (folder / "results").glob("*.json")}
    assert set(first) == {f"tweet_irony.{name}.json" for name in ("baseline", "balance", "filter")}
    settings = json.loads((folder / "results" / "tweet_irony.baseline.json").read_text())["settings"]
    assert set(settings) == {"0", "1", "2", "5", "10", "0 pool", "1 pool", "2 pool", "5 pool", "10 pool"}
    assert "| names filtered toward the pool |" in capsys.readouterr().out

    ablation.main([*command, "--variants", "balance", "filter"])  # everything is there
    assert first == {file.name: file.stat().st_mtime_ns for file in (folder / "results").glob("*.json")}

    ablation.main([*command, "--change", "name_evidence=0.5", "--change", "folds=[[99, 2]]", "--name", "weaker"])
    assert (folder / "results" / "tweet_irony.weaker.json").exists()
    capsys.readouterr()
    ablation.main([*command, "--report"])
    printed = capsys.readouterr().out
    assert "| with weaker |" in printed
    assert "## Calibration error, baseline" in printed


def test_every_mechanism_can_be_taken_out(ablation: ModuleType) -> None:
    found = ablation.mechanisms()
    assert {"agreement", "evidence", "shares", "mixture", "offsets", "weak", "strong"} <= found.keys()
    baseline = ablation.Variant("baseline").parameters
    for variant in found.values():
        own = variant.parameters
        assert {name for name in own if own[name] != baseline[name]} == set(variant.changed)
        assert variant.changed


def test_calibration_of_several_draws_is_that_of_their_answers_together(
    ablation: ModuleType, tables: ModuleType
) -> None:
    random = np.random.default_rng(0)
    probabilities, truth = random.dirichlet(np.ones(3), size=(2, 50)), random.integers(3, size=(2, 50))
    draws = [ablation.scores(*pair) for pair in zip(probabilities, truth, strict=True)]
    expected = 100 * expected_calibration_error(probabilities.reshape(-1, 3), truth.ravel())
    assert tables.calibration_error(draws) == pytest.approx(expected, abs=1e-2)


def test_a_variant_counts_where_its_answers_differ(tables: ModuleType) -> None:
    def result(*draws: tuple[float, str]) -> dict[str, object]:
        return {"settings": {"5": [{"accuracy": accuracy, "answers": answers} for accuracy, answers in draws]}}

    baseline = {"sst2": result((0.7, "a"), (0.8, "b")), "ag_news": result((0.7, "a"))}
    variant = {"sst2": result((0.6, "c"), (0.8, "b"), (0.9, "d")), "ag_news": result((0.7, "a"))}
    changes = tables.changes_of(variant, baseline)
    assert changes.keys() == {"sst2"}
    assert changes["sst2"]["5"] == pytest.approx([-10, 0])
    assert tables.mean_change(changes, ["sst2", "ag_news"]) == pytest.approx(-5)


def test_interval_is_around_the_mean_and_narrower_with_more_sets(tables: ModuleType) -> None:
    random = np.random.default_rng(0)
    changes = {str(number): {"5": random.normal(1, 1, size=5)} for number in range(16)}
    few, many = tables.interval(changes, list(changes)[:4]), tables.interval(changes, list(changes))
    assert few[1] - few[0] > many[1] - many[0]
    assert many[0] < tables.mean_change(changes, changes) < many[1]
    assert tables.interval(changes, list(changes)[:2]) is None
