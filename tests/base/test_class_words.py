"""Words of a class: what they are read from, what they change, what is refused."""

import copy
import dataclasses
import json
import pickle

import pytest

import anyshot
from anyshot.base.class_words import MAX_WORDS, Words
from anyshot.errors import ClassesError
from anyshot.zero_shot.class_texts import describe


@pytest.mark.parametrize(
    "words",
    [
        Words("good great fun"),
        Words(" good  great\tfun "),
        Words("good, great, fun"),
        Words("good; great;fun;"),
        Words("good\ngreat\r\nfun\n"),
        Words("good", "great", "fun"),
        Words(["good", "great", "fun"]),
        Words(("good", " great", "fun")),
        Words(word for word in ("good", "great", "fun")),
        Words("good, great, GOOD, fun, Great"),
    ],
)
def test_words_are_read_from_a_text_from_several_or_from_a_list(words):
    assert words == Words("good great fun")
    assert words.words == ("good", "great", "fun")


def test_a_text_with_a_comma_and_a_list_may_contain_expressions():
    assert Words("money back,  not  working").words == ("money back", "not working")
    assert Words(["money back"]).words == ("money back",)
    assert Words("money back", "refund").words == ("money back", "refund")
    assert Words("money back").words == ("money", "back")


def test_the_first_spelling_and_the_order_are_kept():
    assert Words("NASA, Microsoft, nasa, straße, STRASSE").words == ("NASA", "Microsoft", "straße")


def test_words_replace_those_that_were_found_and_add_and_drop_change_them():
    found = ("prize", "free", "cash")
    assert Words("win").chosen_from(found) == ("win",)
    assert Words(add="win, Prize").chosen_from(found) == ("prize", "free", "cash", "win")
    assert Words(drop="FREE").chosen_from(found) == ("prize", "cash")
    assert Words("win", add="claim", drop="free").chosen_from(found) == ("win", "claim")
    assert Words(drop=found).chosen_from(found) == ()


@pytest.mark.parametrize("given", ["", "  ", ",;\n", [], ()])
def test_no_word_is_refused_by_the_name_of_its_class(given):
    for words in (Words(given), Words.read(given)):
        with pytest.raises(
            ClassesError,
            match=r"No words are given for class 'bug', or none of them has letters\. Give .* .good, great, excellent.",
        ):
            describe({"bug": words, "praise": Words("good")})


@pytest.mark.parametrize("given", [3, None, b"good", float("nan"), ["good", None], ["good", 7], {"good": 1}])
def test_what_is_no_text_is_refused(given):
    with pytest.raises(ClassesError, match="Words must be texts; got"):
        Words(given)
    with pytest.raises(ClassesError, match="Words must be texts; got"):
        Words(add=given)


@pytest.mark.parametrize(
    ("given", "left_out"),
    [("good, 7", "'7'"), ("good …", "'…'"), (["good", ""], "''"), ("good 1 2 3 4 5 6", "and 1 more")],
)
def test_a_word_without_letters_among_others_is_left_out(given, left_out):
    with pytest.warns(UserWarning, match=f"Words must have letters, so these are left out: .*{left_out}"):
        assert Words(given) == Words("good")
    with pytest.warns(UserWarning, match="these are left out"):
        assert Words.read(given) == Words("good")


def test_words_without_letters_alone_are_none():
    assert Words(["7", "\N{THUMBS UP SIGN}"]).facts() == {}


def test_too_many_words_are_refused():
    words = [f"word{number}" for number in range(MAX_WORDS + 1)]
    assert len(Words(words[1:]).words) == MAX_WORDS
    with pytest.raises(ClassesError, match=r"has 201 words, the first 'word0'; it may have 200"):
        Words(words)


def test_a_word_cannot_be_added_and_dropped():
    with pytest.raises(ClassesError, match="adds and drops 'free'"):
        Words(add="cash free", drop="Free")
    with pytest.raises(ClassesError, match="adds and drops 'free'"):
        Words("free", drop="free")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (Words("good great"), "Words('good, great')"),
        (Words(["money back"]), "Words('money back')"),
        (Words("good", add="fun", drop=["bad", "ill"]), "Words('good', add='fun', drop='bad, ill')"),
        (Words(drop="bad"), "Words(drop='bad')"),
    ],
)
def test_words_are_printed_saved_and_copied(words, text):
    assert repr(words) == text
    assert Words.from_facts(json.loads(json.dumps(words.facts()))) == words
    assert copy.deepcopy(words) == words == pickle.loads(pickle.dumps(words))
    assert len({words, copy.copy(words)}) == 1


def test_words_are_public_and_cannot_be_changed():
    assert anyshot.Words is Words
    with pytest.raises(dataclasses.FrozenInstanceError):
        Words("good").words = ("bad",)


def test_marks_add_and_drop_words():
    assert Words("+glitch, -error") == Words(add="glitch", drop="error")
    assert Words("+glitch", "slow down", drop="bug") == Words(["slow down"], add="glitch", drop="bug")
    assert Words.read("good, great") == Words("good great")
    assert Words.read("good +fun -dull", "nice") == Words("good, nice", add="fun", drop="dull")
    assert Words.read("+money back, -free") == Words(add=["money back"], drop="free")


def test_half_of_a_character_is_refused():
    with pytest.raises(ClassesError, match="half of a character"):
        Words("prize\ud83d, winner")
