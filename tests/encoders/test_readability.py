"""Texts that an encoder reads badly: long ones, those in unknown letters or another language, and missing ones."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from anyshot import AnyShotClassifier, load, report
from anyshot.any_shot.embedder import Embedder
from anyshot.base.protocols import Limited
from anyshot.base.validation import unit
from anyshot.encoders.readability import TextReading, languages_of, parts_of
from anyshot.encoders.registry import load_encoder
from anyshot.errors import InputError, ItemWarning

# --- long texts ---


class FirstWords:
    """A text encoder that reads the first four words, and counts the letters a to z in them."""

    modality, width, max_tokens = "text", 26, 4

    def is_cut(self, texts):
        return np.array([len(text.split()) > 4 for text in texts], dtype=bool)

    def encode(self, inputs):
        read = [" ".join(text.split()[:4]).lower() for text in inputs]
        return unit(np.array([[text.count(chr(97 + i)) for i in range(26)] for text in read], np.float32) + 1e-3)


TEXTS = ["aa a aaa a", "bb b bbb b", "a a a a bb bb bb bb", "aaaa"]


def test_texts_that_are_read_to_the_end_are_not_long():
    assert TextReading(TEXTS, FirstWords()).long == [2]
    assert TextReading(TEXTS, object()).long == []
    assert isinstance(FirstWords(), Limited)


@pytest.mark.parametrize("text", ["a b c d e f g", "x" * 9, "one two three four five six seven eight nine ten eleven"])
def test_the_parts_of_a_text_are_read_to_the_end_and_lack_nothing(text):
    class Letters(FirstWords):
        def is_cut(self, texts):
            return np.array([len(one) > 4 for one in texts], dtype=bool)

    for encoder in (FirstWords(), Letters()):
        parts = parts_of(text, encoder)
        assert not encoder.is_cut(parts).any()
        assert "".join(parts).replace(" ", "") == text.replace(" ", "")


def test_a_long_text_is_cut_with_one_warning_and_counted():
    embedder = Embedder(FirstWords(), cache=None)
    message = "1 text is longer than the 4 tokens that the encoder reads; it ignores the rest: row 2"
    with pytest.warns(UserWarning, match=message):
        vectors = embedder.encode(TEXTS)
    np.testing.assert_allclose(vectors[2], FirstWords().encode(["a a a a"])[0])
    embedder.encode(TEXTS)  # no second warning, which would be an error here
    Embedder(FirstWords(), cache=None).with_cache(None).encode([*TEXTS, "NA"])  # warns of nothing
    assert embedder.counts.cut == 2


def test_the_mean_over_parts_is_used_if_chosen():
    vectors = Embedder(FirstWords(), cache=None, long_texts="mean").encode(TEXTS)
    parts = FirstWords().encode(["a a a a", "bb bb bb bb"])
    np.testing.assert_allclose(vectors[2], unit(parts.mean(axis=0, keepdims=True))[0], rtol=1e-5)
    np.testing.assert_array_equal(vectors[[0, 1, 3]], FirstWords().encode(TEXTS)[[0, 1, 3]])


LONG = ["refund " * 400, "card " * 400]


def test_minilm_says_which_texts_it_cuts():
    encoder = load_encoder("minilm")
    exact = " ".join(["card"] * 254)  # and two special tokens
    assert encoder.is_cut([exact, exact + " lost", "short"]).tolist() == [False, True, False]
    assert encoder.max_tokens == 256


def test_reasons_and_report_count_what_was_cut_and_a_saved_model_remembers(tmp_path):
    texts, labels = [*LONG, "card lost", "refund me"], ["refund", "card", "card", "refund"]
    with pytest.warns(UserWarning, match="2 texts are longer than the 256 tokens"):
        clf = AnyShotClassifier(cache=False).fit(texts, labels)
    reason = "2 texts are longer than 256 tokens; the encoder reads only their first 256 tokens."
    assert clf.reasons_[-1] == reason
    with pytest.warns(UserWarning, match="^2 texts are longer") as found:
        page = report(clf, texts, labels)
    assert len(found) == 1
    assert any("2 texts are longer than the encoder reads" in note for note in page.sections["cost"].notes)
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model", cache=False)
    again.partial_fit(["refund please"], ["refund"])
    assert again.reasons_[-1] == reason


def test_the_whole_of_a_long_text_decides_with_means(tmp_path):
    """The first 256 tokens are about cards, the other 600 about refunds."""
    text = "my bank card " * 84 + "please give me a refund of my money " * 75
    names = ["bank card", "refund of money"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert AnyShotClassifier(names, cache=False).fit().predict([text]).tolist() == ["bank card"]
    clf = AnyShotClassifier(names, long_texts="mean", cache=False).fit([text], ["refund of money"])
    assert "the mean over parts is used" in clf.reasons_[-1]
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.long_texts == "mean"
    # In 16 bits, the vector of a text differs a little with the texts that are encoded beside it.
    np.testing.assert_allclose(again.predict_proba([text]), clf.predict_proba([text]), atol=1e-3)
    assert AnyShotClassifier(names, long_texts="mean", cache=False).fit().predict([text]).tolist() == [names[1]]


def test_another_choice_is_refused():
    with pytest.raises(InputError, match="long_texts must be 'cut' or 'mean'; got 'max'"):
        AnyShotClassifier(["a", "b"], long_texts="max").fit()


# --- texts in letters that an encoder does not know ---

SCRIPTS = ["I want my money back", "ฉันต้องการเงินคืน", "a naïve façade café", "พัสดุของฉันอยู่ที่ไหน", "привет как дела"]


def test_the_default_encoder_does_not_read_thai_and_spells_russian():
    assert TextReading(SCRIPTS, load_encoder("minilm")).unread == [1, 3, 4]
    assert TextReading(SCRIPTS, object()).unread == []


def test_a_warning_names_the_rows_once():
    clf = AnyShotClassifier(["refund", "delivery"]).fit()
    with pytest.warns(ItemWarning, match="3 texts are mostly in letters that the encoder 'minilm-words'") as found:
        clf.predict(SCRIPTS)
    assert ": row 1, row 3, row 4. Use" in str(found[0].message)
    assert found[0].message.rows == (1, 3, 4)
    assert found[0].filename == __file__
    clf.predict(SCRIPTS)  # a second warning would be an error


def test_texts_that_programs_write_for_missing_ones_are_warned_of_by_row_and_classes_are_not():
    clf = AnyShotClassifier(["refund", "NA"], cache=False).fit()
    with pytest.warns(ItemWarning, match=r"2 texts are written as programs write .* \(NA\).*: row 1, row 3\."):
        clf.predict(["my money back", "NA", "Nan bread", " nan"])


# --- other languages ---

SENTENCES = {
    "German": "Das Gerät ist nach zwei Tagen kaputt",
    "French": "Où est mon colis, je suis très déçu",
    "Spanish": "El producto es excelente y llegó muy rápido",
    "Italian": "Il pacco non è mai arrivato",
    "Portuguese": "A entrega foi muito rápida, mas veio uma peça a menos",
    "Dutch": "Ik heb het pakket nog niet ontvangen",
    "Polish": "Paczka jest uszkodzona i nie działa",
    "Swedish": "Paketet är trasigt och jag är inte glad",
    "Danish or Norwegian": "Jeg har ikke fått pakken",
    "Finnish": "Paketti ei ole saapunut, mutta se on maksettu",
    "Turkish": "Ürün çok kötü ve kargo geç geldi",
    "Romanian": "Coletul nu a ajuns și sunt foarte supărat",
    "Czech": "Balík není v pořádku a nefunguje, ale už je zaplacen",
    "Hungarian": "A csomag nem érkezett meg",
    "Indonesian": "Barang tidak sampai dan saya kecewa",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_of_each_language_is_recognized(language):
    assert languages_of([SENTENCES[language]]) == {0: language}


@pytest.mark.parametrize(
    "text",
    [
        "The parcel is late, and I want my money back",
        "Oscar de la Hoya meets Don King in El Paso",
        "Das Auto was great, says Der Spiegel, and so do we",
        "Bon appétit",
        "Los Angeles, Las Vegas",
        "no me gusta",
        "",
        "9.99 EUR",
        "Schnitzel",
    ],
)
def test_english_names_and_single_words_are_no_other_language(text):
    assert languages_of([text]) == {}


def test_a_typographic_apostrophe_is_read_as_a_plain_one():
    assert languages_of(["j\u2019ai reçu, c\u2019est cassé"]) == {0: "French"}


def test_a_list_of_short_texts_tells_its_language_where_none_of_them_does():
    texts = ["Gerät leider kaputt", "Bildschirm schwarz", "nur Werbung", "kommt immer zu spät", "I like it", "Rechnung"]
    assert languages_of(texts) == dict.fromkeys([0, 2, 3], "German")
    assert languages_of(["Gerät kaputt", "nur Werbung", "leider schwarz"]) == {}
    assert languages_of(["NA", "N/A", "na", "Das ist nicht gut"]) == {3: "German"}  # "na" is Portuguese, as is "das"
    assert languages_of(texts + ["where is my parcel"] * 10) == {3: "German"}


def test_only_encoders_of_one_language_have_foreign_texts():
    texts = ["good", *SENTENCES.values()]
    assert TextReading(texts, load_encoder("minilm")).foreign == dict(enumerate(SENTENCES, start=1))
    assert TextReading(texts, object()).foreign == {}
    assert TextReading(texts, SimpleNamespace(language=None)).foreign == {}


def test_a_warning_names_languages_and_rows_once():
    clf = AnyShotClassifier(["positive", "negative"], cache=False).fit()
    texts = ["It broke", SENTENCES["German"], SENTENCES["French"], "Das ist nicht gut"]
    with pytest.warns(ItemWarning, match=r"3 texts are in another language \(German, French\) than English") as found:
        clf.predict(texts)
    assert ": row 1, row 2, row 3. Such texts need more labels" in str(found[0].message)
    assert found[0].message.rows == (1, 2, 3)
    clf.predict(texts)  # a second warning would be an error
