"""Kinds of models by their types, the engine's own and those of transformers."""

import subprocess
import sys

import pytest

from anyshot.encoders.huggingface.kinds import OF_ENGINE, is_causal_type, kind_of_type


@pytest.mark.torch
def test_the_kinds_of_the_engines_types_are_those_of_transformers(monkeypatch):
    known = dict(OF_ENGINE)
    monkeypatch.setattr("anyshot.encoders.huggingface.kinds.OF_ENGINE", {})
    assert {model_type: kind_of_type(model_type) for model_type in known} == known


@pytest.mark.torch
@pytest.mark.parametrize(
    ("model_type", "kind"),
    [("gpt2", "text"), ("convnext", "image"), ("clip_vision_model", "image"), ("align", "image-text"), ("own", None)],
)
def test_the_kind_of_another_type_comes_from_transformers(model_type, kind):
    assert kind_of_type(model_type) == kind


@pytest.mark.torch
def test_a_causal_model_reads_from_left_to_right_only():
    assert is_causal_type("gpt2")
    assert not is_causal_type("bert")


def test_the_engines_types_do_not_load_transformers():
    code = (
        "import sys; from anyshot.encoders.huggingface.kinds import kind_of_type; kind_of_type('clip'); "
        "sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
