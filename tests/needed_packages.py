"""Which packages a file of `src` or `tests` imports at its top, itself or through others; the file is not run.

As a plugin of pytest, it marks the tests of files that need torch, and leaves out files that import what is not there.
"""

import ast
import importlib.util
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SRC = TESTS.parent / "src"
TORCH = frozenset({"torch", "transformers", "sentence_transformers"})
NOT_HERE = pytest.StashKey[dict[str, list[str]]]()


@cache
def needed_packages(file: Path) -> frozenset[str]:
    """Return the packages, neither of Python nor of the project, without which `file` cannot be imported."""
    reached: set[Path] = set()
    packages: set[str] = set()
    waiting = [file]
    while waiting:
        here = waiting.pop()
        if here not in reached:
            reached.add(here)
            named, files = imported_at_top(here)
            packages |= named
            waiting.extend(files)
    return frozenset(packages)


@cache
def imported_at_top(file: Path) -> tuple[frozenset[str], frozenset[Path]]:
    """Return the packages and the files of the project that the statements at the top of a file import."""
    packages: set[str] = set()
    files: set[Path] = set()
    for module, name in top_imports(file):
        inside = files_of(module, name)
        files.update(inside)
        if not inside and not is_own(module):
            packages.add(module.split(".")[0])
    return frozenset(packages - sys.stdlib_module_names), frozenset(files)


def top_imports(file: Path) -> list[tuple[str, str]]:
    """Return the modules that the statements at the top of a file import, and what they import from each."""
    found: list[tuple[str, str]] = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, alias.name) for alias in node.names]
    return found


def files_of(module: str, name: str) -> list[Path]:
    """Return the files of the project that are run by importing a name of a module."""
    names = [module, f"{module}.{name}"] if name else [module]
    return [path for one in (*names, homes_of(module).get(name, module)) for path in files_by_module().get(one, [])]


@cache
def homes_of(package: str) -> dict[str, str]:
    """Return the modules that a package loads its public names from."""
    face = SRC.joinpath(*package.split("."), "__init__.py")
    if not face.is_file():
        return {}
    for node in ast.parse(face.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            return dict(ast.literal_eval(node.value))
    return {}


@cache
def files_by_module() -> dict[str, list[Path]]:
    """Return the files of the project by the name that imports them."""
    found: dict[str, list[Path]] = defaultdict(list)
    for folder in (SRC, TESTS):
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)].append(path)
    return dict(found)


@cache
def is_own(module: str) -> bool:
    first = module.split(".")[0]
    return first == "anyshot" or (TESTS / first).is_dir()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a file that imports a package which is not installed, as in an environment without torch."""
    if collection_path.suffix != ".py":
        return None
    missing = sorted(name for name in needed_packages(collection_path) if importlib.util.find_spec(name) is None)
    if not missing:
        return None
    config.stash.setdefault(NOT_HERE, {})[collection_path.name] = missing
    return True


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of a file that cannot be imported without torch."""
    if TORCH & needed_packages(item.path):
        item.add_marker("torch")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how many files were left out."""
    not_here = config.stash.get(NOT_HERE, {})
    if not_here:
        names = ", ".join(sorted({name for missing in not_here.values() for name in missing}))
        terminalreporter.write_line(f"{len(not_here)} files were left out, which import what is not here: {names}")
