"""Opening the models that are served: their names, and what is not needed for it."""

import subprocess
import sys

import pytest

from anyshot.app.server.opening import check_model_name
from anyshot.errors import InputError


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "a\\b", ".hidden", "", "a\n", "a%2f", "é", "x" * 65, "a b"])
def test_names_that_are_paths_are_refused(name):
    with pytest.raises(InputError, match="name of a model"):
        check_model_name(name)


def test_plain_names_are_taken():
    assert [check_model_name(name) for name in ("support", "v1.2_b-3")] == ["support", "v1.2_b-3"]


def test_models_are_opened_without_the_web_framework():
    code = "import sys, anyshot.app.server.opening; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"fastapi", "starlette", "pydantic", "uvicorn", "sklearn"} & set(done.stdout.split())
