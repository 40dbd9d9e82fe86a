"""Which tests a change touches: those near it in the graph of imports come first."""

import ast
import subprocess
from collections import deque
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
STRUCTURE = ("tests/test_directions.py", "tests/test_public_names.py", "tests/base/test_lazy.py")
PAGES = {"docs": "tests/test_docs.py", "examples": "tests/test_examples.py", "pyproject.toml": "tests/test_wheel.py"}


def changed_files(commit: str) -> set[str]:
    """Return the files that differ from `commit`, and those that git does not know yet."""
    git = ["git", "-C", str(ROOT)]
    listed = [[*git, "diff", "--name-only", commit], [*git, "ls-files", "--others", "--exclude-standard"]]
    return {line for command in listed for line in subprocess.check_output(command, text=True).splitlines()}


@cache
def imports_of(file: Path) -> frozenset[str]:
    """Return the modules that a file imports, by every name under which they may be listed."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def module_of(file: str) -> str:
    """Return the name by which a file of `src` or `tests` is imported."""
    parts = Path(file).with_suffix("").parts[1:]
    return ".".join(part for part in parts if part != "__init__")


def distances(changed: Iterable[str]) -> dict[str, int]:
    """Return for each test file how many imports lie between it and the change; files out of reach are left out."""
    changed = set(changed)
    files = [path.relative_to(ROOT).as_posix() for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py")]
    imports = {file: imports_of(ROOT / file) for file in files}
    steps = {file: 0 for file in files if file in changed}
    waiting = deque(steps)
    while waiting:
        near = waiting.popleft()
        module = module_of(near)
        for file in files:
            if file not in steps and module in imports[file]:
                steps[file] = steps[near] + 1
                waiting.append(file)
    for start, test in PAGES.items():
        if any(file.startswith(start) for file in changed):
            steps[test] = 0
    return {file: step for file, step in steps.items() if Path(file).name.startswith("test_")}


def order_of(file: str, test: str, near: dict[str, int]) -> int | None:
    """Return the rank of a test: structure first, then by distance, then other contract tests; None leaves it out."""
    if file in STRUCTURE:
        return -1
    if file in near:
        return near[file]
    return 1000 if "contract" in test else None
