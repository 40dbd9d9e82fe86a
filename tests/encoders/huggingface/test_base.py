"""The shared behavior of encoders of models in Hugging Face layout."""

import warnings

import pytest
from transformers.utils import logging as transformers_log

from anyshot.encoders.huggingface.base import opening, quiet
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
