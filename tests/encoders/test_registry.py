"""The one table of encoders."""

import importlib
import sys
from subprocess import run

import pytest

from anyshot.base.protocols import Encoder
from anyshot.encoders.registry import ENCODERS, HUB_LOADERS, available, card_facts, default_for, load_encoder
from anyshot.errors import InputError, UnknownEncoderError


def test_an_encoder_comes_back_as_it_is(letters):
    assert load_encoder(letters) is letters


def test_the_default_for_texts_is_loaded_by_name():
    encoder = load_encoder(default_for("text"), device="cpu", download="never")
    assert isinstance(encoder, Encoder)
    assert (encoder.modality, encoder.width) == ("text", 384)


def test_every_default_stands_in_the_table_with_its_modality():
    for modality in ("text", "image"):
        assert ENCODERS[default_for(modality)].modality == modality


def test_there_is_no_default_for_vectors():
    with pytest.raises(InputError, match="no default encoder for 'vectors'"):
        default_for("vectors")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("miniLM", "Did you mean 'minilm'"),
        ("efficientnet", "'efficientnet-lite0'"),
        ("acme/bert", "'hf:acme/bert'"),
        ("", ""),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_and_all(name, remedy):
    with pytest.raises(UnknownEncoderError) as caught:
        load_encoder(name)
    assert remedy in str(caught.value)
    every = "There are: minilm, efficientnet-lite0, efficientnet-lite0-even, hf:ID-or-folder, keras:NAME."
    assert every in str(caught.value)


def test_a_bare_prefix_is_refused():
    with pytest.raises(UnknownEncoderError, match=r"names no model\. Write hf:ID or hf:FOLDER"):
        load_encoder("hf:")


def test_an_object_that_lacks_members_has_them_named():
    class Half:
        modality = "text"

    with pytest.raises(UnknownEncoderError, match=r"encoder is Half. It lacks width, encode\."):
        load_encoder(Half())


def test_a_class_in_place_of_an_object_is_refused(letters):
    with pytest.raises(UnknownEncoderError, match="the class LetterEncoder, not an object"):
        load_encoder(type(letters))


def test_a_modality_that_is_none_is_refused(letters):
    letters.modality = "sound"
    with pytest.raises(UnknownEncoderError, match="modality is 'sound'; it must be 'text' or 'image'"):
        load_encoder(letters)


def test_available_lists_every_encoder_and_whether_it_is_here():
    rows = {row.name: row for row in available()}
    assert list(rows) == list(ENCODERS)
    assert rows["minilm"].on_this_machine is True
    assert rows["hf:"].on_this_machine is None
    assert all(row.fetch and row.license and row.about for row in rows.values())


def test_weights_that_are_not_installed_are_told(monkeypatch):
    entry = ENCODERS["minilm"]
    gone = type(entry)(**{**vars(entry), "weights": ("no_such_package_of_weights", "model.safetensors")})
    monkeypatch.setitem(ENCODERS, "minilm", gone)
    assert available()[0].on_this_machine is False


def test_the_table_is_read_without_importing_anything_heavy():
    seen = "import sys, anyshot.encoders as e; e.available(); print({'torch', 'transformers'} & set(sys.modules))"
    done = run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_loader_of_the_table_exists():
    for place in [*(entry.loader for entry in ENCODERS.values()), *HUB_LOADERS.values()]:
        module, function = place.split(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_a_model_card_names_the_modality_and_the_base_model_of_an_encoder():
    assert card_facts("minilm") == ("text", "sentence-transformers/all-MiniLM-L6-v2")
    assert card_facts("hf:someone/some-model") == (None, "someone/some-model")
    assert card_facts("hf:../../x\ny: z") == (None, None)
