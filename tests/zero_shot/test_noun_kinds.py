"""What kind of thing a noun names."""

import json
from importlib import resources

import numpy as np
import pytest

from anyshot.zero_shot.class_embeddings import class_vectors, describe
from anyshot.zero_shot.noun_kinds import kinds_of, with_kinds


@pytest.fixture(scope="module")
def listed():
    """Return the list as it lies in the package: of each kind, its nouns."""
    text = resources.files("anyshot.data").joinpath("noun_kinds.json").read_text(encoding="utf-8")
    return {kind: nouns.split(", ") for kind, nouns in json.loads(text).items()}


def test_a_noun_is_looked_up_whatever_its_capitals():
    assert kinds_of("ketch") == kinds_of("Ketch") == ("sailing boat",)


@pytest.mark.parametrize(
    ("plural", "kind"), [("canaries", "bird"), ("ibises", "wading bird"), ("loaves", None), ("boxes", "bag")]
)
def test_a_plural_has_the_kinds_of_its_singular(plural, kind):
    assert kinds_of(plural) == ((kind,) if kind else ())


def test_a_noun_is_looked_up_as_it_stands_before_it_is_taken_for_a_plural():
    assert kinds_of("cactus") == ("desert plant",)
    assert kinds_of("scissors") == ("stationery",)


def test_a_noun_of_two_senses_has_two_kinds():
    assert kinds_of("crane") == ("wading bird", "construction vehicle")


def test_a_word_that_is_not_listed_has_no_kind():
    assert kinds_of("refund") == ()
    assert kinds_of("") == ()


def test_only_classes_that_are_named_and_no_more_are_told_by_kind():
    texts = describe({"ketch": None, "gerenuk": "long neck, large ears", "refund": None, "Ibis": None})
    told = with_kinds(texts, known={"ibis"})
    assert told.names == texts.names
    assert told.texts == (("ketch", "sailing boat"), ("gerenuk", "long neck, large ears"), ("refund",), ("Ibis",))


def test_a_name_and_its_kind_count_the_same():
    place = {"ketch": [1.0, 0.0], "sailing boat": [0.0, 1.0]}

    def embed(texts):
        return np.array([place[text] for text in texts], dtype=np.float32)

    found = class_vectors(with_kinds(describe(["ketch"])), embed, templates="{}")
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5]], atol=1e-6)


def test_the_list_is_in_small_letters_each_noun_once_a_kind(listed):
    for kind, nouns in listed.items():
        assert nouns == sorted(set(nouns)), kind
        assert all(noun == noun.strip().lower() and noun for noun in nouns), kind


def test_no_kind_stands_among_the_nouns_of_another(listed):
    # "Bat" is told by no kind at all, better than only by that of the baseball bat.
    assert not set(listed) & {noun for nouns in listed.values() for noun in nouns}
