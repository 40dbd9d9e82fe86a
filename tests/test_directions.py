"""Structure of the package: imports run downhill, without circles, in short chains and short files."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import anyshot

ROOT = Path(anyshot.__file__).parent
FLOORS = [
    {"errors"},
    {"base"},
    {"data", "store", "training"},
    {"encoders", "evaluation", "zero_shot"},
    {"any_shot", "domain_adaptation"},
    {"fine_tuning"},
    {"tasks"},
    {"app"},
    {"anyshot", "__main__"},
]
# What files import at their top, beside the dependencies.
EXTRAS_OF_FOLDERS = {"": ["torch"], "app/server": ["serve"], "app/studio": ["serve"]}
LONGEST_FILE = 400
LONGEST_CHAIN = 9
NAMED = re.compile(r"anyshot(\.\w+)+(:\w+)?")  # a string that names a module, or a function in one


def plain(name: str) -> str:
    """Return the name of a distribution as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(["anyshot", *(part for part in parts if part != "__init__")])


def imports_of(path: Path, tree: ast.Module, *, top_only: bool = False) -> set[str]:
    """Return the modules of the package that one file imports, at its top or anywhere, or names in its table."""
    found = set()
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in submodules}
    if not top_only and has_table(path):
        found |= set(strings_that_name_modules(tree))
    return {name for name in found if name in MODULES}


def has_table(path: Path) -> bool:
    """The face of a package, and the registry of encoders, name the modules that they load on first use."""
    return path.name == "__init__.py" or path == ROOT / "encoders" / "registry.py"


def strings_that_name_modules(tree: ast.AST) -> list[str]:
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [text.split(":")[0] for text in texts if NAMED.fullmatch(text) and text.split(":")[0] in MODULES]


MODULES = {module_of(path): path for path in ROOT.rglob("*.py")}


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    return {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}


@pytest.fixture(scope="module")
def edges(trees) -> list[tuple[str, str]]:
    """Return which module imports which other."""
    return [
        (source, target)
        for source, path in MODULES.items()
        for target in imports_of(path, trees[source])
        if source != target
    ]


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "anyshot"


def floor_of(module: str) -> int:
    floors = [number for number, rooms in enumerate(FLOORS, start=1) if room_of(module) in rooms]
    assert len(floors) == 1, f"{module} is on {len(floors)} floors of FLOORS; it must be on one"
    return floors[0]


def test_every_module_has_a_floor():
    assert all(floor_of(module) for module in MODULES)


def test_imports_run_downhill(edges):
    uphill = [
        f"{source} -> {target}"
        for source, target in edges
        if room_of(source) != room_of(target) and floor_of(target) >= floor_of(source)
    ]
    assert not uphill


def test_only_tables_name_modules_by_string(trees):
    named = {path: strings_that_name_modules(trees[module]) for module, path in MODULES.items()}
    assert not {str(path.relative_to(ROOT)): found for path, found in named.items() if found and not has_table(path)}


def test_no_function_imports_from_the_package(trees):
    inside = [
        f"{module}: {ast.unparse(node)}"
        for module, tree in trees.items()
        if module != "anyshot.__main__"  # it has to be up before the command line is loaded
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "anyshot"
    ]
    assert not inside


def test_the_top_level_has_at_most_14_entries():
    known = {"__init__.py", "__main__.py", "py.typed", "__pycache__"}
    assert len({path.name for path in ROOT.iterdir()} - known) <= 14


def test_no_file_is_too_long_or_has_no_subject():
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert not {module: n for module, n in lines.items() if n > LONGEST_FILE}
    assert not {name for name in MODULES if name.split(".")[-1] in ("utils", "helpers", "common", "misc")}


def test_the_longest_chain_of_imports_is_short(trees):
    top = {module: imports_of(path, trees[module], top_only=True) - {module} for module, path in MODULES.items()}

    def chain(module: str) -> list[str]:
        return [module, *max((known(target) for target in top[module]), key=len, default=[])]

    known = cache(chain)
    longest = max((known(module) for module in top), key=len)
    assert len(longest) <= LONGEST_CHAIN, " -> ".join(longest)


def test_there_is_no_circle(edges):
    ahead = {module: {target for source, target in edges if source == module} for module in MODULES}
    while True:
        ends = {module for module, targets in ahead.items() if not targets}
        if not ends:
            break
        ahead = {module: targets - ends for module, targets in ahead.items() if module not in ends}
    assert not ahead, f"these import each other: {sorted(ahead)}"


@pytest.mark.torch
def test_every_import_outside_the_package_is_declared(trees):
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    carriers = packages_distributions()  # PIL -> pillow
    for folder, extras in EXTRAS_OF_FOLDERS.items():
        lines = [
            *project["dependencies"],
            *(line for name in extras for line in project["optional-dependencies"][name]),
        ]
        declared = {plain(re.split(r"[^\w.-]", line)[0]) for line in lines}
        foreign = foreign_imports(trees[name] for name, path in MODULES.items() if extras_folder(path) == folder)
        assert {name for name in foreign if not {plain(one) for one in carriers[name]} & declared} == set(), folder


def extras_folder(path: Path) -> str:
    folders = [name for name in EXTRAS_OF_FOLDERS if name and path.is_relative_to(ROOT / name)]
    return folders[0] if folders else ""


def foreign_imports(trees: Iterable[ast.Module]) -> set[str]:
    used = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                used.add(node.module.split(".")[0])
    return used - sys.stdlib_module_names - {"anyshot"}
