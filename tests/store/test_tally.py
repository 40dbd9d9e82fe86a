"""What encoders are asked to do is counted where the cache is asked."""

import threading

import numpy as np
import pytest

from anyshot.store.disk_cache import SLICE, VectorCache, encode_once, encode_texts_once
from anyshot.store.tally import Tally, count, counted


class Lengths:
    """A text encoder of one number: how long a text is."""

    modality, width, digest = "text", 1, "lengths"

    def encode(self, inputs):
        return np.array([[len(text)] for text in inputs], dtype=np.float32)

    encode_texts = encode


@pytest.fixture
def cache(tmp_path):
    return VectorCache(tmp_path)


def test_the_first_question_misses_and_the_second_hits(cache):
    with counted() as first:
        encode_once(Lengths(), ["a", "bb", "a"], cache=cache)
    with counted() as second:
        encode_once(Lengths(), ["bb", "ccc"], cache=cache)
    assert first == Tally(asked=3, copies=1, kept=0, encoded=2, calls=1)
    assert second == Tally(asked=2, copies=0, kept=1, encoded=1, calls=1)


def test_without_a_cache_every_distinct_item_is_encoded_each_time():
    with counted() as tally:
        for _ in range(2):
            encode_once(Lengths(), ["a", "a"], cache=None)
    assert tally == Tally(asked=4, copies=2, kept=0, encoded=2, calls=2)


def test_a_call_is_counted_for_each_slice():
    with counted() as tally:
        encode_once(Lengths(), [str(number) for number in range(SLICE + 1)], cache=None)
    assert (tally.encoded, tally.calls) == (SLICE + 1, 2)


def test_class_names_are_counted_like_items(cache):
    with counted() as tally:
        encode_texts_once(Lengths(), ["a"], width=1, cache=cache)
    assert tally.asked == 1


def test_tallies_stand_in_one_another_and_end_with_their_block():
    with counted() as outer:
        count(asked=1)
        with counted() as inner:
            count(asked=2)
    count(asked=4)
    assert (outer.asked, inner.asked) == (3, 2)


def test_a_tally_counts_its_own_thread_only():
    with counted() as tally:
        other = threading.Thread(target=count, kwargs={"asked": 1})
        other.start()
        other.join()
    assert tally.asked == 0
