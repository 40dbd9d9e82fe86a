"""The house as its imports stand: downhill only, no circle, no method that imports another."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import anyshot

ROOT = Path(anyshot.__file__).parent
FLOORS = [
    {"errors"},
    {"checks", "items", "progress", "threads", "data", "whole_file", "folder_lock"},
    {"labels", "tables", "encoders", "training", "persist"},
    {"xlsa17", "semantics", "datasets", "attributes", "table_vectors"},
    {"word_vectors", "deviation"},
    {"any_shot", "zero_shot", "few_shot", "fine_tune", "domain_adaptation", "multitask", "transferability"}
    | {"evaluation", "active_learning", "explanation", "model_card"},
    {"belief"},
    {"scoring"},
    {"selection", "open_set", "space", "network_classifier"},
    {"evidence", "fine_tuned", "tuned_encoder", "onnx_file", "prototypical_encoder"},
    {"fitted", "scratch", "class_knowledge", "tuning_choice", "distilled", "contrastive_classifier"},
    {"classifier", "tasks"},
    {"anyshot", "loading"},
    {"demo", "doctor"},
    {"cli"},
    {"__main__"},
]
METHODS = {"any_shot", "zero_shot", "few_shot", "fine_tune", "domain_adaptation", "multitask", "transferability"}


def plain(name: str) -> str:
    """Return the name of a distribution as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(["anyshot", *(part for part in parts if part != "__init__")])


def imports_of(path: Path) -> set[str]:
    """Return the modules of the package that one file imports, at the top or anywhere inside."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in submodules}
    return {name for name in found if name in MODULES}


MODULES = {module_of(path): path for path in ROOT.rglob("*.py")}
EDGES = [(source, target) for source, path in MODULES.items() for target in imports_of(path) if source != target]


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "anyshot"


def floor_of(module: str) -> int:
    floors = [number for number, rooms in enumerate(FLOORS, start=1) if room_of(module) in rooms]
    assert len(floors) == 1, f"{module} stands on {len(floors)} floors of FLOORS; it must stand on one"
    return floors[0]


def test_every_module_has_a_floor():
    assert all(floor_of(module) for module in MODULES)


def test_imports_run_downhill():
    uphill = [
        f"{source} -> {target}"
        for source, target in EDGES
        if room_of(source) != room_of(target) and floor_of(target) >= floor_of(source)
    ]
    # The face is read by what stands above it and by nobody below.
    assert not uphill


def test_no_method_imports_another():
    crossing = [
        f"{source} -> {target}"
        for source, target in EDGES
        if {room_of(source), room_of(target)} <= METHODS and room_of(source) != room_of(target)
    ]
    assert not crossing


def test_there_is_no_circle():
    ahead = {module: {target for source, target in EDGES if source == module} for module in MODULES}
    while True:
        ends = {module for module, targets in ahead.items() if not targets}
        if not ends:
            break
        ahead = {module: targets - ends for module, targets in ahead.items() if module not in ends}
    assert not ahead, f"these import each other: {sorted(ahead)}"


def test_every_import_outside_the_package_is_declared():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {plain(re.split(r"[^\w.-]", line)[0]) for line in project["dependencies"]}
    used = set()
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                used.add(node.module.split(".")[0])
    foreign = used - sys.stdlib_module_names - {"anyshot"}
    carriers = packages_distributions()  # PIL -> pillow
    assert foreign
    assert {name for name in foreign if not {plain(one) for one in carriers[name]} & declared} == set()
