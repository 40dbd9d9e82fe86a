"""The bundled thesaurus: its form, and how names are looked up in it."""

import json
import re
from importlib import resources

import numpy as np
import pytest

from anyshot import data
from anyshot.base.validation import unit
from anyshot.zero_shot.spellings import normal_form
from anyshot.zero_shot.thesaurus import (
    SIMILAR_WORDS,
    bundled_vectors,
    listed_names,
    lookup,
    similar_words,
    translated,
)

LISTED = json.loads(resources.files(data).joinpath("thesaurus.json").read_text(encoding="utf-8"))


def test_at_least_500_names_have_8_to_15_distinct_words_each():
    assert len(LISTED["words"]) >= 500
    for name, text in LISTED["words"].items():
        words = text.split(", ")
        assert 8 <= len(words) == len(set(words)) <= 15, name
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9 '-]*", word) for word in words), name


def test_no_name_is_listed_twice_or_in_another_form_than_the_normal_one():
    pairs = json.loads(
        resources.files(data).joinpath("thesaurus.json").read_text(encoding="utf-8"), object_pairs_hook=list
    )
    names = [name for table, rows in pairs if table in ("words", "aliases") for name, _ in rows]
    assert len(names) == len(set(names))
    assert [name for name in names if normal_form(name) != name] == []


def test_aliases_and_senses_lead_to_listed_names():
    assert set(LISTED["aliases"].values()) <= set(LISTED["words"])
    for name, senses in LISTED["senses"].items():
        assert normal_form(name) == name
        assert set(senses.values()) <= set(LISTED["words"])
        assert all(normal_form(other) == other for other in senses)


def test_opposites_are_listed_names_and_mutual():
    opposites = LISTED["opposites"]
    assert set(opposites) <= set(LISTED["words"])
    assert {opposite: name for name, opposite in opposites.items()} == opposites


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("not positive", "negative"),
        ("non-objective", "subjective"),
        ("Not Ham", "spam"),
        ("not irrelevant", "relevant"),
    ],
)
def test_a_name_that_denies_one_with_an_opposite_has_the_words_of_the_opposite(name, words):
    assert lookup(name) == lookup(words) != ()


def test_other_names_that_deny_are_not_listed():
    assert lookup("not billing") == lookup("not") == lookup("nothing positive") == ()
    assert lookup("not not spam") == lookup("not " * 5_000 + "spam") == ()


def test_translations_have_their_normal_form_one_meaning_and_no_english_name():
    by_language = json.loads(resources.files(data).joinpath("translations.json").read_text(encoding="utf-8"))
    meanings = {}
    for names in by_language.values():
        assert set(names.values()) <= set(LISTED["words"])
        for form, name in names.items():
            assert normal_form(form) == form
            assert form not in {*LISTED["words"], *LISTED["aliases"], *LISTED["senses"]}, form
            assert meanings.setdefault(form, name) == name, form
            assert translated(form)[0] == name
    assert (translated("Rechnungen")[0], translated("billing"), translated("zyzzyva")) == ("billing", (), ())


def test_every_listed_name_is_found():
    assert set(listed_names()) == {*LISTED["words"], *LISTED["aliases"]}
    assert all(lookup(name) for name in listed_names())


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("spam", ["Spam", "junk", "SPAM_MESSAGE", "spam messages", "junk mail"]),
        ("sci tech", ["Sci/Tech", "Science & Technology"]),
        ("positive", ["POS", "positive review", "sentiment: positive", "__label__positive"]),
        ("billing", ["billing question", "Billing Issues", "Questions about billing", "problem_with_my_billing"]),
        ("feature request", ["FeatureRequest", "feature_requests"]),
        ("5 star", ["5 stars", "five stars", "excellent"]),
        ("sport", ["sports news", "category_sports"]),
        ("technical support", ["technical issue", "Technical Problems", "technical_question"]),
    ],
)
def test_a_name_is_found_in_every_spelling(name, spellings):
    assert {lookup(spelling) for spelling in spellings} == {lookup(name)} != {()}


def test_the_other_classes_decide_between_the_senses_of_a_name():
    assert lookup("normal", beside=["abnormal"]) == lookup("normal") == lookup("unremarkable")
    assert lookup("normal", beside=["Urgent"]) == lookup("routine")
    assert lookup("normal", beside=["review", "SPAM message"]) == lookup("ham")
    assert lookup("fresh") == ()
    assert lookup("fresh", beside=["rotten"]) == lookup("good")
    assert lookup("ham", beside=["cheeses"]) == lookup("pork") != lookup("ham", beside=["spam"])
    assert "infected" in lookup("positive", beside=["negative", "inconclusive"])
    assert "shore" in lookup("bank", beside=["mountains"])
    assert lookup("Crude", beside=["polite"]) == lookup("impolite")
    assert lookup("bread", beside=["dairy"]) != () == lookup("bread")
    assert lookup("country", beside=["jazz"]) == lookup("country music")
    assert lookup("cold", beside=["flu"]) == lookup("cough") != lookup("cold", beside=["friendly"])
    assert lookup("gut", beside=["schlecht"]) == lookup("positive")  # German
    assert lookup("gut") == lookup("about us") == lookup("on time") == ()


@pytest.mark.parametrize(
    "name", ["", "7", "?", "\N{THUMBS UP SIGN}", "x", "zyzzyva", "Rechnung", "word " * 40, None, 3.5]
)
def test_a_name_that_is_not_listed_has_no_words(name):
    assert lookup(name) == ()


def test_a_general_word_alone_is_looked_up_as_itself():
    assert lookup("complaint issue") == lookup("complaint")
    assert lookup("review") == tuple(LISTED["words"]["review"].split(", "))
    general = LISTED["general"].split(", ")
    assert [normal_form(word) for word in general] == general


def test_a_name_that_joins_several_has_words_of_each_in_turn():
    society, culture = lookup("society"), lookup("culture")
    for joined in ("Society & Culture", "society and culture", "society/culture"):
        assert lookup(joined)[:4] == (society[0], culture[0], society[1], culture[1])
        assert len(lookup(joined)) <= 15
    assert lookup("society & zyzzyva") == ()


# --- similar names ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def listed():
    """Return a vector for each listed name; any two are nearly orthogonal."""
    return unit(np.random.default_rng(0).normal(size=(len(listed_names()), 300)).astype(np.float32))


def between(listed, *names):
    return unit(sum(weight * listed[listed_names().index(name)] for name, weight in names)[None])[0]


def test_a_name_has_the_words_of_the_most_similar_listed_names_in_turn(listed):
    (found,) = similar_words(between(listed, ("spam", 1.0), ("joy", 0.9))[None], listed)
    in_turn = [word for pair in zip(lookup("spam"), lookup("joy"), strict=False) for word in pair]
    assert list(found[: len(in_turn)]) == in_turn
    assert len(found) == len(set(found)) <= SIMILAR_WORDS


def test_words_of_several_classes_are_left_out_unless_a_class_has_no_others(listed):
    one, other = between(listed, ("spam", 1.0), ("joy", 0.8)), between(listed, ("spam", 1.0), ("anger", 0.8))
    found = similar_words(np.stack([one, other]), listed)
    assert not set(found[0]) & set(found[1])
    assert set(found[0]) <= {*lookup("joy")}
    assert similar_words(np.stack([one, one]), listed)[0]


def test_nothing_is_found_for_two_classes_that_are_most_similar_to_the_same_name(listed):
    one, other = between(listed, ("spam", 1.0), ("joy", 0.2)), between(listed, ("spam", 1.0), ("anger", 0.3))
    assert similar_words(one[None], listed) != [()]
    assert similar_words(np.stack([one, other]), listed) == [(), ()]


def test_a_listed_name_that_another_class_is_nearer_to_counts_less(listed):
    one = between(listed, ("spam", 1.0), ("joy", 1.1))
    assert similar_words(one[None], listed)[0][0] == lookup("joy")[0]
    other = between(listed, ("joy", 1.0), ("anger", 0.3))
    assert similar_words(np.stack([one, other]), listed)[0][0] == lookup("spam")[0]


def test_the_words_of_classes_do_not_depend_on_their_order(listed):
    names = np.stack([between(listed, ("spam", 1.0), (name, 0.8)) for name in ("joy", "anger", "refund", "weather")])
    assert similar_words(names[::-1], listed) == similar_words(names, listed)[::-1]


def test_nothing_is_found_if_more_than_a_fourth_of_the_classes_are_like_no_listed_name(listed):
    random = unit(np.random.default_rng(1).normal(size=(6, 300)).astype(np.float32))
    assert similar_words(np.concatenate([listed[:15], random[:5]]), listed)[-1]
    assert similar_words(np.concatenate([listed[:14], random]), listed) == [()] * 20


def test_a_name_that_is_like_no_listed_name_has_words_of_those_that_have_it_among_their_words(listed):
    random = unit(np.random.default_rng(1).normal(size=(1, 300)).astype(np.float32))
    names = np.concatenate([listed[:3], random])
    (*others, found) = similar_words(names, listed, written=["a", "b", "c", "Museum"])
    having = [set(text.split(", ")) for text in LISTED["words"].values() if "museum" in text.split(", ")]
    assert "museum" in found
    assert set(found) <= set.union(*having)
    assert others == similar_words(names, listed)[:3]
    assert similar_words(names, listed, written=["a", "b", "c", "zyzzyva"]) == similar_words(names, listed)


def test_there_is_a_bundled_vector_for_each_listed_name():
    for width in (512, 384):
        vectors = bundled_vectors(width)
        assert vectors.shape == (len(listed_names()), width)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
