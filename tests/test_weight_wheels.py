"""The wheels of weights are data only, with their license and origin, and are found before other packages."""

import email
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from anyshot.encoders.published_files import PUBLISHED, published_file

BUILD = Path(__file__).parents[1] / "packaging" / "weights" / "build.py"


@pytest.mark.parametrize(
    ("name", "encoder"),
    [("efficientnet", "efficientnet-lite0"), pytest.param("minilm", "minilm", marks=pytest.mark.full)],
)
def test_a_wheel_of_weights_holds_them_with_their_license(tmp_path, monkeypatch, name, encoder):
    subprocess.run([sys.executable, str(BUILD), name, "--out", str(tmp_path)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        about = f"anyshot_{name}-1.0.0.dist-info"
        held = {path for path in archive.namelist() if not path.startswith(about)}
        assert held == {
            f"anyshot_{name}/{file}" for file in ["__init__.py", *(one.name for one in PUBLISHED[encoder].files)]
        }
        assert {f"{about}/licenses/LICENSE", f"{about}/licenses/ORIGIN.md"} <= set(archive.namelist())
        metadata = email.message_from_bytes(archive.read(f"{about}/METADATA"))
        assert (metadata["Requires-Dist"], metadata["License-Expression"]) == (None, "Apache-2.0")
        archive.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for file in PUBLISHED[encoder].files:
        assert published_file(encoder, file.name) == tmp_path / "site" / f"anyshot_{name}" / file.name
