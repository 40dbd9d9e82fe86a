"""Build the wheels of weights: data only, with the license and the origin.

    python packaging/weights/build.py --out dist [minilm] [efficientnet]

The files are those that anyshot finds on this machine, whose content it checks. Get them first: anyshot fetch
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from anyshot.encoders.published_files import PUBLISHED, published_file

HERE = Path(__file__).parent
ENCODERS = {"minilm": "minilm", "efficientnet": "efficientnet-lite0"}  # by the name of the folder beside this file


def build(name: str, out: Path) -> None:
    """Build the wheel whose pyproject.toml is in the folder `name`."""
    encoder = ENCODERS[name]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for path in (HERE / name / "pyproject.toml", HERE / name / "ORIGIN.md", HERE.parents[1] / "LICENSE"):
            shutil.copy(path, project)
        package = project / f"anyshot_{name}"
        package.mkdir()
        (package / "__init__.py").write_text(f'"""The weights of {encoder}, an encoder of anyshot."""\n')
        for file in PUBLISHED[encoder].files:
            shutil.copy(published_file(encoder, file.name), package)
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out.resolve())]
        subprocess.run(command, cwd=project, check=True)


def main() -> None:
    """Build the wheels that are named, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=", ".join(ENCODERS))
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder for the wheels")
    chosen = parser.parse_args()
    for name in chosen.names or ENCODERS:
        build(name, chosen.out)


if __name__ == "__main__":
    main()
