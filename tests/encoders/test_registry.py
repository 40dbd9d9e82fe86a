"""The table of encoders."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from subprocess import run
from threading import Barrier

import numpy as np
import pytest
from PIL import Image

from anyshot.base.protocols import Encoder
from anyshot.encoders.published_files import PUBLISHED
from anyshot.encoders.registry import (
    ENCODERS,
    HUGGING_FACE,
    available,
    card_facts,
    default_for,
    encoder_for,
    load_encoder,
    trainable,
)
from anyshot.errors import InputError, UnknownEncoderError


def test_an_encoder_is_returned_unchanged(letters):
    assert load_encoder(letters) is letters


def test_the_default_for_texts_is_loaded_by_name():
    encoder = load_encoder(default_for("text"), device="cpu", download="never")
    assert isinstance(encoder, Encoder)
    assert (encoder.modality, encoder.width) == ("text", 512)


def test_a_built_in_encoder_is_loaded_once_for_each_choice_of_threads(monkeypatch):
    encoder = load_encoder("minilm")
    assert load_encoder("minilm", download="never") is encoder
    assert load_encoder("minilm", threads=2) is not encoder
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert load_encoder("minilm") is not encoder


def test_threads_that_ask_for_an_encoder_at_once_get_the_same():
    start = Barrier(8)

    def load(_):
        start.wait()
        return load_encoder("minilm", threads=7)

    with ThreadPoolExecutor(8) as pool:
        assert len({id(encoder) for encoder in pool.map(load, range(8))}) == 1


def test_the_default_encoders_have_the_modality_asked_for():
    for modality in ("text", "image"):
        assert ENCODERS[default_for(modality)].modality == modality


def test_the_network_of_sentences_is_trained_in_place_of_two_layers(letters):
    assert trainable("minilm-words") == "minilm"
    trained = trainable(load_encoder("minilm-words", device="cpu", threads=2))
    assert (trained.width, trained._device, trained._threads) == (384, "cpu", 2)
    for other in ("minilm", "hf:acme/bert", letters, load_encoder("minilm"), None):
        assert trainable(other) is other


def test_there_is_no_default_for_vectors():
    with pytest.raises(InputError, match="no default encoder for modality 'vectors'"):
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
def test_an_unknown_name_is_reported_with_the_nearest_and_all_names(name, remedy):
    with pytest.raises(UnknownEncoderError) as caught:
        load_encoder(name)
    assert remedy in str(caught.value)
    every = "minilm-words, minilm, efficientnet-lite0, efficientnet-lite0-even, hf:ID-or-folder, keras:NAME"
    assert f"Choose one of: {every}." in str(caught.value)


def test_a_prefix_without_a_model_is_refused():
    with pytest.raises(UnknownEncoderError, match=r"has no model\. Use hf:ID or hf:FOLDER"):
        load_encoder("hf:")


def test_an_object_without_the_members_of_an_encoder_is_refused():
    class Half:
        modality = "text"

    with pytest.raises(UnknownEncoderError, match=r"encoder is Half. It lacks width, encode\."):
        load_encoder(Half())


def test_a_class_in_place_of_an_object_is_refused(letters):
    with pytest.raises(UnknownEncoderError, match="the class LetterEncoder, not an object"):
        load_encoder(type(letters))


@pytest.mark.parametrize(("member", "value"), [("width", "4"), ("width", 4.0), ("width", 0), ("encode", 3)])
def test_an_encoder_with_no_width_or_nothing_to_call_is_refused(letters, member, value):
    setattr(letters, member, value)
    with pytest.raises(UnknownEncoderError, match=f"{member}.* is {value!r}|encode {value!r}"):
        load_encoder(letters)


def test_an_unknown_modality_is_refused(letters):
    letters.modality = "sound"
    with pytest.raises(UnknownEncoderError, match="modality is 'sound'; it must be 'text' or 'image'"):
        load_encoder(letters)


def test_available_lists_every_encoder_and_whether_its_weights_are_installed():
    rows = {row.name: row for row in available()}
    assert list(rows) == list(ENCODERS)
    assert rows["minilm"].on_this_machine is True
    assert rows["hf:"].on_this_machine is None
    assert all(row.fetch and row.license and row.about for row in rows.values())


def test_available_reports_weights_that_are_not_installed(monkeypatch):
    monkeypatch.setitem(PUBLISHED, "minilm", replace(PUBLISHED["minilm"], packages=(), on_hub="nobody/nothing"))
    assert available()[0].on_this_machine is False


def test_available_imports_neither_torch_nor_transformers():
    seen = "import sys, anyshot.encoders as e; e.available(); print({'torch', 'transformers'} & set(sys.modules))"
    done = run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.torch
def test_every_loader_of_the_table_exists():
    for path in [*(entry.loader for entry in ENCODERS.values()), *HUGGING_FACE.values()]:
        module, function = path.split(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_card_facts_returns_the_modality_and_the_id_on_the_hub():
    assert card_facts("minilm") == ("text", "sentence-transformers/all-MiniLM-L6-v2")
    assert card_facts("hf:someone/some-model") == (None, "someone/some-model")
    assert card_facts("hf:../../x\ny: z") == (None, None)


@pytest.mark.parametrize(
    ("items", "name"),
    [
        (["a text"], "minilm-words"),
        ([Image.new("RGB", (4, 4))], "efficientnet-lite0"),
        ([Path("a.png")], "efficientnet-lite0"),
        (np.eye(2), "vectors"),
    ],
)
def test_each_modality_has_a_default_encoder(items, name):
    assert encoder_for(items) == name
