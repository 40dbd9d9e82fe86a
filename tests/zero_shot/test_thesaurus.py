"""The bundled thesaurus: its form, and how names are looked up in it."""

import json
import re
from importlib import resources

import pytest

from anyshot import data
from anyshot.zero_shot.class_names import normal_form
from anyshot.zero_shot.thesaurus import listed_names, lookup

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


def test_every_listed_name_is_found():
    assert set(listed_names()) == {*LISTED["words"], *LISTED["aliases"]}
    assert all(lookup(name) for name in listed_names())


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("spam", ["Spam", "junk", "SPAM_MESSAGE", "spam messages", "junk mail"]),
        ("sci tech", ["Sci/Tech", "Science & Technology"]),
        ("positive", ["POS", "positive review", "sentiment: positive", "__label__positive"]),
        ("billing", ["billing question", "Billing Issues"]),
        ("feature request", ["FeatureRequest", "feature_requests"]),
        ("5 star", ["5 stars", "five stars", "excellent"]),
        ("sport", ["sports news", "category_sports"]),
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
