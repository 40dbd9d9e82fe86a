"""The public names of the package, and the cost of importing it."""

import subprocess
import sys

import anyshot

HEAVY = {"torch", "sklearn", "pandas", "scipy", "transformers", "PIL", "matplotlib", "rich"}


def test_the_face_offers_the_names_of_the_first_edition():
    assert len(anyshot.__all__) == 31
    assert {"AnyShotClassifier", "FineTunedClassifier", "adapt_or_not", "load", "report"} <= set(anyshot.__all__)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, anyshot; print(*{name.split('.')[0] for name in sys.modules})"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "anyshot" in imported
    assert not HEAVY & set(imported)
