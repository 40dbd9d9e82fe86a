"""Opening the models that are served: their names, and what is not needed for it."""

import subprocess
import sys

import pytest

from anyshot import AnyShotClassifier
from anyshot.app.server.opening import check_model_name, open_models
from anyshot.app.server.settings import Settings
from anyshot.errors import InputError, ModelFolderError


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "a\\b", ".hidden", "", "a\n", "a%2f", "é", "x" * 65, "a b"])
def test_names_that_are_paths_are_refused(name):
    with pytest.raises(InputError, match="name of a model"):
        check_model_name(name)


def test_plain_names_are_taken():
    assert [check_model_name(name) for name in ("support", "v1.2_b-3")] == ["support", "v1.2_b-3"]


def test_another_encoder_than_the_models_is_refused_before_the_service_starts(tmp_path):
    AnyShotClassifier(encoder="minilm", cache=False).fit(["my card", "refund me"], ["a", "b"]).save(tmp_path / "m")
    with pytest.raises(ModelFolderError, match=r"The encoder 'efficientnet-lite0' .* weights .* fitted with 'minilm'"):
        open_models({"m": tmp_path / "m"}, Settings(), encoder="efficientnet-lite0")


def test_models_are_opened_without_the_web_framework():
    code = "import sys, anyshot.app.server.opening; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"fastapi", "starlette", "pydantic", "uvicorn", "sklearn"} & set(done.stdout.split())
