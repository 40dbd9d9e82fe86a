"""The face: its names, sorted, each of them real, and light to import."""

import importlib
import subprocess
import sys

import pytest

import anyshot

HEAVY = {"torch", "sklearn", "pandas", "scipy", "transformers", "PIL", "matplotlib", "rich"}


def test_the_public_names_are_those_of_the_face_sorted():
    assert anyshot.__all__ == sorted(set(anyshot._HOME))
    assert dir(anyshot) == anyshot.__all__


@pytest.mark.parametrize("name", anyshot.__all__)
def test_each_public_name_is_defined_where_the_face_says(name):
    home = importlib.import_module(anyshot._HOME[name])
    assert getattr(anyshot, name) is getattr(home, name)


def test_another_name_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="module 'anyshot' has no attribute 'nothing'"):
        _ = anyshot.nothing


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, anyshot; print(*{name.split('.')[0] for name in sys.modules})"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "anyshot" in imported
    assert not HEAVY & set(imported)
