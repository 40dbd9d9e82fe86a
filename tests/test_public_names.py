"""The public names of the package, and the cost of importing it."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import anyshot

PACKAGES = sorted(path.parent.name for path in Path(anyshot.__file__).parent.glob("*/__init__.py"))

HEAVY = {"torch", "sklearn", "pandas", "scipy", "transformers", "PIL", "matplotlib", "rich"}


def test_the_face_offers_the_names_of_the_first_edition():
    assert len(anyshot.__all__) == 32
    assert {"AnyShotClassifier", "FineTunedClassifier", "adapt_or_not", "load", "report"} <= set(anyshot.__all__)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, anyshot; print(*{name.split('.')[0] for name in sys.modules})"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "anyshot" in imported
    assert not HEAVY & set(imported)


@pytest.mark.parametrize("name", PACKAGES)
def test_no_public_name_is_also_that_of_a_module(name):
    """Importing the module would put it in the place of the function or class of the same name."""
    package = import_module(f"anyshot.{name}")
    modules = {path.stem for path in Path(package.__file__).parent.glob("*.py")}
    assert not modules & set(getattr(package, "__all__", ()))
