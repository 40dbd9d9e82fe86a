"""Which packages a file of `src` or `tests` imports at its top, itself or through others; the file is not run.

As a plugin of pytest, it marks the tests of files that need torch, and leaves out files that import what is not there.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator
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
        if here in reached:
            continue
        reached.add(here)
        for module, name in top_imports(here):
            inside = files_of(module, name)
            waiting.extend(inside)
            if not inside and not is_own(module):
                packages.add(module.split(".")[0])
    return frozenset(packages - sys.stdlib_module_names)


@cache
def top_imports(file: Path) -> tuple[tuple[str, str], ...]:
    """Return the modules that the statements at the top of a file import, and what they import from each."""
    found: list[tuple[str, str]] = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, alias.name) for alias in node.names]
    return tuple(found)


def files_of(module: str, name: str) -> list[Path]:
    """Return the files of the project that are run by importing a name of a module."""
    names = [module, f"{module}.{name}"] if name else [module]
    homes = [homes_of(module).get(name, module)]
    return [path for one in (*names, *homes) for path in paths_of(one) if path.is_file()]


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


def paths_of(module: str) -> Iterator[Path]:
    parts = module.split(".")
    for folder in (SRC, TESTS):
        yield folder.joinpath(*parts).with_suffix(".py")
        yield folder.joinpath(*parts, "__init__.py")


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
