"""The words by which classes are read."""

from dataclasses import replace

import numpy as np
import pytest

from anyshot import load_encoder
from anyshot.base.class_words import Words
from anyshot.zero_shot.class_readings import (
    ANY_WORDS,
    REST_OFFSET,
    ClassReader,
    reading_reasons,
    readings,
    synonyms,
)
from anyshot.zero_shot.class_texts import ClassTexts, Reading, describe, own_readings
from anyshot.zero_shot.thesaurus import lookup, translated


def sources(classes):
    return [reading.source for reading in readings(describe(classes))]


def test_names_are_read_by_the_words_of_the_thesaurus_if_each_has_some():
    found = readings(describe(["spam", "ham"]))
    assert found == (Reading(lookup("spam"), "bundled"), Reading(lookup("ham", beside=["spam"]), "bundled"))
    assert sources(["spam", "ham", "zyzzyva"]) == ["none"] * 3
    assert sources({"spam": None, "ham": None, "zyzzyva": Words("one")}) == ["bundled", "bundled", "own"]


def test_the_other_names_decide_between_senses():
    assert readings(describe(["normal", "spam"]))[0].words == lookup("ham")
    assert readings(describe(["normal", "abnormal"]))[0].words == lookup("normal") != lookup("ham")


def test_a_users_words_replace_those_of_the_thesaurus_or_change_them():
    found = readings(describe({"spam": Words("cash"), "ham": Words(add="tea", drop="meet"), "joy": Words(drop="glad")}))
    ham, joy = lookup("ham"), lookup("joy")
    assert found[0] == Reading(("cash",), "own")
    assert found[1] == Reading((*(word for word in ham if word != "meet"), "tea"), "own")
    assert found[2] == Reading(tuple(word for word in joy if word != "glad"), "bundled")
    changed = describe({"spam": Words(add="tea", drop="free"), "ham": Words(drop="meet"), "b": None})
    assert own_readings(changed) == (Reading(("tea",), "own"), Reading(), Reading())


def test_words_that_are_dropped_and_not_found_are_warned_of(letters):
    reader = ClassReader(letters.encode, letters.width, of_texts=True, thesaurus=True)
    classes = {"spam": Words(drop="FREE, zebra"), "ham": Words("tea", drop="pork"), "joy": Words(drop="glad")}
    for name, words in {
        "spam": "'zebra', .* has the words prize, winner, free",
        "ham": "'pork', .* has the words tea",
    }.items():
        with pytest.warns(UserWarning, match=f"Words drops {words}"):
            reader.warn_of_words(describe(classes), [name])
    reader.warn_of_words(describe(classes), ["joy"])  # a warning would be an error
    with pytest.warns(UserWarning, match="the class 'spam' has no words"):
        reader.warn_of_words(describe({"spam": Words(drop="free"), "zyzzyva": None}))


def test_a_word_of_every_class_is_warned_of(letters):
    reader = ClassReader(letters.encode, letters.width, of_texts=True, thesaurus=True)
    with pytest.warns(UserWarning, match=r"Every class has the word 'cash', which cannot tell classes apart\."):
        reader.warn_of_words(describe({"a": Words("Cash free"), "b": Words(add="cash")}))
    with pytest.warns(UserWarning, match=r"Every class has the words 'x', 'y', which"):
        reader.warn_of_words(describe({"a": Words("x y"), "b": ["text", Words("y x z")]}))
    with pytest.warns(UserWarning, match="Every class has the word 'prize'"):  # of "spam", the thesaurus has it
        reader.warn_of_words(describe({"spam": None, "ham": Words(add="prize")}))
    reader.warn_of_words(describe({"a": Words("x y"), "b": Words("x z"), "c": None}))  # a warning would be an error
    reader.warn_of_words(describe({"a": Words("x y"), "b": Words("x z")}), ["c"])


def test_a_short_description_is_looked_up_if_the_name_is_not_listed():
    texts = describe({"zq1": "crude oil", "zq2": ["this is a long text on wheat", "grain"]})
    assert [own.words for own in readings(texts)] == [lookup("crude oil"), lookup("grain")]
    assert sources({"zq1": "crude oil", "zq2": "this is a long text on wheat"}) == ["none", "none"]


@pytest.mark.parametrize(
    "name",
    [
        *("not ironic", "Non-fiction", "non_spicy", "NOT toxic", "no emotion", "other", "Others", "other topics"),
        *("None", "rest", "neither", "Miscellaneous", "something else", "none of the above"),
        *("nicht ironisch", "Sonstiges", "pas ironique", "Otros"),
    ],
)
def test_a_name_that_denies_is_read_by_any_words(name):
    found = readings(describe(["joy", name]))
    assert found[0] == Reading(lookup("joy"), "bundled")
    assert (len(found[1].words), found[1].source) == (ANY_WORDS, "any")


def test_cosines_to_any_text_are_raised(letters):
    texts, found = describe(["billing", "other", "refund"]), []
    for thesaurus, of_texts in ((True, True), (False, True), (True, False)):
        reader = ClassReader(letters.encode, letters.width, of_texts=of_texts, thesaurus=thesaurus)
        found.append(reader.offsets(texts))
    np.testing.assert_allclose(found[0], [0, REST_OFFSET, 0])
    assert found[1:] == [0.0, 0.0]
    reader = ClassReader(letters.encode, letters.width, of_texts=True, thesaurus=True)
    assert reader.offsets(describe(["ironic", "not ironic"])) == 0.0  # cosines to a manner are as small
    assert (
        ClassReader(letters.encode, letters.width, of_texts=True, thesaurus=True).offsets(describe(["billing"])) == 0.0
    )


def test_a_description_or_words_say_what_a_class_is():
    assert sources({"joy": None, "other": "weather"}) == ["bundled", "bundled"]
    assert sources({"joy": None, "other": Words("rain")}) == ["bundled", "own"]


def test_names_that_all_deny_are_read_as_others():
    assert sources(["not toxic", "not urgent"]) == ["bundled", "bundled"]
    assert sources(["not zyzzyva", "other"]) == ["none", "none"]


def similar(texts):
    return [("like", own[-1]) for own in texts.texts]


def test_names_that_are_not_listed_have_the_words_of_similar_ones():
    found = readings(describe({"ham": None, "zyzzyva": None, "tea": Words("green")}), similar)
    assert found == (
        Reading(lookup("ham"), "bundled"),
        Reading(("like", "zyzzyva"), "similar"),
        Reading(("green",), "own"),
    )
    assert readings(describe(["zyzzyva", "other"]), similar)[0] == Reading(("like", "zyzzyva"), "similar")
    assert readings(describe(["ham", "zyzzyva"]), lambda texts: [()] * len(texts.names)) == (Reading(), Reading())


def test_words_are_added_to_those_of_similar_names_or_dropped_from_them():
    classes = {"zyzzyva": Words(add="beetle"), "qwop": Words(drop="like"), "ham": None}
    added, dropped, listed = readings(describe(classes), similar)
    assert added == Reading(("like", "zyzzyva", "beetle"), "own")
    assert dropped == Reading(("qwop",), "similar")
    assert listed.source == "bundled"


def test_a_class_has_the_words_of_names_that_are_similar_to_its_name_and_description():
    beetle = {"zyzzyva": "a beetle that eats palm trees", "ham": None}
    found = readings(describe(beetle), similar)
    assert found == (Reading(("like", beetle["zyzzyva"]), "similar"), Reading(lookup("ham"), "bundled"))
    assert readings(describe(["1", "zyzzyva"]), similar) == (Reading(), Reading())


@pytest.mark.parametrize("name", ["minilm-words", "minilm"])
def test_the_names_of_the_same_classes_are_compared_with_listed_ones_once(name):
    encoder, asked = load_encoder(name), []

    def encode(texts):
        asked.extend(texts)
        return encoder.encode(texts)

    reader = ClassReader(encode, encoder.width, of_texts=True, thesaurus=True)
    texts = describe(["harsh criticism", "high praise"])
    first, n_asked = reader.readings(texts), len(asked)
    assert {reading.source for reading in first} == {"similar"}
    assert (reader.readings(texts), len(asked)) == (first, n_asked)


def text_reader():
    encoder = load_encoder("minilm")
    return ClassReader(encoder.encode, encoder.width, of_texts=True, thesaurus=True)


def test_names_in_another_language_are_read_by_their_translation_alone():
    texts, reader = describe(["Rechnung", "livraison"]), text_reader()
    found = reader.readings(texts)
    assert found == tuple(Reading(translated(name), "translated") for name in ("Rechnung", "livraison"))
    assert found[0].words[:2] == ("billing", "invoice")
    words = [Words(", ".join(own.words)) for own in found]
    alone = ClassTexts(texts.names, ((), ()), tuple(words))
    np.testing.assert_allclose(reader.embed(texts), reader.embed(alone), atol=1e-6)
    _, by_words, advice = reader.reasons(texts)
    assert "(from the bundled list, by the English name): 'Rechnung' as billing, invoice" in by_words
    assert advice.startswith("The encoder is for English: names in another language are read by the English name, but")


def test_translations_are_for_the_default_encoder_and_can_be_left_out():
    texts = describe(["Rechnung", "livraison"])
    other = ClassReader(encode=lambda names: np.eye(384, dtype=np.float32)[[len(name) for name in names]], width=384)
    assert replace(other, of_texts=True, thesaurus=True).readings(texts) == (Reading(), Reading())
    assert replace(text_reader(), thesaurus=False).readings(texts) == (Reading(), Reading())
    assert readings(texts) == (Reading(), Reading())


def test_the_reasons_say_that_words_are_those_of_similar_names():
    texts = describe(["ham", "zyzzyva"])
    (reason,) = reading_reasons(texts, readings(texts, similar))
    assert "(from the bundled list, by the name or similar names)" in reason
    assert reason.endswith(
        "'zyzzyva' as like, zyzzyva. Change them with Words (--words), or leave the list "
        "out with words=False (--no-thesaurus)."
    )


@pytest.mark.parametrize("names", [["a", "b"], [1, 2], ["1", "2"], ["\N{THUMBS UP SIGN}", "?"], ["word " * 40, "x"]])
def test_names_without_a_meaning_have_no_words(names):
    assert readings(describe(names)) == (Reading(), Reading())


def test_synonyms_have_the_same_words_or_descriptions():
    texts = describe(["spam", "joy", "junk"])
    spam, joy, junk = found = readings(texts)
    assert spam == junk != joy
    assert reading_reasons(texts, found)[1:] == [
        "The classes 'spam' and 'junk' have the same words. Give others with Words (--words)."
    ]
    own = describe({"a": Words("x y"), "b": Words("Y x"), "c": Words("z")})
    assert synonyms(own, own_readings(own))[0].startswith("The classes 'a' and 'b' have the same words")
    assert synonyms(own, own_readings(own), ["c"]) == []
    translated_too = describe(["billing", "Rechnung"])
    assert "'billing' and 'Rechnung'" in synonyms(translated_too, readings(translated_too, translate=translated))[0]
    described = describe({"a": "It crashes", "b": ["it crashes"], "c": ["it crashes", "it freezes"], "d": None})
    assert synonyms(described, (Reading(),) * 4) == [
        "The classes 'a' and 'b' have the same descriptions. Describe how they differ."
    ]


def test_classes_given_by_vectors_have_no_words():
    texts = ClassTexts(("spam", "ham"), ((), ()))
    assert own_readings(texts) == (Reading(), Reading())


def test_the_reasons_name_the_words_of_some_classes():
    texts = describe(["joy", "not ironic"])
    joy, denying = reading_reasons(texts, readings(texts))
    assert joy == (
        f"Classes are read by words (from the bundled list): 'joy' as {', '.join(lookup('joy'))}. Change them with "
        "Words (--words), or leave the list out with words=False (--no-thesaurus)."
    )
    assert denying == (
        "The name 'not ironic' does not say what its items are, so it is read as any text that is of no other class. "
        "Name the class by what it is, or describe it with Words (--words)."
    )
    own = describe({"a": Words("x y"), "b": Words("z")})
    assert reading_reasons(own, own_readings(own)) == [
        "Classes are read by words (your own): 'a' as x, y, 'b' as z. Change them with Words (--words)."
    ]
    many = describe(["joy", "anger", "fear", "trust", "pride", "grief"])
    assert " and 2 more. Change" in reading_reasons(many, readings(many))[0]
    assert reading_reasons(describe(["a"]), (Reading(),)) == []
    (advice,) = reading_reasons(describe(["a"]), (Reading(),), ask=True)
    assert "the bundled list has none for 'a'. Before you label more, write ten words a class" in advice
    some = describe({"joy": None, "ham": Words(drop=lookup("ham")), "zyzzyva": None, "other": None})
    (advice, _) = reading_reasons(some, readings(some), ask=True)
    assert "none for 'ham', 'zyzzyva' that you do not drop. Before" in advice
    (advice,) = reading_reasons(describe(["Rechnung", "zyzzyva", "spam"]), (Reading(),) * 3, ask=True)
    assert "none for 'zyzzyva'. Before" in advice  # "Rechnung" is read by its translation


def test_the_reasons_say_which_name_is_left_out():
    texts = ClassTexts(("acq", "earn"), (("", "mergers"), ("earn", "profits")))
    assert reading_reasons(texts, own_readings(texts)) == [
        "Names that are codes do not count beside descriptions: 'acq'."
    ]
    both = ClassTexts(("acq", "earn"), (("", "mergers"), ("", "profits")))
    assert "beside descriptions: 'acq', 'earn'." in reading_reasons(both, own_readings(both))[0]
    assert [own.words for own in readings(texts)] == [lookup("acq"), lookup("earn")]


def test_names_that_are_codes_are_not_said_to_be_encoded():
    reader = ClassReader(encode=lambda names: np.eye(2, dtype=np.float32)[[0] * len(names)], width=2)
    own = [("acq", ("", "mergers")), ("earn", ("earn", "profits")), ("grain", ("", "wheat"))]
    names, texts = zip(*own, strict=True)
    assert reader.reasons(ClassTexts(names[:2], texts[:2]))[0].startswith("Class names that are no codes are encoded")
    assert reader.reasons(ClassTexts(names[1:2], texts[1:2]))[0].startswith("Class names are encoded as")
    assert not any("encoded as" in one for one in reader.reasons(ClassTexts(names[::2], texts[::2])))
