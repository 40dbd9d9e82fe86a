"""The shared behavior of encoders of models in Hugging Face layout."""

import warnings

import pytest
from transformers.utils import logging as transformers_log

from anyshot.encoders.huggingface.base import opening, quiet
from anyshot.encoders.huggingface.files import language_of_model
from anyshot.errors import EncoderError


def test_quiet_restores_the_settings():
    before = transformers_log.get_verbosity(), transformers_log.is_progress_bar_enabled(), list(warnings.filters)
    with pytest.raises(KeyError), quiet():
        raise KeyError
    after = transformers_log.get_verbosity(), transformers_log.is_progress_bar_enabled(), list(warnings.filters)
    assert after == before


def test_a_folder_that_cannot_be_opened_is_reported_with_the_library_and_the_reason(tmp_path):
    message = "cannot be opened by sentence-transformers: no such module$"
    with pytest.raises(EncoderError, match=message), opening(tmp_path, library="sentence-transformers"):
        raise ImportError("no such module\nand a long explanation")


@pytest.mark.parametrize(
    ("card", "language"),
    [
        ("---\nlanguage: en\nlicense: mit\n---\n# A model", "English"),
        ('---\r\ntags:\r\n- de\r\nlanguage:\r\n  - "en"\r\nlicense: mit\r\n---\r\n', "English"),
        ("---\nlanguage: [en]\n---\n", "English"),
        ("\ufeff---\nlanguage:\n- en  # American\n# - fr\n---\n", "English"),
        ("---\nlanguage:\n- en\n\n- fr\n---\n", None),
        ("---\nlanguage:\n- en\n- de\n---\n", None),
        ("---\nlanguage: multilingual\n---\n", None),
        ("---\nlanguage:\nlicense: en\n---\n", None),
        ("---\nlicense: mit\n---\nlanguage: en\n---\n", None),
        ("# A model\n\nlanguage: en\n", None),
    ],
)
def test_the_card_of_a_model_tells_that_it_is_for_english_alone(tmp_path, card, language):
    assert language_of_model(tmp_path) is None
    (tmp_path / "README.md").write_text(card, encoding="utf-8", newline="")
    assert language_of_model(tmp_path) == language
