"""The shared behavior of encoders of models in Hugging Face layout."""

import warnings

import numpy as np
import pytest
from transformers.utils import logging as transformers_log

from anyshot.encoders.huggingface import collect, opening, quiet
from anyshot.errors import EncoderError


def test_collect_puts_each_batch_into_its_rows():
    batches = [(np.array([2, 0]), np.array([[2.0], [0.0]])), (slice(1, 2), np.array([[1.0]]))]
    vectors = collect(batches, n_texts=3, width=1)
    assert (vectors.dtype, vectors.tolist()) == (np.float32, [[0.0], [1.0], [2.0]])
    assert collect([], n_texts=0, width=4).shape == (0, 4)


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
