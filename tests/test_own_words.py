"""The words that the benchmarks give for the classes of their sets."""

import json
from collections import Counter
from pathlib import Path

import pytest

from anyshot import Words

SETS = json.loads((Path(__file__).parents[1] / "benchmarks" / "own_words.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_class_has_twelve_words_most_of_which_no_other_class_has(name):
    words = [Words(text).words for text in SETS[name].values()]
    times = Counter(word for own in words for word in own)
    assert {len(own) for own in words} == {12}
    assert min(sum(times[word] == 1 for word in own) for own in words) >= 8


def test_the_codes_of_a_set_have_the_words_of_its_spoken_names():
    assert list(SETS["reuters_codes"].values()) == list(SETS["reuters"].values())
