import importlib
import sys
from pathlib import Path

import pytest

import anyshot
from anyshot.base.lazy import check_extra, extra, load_path
from anyshot.errors import MissingExtraError

ROOT = Path(anyshot.__file__).parent
FACES = sorted(
    ".".join(["anyshot", *path.parent.relative_to(ROOT).parts])
    for path in ROOT.rglob("__init__.py")
    if "lazy_names" in path.read_text(encoding="utf-8")
)


@pytest.mark.torch
@pytest.mark.parametrize("package", FACES)
def test_the_public_names_are_sorted_and_defined_where_the_table_says(package):
    face = importlib.import_module(package)
    assert face.__all__ == sorted(face._HOME) == dir(face)
    for name, home in face._HOME.items():
        assert getattr(face, name) is getattr(importlib.import_module(home), name)


@pytest.mark.parametrize("package", FACES)
def test_no_public_name_is_that_of_a_module_beside_it(package):
    folder = Path(importlib.import_module(package).__file__).parent
    beside = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert not beside & set(importlib.import_module(package).__all__)


@pytest.mark.parametrize("package", FACES)
def test_an_unknown_name_is_refused_as_python_does(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = importlib.import_module(package).nothing


def test_a_missing_optional_package_names_the_command_that_installs_it():
    assert extra("json", "scale", purpose="This") is __import__("json")
    with pytest.raises(
        MissingExtraError, match=r"Spreading work needs no_such_module: pip install \"anyshot\[scale\]\""
    ):
        extra("no_such_module", "scale", purpose="Spreading work")
    with pytest.raises(MissingExtraError, match=r"This needs no_such_module: pip install \"anyshot\[scale\]\""):
        check_extra("no_such_module", "scale", purpose="This")


def test_a_module_whose_package_is_missing_names_the_command_that_installs_it(tmp_path, monkeypatch):
    (tmp_path / "needs_uvicorn.py").write_text("import uvicorn.config\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with monkeypatch.context() as missing:
        for name in ("uvicorn", "uvicorn.config"):
            missing.setitem(sys.modules, name, None)
        with pytest.raises(MissingExtraError, match=r"Server needs uvicorn: pip install \"anyshot\[serve\]\""):
            load_path("needs_uvicorn:Server")
    (tmp_path / "needs_another.py").write_text("import nothing_at_all\n", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match="nothing_at_all"):
        load_path("needs_another:Server")


def test_an_optional_package_is_found_without_importing_it():
    check_extra("antigravity", "scale", purpose="This")
    assert "antigravity" not in sys.modules
